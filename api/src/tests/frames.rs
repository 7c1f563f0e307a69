//! What clients say that nobody can understand: ten thousand messages at random. It is answered, or it ends a connection
//! that has broken the protocol; neighbours hear on.

use std::io::Write as _;
use std::net::TcpStream;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRng, TestRunner};
use serde_json::json;

use super::client::Client;
use super::fixture::{Served, position, serve};
use super::place::on_sqlite;

const CONNECTIONS: usize = 102;
/// One less than a client may send at once.
const MESSAGES: usize = 99;

const UNDERSTOOD: [&str; 7] = [
    r#"{"type":"subscribe","payload":{"channel":"liquidations","key":"BTC","filter":{"min_notional":"1"}},"timestamp":1}"#,
    r#"{"type":"subscribe","payload":{"channel":"candles","keys":["BTC","ETH"],"interval":"1h"},"timestamp":1}"#,
    r#"{"type":"subscribe","payload":{"channel":"long_short_ratio","key":"*","kind":"cohort_accounts","cohort":"whale"}}"#,
    r#"{"type":"subscribe","payload":{"channel":"liquidations","key":"*","replay":{"from":1,"to":-1,"speed":"10x"}}}"#,
    r#"{"type":"unsubscribe","payload":{"sub_id":1},"timestamp":1}"#,
    r#"{"type":"list","payload":{"request_id":[1,{"a":null}]}}"#,
    r#"{"type":"ping","payload":{"nonce":"x"},"timestamp":-1}"#,
];

#[tokio::test]
async fn ten_thousand_messages_at_random_end_nothing() {
    on_sqlite(at_random).await;
}

async fn at_random(url: String) {
    let mut served = serve(&url).await;
    let mut neighbour = Client::connect(served.address).await;
    neighbour.subscribe("positions", "BTC").await;
    neighbour.hear_until("snapshot").await;
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(Default::default()));
    let said = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Said::Bytes),
        ".{0,200}".prop_map(Said::Text),
        (0..UNDERSTOOD.len(), proptest::collection::vec((any::<u16>(), any::<u8>(), 0..3_u8), 0..6)).prop_map(spoilt),
    ];
    for _ in 0..CONNECTIONS {
        let mut client = Client::connect(served.address).await;
        for _ in 0..MESSAGES {
            match said.new_tree(&mut runner).unwrap().current() {
                Said::Bytes(bytes) => client.say_bytes(bytes).await,
                Said::Text(text) => client.say_text(text).await,
            }
        }
        client.say("ping", json!({ "request_id": "still there" })).await;
        while client.hear_until("pong").await["payload"]["request_id"] != "still there" {}
    }
    for n in 0..50 {
        break_the_protocol(&served, n);
    }
    served.add([position("BTC", 1, "7")]).await;
    assert_eq!(neighbour.hear_until("update").await["payload"]["data"]["size"], "7");
}

#[derive(Debug, Clone)]
enum Said {
    Bytes(Vec<u8>),
    Text(String),
}

/// A message that is understood, with some bytes changed, put in or taken out.
fn spoilt((message, changes): (usize, Vec<(u16, u8, u8)>)) -> Said {
    let mut bytes = UNDERSTOOD[message].as_bytes().to_vec();
    for (place, byte, how) in changes {
        let place = usize::from(place) % bytes.len().max(1);
        match how {
            0 if place < bytes.len() => bytes[place] = byte,
            1 => bytes.insert(place, byte),
            _ if place < bytes.len() => drop(bytes.remove(place)),
            _ => {}
        }
    }
    Said::Bytes(bytes)
}

/// What follows the handshake is no frame.
fn break_the_protocol(served: &Served, n: u8) {
    let mut stream = TcpStream::connect(served.address).unwrap();
    let handshake = "GET /api/v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(handshake.as_bytes()).unwrap();
    let garbage: Vec<u8> = (0..200).map(|at| n.wrapping_mul(37).wrapping_add(at).wrapping_mul(101)).collect();
    stream.write_all(&garbage).unwrap();
}
