//! What waits for a connection, without a socket: in which order it is taken, and what of it is the last value only.

use std::sync::Arc;

use futures_util::FutureExt as _;
use schemas::{
    Batch, GENERATION, Headers, HeatmapCell, Interval, MarketTakerFlow, Message, Topic, examples, kind, topics,
};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::fixture::position;
use super::protocol::order;
use crate::Live;
use crate::channel::{CHANNELS, Channel, Key, Subject};
use crate::live::{Beginning, Filter, Next, Outlet, Subscribed, Update};
use crate::ratio_series::Series;

struct Market {
    live: Live,
    outlet: Arc<Outlet>,
    offset: u64,
}

impl Market {
    fn open() -> Self {
        let (_, stopped) = watch::channel(false);
        let live = Live::new(stopped);
        let outlet = Arc::new(Outlet::new());
        Self { live, outlet, offset: 0 }
    }

    fn subscribe(&self, id: u64, channel: &str) {
        let channel = Channel::named(channel).unwrap();
        let (interval, series) = Default::default();
        let subject = Subject { channel: channel.name, key: Key::All, interval, series };
        let (filter, next) = (Filter::default(), Default::default());
        let subscribed = Subscribed { id, generation: 1, channel, subject, filter, seq: 0, next, replay: None };
        let unread = self.live.subscribe(&self.outlet, subscribed, &Beginning::Now);
        assert!(unread.is_none(), "how things are is remembered");
    }

    fn tell<M: Message>(&mut self, message: &M) {
        let (mut batch, mut headers) = (Batch::default(), Vec::new());
        if let Some(kind) = M::KIND {
            Headers::write(&mut headers, kind::HEADER, kind);
        }
        message.append_to(&mut batch, &headers);
        let partition = message.partition(GENERATION.partitions);
        for record in batch.records() {
            self.live.publish(M::TOPIC, partition, self.offset, &record);
            self.offset += 1;
        }
    }

    /// Everything that waits, as what it is and of which offset.
    fn drain(&self) -> Vec<String> {
        let told = |next| match next {
            Next::Beat(text) | Next::Answer(text) => text.to_string(),
            Next::Part(subscribed, part) => format!("{}: part {} of {}", subscribed.id, part.number, part.of),
            Next::Update(subscribed, update) | Next::Replayed(subscribed, update) => {
                format!("{}: {} as {}", subscribed.id, update.offset, subscribed.seq)
            }
        };
        std::iter::from_fn(|| self.outlet.next_now()).map(told).collect()
    }
}

#[test]
fn of_what_changes_the_last_value_of_each_key_waits() {
    let mut market = Market::open();
    market.subscribe(1, "positions");
    market.subscribe(2, "liquidations");
    assert_eq!(market.drain(), ["1: part 1 of 1", "2: part 1 of 1"]);
    for n in 0..3 {
        market.tell(&position("BTC", 1, &format!("1{n}")));
        market.tell(&position("ETH", 1, &format!("2{n}")));
        market.tell(&order(n, "5", "long"));
    }
    let waiting = ["2: 2 as 2", "2: 5 as 3", "2: 8 as 4", "1: 6 as 2", "1: 7 as 3"];
    assert_eq!(market.drain(), waiting, "each event, and of each position what it is now");
    market.tell(&position("BTC", 1, "3"));
    assert_eq!(market.drain(), ["1: 9 as 4"]);
}

#[tokio::test]
async fn a_heartbeat_goes_before_everything_and_an_answer_before_data() {
    let mut market = Market::open();
    market.subscribe(1, "liquidations");
    (0..5_000).for_each(|n| market.tell(&order(n, "5", "long")));
    market.outlet.answer("an answer".into()).await;
    market.outlet.beat("a beat".into());
    let waiting = market.drain();
    assert_eq!(waiting[..3], ["a beat", "an answer", "1: part 1 of 1"]);
    assert_eq!(waiting.len(), 5_003);
}

