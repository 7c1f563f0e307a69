//! What nobody may read in a log: keys, at whatever level.

use futures_util::StreamExt as _;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::process::{Process, ask, fathom, path, run};

#[test]
fn no_key_stands_in_any_line_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (data, keys) = (folder.path().join("data"), folder.path().join("keys"));
    let [reader, admin] = ["read", "admin"].map(|scope| {
        let (status, token, error) =
            run(&["keys", "add", "--name", "a test's", "--scope", scope, "--keys", path(&keys)]);
        assert_eq!(status, 0, "{error}");
        token.trim().to_owned()
    });
    assert!(reader.starts_with("fathom_") && reader.len() == 50 && reader != admin);
    let keep = ["up", "--demo", "--rate", "20", "--data", path(&data), "--http", "127.0.0.1:0", "--keys", path(&keys)];
    let mut command = fathom(&keep);
    command.args(["--admin", "127.0.0.1:0"]).env("RUST_LOG", "trace");
    let mut process = Process::start(command);
    let told = process.wait_for("/admin/v1/status");
    let desk = told.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    process.wait_for("Ready after");
    let http = ask(&["status", "--data", path(&data), "--json"])["http"].as_str().unwrap().to_owned();
    let public = format!("http://{http}/api/v1/markets");
    assert_eq!(get(&public, &reader), 200);
    assert_eq!(get(&public, &admin), 403);
    assert_eq!(get(&public, &format!("{reader}x")), 401);
    assert_eq!(get(&format!("http://{desk}/admin/v1/lag"), &admin), 200);
    assert_eq!(get(&format!("http://{desk}/admin/v1/dead-letters"), &reader), 403);
    assert_eq!(get(&format!("http://{http}/admin/v1/lag"), &reader), 404, "nothing of it is on the public listener");
    assert_eq!(greeted(&http, &reader), "fathom");
    process.end();
    let lines: Vec<&String> = process.seen.iter().map(|(_, line)| line).collect();
    assert!(
        lines.iter().any(|line| line.contains("TRACE")) && lines.iter().any(|line| line.contains("/api/v1/markets"))
    );
    for secret in [reader, admin] {
        // Also not a part of it, such as what follows the first letters.
        let told = lines.iter().find(|line| line.contains(&secret[7..]));
        assert_eq!(told, None);
    }
}

fn get(url: &str, token: &str) -> u16 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let asked = reqwest::Client::new().get(url).bearer_auth(token).send();
    runtime().block_on(async { asked.await.unwrap().status().as_u16() })
}

/// What is spoken on a WebSocket that was opened as browsers do.
fn greeted(http: &str, token: &str) -> String {
    let mut request = format!("ws://{http}/api/v1/ws").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", format!("fathom, fathom.key.{token}").parse().unwrap());
    runtime().block_on(async {
        let (mut socket, reply) = connect_async(request).await.unwrap();
        assert!(socket.next().await.unwrap().unwrap().into_text().unwrap().contains("connected"));
        reply.headers()["sec-websocket-protocol"].to_str().unwrap().to_owned()
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
