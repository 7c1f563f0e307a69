//! Requests that ask too much, or meet a fault of ours; and those that come from other sites.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::Value;

use super::fixture::{Served, context, serve, serve_beside};
use super::place::on_both;
use crate::error::ApiError;
use crate::open::open_for;
use crate::query::Query;
use crate::{Context, Gate, NoRoom, Serving};

on_both! {
    a_question_without_end_is_cut_short,
    what_is_too_much_is_told_in_the_one_form,
}

/// So long the database of these tests may be asked.
const QUESTION: Duration = Duration::from_millis(300);

async fn a_question_without_end_is_cut_short(url: String) {
    drop(sink::connect(&url).await.unwrap());
    let database = open_for(&url, QUESTION).await.unwrap();
    let routes = Router::new().route("/endless", get(endless));
    let served = serve_beside(&url, routes, |context| Context { database, ..context }).await;
    let began = Instant::now();
    let (status, head, body) = served.get_text("/endless").await;
    assert_eq!((status, code(&body)), (504, "QUERY_TOO_SLOW".to_owned()), "{body}");
    assert!(head.contains("retry-after: 10") && !body.contains("SELECT"), "{head}\n{body}");
    assert!(began.elapsed() < 20 * QUESTION, "{:?}", began.elapsed());
    served.good("/api/v1/markets").await;
}

async fn endless(State(context): State<Arc<Context>>) -> Result<Json<i64>, ApiError> {
    let mut moment = context.database.one_moment().await?;
    let counted = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let count: Option<(i64,)> = moment.first(Query::new(counted)).await?;
    Ok(Json(count.unwrap_or_default().0))
}

async fn what_is_too_much_is_told_in_the_one_form(url: String) {
    let routes = Router::new().route("/post", post(async |Json(said): Json<Value>| Json(said)));
    let served = serve_beside(&url, routes, |context| context).await;
    let long = "x".repeat(5_000);
    assert_eq!(served.bad(&format!("/api/v1/markets?dex={long}")).await, (414, "ADDRESS_TOO_LONG".to_owned()));
    for path in ["prices/%00", "liquidations?coin=%00", "liquidations/WyJcdTAwMDAiXQ"] {
        let (status, code) = served.bad(&format!("/api/v1/{path}")).await;
        assert!([(400, "NUL_IN_ADDRESS"), (404, "UNKNOWN_ID")].contains(&(status, &code)), "{path}: {status} {code}");
    }
    let many = (0..65).map(|n| format!("x-{n}: 1\r\n")).collect::<String>();
    let large = format!("x-1: {}\r\n", "x".repeat(17 * 1024));
    for headers in [many, large] {
        let asked = served.ask(format!("GET / HTTP/1.0\r\n{headers}\r\n")).await;
        assert_eq!((asked.0, code(&asked.2)), (431, "HEADERS_TOO_LARGE".to_owned()));
    }
    let plain = "content-type: application/json\r\n";
    let post = async |headers: &str, body: &str| {
        let (status, _, told) =
            served.ask(format!("POST /post HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n{body}")).await;
        (status, told)
    };
    let (status, told) = post(&format!("{plain}content-length: 9\r\n"), "{\"a\": 17}").await;
    assert_eq!((status, told.as_str()), (200, "{\"a\":17}"));
    let (status, told) = post(&format!("{plain}content-length: 70000\r\n"), "").await;
    assert_eq!((status, code(&told)), (413, "BODY_TOO_LARGE".to_owned()));
    let pieces = format!("11170\r\n{}\r\n0\r\n\r\n", "x".repeat(70_000));
    let (status, told) = post(&format!("{plain}transfer-encoding: chunked\r\n"), &pieces).await;
    assert_eq!((status, code(&told)), (413, "BODY_TOO_LARGE".to_owned()));
    let (status, told) = post("content-length: 2\r\n", "{}").await;
    assert_eq!((status, code(&told)), (415, "UNSUPPORTED_MEDIA_TYPE".to_owned()));
    let (status, told) = post(&format!("{plain}content-length: 1\r\n"), "{").await;
    assert_eq!((status, code(&told)), (400, "UNREADABLE".to_owned()));
    let (status, head, told) = served.ask("DELETE /api/v1/markets HTTP/1.0\r\n\r\n".to_owned()).await;
    assert_eq!((status, code(&told)), (405, "METHOD_NOT_ALLOWED".to_owned()));
    assert!(head.contains("allow: GET"), "{head}");
}

