//! Watches: what is refused, what is written, and what is listed of it.

use std::sync::Arc;

use schemas::WhaleWatch;
use serde_json::{Value, json};

use super::client::Client;
use super::fixture::{Served, serve_with, wallet};
use super::place::on_both;
use crate::{Context, Watched};

on_both! {
    a_watch_is_written_as_it_was_asked_for_and_listed_once_it_is_on_the_log,
    what_is_wrong_with_a_watch_is_told,
}

/// What takes every watch at time 7, but for the end of the one of wallet 9, which is none, and the log that is away.
fn written(watch: WhaleWatch) -> Watched {
    match &*watch.label {
        "away" => Watched::Refused,
        _ if watch.removed && watch.wallet == wallet(9) => Watched::NotThere,
        _ => Watched::Written(WhaleWatch { time: 7, ..watch }),
    }
}

async fn served(url: &str) -> Served {
    serve_with(url, |context| Context { watch: Arc::new(written), ..context }).await
}

const PATH: &str = "/api/v1/whales/watches";

async fn a_watch_is_written_as_it_was_asked_for_and_listed_once_it_is_on_the_log(url: String) {
    let mut served = served(&url).await;
    assert_eq!(served.good(PATH).await["meta"]["reason"], "not_watched");
    let (status, told) =
        served.send("POST", PATH, &json!({ "address": wallet(1), "label": " the fund ", "min_usd": "10.5" })).await;
    let row = json!({ "wallet": wallet(1), "label": "the fund", "threshold": "10.5", "time": 7 });
    assert_eq!((status, &told["data"]), (201, &row));
    assert_eq!(served.good(PATH).await["data"], json!([]), "it is not on the log of this server");

    let watch = |n: u32, time: i64, removed: bool| {
        serde_json::from_value::<WhaleWatch>(
            json!({ "wallet": wallet(n), "label": "one", "time": time, "removed": removed }),
        )
        .unwrap()
    };
    // Of two processes that write them the clocks differ: what stands later on the log counts.
    served.add([watch(1, 7, false), watch(2, 8, false), watch(3, 9, false), watch(3, 8, true)]).await;
    let all = served.good(PATH).await;
    let wallets: Vec<&Value> = all["data"].as_array().unwrap().iter().map(|row| &row["wallet"]).collect();
    assert_eq!(wallets, [&json!(wallet(1)), &json!(wallet(2))], "the third one has ended");
    let one = served.good(&format!("{PATH}?wallet={}", wallet(2))).await;
    assert_eq!(one["data"], json!([{ "wallet": wallet(2), "label": "one", "threshold": null, "time": 8 }]));
    assert_eq!(served.send("DELETE", &format!("{PATH}/{}", wallet(2)), &Value::Null).await, (204, Value::Null));
    let mut client = Client::connect(served.address).await;
    client.subscribe("whale_watches", &wallet(2).to_string().to_uppercase().replace("0X", "0x")).await;
    assert_eq!(client.hear_until("snapshot").await["payload"]["data"][0]["wallet"], json!(wallet(2)));
}

async fn what_is_wrong_with_a_watch_is_told(url: String) {
    let served = served(&url).await;
    let code = async |verb: &str, path: &str, body: Value| {
        let (status, told) = served.send(verb, path, &body).await;
        (status, told["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let of = |change: fn(&mut Value)| {
        let mut body = json!({ "wallet": wallet(1), "label": "one" });
        change(&mut body);
        body
    };
    for (body, status, expected) in [
        (of(|body| body["wallet"] = "0x1".into()), 400, "INVALID_WALLET"),
        (of(|body| body["label"] = " ".into()), 400, "INVALID_LABEL"),
        (of(|body| body["label"] = "x".repeat(65).into()), 400, "INVALID_LABEL"),
        (of(|body| body["threshold"] = "-1".into()), 400, "INVALID_THRESHOLD"),
        (of(|body| body["threshold"] = "much".into()), 422, "UNREADABLE"),
        (of(|body| body["note"] = "what is it".into()), 422, "UNREADABLE"),
        (of(|body| body["label"] = "away".into()), 503, "LOG_UNAVAILABLE"),
    ] {
        assert_eq!(code("POST", PATH, body.clone()).await, (status, expected.to_owned()), "{body}");
    }
    let one = |n: u32| format!("{PATH}/{}", wallet(n));
    assert_eq!(code("DELETE", &one(9), Value::Null).await, (404, "NOT_WATCHED".to_owned()));
    assert_eq!(code("DELETE", &format!("{PATH}/0x1"), Value::Null).await, (400, "INVALID_WALLET".to_owned()));
    assert_eq!(code("PUT", PATH, Value::Null).await, (405, "METHOD_NOT_ALLOWED".to_owned()));
}
