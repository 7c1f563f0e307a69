//! The demo as a newcomer meets it: one command, data at once, an end on Ctrl-C, and on again where it was.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::compare;
use crate::place::Place;
use crate::process::{Process, ask, fathom, path, wait_until};

#[test]
fn the_demo_answers_equals_the_truth_and_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");

    let first = live(&data, 2);
    let place = Place::Data(data.clone());
    let compared = compare::with_truth(&place, &data.join("market"));
    println!("first run, up to block {first}: {compared:?} equal the truth");
    assert!(
        compared.positions > 1_000 && compared.minutes > 10 && compared.orders > 10 && compared.traded > 10,
        "{compared:?}"
    );

    // Within its first minute.
    assert!(compared.settled > 20, "a market was delisted: {compared:?}");

    let second = live(&data, 1);
    let compared = compare::with_truth(&place, &data.join("market"));
    println!("second run, from block {first} to {second}: {compared:?} equal the truth");
    assert!(second > first);
    let named = "select coin, delisted from markets where coin in ('BTC', 'FTM', 'XPL') order by coin";
    assert_eq!(place.rows(named), [["BTC", "0"], ["FTM", "1"], ["XPL", "0"]], "one has gone and one has come");
    let status = ask(&["status", "--data", path(&data), "--json"]);
    assert_eq!((status["blocks_missed"].as_u64(), status["running"].as_bool()), (Some(0), Some(false)), "{status}");
}

/// Starts the demo, uses it, waits for so many more final minutes, ends it; the last block.
fn live(data: &Path, minutes: usize) -> u64 {
    let began = Instant::now();
    let mut demo =
        Process::start(fathom(&["up", "--demo", "--data", path(data), "--http", "127.0.0.1:0", "--rate", "500"]));
    demo.wait_for("Ready after");
    println!("ready after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(15), "ready after {:?}", began.elapsed());
    let curls = [demo.wait_for("curl -s "), demo.wait_for("curl -s ")];
    // The second run finds it chosen.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for line in &curls {
        let url = line.trim().trim_start_matches("curl -s ").trim_matches('\'');
        let reply: Value = runtime.block_on(async { reqwest::get(url).await.unwrap().json().await.unwrap() });
        assert_eq!(reply["meta"]["simulated"], json!(true), "{url}: {reply}");
        assert!(!reply["data"].is_null() && reply["data"] != json!([]), "{url}: {reply}");
    }
    let http = ask(&["status", "--data", path(data), "--json"])["http"].as_str().unwrap().to_owned();
    runtime.block_on(watch(&http));

    let place = Place::Data(data.to_owned());
    let finals = || {
        place
            .rows(
                "select distinct time from long_short_ratios where kind = 'accounts' and interval = '1m' and final = 1",
            )
            .len()
    };
    let wanted = finals() + minutes;
    wait_until_minutes(wanted, finals);
    wait_until("enough was liquidated to be compared", || place.rows("select block from liquidations").len() > 10);
    demo.end();
    ask(&["status", "--data", path(data), "--json"])["block"].as_u64().unwrap()
}

fn wait_until_minutes(wanted: usize, mut finals: impl FnMut() -> usize) {
    let began = Instant::now();
    while finals() < wanted {
        assert!(began.elapsed() < Duration::from_secs(300), "{} final minutes of {wanted}", finals());
        std::thread::park_timeout(Duration::from_millis(500));
    }
    wait_until("a final minute", || finals() >= wanted);
}

/// Subscribes as the README says: a snapshot first, then updates without a hole.
async fn watch(http: &str) {
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{http}/api/v1/ws")).await.unwrap();
    let subscribe =
        json!({ "type": "subscribe", "payload": { "channel": "long_short_ratio", "key": "BTC" }, "timestamp": 0 });
    socket.send(Message::text(subscribe.to_string())).await.unwrap();
    let (mut kinds, mut sequence) = (Vec::new(), 0);
    let until = tokio::time::Instant::now() + Duration::from_secs(30);
    while kinds.iter().filter(|kind| *kind == "update").count() < 5 {
        let frame = tokio::time::timeout_at(until, socket.next()).await.expect("updates come").unwrap().unwrap();
        let Message::Text(text) = frame else { continue };
        let frame: Value = serde_json::from_str(&text).unwrap();
        let kind = frame["type"].as_str().unwrap().to_owned();
        if kind == "snapshot" || kind == "update" {
            sequence += 1;
            assert_eq!(frame["payload"]["seq"], json!(sequence), "{frame}");
            assert_eq!(frame["payload"]["channel"], "long_short_ratio");
        }
        kinds.push(kind);
    }
    let first_update = kinds.iter().position(|kind| kind == "update").unwrap();
    assert!(kinds[..first_update].contains(&"snapshot".to_owned()), "{kinds:?}");
}