fn code(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    assert_eq!(body["simulated"], true, "{body}");
    body["error"]["code"].as_str().unwrap().to_owned()
}

async fn on_sqlite(routes: Router<Serving>, gate: Gate) -> (tempfile::TempDir, Served) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    let served = serve_beside(&url, routes, |context| Context { gate, ..context }).await;
    (folder, served)
}

#[tokio::test]
async fn what_breaks_is_answered_and_nobody_else_hears_of_it() {
    let routes = Router::new().route("/panic", get(async || -> String { panic!("at line 17 of a secret") }));
    let (_folder, served) = on_sqlite(routes, Gate::default()).await;
    let (status, head, body) = served.get_text("/panic").await;
    assert_eq!((status, code(&body)), (500, "INTERNAL".to_owned()));
    assert!(!body.contains("secret") && head.contains("x-request-id: "), "{head}\n{body}");
    served.good("/api/v1/markets").await;
}

#[tokio::test]
async fn a_connection_without_room_is_told_so() {
    for (why, status) in [(NoRoom::ForAnyone, 503), (NoRoom::ForTheAddress, 429)] {
        // As the one does who holds the connections.
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let mut served = serve(&url).await;
        let app = crate::router(&Serving::of(context(&url, &served.live).await.into())).layer(Extension(why));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        served.address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let (said, head, body) = served.get_text("/health/live").await;
        assert_eq!((said, code(&body)), (status, "TOO_MANY_CONNECTIONS".to_owned()));
        assert!(head.contains("retry-after: 10"), "{head}");
    }
}

#[tokio::test]
async fn a_request_keeps_its_name() {
    let (_folder, served) = on_sqlite(Router::new(), Gate::default()).await;
    let id = async |given: &str| {
        let (_, head, _) = served.ask(format!("GET /nowhere HTTP/1.0\r\n{given}\r\n")).await;
        let line = head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
        line.to_owned()
    };
    assert_eq!(id("x-request-id: Of.the-proxy_1\r\n").await, "Of.the-proxy_1");
    let (one, other) = (id("").await, id("x-request-id: two words\r\n").await);
    assert!(one != other && [&one, &other].iter().all(|id| id.len() == 17), "{one} {other}");
}

#[tokio::test]
async fn other_sites_read_replies_only_where_they_may() {
    let from = "origin: https://example.org\r\n";
    let preflight =
        format!("{from}access-control-request-method: GET\r\naccess-control-request-headers: x-api-key\r\n");
    let allowed = "access-control-allow-origin: https://example.org";
    let asked = async |gate: Gate, request: String| {
        let (_folder, served) = on_sqlite(Router::new(), gate).await;
        served.ask(request).await
    };
    let get = format!("GET /api/v1/markets HTTP/1.0\r\n{from}\r\n");
    let (status, head, _) = asked(Gate::default(), get.clone()).await;
    assert!(status == 200 && !head.contains("access-control"), "{head}");
    let of = |origin: &'static str| Gate { origins: vec![origin.parse().unwrap()], ..Gate::default() };
    let (status, head, _) = asked(of("https://example.org"), get.clone()).await;
    assert!(status == 200 && head.contains(allowed) && head.contains("vary: origin"), "{head}");
    let (_, head, _) = asked(of("https://elsewhere.org"), get.clone()).await;
    assert!(!head.contains("access-control-allow-origin"), "{head}");
    let (_, head, _) = asked(of("*"), get).await;
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
    let (status, head, _) =
        asked(of("https://example.org"), format!("OPTIONS /api/v1/markets HTTP/1.0\r\n{preflight}\r\n")).await;
    assert!(status == 200 && head.contains(allowed) && head.contains("access-control-allow-headers"), "{head}");
    let (_, head, _) = asked(of("https://example.org"), format!("GET /nowhere HTTP/1.0\r\n{from}\r\n")).await;
    assert!(head.contains("404") && head.contains(allowed), "errors are read as well: {head}");
}
