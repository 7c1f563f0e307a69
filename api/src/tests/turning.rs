//! Another generation takes the place of the one that is told, and gives it back: who asks and who listens goes on with it.

use std::sync::Arc;

use schemas::{GENERATION, topics};
use serde_json::{Value, json};

use super::client::Client;
use super::fixture::{Served, Written, context, position, serve};
use super::place::on_both;
use super::protocol::order;
use crate::{Context, Live};

on_both! {
    who_listens_goes_on_with_another_generation_and_back,
    a_stretch_of_the_log_that_is_read_for_somebody_is_told_by_one_generation,
}

async fn who_listens_goes_on_with_another_generation_and_back(url: String) {
    let mut served = serve(&url).await;
    let first = served.serving.now();
    let (live, second) = another(&url, &served).await;
    for live in [&served.live, &live] {
        begin(live);
    }
    let told = served.append([position("BTC", 1, "1.5")]);
    told.publish_to(&served.live);
    let mut client = Client::connect(served.address).await;
    client.subscribe("liquidations", "*").await;
    client.hear_until("snapshot").await;
    client.subscribe("positions", "BTC").await;
    assert_eq!(sizes(&client.hear_until("snapshot").await), ["1.5"]);
    some(&mut served, 1).publish_to(&served.live);
    let update = client.hear_until("update").await["payload"].take();
    assert_eq!((&update["seq"], &update["data"]["block"]), (&json!(2), &json!(101)));

    // The other one says otherwise, and has told what nobody of these has heard.
    let otherwise = served.append([position("BTC", 1, "7")]);
    otherwise.publish_to(&live);
    some(&mut served, 2).publish_to(&live);
    served.serving.turn_to(Arc::clone(&second));
    let resync = client.hear_until("resync_required").await["payload"].take();
    assert_eq!((&resync["channel"], &resync["reason"]), (&json!("liquidations"), &json!("generation_changed")));
    let [one, other] = [client.hear_until("snapshot").await, client.hear_until("snapshot").await];
    assert!(one["payload"]["cursor"].as_str().unwrap().starts_with("2;"), "{one}");
    assert_eq!((&one["payload"]["channel"], &one["payload"]["seq"]), (&json!("liquidations"), &json!(3)), "{one}");
    assert_eq!(sizes(&other), ["7"]);
    assert_eq!(served.get("/api/v1/markets").await.1["meta"]["generation"], 2);

    // Of the first one nothing is heard any more, of the second one everything, once.
    some(&mut served, 3).publish_to(&served.live);
    some(&mut served, 4).publish_to(&live);
    let update = client.hear_until("update").await["payload"].take();
    assert_eq!((&update["data"]["block"], &update["seq"]), (&json!(104), &json!(4)));
    assert!(!first.live.is_heard(), "somebody still listens to the generation before");

    served.serving.turn_to(first);
    assert_eq!(client.hear_until("resync_required").await["payload"]["reason"], "generation_changed");
    client.hear_until("snapshot").await;
    assert_eq!(sizes(&client.hear_until("snapshot").await), ["1.5"]);
    some(&mut served, 5).publish_to(&served.live);
    assert_eq!(client.hear_until("update").await["payload"]["data"]["block"], 105);
    assert!(!live.is_heard());
    drop(second);
}

async fn a_stretch_of_the_log_that_is_read_for_somebody_is_told_by_one_generation(url: String) {
    let served = serve(&url).await;
    let (go_on, reading) = std::sync::mpsc::sync_channel::<()>(0);
    let reading = std::sync::Mutex::new(reading);
    let first = served.serving.now();
    let slow = Context {
        read_again: Arc::new(move |_, _, each| {
            each(crate::Again::From((0..GENERATION.partitions).map(|partition| (partition, 0)).collect()));
            reading.lock().unwrap().recv().unwrap();
            each(crate::Again::UpTo { partition: 0, next: 0 });
            Ok(())
        }),
        ..context(&url, &served.live).await
    };
    served.serving.turn_to(Arc::new(slow));
    let (live, second) = another(&url, &served).await;
    for live in [&served.live, &live] {
        begin(live);
    }
    let mut client = Client::connect(served.address).await;
    client.say("subscribe", json!({ "channel": "liquidations", "key": "*", "start_time": 1 })).await;
    client.hear_until("subscribed").await;
    served.serving.turn_to(second);
    client.hear_until("resync_required").await;
    client.hear_until("snapshot").await;
    go_on.send(()).unwrap();
    // Asked for behind it, this is answered when that reading is over, or it never is.
    client.say("list", json!({})).await;
    client.hear_until("subscriptions").await;
    assert!(!first.live.is_heard(), "two generations tell the same subscription");
}

/// With a live side of its own.
async fn another(url: &str, served: &Served) -> (Live, Arc<Context>) {
    let live = Live::new(served.stop.subscribe());
    let second = Context { generation: 2, ..context(url, &live).await };
    live.is_present();
    (live, Arc::new(second))
}

fn begin(live: &Live) {
    for topic in [&topics::LIQUIDATIONS, &topics::POSITIONS] {
        (0..GENERATION.partitions(topic)).for_each(|partition| live.begin(topic, partition, 0));
    }
}

fn some(served: &mut Served, number: u32) -> Written {
    served.append([order(number, "5", "long")])
}

fn sizes(snapshot: &Value) -> Vec<String> {
    let rows = snapshot["payload"]["data"].as_array().unwrap().iter();
    rows.map(|row| row["size"].as_str().unwrap().to_owned()).collect()
}
