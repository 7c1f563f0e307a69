//! The present without the database: what is live and what is latest is told from the log, so it goes on when the database
//! is gone. What was before is in the database, and says so.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::process::wait_until;
use crate::roles::{Roles, live_market};
use crate::services::Services;
use crate::web::Web;

#[test]
#[ignore = "needs Kafka and Postgres: .ci/run"]
fn the_present_is_told_without_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let market = folder.path().join("market");
    let mut simulator = live_market(&market, 200, 2, &[]);
    let services = Services::started();
    let mut roles = started(&services, &market);
    let line = roles.role("api").wait_for_or_seen("Fathom serves");
    let http = line.rsplit("http://").next().unwrap().trim_end_matches('/').to_owned();
    let web = Web::at(&http);
    let latest = "/api/v1/long-short-ratio/BTC";
    wait_until("there is a ratio", || web.get(latest)["data"].is_object());
    wait_until("there is a history", || web.get(&format!("{latest}/history"))["data"].is_array());

    services.kill_database();
    roles.role("sink").wait_for("waiting for it");
    wait_until("history says that the database is gone", || web.status(&format!("{latest}/history")) == 503);
    let before = web.get(latest)["meta"]["watermark"].as_i64().unwrap();
    hear_updates(&http);
    wait_until("the latest goes on", || web.get(latest)["meta"]["watermark"].as_i64().unwrap() > before + 1_000);
    let began = Instant::now();
    for path in ["/api/v1/markets", "/api/v1/prices", "/api/v1/candles/BTC", "/api/v1/liquidation-stats/btc"] {
        assert_eq!(web.status(path), 200, "{path}");
    }
    assert!(began.elapsed() < Duration::from_secs(2), "nobody waits for the database: {:?}", began.elapsed());

    services.start_database();
    wait_until("history is back", || web.status(&format!("{latest}/history")) == 200);
    simulator.end();
    roles.end_all();
}

fn started(services: &Services, market: &Path) -> Roles {
    let mut roles = Roles::new(&services.place(), market);
    roles.start_all();
    roles
}

/// A client that comes now begins with how things are, and hears what follows.
fn hear_updates(http: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let heard = async {
        let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{http}/api/v1/ws")).await.unwrap();
        let subscribe = json!({ "type": "subscribe", "payload": { "channel": "positions", "key": "*" } });
        socket.send(Message::text(subscribe.to_string())).await.unwrap();
        let (mut rows, mut updates) = (0, 0);
        while rows == 0 || updates < 50 {
            let Message::Text(text) = socket.next().await.unwrap().unwrap() else { continue };
            let frame: Value = serde_json::from_str(&text).unwrap();
            match frame["type"].as_str().unwrap() {
                "snapshot" => rows += frame["payload"]["data"].as_array().unwrap().len(),
                "update" => updates += 1,
                _ => {}
            }
        }
    };
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap() });
}
