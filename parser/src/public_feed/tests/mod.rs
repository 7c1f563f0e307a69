//! Frames in, facts out; a tape with holes; and servers that behave and misbehave.
#![allow(clippy::unwrap_used)]

mod connection;
mod conversation;
mod frames;
mod plan;
pub(crate) mod recorded;
mod server;
mod tape;

use std::collections::BTreeMap;

use schemas::{Coin, FeedStatus, GENERATION, Market, Outbox, topics};

use super::Markets;
use super::event::{Event, What};
use super::feed::Feed;
use super::state::entry;
use crate::tests::told;

/// A time at which the frames of these tests may have been received.
const RECEIVED: i64 = 1_765_887_849_000;

fn market(coin: &str) -> Market {
    let coin = Coin::new(coin);
    let (dex, margin_tiers) = (coin.dex().to_owned(), Vec::new());
    let (size_decimals, max_leverage, isolated_only, delisted, time) = (2, 10, false, false, 0);
    Market { coin, dex, size_decimals, max_leverage, margin_tiers, isolated_only, delisted, time }
}

fn markets(coins: &[&str]) -> Markets {
    Markets::all(&coins.iter().map(|coin| market(coin)).collect::<Vec<_>>())
}

fn trade(coin: &str, time: i64, tid: u64) -> String {
    format!(
        r#"{{"coin":"{coin}","side":"A","px":"128.5","sz":"0.42","time":{time},"hash":"0x{:064x}","tid":{tid},"users":["0x768484f7e2ebb675c57838366c02ae99ba2a9b08","0xbb05602d74778f4a42dcee87d14051572bb9ec78"],"new":[1.50,"x"]}}"#,
        7
    )
}

fn trades(trades: &[String]) -> String {
    format!(r#"{{"channel":"trades","data":[{}]}}"#, trades.join(","))
}

fn context(mark: &str) -> String {
    format!(
        r#"{{"funding":"-0.000003688","openInterest":"22727.78266","prevDayPx":"69557.0","dayNtlVlm":"12377419030.3486595154","premium":null,"oraclePx":"66383.0","markPx":{mark},"midPx":null,"impactPxs":null,"dayBaseVlm":"189106.61428"}}"#
    )
}

fn event(time: i64, what: What) -> Event {
    Event { on: 0, time, what }
}

fn opened() -> Event {
    event(RECEIVED, What::Opened)
}

fn frame(text: impl Into<String>) -> Event {
    event(RECEIVED, What::Frame(text.into().into_bytes()))
}

fn subscribed(coins: &[&str], time: i64) -> Event {
    event(time, What::Subscribed { coins: coins.iter().map(|coin| Coin::new(coin)).collect(), edition: 0 })
}

fn settled(time: i64) -> Event {
    event(time, What::Settled)
}

fn lost(time: i64) -> Event {
    event(time, What::Lost { reason: "gone".to_owned() })
}

/// A log as the source sees it: what was committed, and the last value of each key of the state.
#[derive(Default)]
struct Log {
    trades: Vec<String>,
    contexts: Vec<String>,
    mids: Vec<String>,
    statuses: Vec<FeedStatus>,
    letters: Vec<String>,
    raw: Vec<String>,
    state: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Log {
    fn feed(&self, coins: &[&str]) -> Feed {
        let entries = self.state.iter().map(|(key, value)| entry(key, value).unwrap());
        Feed::new(entries, GENERATION.number, markets(coins), RECEIVED).unwrap()
    }

    fn commit(&mut self, out: &mut Outbox) {
        let values = |topic| told(out, topic).into_iter().map(|(_, _, value)| value);
        self.trades.extend(values(&topics::TRADES));
        self.contexts.extend(values(&topics::ASSET_CONTEXTS));
        self.mids.extend(values(&topics::MIDS));
        self.statuses.extend(values(&topics::FEED_STATUS).map(|json| serde_json::from_str(&json).unwrap()));
        self.letters.extend(values(&topics::DEAD_LETTERS));
        self.raw.extend(values(&topics::RAW_PUBLIC_FEED));
        for (_, _, batch) in out.filled().filter(|(topic, ..)| topic.name == topics::STATE_PARSER_PUBLIC_FEED.name) {
            self.state.extend(batch.records().map(|record| (record.key.to_vec(), record.value.unwrap().to_vec())));
        }
        out.clear();
    }

    fn take(&mut self, feed: &mut Feed, events: &[Event]) {
        let mut out = Outbox::new(GENERATION);
        events.iter().for_each(|event| feed.take(event, &mut out));
        feed.write_state(&mut out);
        self.commit(&mut out);
    }

    fn gaps(&self) -> Vec<(i64, i64)> {
        self.statuses.iter().filter_map(|status| Some((status.from_time?, status.to_time?))).collect()
    }
}
