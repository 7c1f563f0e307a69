//! A client that keeps up: its frames → how late each of them was, and which events were in them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Phase;
use super::client::{Client, Cut, MUCH};
use crate::failure::Failure;

/// Listens to all liquidations, whale activities and prices, and to the positions of one coin.
pub struct Listener {
    client: Client,
    heard: Heard,
}

/// What was noted of all frames.
#[derive(Debug, Default)]
pub struct Heard {
    /// Milliseconds from the event time of each update to its frame, by when it came.
    pub alone: Vec<f64>,
    pub beside: Vec<f64>,
    pub events: Vec<Event>,
    /// How late the last update was.
    pub last: f64,
    pub updates: u64,
    /// Of each subscription, in the order they were asked for, the number of the last frame.
    pub numbers: BTreeMap<u64, u64>,
    /// Frames that were not the next one.
    pub holes: u64,
    /// Subscriptions whose first rows are whole.
    pub begun: usize,
    /// Why it ended before everything did.
    pub cut: Option<String>,
}

/// One of those that are all to be told, by its channel and its place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    pub time: i64,
    pub channel: u8,
    pub partition: u32,
    pub offset: u64,
}

const EVENTS: [&str; 2] = ["liquidations", "whale_activities"];
/// All of them trade from the first second on.
const COINS: [&str; 16] = [
    "BTC",
    "ETH",
    "SOL",
    "HYPE",
    "XRP",
    "DOGE",
    "SUI",
    "LINK",
    "AVAX",
    "BNB",
    "FARTCOIN",
    "PUMP",
    "kPEPE",
    "xyz:CL",
    "xyz:XYZ100",
    "cash:NVDA",
];

/// What one of many listens to.
pub fn subscriptions(number: u32) -> [Value; 4] {
    let coin = COINS[number as usize % COINS.len()];
    [("liquidations", "*"), ("whale_activities", "*"), ("price_updates", "*"), ("positions", coin)]
        .map(|(channel, key)| json!({ "channel": channel, "key": key }))
}

impl Listener {
    /// Comes back when it has all the rows that its subscriptions begin with.
    pub async fn subscribe(address: SocketAddr, number: u32, buffer: Option<u32>) -> Result<Self, Failure> {
        let failed = |cut: Cut| Failure::stop(format!("client {number} could not subscribe: {cut}"));
        let client = Client::connect(address, buffer).await.map_err(failed)?;
        let mut listener = Self { client, heard: Heard::default() };
        let subscriptions = subscriptions(number);
        for payload in &subscriptions {
            listener.client.subscribe(payload).await.map_err(failed)?;
        }
        while listener.heard.begun < subscriptions.len() {
            listener.hear(MUCH, Phase::Between).await.map_err(failed)?;
        }
        Ok(listener)
    }

    /// Until everything is over.
    pub async fn listen(mut self, course: watch::Receiver<Phase>) -> Heard {
        let mut ending = course.clone();
        let mut over = pin!(ending.wait_for(|phase| *phase == Phase::Over));
        loop {
            let phase = *course.borrow();
            tokio::select! {
                heard = self.hear(MUCH, phase) => if let Err(cut) = heard {
                    return self.end(Some(cut));
                },
                _ = &mut over => return self.end(None),
            }
        }
    }

    /// Some more, of at most so many bytes.
    pub async fn hear(&mut self, at_most: usize, phase: Phase) -> Result<(), Cut> {
        let Self { client, heard } = self;
        client.hear(at_most, |text| heard.note(text, phase)).await
    }

    pub fn end(self, cut: Option<Cut>) -> Heard {
        Heard { cut: cut.map(|cut| cut.to_string()), ..self.heard }
    }
}

#[derive(Deserialize)]
struct Told<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    payload: Payload<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload<'a> {
    sub_id: u64,
    channel: &'a str,
    seq: u64,
    prev_seq: u64,
    part: u64,
    parts: u64,
    partition: u32,
    offset: u64,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// When it happened; of a position the clock it stands for.
#[derive(Deserialize)]
struct Row {
    #[serde(alias = "clock")]
    time: i64,
}

impl Heard {
    fn note(&mut self, text: &[u8], phase: Phase) {
        let Ok(Told { r#type, payload }) = serde_json::from_slice(text) else {
            self.holes += 1;
            return;
        };
        match r#type {
            "snapshot" => self.begun += usize::from(payload.part == payload.parts),
            "update" => self.note_update(&payload, phase),
            _ => return,
        }
        let before = self.numbers.insert(payload.sub_id, payload.seq).unwrap_or_default();
        self.holes += u64::from(payload.prev_seq != before || payload.seq != before + 1);
    }

    fn note_update(&mut self, payload: &Payload<'_>, phase: Phase) {
        let row = payload.data.and_then(|data| serde_json::from_str::<Row>(data.get()).ok());
        let Some(Row { time }) = row else {
            self.holes += 1;
            return;
        };
        self.updates += 1;
        self.last = milliseconds_since(time);
        match phase {
            Phase::Alone => self.alone.push(self.last),
            Phase::Beside => self.beside.push(self.last),
            Phase::Between | Phase::Over => {}
        }
        if let Some(channel) = EVENTS.iter().position(|channel| *channel == payload.channel) {
            let Payload { partition, offset, .. } = *payload;
            self.events.push(Event { time, channel: channel as u8, partition, offset });
        }
    }
}

/// Finer than the clock of the market, which is the same machine's.
fn milliseconds_since(time: i64) -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1_000.0 - time as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(heard: &mut Heard, seq: u64, prev_seq: u64, offset: u64) {
        let data = json!({ "coin": "BTC", "time": 1_000 });
        let payload = json!({
            "sub_id": 1, "channel": "liquidations", "seq": seq, "prev_seq": prev_seq,
            "partition": 2, "offset": offset, "data": data,
        });
        let text = json!({ "type": "update", "payload": payload, "timestamp": 0 }).to_string();
        heard.note(text.as_bytes(), Phase::Alone);
    }

    #[test]
    fn a_frame_that_is_not_the_next_one_is_a_hole() {
        let mut heard = Heard::default();
        told(&mut heard, 1, 0, 10);
        told(&mut heard, 2, 1, 11);
        assert_eq!((heard.holes, heard.alone.len(), heard.events.len()), (0, 2, 2));
        told(&mut heard, 4, 3, 13);
        assert_eq!(heard.holes, 1);
    }
}
