//! What has happened, told to a client that asks for it: each event of the log once, and those are the rows of the store.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::process::{Process, fathom, path, wait_until};
use crate::web::Web;

#[test]
fn of_a_time_a_client_hears_what_is_stored_since_then_while_more_happens() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let all = ["up", "--demo", "--data", path(&data), "--http", "127.0.0.1:0", "--rate", "1000", "--rate-limit", "0"];
    let mut demo = Process::start(fathom(&all));
    demo.wait_for("Ready after");
    let web = Web::of(&data);
    wait_until("much has happened, and somebody was liquidated", || {
        stored(&web, "whales/activities").len() > 50 && !stored(&web, "liquidations").is_empty()
    });
    for (channel, list) in CHANNELS {
        let mut hearing = Hearing::begin(&web, channel);
        hearing.hears(&stored(&web, list));
        // What was told already would be told again before what comes now.
        let before = stored(&web, list);
        wait_until("more has happened", || stored(&web, list).len() > before.len());
        hearing.hears(&stored(&web, list));
    }
    demo.end();
}

/// Those of which each is told.
const CHANNELS: [(&str, &str); 2] = [("liquidations", "liquidations"), ("whale_activities", "whales/activities")];

pub fn are_told_as_stored(web: &Web) {
    for (channel, list) in CHANNELS {
        let stored = stored(web, list);
        let heard = Hearing::begin(web, channel).hears(&stored);
        println!("{channel}: {} are stored, {heard} were told until all of them were", stored.len());
    }
}

/// By their ids; none, as long as there is no table of them.
fn stored(web: &Web, list: &str) -> BTreeSet<String> {
    let (status, _, text) = web.reply(&format!("/api/v1/{list}?format=ndjson"));
    if status != 200 {
        return BTreeSet::new();
    }
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// A client that has asked for everything since a time.
struct Hearing {
    runtime: Runtime,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    heard: BTreeSet<String>,
}

impl Hearing {
    fn begin(web: &Web, channel: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let socket = runtime.block_on(async {
            let url = format!("ws://{}/api/v1/ws", web.address());
            let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
            let payload = json!({ "channel": channel, "key": "*", "start_time": 1 });
            let subscribe = json!({ "type": "subscribe", "payload": payload });
            socket.send(Message::text(subscribe.to_string())).await.unwrap();
            socket
        });
        Self { runtime, socket, heard: BTreeSet::new() }
    }

    /// Until all that are wanted were told, each once. How many that took.
    fn hears(&mut self, wanted: &BTreeSet<String>) -> usize {
        let Self { runtime, socket, heard } = self;
        let hearing = async {
            let is_first = heard.is_empty();
            let mut replayed = 0;
            while !wanted.is_subset(heard) {
                let Message::Text(text) = socket.next().await.unwrap().unwrap() else { continue };
                let frame: Value = serde_json::from_str(&text).unwrap();
                match frame["type"].as_str().unwrap() {
                    "update" => {
                        let id = frame["payload"]["data"]["id"].as_str().unwrap().to_owned();
                        assert!(heard.insert(id), "told twice: {frame}");
                        replayed += usize::from(frame["payload"]["replayed"] == true);
                    }
                    "connected" | "subscribed" | "heartbeat" => {}
                    _ => panic!("{frame}"),
                }
            }
            assert!(replayed > 0 || !is_first);
            heard.len()
        };
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), hearing).await.unwrap() })
    }
}
