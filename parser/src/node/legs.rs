//! One `[user, fill]` → the fact: the source's own object with block, index and user put in front, so that no field of
//! it is lost.

use schemas::{Fill, Message as _, Outbox, Side, Topic};
use serde_json::value::RawValue;

use crate::dead_letter::Reject;

/// A fill of a block, as its source wrote it.
#[derive(Debug, Clone, Copy)]
pub struct Leg<'a> {
    pub block: u64,
    pub block_time: i64,
    pub index: u32,
    pub text: &'a str,
    /// What a trade does not say about its fills may be missing.
    pub is_of_a_trade: bool,
}

/// A fill's time is its block's, cut to milliseconds.
const FILL_SKEW_MS: u64 = 1_000;

impl Leg<'_> {
    pub fn fact(&self) -> Result<(String, Fill), Reject> {
        let not_a_fill = |error: serde_json::Error| Reject::Fill { reason: error.to_string() };
        let (user, object): (&RawValue, &RawValue) = serde_json::from_str(self.text).map_err(not_a_fill)?;
        let fields = object.get().strip_prefix('{').map(str::trim_start).filter(|fields| !fields.starts_with('}'));
        let fields = fields.ok_or_else(|| Reject::Fill { reason: "an object with fields was expected".to_owned() })?;
        let fact = format!(r#"{{"block":{},"index":{},"user":{},{fields}"#, self.block, self.index, user.get());
        let fill: Fill = serde_json::from_str(&fact).map_err(not_a_fill)?;
        self.check(&fill)?;
        Ok((fact, fill))
    }

    fn check(&self, fill: &Fill) -> Result<(), Reject> {
        if fill.time.abs_diff(self.block_time) > FILL_SKEW_MS {
            return Err(Reject::OtherTime { time: fill.time, block_time: self.block_time });
        }
        if fill.sz.sign() < 0 {
            return Err(Reject::NegativeSize);
        }
        for (field, value) in [("closedPnl", fill.closed_pnl), ("fee", fill.fee)] {
            if value.is_none() && !self.is_of_a_trade {
                return Err(Reject::Fill { reason: format!("missing field `{field}`") });
            }
        }
        fill.end_position().map(drop).map_err(|_| Reject::Position)
    }
}

pub fn publish(fact: &str, fill: &Fill, topic: &'static Topic, headers: &[u8], out: &mut Outbox) {
    let partition = fill.partition(out.generation().partitions(topic));
    let coin = fill.coin.as_str().as_bytes();
    out.batch(topic, partition).push(fill.time, coin, Some(fact.as_bytes()), headers);
}

/// What tells a fill from every other one of its block, in every layout: of the trade id, files of trades know nothing.
/// The position before it moves with each fill of an order.
pub fn id(fill: &Fill) -> u64 {
    let side = if fill.side == Side::Buy { "B" } else { "A" };
    let (coin, size, start) = (fill.coin.as_str(), fill.sz.shortest(), fill.start_position.shortest());
    fnv(format!("{coin}|{}|{side}|{}|{size}|{start}|{}", fill.user, fill.oid, fill.time).as_bytes())
}

/// FNV-1a: the same on every machine and in every release.
pub fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
