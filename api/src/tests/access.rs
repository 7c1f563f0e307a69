//! Who may ask, and how much.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::client::Client;
use super::fixture::{Served, serve_with};
use crate::{Context, Gate, Key, Keys, Rates, Scope, fingerprint};

async fn behind(gate: Gate) -> (tempfile::TempDir, Served) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    let served = serve_with(&url, |context| Context { gate, ..context }).await;
    (folder, served)
}

pub(super) fn key(token: &str, scopes: &[Scope]) -> Key {
    let (id, name) = (token.to_owned(), "a test's".to_owned());
    Key { id, name, scopes: scopes.to_vec(), made: 7, sha256: fingerprint(token) }
}

pub(super) fn with_keys() -> Gate {
    let keys = Arc::new(Keys::new([
        key("reader", &[Scope::Read]),
        key("watcher", &[Scope::Watch]),
        key("both", &[Scope::Read, Scope::Watch]),
    ]));
    Gate { keys: Some(Arc::new(move || Arc::clone(&keys))), ..Gate::default() }
}

async fn ask(served: &Served, method: &str, path: &str, headers: &str) -> (u16, String, String) {
    let (status, head, body) = served.ask(format!("{method} {path} HTTP/1.0\r\n{headers}\r\n")).await;
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    (status, body["error"]["code"].as_str().unwrap_or_default().to_owned(), head)
}

#[tokio::test]
async fn keys_open_what_they_are_for() {
    let (_folder, served) = behind(with_keys()).await;
    for open in ["/", "/health/live"] {
        assert_eq!(ask(&served, "GET", open, "").await.0, 200, "{open}");
    }
    for closed in ["/api/v1/markets", "/metrics", "/futures/data/takerlongshortRatio", "/api/v1/ws", "/nowhere"] {
        let (status, code, head) = ask(&served, "GET", closed, "").await;
        assert_eq!((status, code.as_str()), (401, "NO_KEY"), "{closed}");
        assert!(head.contains("www-authenticate: Bearer"), "{head}");
    }
    // A method, a token, and what comes of it: 405 is said by the resource, behind the door.
    let cases = [
        ("GET", "x-api-key: reader", 200, ""),
        ("GET", "authorization: Bearer reader", 200, ""),
        ("GET", "authorization: bearer both", 200, ""),
        ("GET", "authorization: Basic reader", 401, "NO_KEY"),
        ("GET", "x-api-key: guessed", 401, "UNKNOWN_KEY"),
        ("GET", "x-api-key: watcher", 403, "SCOPE_MISSING"),
        ("POST", "x-api-key: reader", 403, "SCOPE_MISSING"),
        ("DELETE", "x-api-key: reader", 403, "SCOPE_MISSING"),
        ("POST", "x-api-key: watcher", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "x-api-key: both", 405, "METHOD_NOT_ALLOWED"),
    ];
    for (method, header, status, code) in cases {
        let asked = ask(&served, method, "/api/v1/markets", &format!("{header}\r\n")).await;
        assert_eq!((asked.0, asked.1.as_str()), (status, code), "{method} {header}");
    }
}

#[tokio::test]
async fn a_socket_is_closed_when_its_key_is_revoked_and_no_other_is() {
    let (good, keys) =
        watch::channel(Arc::new(Keys::new(["one", "two", "other"].map(|name| key(name, &[Scope::Read])))));
    let gate = Gate { keys: Some(Arc::new(move || Arc::clone(&keys.borrow()))), ..Gate::default() };
    let (_folder, served) = behind(gate).await;
    let mut one = Client::with_key(served.address, "one").await;
    let mut other = Client::with_key(served.address, "other").await;
    let mut two = Client::with_key(served.address, "two").await;
    // The other one's turn to be looked at is between theirs.
    for (ended, left) in [(&mut one, &["two", "other"][..]), (&mut two, &["other"])] {
        good.send_replace(Arc::new(Keys::new(left.iter().map(|name| key(name, &[Scope::Read])))));
        assert_eq!(ended.hear_the_end().await.1, 4001);
    }
    other.say("ping", json!({})).await;
    assert_eq!(other.hear().await["type"], "pong");
}

#[tokio::test]
async fn a_browser_names_its_key_as_a_protocol() {
    let (_folder, served) = behind(with_keys()).await;
    let connect = async |protocols: &str| {
        let mut request = format!("ws://{}/api/v1/ws", served.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
        connect_async(request).await
    };
    assert!(connect("fathom").await.unwrap_err().to_string().contains("401"));
    assert!(connect("fathom, fathom.key.guessed").await.unwrap_err().to_string().contains("401"));
    let (_, reply) = connect("fathom, fathom.key.reader").await.unwrap();
    assert_eq!(reply.headers()["sec-websocket-protocol"], "fathom", "and the token is not told back");
}

#[tokio::test]
async fn who_asks_too_much_is_told_when_to_ask_again() {
    let rates = || Some(Arc::new(Rates::new(10)));
    let (_folder, served) =
        behind(Gate { rates: rates(), proxies: vec!["127.0.0.1".parse().unwrap()], ..with_keys() }).await;
    let reader = "x-api-key: reader\r\n";
    for remaining in (0..10).rev() {
        let (status, _, head) = ask(&served, "GET", "/api/v1/markets", reader).await;
        assert_eq!(status, 200);
        for header in ["x-ratelimit-limit: 10", &format!("x-ratelimit-remaining: {remaining}"), "x-ratelimit-reset: "] {
            assert!(head.contains(header), "{header}: {head}");
        }
    }
    let (status, code, head) = ask(&served, "GET", "/api/v1/markets", reader).await;
    assert_eq!((status, code.as_str()), (429, "RATE_LIMITED"));
    assert!(head.contains("retry-after: 6") && head.contains("x-ratelimit-remaining: 0"), "{head}");
    assert_eq!(ask(&served, "GET", "/api/v1/markets", "x-api-key: both\r\n").await.0, 200, "another key");
    assert_eq!(ask(&served, "GET", "/health/live", reader).await.0, 200, "and health is for everybody");
    // Without a key, or with a wrong one, the address pays: that of whom the proxy heard.
    let from = |last: u8| format!("x-forwarded-for: 192.0.2.{last}\r\n");
    for _ in 0..10 {
        assert_eq!(ask(&served, "GET", "/api/v1/markets", &from(1)).await.0, 401);
    }
    assert_eq!(ask(&served, "GET", "/api/v1/markets", &from(1)).await.0, 429);
    assert_eq!(ask(&served, "GET", "/api/v1/markets", &from(2)).await.0, 401);
    let (_folder, served) = behind(Gate { rates: rates(), ..Gate::default() }).await;
    assert_eq!(ask(&served, "GET", "/api/v1/liquidations?format=csv", &from(1)).await.0, 200, "all of it at once");
    assert_eq!(
        ask(&served, "GET", "/api/v1/markets", &from(2)).await.0,
        429,
        "no proxy is known here: it is one address"
    );
}
