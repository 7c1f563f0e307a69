//! The fill stream: every block as the node wrote it, for those with a key.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::{Client, End, Market, serve};
use crate::faults::Fault;
use crate::limits::Limits;

impl Client {
    async fn of_stream(address: SocketAddr) -> Self {
        let mut request = format!("ws://{address}/stream").into_client_request().unwrap();
        request.headers_mut().insert("x-api-key", "any".parse().unwrap());
        Self(connect_async(request).await.unwrap().0)
    }
}

fn subscription(method: &str) -> Value {
    json!({ "method": method, "subscription": { "type": "fills" } })
}

#[tokio::test]
async fn a_key_is_asked_for() {
    let address = serve(Market::new(500).feed, Limits::EXCHANGE).await;
    assert_eq!(Client::refusal(address, "/stream").await, 401);
    Client::of_stream(address).await;
}

#[tokio::test]
async fn every_block_from_the_subscription_on_is_told_as_the_node_wrote_it() {
    let mut market = Market::new(500);
    let mut client = Client::of_stream(serve(market.feed.clone(), Limits::EXCHANGE).await).await;
    market.make(20);
    client.say(subscription("subscribe")).await;
    let echo = json!({ "channel": "subscriptionResponse", "data": subscription("subscribe") });
    assert_eq!(client.next().await, echo, "nothing of what was before");
    for _ in 0..100 {
        market.make(1);
        let line = String::from_utf8(market.line.clone()).unwrap();
        let frame = client.frame().await.unwrap();
        assert_eq!(frame, format!(r#"{{"channel":"fills","data":{{"block":{line}}}}}"#));
    }
    client.say(subscription("unsubscribe")).await;
    let gone = json!({ "channel": "subscriptionResponse", "data": subscription("unsubscribe") });
    assert_eq!(client.next().await, gone);
    market.make(1);
    client.say(json!({ "method": "ping" })).await;
    assert_eq!(client.frame().await.unwrap(), r#"{"channel":"pong"}"#);
}

#[tokio::test]
async fn what_is_no_subscription_is_said() {
    let mut client = Client::of_stream(serve(Market::new(500).feed, Limits::EXCHANGE).await).await;
    let fills = json!({ "type": "fills" });
    client.say("fills").await;
    assert_eq!(client.error().await, "Error parsing JSON into valid websocket request: fills");
    client.subscribe(&json!({ "type": "trades" })).await;
    assert_eq!(client.error().await, r#"Invalid subscription {"type":"trades"}"#);
    client.say(subscription("unsubscribe")).await;
    assert_eq!(client.error().await, format!("Already unsubscribed: {fills}"));
    client.subscribe(&fills).await;
    assert_eq!(client.next().await["channel"], "subscriptionResponse");
    client.subscribe(&fills).await;
    assert_eq!(client.error().await, format!("Already subscribed: {fills}"));
}

#[tokio::test]
async fn a_dropped_stream_ends_without_a_word() {
    let mut market = Market::with_faults(500, "dropped=30");
    let mut client = Client::of_stream(serve(market.feed.clone(), Limits::EXCHANGE).await).await;
    client.say(subscription("subscribe")).await;
    client.next().await;
    market.make_until_hit(Fault::Dropped);
    let last = market.engine.block;
    for block in 1..=last {
        assert_eq!(client.next().await["data"]["block"]["block_number"], block);
    }
    assert_eq!(client.frame().await, Err(End::Cut));
}

#[tokio::test]
async fn who_does_not_keep_up_is_cut_off() {
    let mut market = Market::new(100);
    let mut client = Client::of_stream(serve(market.feed.clone(), Limits::EXCHANGE).await).await;
    client.say(subscription("subscribe")).await;
    client.next().await;
    // Nothing else runs on this thread meanwhile.
    market.make(300);
    assert_eq!(client.frame().await, Err(End::Cut));
}
