//! A block's line, as the node wrote it → what two sides of it share: the two legs of each, wherever they stand. A leg that
//! is alone has no other side.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::delistings::SETTLEMENT;

/// In the order of the line, each pair where its second leg stands.
#[derive(Default)]
pub(crate) struct Pairs<'a> {
    pub(crate) block_time: &'a str,
    pub(crate) pairs: Vec<Pair<'a>>,
}

pub(crate) struct Pair<'a> {
    pub(crate) bought: Leg<'a>,
    pub(crate) sold: Leg<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Leg<'a> {
    #[serde(skip)]
    pub(crate) user: &'a str,
    pub(crate) coin: &'a str,
    pub(crate) px: &'a str,
    pub(crate) sz: &'a str,
    pub(crate) side: &'a str,
    pub(crate) time: i64,
    pub(crate) start_position: &'a str,
    pub(crate) dir: &'a str,
    pub(crate) hash: &'a str,
    pub(crate) oid: u64,
    pub(crate) crossed: bool,
    pub(crate) tid: u64,
    pub(crate) cloid: Option<&'a str>,
    pub(crate) twap_id: Option<u64>,
}

#[derive(Deserialize)]
struct Line<'a> {
    block_time: &'a str,
    #[serde(borrow)]
    events: Vec<(&'a str, Leg<'a>)>,
}

pub(crate) fn of_line(line: &[u8]) -> Pairs<'_> {
    // The engine's lines are JSON; what is not one has no trades.
    let Ok(Line { block_time, events }) = serde_json::from_slice(line) else { return Pairs::default() };
    let (mut pairs, mut alone) = (Vec::new(), BTreeMap::new());
    for (user, leg) in events.into_iter().filter(|(_, leg)| leg.tid != 0) {
        let leg = Leg { user, ..leg };
        match alone.remove(&(leg.coin, leg.tid)) {
            Some(other) => pairs.push(Pair::of(other, leg)),
            None => drop(alone.insert((leg.coin, leg.tid), leg)),
        }
    }
    Pairs { block_time, pairs }
}

impl<'a> Pair<'a> {
    fn of(one: Leg<'a>, other: Leg<'a>) -> Self {
        let (bought, sold) = if one.side == "B" { (one, other) } else { (other, one) };
        Self { bought, sold }
    }

    /// What is settled is booked in pairs too, and nobody trades.
    pub(crate) fn is_trade(&self) -> bool {
        self.bought.dir != SETTLEMENT
    }

    /// The taker's.
    pub(crate) fn side(&self) -> &'static str {
        if self.sold.crossed { "A" } else { "B" }
    }
}
