//! A stretch of the past, told once more by a running demo: what the lists give for it, over HTTP and WebSocket, marked, in
//! order, and to nobody who listens to what is live.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{Process, fathom, path, wait_until};
use crate::socket::Socket;
use crate::web::Web;

#[test]
fn the_last_minute_once_more_is_what_the_lists_give_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let all = ["up", "--demo", "--data", path(&data), "--http", "127.0.0.1:0", "--rate", "1000", "--rate-limit", "0"];
    let mut demo = Process::start(fathom(&all));
    demo.wait_for("Ready after");
    let web = Web::of(&data);
    wait_until("a minute has gone by, much has happened, and somebody was liquidated", || {
        let (status, _, text) = web.reply("/api/v1/replay?channel=whale-activities,liquidations&from=-60000&speed=max");
        let has = |channel: &str| text.matches(&format!("\"channel\":\"{channel}\"")).count();
        status == 200 && has("whale_activities") > 20 && has("liquidations") > 3
    });

    let replay = "/api/v1/replay?channel=whale-activities,liquidations&speed=max";
    let (rows, ended) = lines(&web, &format!("{replay}&from=-60000"));
    let (from, to) = (ended["from"].as_i64().unwrap(), ended["to"].as_i64().unwrap());
    assert_eq!((to - from, &ended["complete"], &ended["rows"]), (60_000, &json!(true), &json!(rows.len())));
    assert!(rows.iter().map(|row| row["time"].as_i64().unwrap()).is_sorted());
    assert!(rows.iter().all(|row| row["replayed"] == true));
    for (channel, list) in CHANNELS {
        let listed = listed(&web, list, from, to);
        let told = rows.iter().filter(|row| row["channel"] == channel);
        let told: Vec<String> = told.map(|row| row["data"].to_string()).collect();
        println!("{channel}: {} rows in a minute", told.len());
        assert_eq!(told.iter().cloned().collect::<BTreeSet<_>>(), listed, "{channel}");
        assert_eq!(told.len(), listed.len(), "{channel}: each once");
    }
    assert_eq!(lines(&web, &format!("{replay}&from={from}&to={to}")), (rows.clone(), ended), "and again the same");

    let began = Instant::now();
    lines(&web, &format!("{replay}&from={}&to={to}", to - 10_000).replace("max", "10"));
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let hearing = runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), beside_what_is_live(web.address(), from, to)).await.unwrap()
    });
    for (channel, _) in CHANNELS {
        let told: BTreeSet<String> =
            rows.iter().filter(|row| row["channel"] == channel).map(|row| row["data"].to_string()).collect();
        let heard = hearing.iter().filter(|(its, _)| its == channel).map(|(_, row)| row.clone());
        assert_eq!(heard.collect::<BTreeSet<_>>(), told, "{channel}: over the WebSocket");
    }
    demo.end();
}

const CHANNELS: [(&str, &str); 2] = [("liquidations", "liquidations"), ("whale_activities", "whales/activities")];

/// The rows, and how it ended.
fn lines(web: &Web, what: &str) -> (Vec<Value>, Value) {
    let (status, _, text) = web.reply(what);
    assert_eq!(status, 200, "{what}: {text}");
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ended = lines.pop().unwrap()["replay_ended"].clone();
    (lines, ended)
}

/// When everything up to its end is in the rows.
fn listed(web: &Web, list: &str, from: i64, to: i64) -> BTreeSet<String> {
    wait_until("the rows are as far", || {
        web.get(&format!("/api/v1/{list}?limit=1"))["meta"]["watermark"].as_i64() >= Some(to)
    });
    let all = format!("/api/v1/{list}?start_time={}&end_time={}&format=ndjson", from + 1, to + 1);
    let (_, _, text) = web.reply(&all);
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap().to_string()).collect()
}

/// Every row that is replayed, by channel, to one who also listens to what is live; another one listens to that alone.
async fn beside_what_is_live(address: &str, from: i64, to: i64) -> Vec<(String, String)> {
    let (mut both, mut live) = (Socket::connect(address).await, Socket::connect(address).await);
    for (channel, _) in CHANNELS {
        let wish = json!({ "channel": channel, "key": "*" });
        both.say("subscribe", &wish).await;
        live.say("subscribe", &wish).await;
        let stretch = json!({ "from": from, "to": to, "speed": "max" });
        both.say("subscribe", &json!({ "channel": channel, "key": "*", "replay": stretch })).await;
    }
    let (mut heard, mut replays, mut ended) = (Vec::new(), BTreeSet::new(), 0);
    while ended < CHANNELS.len() {
        let frame = both.hear().await;
        let payload = &frame["payload"];
        match frame["type"].as_str().unwrap() {
            "subscribed" if payload["replay"].is_object() => drop(replays.insert(payload["sub_id"].to_string())),
            "update" => {
                let is_of_the_past = replays.contains(&payload["sub_id"].to_string());
                assert_eq!(payload["replayed"] == true, is_of_the_past, "{frame}");
                if is_of_the_past {
                    heard.push((payload["channel"].as_str().unwrap().to_owned(), payload["data"].to_string()));
                }
            }
            "replay_ended" => ended += 1,
            "connected" | "subscribed" | "snapshot" | "heartbeat" => {}
            _ => panic!("{frame}"),
        }
    }
    let mut updates = 0;
    while updates < 10 {
        let frame = live.hear().await;
        updates += usize::from(frame["type"] == "update");
        assert!(frame["payload"].get("replayed").is_none(), "{frame}");
        let time = frame["payload"]["data"]["time"].as_i64();
        assert!(time.is_none_or(|time| time > to), "it has happened before it was listened to: {frame}");
    }
    heard
}
