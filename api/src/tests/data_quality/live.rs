//! What somebody hears who has subscribed to what sources say.

use schemas::{FeedStatus, SourceStatus};
use serde_json::{Value, json};

use super::{gap, heal, state};
use crate::tests::client::Client;
use crate::tests::fixture::{market, serve};
use crate::tests::place::on_both;

on_both! {
    a_subscription_begins_with_states_and_open_gaps_and_hears_what_is_said,
    a_source_that_is_called_like_a_coin_is_no_coin,
}

async fn a_subscription_begins_with_states_and_open_gaps_and_hears_what_is_said(url: String) {
    let mut served = serve(&url).await;
    let open = FeedStatus { part: Some("BTC".into()), ..gap("public-feed", (10, 20), None) };
    let healed = gap("node-fills", (30, 40), Some((7, 9)));
    served
        .add([state("public-feed", SourceStatus::Connected, 5), state("node-fills", SourceStatus::Connected, 6)])
        .await;
    served.add([open, healed.clone(), heal(&healed)]).await;
    let mut client = Client::connect(served.address).await;
    client.subscribe("data_quality", "*").await;
    let snapshot = client.hear_until("snapshot").await["payload"]["data"].clone();
    let told = json!({
        "type": "gap", "source": "public-feed", "part": "BTC", "time": 21, "from_time": 10, "to_time": 20, "duration_ms": 10,
        "from_block": null, "to_block": null, "missing_blocks": null, "reason": "said at 21",
    });
    assert_eq!(
        snapshot,
        json!([
            { "type": "connected", "source": "public-feed", "time": 5, "reason": "said at 5" },
            { "type": "connected", "source": "node-fills", "time": 6, "reason": "said at 6" },
            told,
        ])
    );
    client.subscribe("data_quality", "node-fills").await;
    assert_eq!(client.hear_until("snapshot").await["payload"]["data"].as_array().unwrap().len(), 1);

    let said = [
        state("public-feed", SourceStatus::Disconnected, 50),
        state("public-feed", SourceStatus::Stale, 60),
        FeedStatus { part: Some("ETH".into()), ..gap("public-feed", (70, 80), None) },
        gap("node-fills", (90, 95), Some((20, 29))),
        heal(&gap("node-fills", (90, 95), Some((20, 29)))),
    ];
    let written = served.append(said);
    served.publish(&written);
    let mut heard = Vec::new();
    while heard.len() < 7 {
        let payload = client.hear_until("update").await["payload"].clone();
        heard.push((payload["key"].as_str().unwrap().to_owned(), payload["data"].clone()));
    }
    let types = |of: &str| -> Vec<String> {
        heard.iter().filter(|(key, _)| key == of).map(|(_, data)| data["type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(types("*"), ["disconnected", "stale", "gap", "gap", "gap-healed"]);
    assert_eq!(types("node-fills"), ["gap", "gap-healed"]);
    assert_eq!(
        heard.last().unwrap().1,
        json!({
            "type": "gap-healed", "source": "node-fills", "time": 1096, "from_time": 90, "to_time": 95,
            "duration_ms": 5, "from_block": 20, "to_block": 29, "missing_blocks": 10, "healed_by": "archive",
            "reason": "found at 1096",
        })
    );

    served.store(&written).await;
    client.say("unsubscribe", json!({ "channel": "data_quality", "key": "*" })).await;
    client.hear_until("unsubscribed").await;
    client.subscribe("data_quality", "*").await;
    let again = client.hear_until("snapshot").await["payload"]["data"].clone();
    let of_one = |event: &&Value| event["source"] == "public-feed";
    let stands: Vec<Value> = again.as_array().unwrap().iter().filter(of_one).cloned().collect();
    assert_eq!(stands, [told, heard[1].1.clone(), heard[2].1.clone()], "its gaps, and between them its state");
    assert_eq!(again.as_array().unwrap().len(), 4, "what was healed is not there");
}

/// A market may have any name: what somebody wants to hear of is not looked up among the coins.
async fn a_source_that_is_called_like_a_coin_is_no_coin(url: String) {
    let mut served = serve(&url).await;
    served.add([market("META", false)]).await;
    served.add([state("meta", SourceStatus::Connected, 5)]).await;
    let mut client = Client::connect(served.address).await;
    client.subscribe("data_quality", "meta").await;
    assert_eq!(client.hear().await["payload"]["key"], "meta");
    assert_eq!(client.hear().await["payload"]["data"][0]["source"], "meta");
}