#[tokio::test]
async fn what_is_live_goes_before_a_stretch_of_the_past() {
    let mut market = Market::open();
    market.subscribe(1, "liquidations");
    market.drain();
    let channel = Channel::named("liquidations").unwrap();
    let subject = Subject { channel: channel.name, key: Key::All, interval: None, series: Series::default() };
    let (filter, next, replay) = Default::default();
    market.outlet.expect(Subscribed { id: 2, generation: 1, channel, subject, filter, seq: 0, next, replay });
    let mut batch = Batch::default();
    order(1, "5", "long").append_to(&mut batch, b"");
    for offset in 7..9 {
        let update = Update::read(channel, 0, offset, &batch.records().next().unwrap()).unwrap();
        market.outlet.play(2, Arc::new(update)).await;
    }
    let outlet = Arc::clone(&market.outlet);
    let mut end = std::pin::pin!(outlet.end_replay(2, "the end".into()));
    assert!((&mut end).now_or_never().is_none(), "it is not over before it is told");
    market.tell(&order(3, "5", "long"));
    assert_eq!(market.drain(), ["1: 0 as 2", "2: 7 as 1", "2: 8 as 2"]);
    end.await;
    assert_eq!(market.drain(), ["the end"]);
    market.outlet.forgets(2).await;
}

#[test]
fn who_takes_no_snapshots_is_given_no_more_of_them() {
    let market = Market::open();
    let has_room = || market.outlet.room_for_a_snapshot().now_or_never().is_some();
    for id in 0..8 {
        assert!(has_room(), "{id}");
        market.subscribe(id, "liquidations");
    }
    assert!(!has_room());
    assert_eq!(market.drain().len(), 8);
    assert!(has_room());
}

#[test]
fn what_is_no_longer_wanted_does_not_wait() {
    let mut market = Market::open();
    market.subscribe(1, "positions");
    market.tell(&position("BTC", 1, "1"));
    let subject = Subject { channel: "positions", key: Key::All, interval: None, series: Default::default() };
    market.live.unsubscribe(&market.outlet, &subject, 1);
    market.tell(&position("BTC", 1, "2"));
    assert_eq!(market.drain(), [""; 0]);
    market.subscribe(2, "positions");
    market.live.leave(&market.outlet);
    assert!(!market.live.is_heard());
}

#[test]
fn every_channel_is_the_one_of_its_records() {
    for (place, channel) in CHANNELS.into_iter().enumerate() {
        assert_eq!(Channel::of(channel.topic, channel.kind), Some(place), "{}", channel.name);
    }
}

#[test]
fn a_coin_is_known_whatever_others_begin_like_it() {
    let mut market = Market::open();
    ["S", "SAGA", "SOL", "S2"].into_iter().for_each(|coin| market.tell(&super::fixture::market(coin, false)));
    for (asked, coin) in [("sol", Some("SOL")), ("s", Some("S")), ("SAGA", Some("SAGA")), ("s2", Some("S2"))] {
        assert_eq!(market.live.coin(asked).as_deref(), coin, "{asked}");
    }
    // What is of the whole market begins with no coin.
    market.tell(&serde_json::from_value::<MarketTakerFlow>(example(&topics::MARKET_TAKER_FLOW, "final")).unwrap());
    assert_eq!(market.live.coin("1m"), None);
}

#[test]
fn cells_of_a_day_stay_whatever_happens_in_a_minute() {
    let mut market = Market::open();
    let cell = |coin: &str, interval: &str, time: i64| -> HeatmapCell {
        let mut cell = example(&topics::LIQUIDATION_HEATMAP, "growing");
        (cell["coin"], cell["interval"], cell["time"]) = (json!(coin), json!(interval), json!(time));
        serde_json::from_value(cell).unwrap()
    };
    market.tell(&cell("BTC", "1d", 0));
    for minute in 0..1_000 {
        (0..25).for_each(|n| market.tell(&cell(&format!("C{n}"), "1m", minute * 60_000)));
    }
    let channel = Channel::named("liquidation_heatmap").unwrap();
    let (interval, series) = (Some(Interval::OneDay), Default::default());
    let subject = Subject { channel: channel.name, key: Key::Coin("BTC".to_owned()), interval, series };
    let told: Vec<HeatmapCell> = market.live.last(channel, &subject);
    assert_eq!(told, [cell("BTC", "1d", 0)]);
}

fn example(topic: &Topic, wanted: &str) -> Value {
    let (_, value) = examples::of(topic).into_iter().find(|(case, _)| case == wanted).unwrap();
    serde_json::from_slice(&value).unwrap()
}
