//! What a process tells of itself, against `docs/metrics.md`: each name that is told is in the page, and each name in the
//! page is told. And `promtool`, where it is installed, finds nothing to say about it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::process::{Process, ask, fathom, path, wait_until};
use crate::web::Web;

/// What a process tells: each name, and what kind it is of.
pub type Told = BTreeMap<String, String>;

#[test]
fn everything_that_is_counted_is_in_the_page_and_tells_how_long_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let (data, any) = (folder.path().join("data"), "127.0.0.1:0");
    let args = ["up", "--demo", "--log", "json", "--metrics", any, "--data", path(&data), "--http", any];
    let mut demo = Process::start(fathom(&args));
    let line: Value = serde_json::from_str(&demo.wait_for("metrics are at")).unwrap();
    assert_eq!(
        (line["level"].as_str(), line["target"].as_str()),
        (Some("INFO"), Some("fathom::run::metrics_listener"))
    );
    demo.wait_for("Ready after");

    let status = ask(&["status", "--data", path(&data), "--json"]);
    let (http, metrics) = (status["http"].as_str().unwrap(), Web::at(status["metrics"].as_str().unwrap()));
    assert_eq!(metrics.text("/health/live"), "live\n");
    let client = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _listening = client.block_on(listen(http));
    let web = Web::at(http);
    assert_eq!(web.status("/no/such/path"), 404);
    let latency = || web.get("/api/v1/data-quality/latency");
    wait_until("what was written to a client was measured", || {
        latency()["data"].as_array().unwrap().iter().any(|row| row["hop"] == "websocket")
    });
    let rows = latency();
    for hop in ["parser", "coin", "wallet", "market", "sink", "feed", "websocket"] {
        let row = rows["data"].as_array().unwrap().iter().find(|row| row["hop"] == hop).unwrap();
        let [p50, p99] = ["p50_ms", "p99_ms"].map(|name| row[name].as_u64().unwrap());
        assert!(p50 <= p99 && p99 < 60_000, "{row}");
    }
    println!("{}", rows["data"]);

    let text = metrics.text("/metrics");
    for (sample, value) in [
        ("fathom_ws_connections", "1"),
        ("fathom_ws_subscriptions", "2"),
        ("fathom_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"}", "1"),
    ] {
        assert_eq!(text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')), Some(value), "{sample}");
    }
    assert_eq!(told(&text), documented(None));
    no_complaint(&text);
    demo.end();
}

async fn listen(http: &str) -> impl Sized {
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{http}/api/v1/ws")).await.unwrap();
    for channel in ["positions", "prices"] {
        let payload = json!({ "channel": channel, "key": "BTC" });
        let wish = json!({ "type": "subscribe", "payload": payload, "timestamp": 0 }).to_string();
        socket.send(Message::text(wish)).await.unwrap();
    }
    let mut updates = 0;
    while updates < 3 {
        let message = socket.next().await.unwrap().unwrap().into_text().unwrap();
        updates += u32::from(message.starts_with("{\"type\":\"update\""));
    }
    // Somebody has to go on reading.
    tokio::spawn(async move { while socket.next().await.is_some() {} })
}

/// What a text of metrics tells.
pub fn told(text: &str) -> Told {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

/// What the page says that a role tells; or a process that is all of them.
pub fn documented(role: Option<&str>) -> Told {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md")).unwrap();
    let rows =
        page.lines().filter_map(|line| line.strip_prefix("| `")).map(|line| line.split(" | ").collect::<Vec<_>>());
    let is_told = |row: &Vec<&str>| role.is_none_or(|role| row[3].split(", ").any(|by| by == role));
    rows.filter(is_told).map(|row| (row[0].trim_end_matches('`').to_owned(), row[1].to_owned())).collect()
}

/// Debian's `promtool` (package `prometheus`) knows Prometheus' rules; `.ci/run` installs it.
pub fn no_complaint(text: &str) {
    let check =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut check) = check else {
        assert!(std::env::var_os("FATHOM_PROMTOOL").is_none(), "promtool is not there");
        return println!("promtool is not there: its rules were not checked");
    };
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let outcome = check.wait_with_output().unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
}
