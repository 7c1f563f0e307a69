//! What was traded, counted anew from the node's files and by nothing of ours: candles and takers' flow must say it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemas::Amount;
use serde_json::Value;

use crate::compare::{assert_same, clock};
use crate::facts::blocks_written;
use crate::place::Place;

/// Of each bucket that is final and lies in hours whose files are still there; how many were compared.
pub fn equals_the_files(place: &Place, market: &Path) -> usize {
    let (trades, holes) = trades(market);
    let Some(first) = trades.iter().map(|trade| trade.time).min() else { return 0 };
    let (from, clock, mut compared) = (first - first % HOUR, clock(place), 0);
    for (interval, length) in [("1m", MINUTE), ("5m", 5 * MINUTE), ("1h", HOUR), ("1d", 24 * HOUR)] {
        // What is before these files may be gone, and of a block that they lack they say nothing.
        let is_whole = |start: i64| {
            let lacks = |(before, after): &(i64, i64)| *before < start + length && start <= *after;
            start >= from && start + length + GRACE <= clock && !holes.iter().any(lacks)
        };
        let mut buckets: BTreeMap<(String, i64), Vec<&Trade>> = BTreeMap::new();
        for trade in &trades {
            let start = trade.time - trade.time % length;
            if is_whole(start) {
                buckets.entry((trade.coin.clone(), start)).or_default().push(trade);
            }
        }
        let expected = buckets.iter().map(|(key, trades)| (key.clone(), counted(trades))).collect();
        assert_same(&format!("what was traded in {interval}"), &expected, &told(place, interval, is_whole));
        compared += expected.len();
    }
    compared
}

/// Open, high, low, close, volume and trades of each coin's minutes.
pub fn minutes(market: &Path) -> BTreeMap<(String, i64), Vec<String>> {
    let (trades, _) = trades(market);
    let mut minutes: BTreeMap<(String, i64), Vec<&Trade>> = BTreeMap::new();
    for trade in &trades {
        minutes.entry((trade.coin.clone(), trade.time - trade.time % MINUTE)).or_default().push(trade);
    }
    let cells = |trades: Vec<&Trade>| {
        let mut cells = counted(&trades);
        cells.truncate(7);
        cells.remove(5);
        cells
    };
    minutes.into_iter().map(|(minute, trades)| (minute, cells(trades))).collect()
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// Buckets are told once a second.
const GRACE: i64 = 11_000;

struct Trade {
    coin: String,
    time: i64,
    px: Amount,
    sz: Amount,
    buys: bool,
}

/// The takers' legs, in the order of the blocks, and the times around the blocks that are not there.
fn trades(market: &Path) -> (Vec<Trade>, Vec<(i64, i64)>) {
    let mut seen = BTreeSet::new();
    let mut blocks: Vec<Value> = blocks_written(market).collect();
    blocks.sort_by_key(|block| block["block_number"].as_u64());
    blocks.retain(|block| seen.insert(block["block_number"].as_u64()));
    let holes = holes(&blocks);
    let legs = blocks.iter().flat_map(|block| block["events"].as_array().unwrap()).map(|event| &event[1]);
    let trades = legs.filter(|leg| leg["crossed"] == true && leg["tid"] != 0 && !is_booked_only(leg));
    (trades.map(Trade::of).collect(), holes)
}

/// Around each, the last time that was told before it and the first one after.
fn holes(blocks: &[Value]) -> Vec<(i64, i64)> {
    let (mut holes, mut next, mut time) = (Vec::new(), None, 0);
    for block in blocks {
        let number = block["block_number"].as_u64().unwrap();
        if next.is_some_and(|next| next != number) {
            holes.push((time, i64::MAX));
        }
        next = Some(number + 1);
        if let Some(told) = block["events"][0][1]["time"].as_i64() {
            time = told;
            holes.iter_mut().filter(|(_, after)| *after == i64::MAX).for_each(|(_, after)| *after = told);
        }
    }
    holes
}

pub fn is_booked_only(leg: &Value) -> bool {
    let dir = leg["dir"].as_str().unwrap();
    dir == "Settlement" || dir == "Spot Dust Conversion" || dir == "Net Child Vaults" || dir.ends_with(" Outcome")
}

impl Trade {
    fn of(leg: &Value) -> Self {
        let amount = |field: &str| leg[field].as_str().unwrap().parse().unwrap();
        Self {
            coin: leg["coin"].as_str().unwrap().to_owned(),
            time: leg["time"].as_i64().unwrap(),
            px: amount("px"),
            sz: amount("sz"),
            buys: leg["side"] == "B",
        }
    }

    fn notional(&self) -> Amount {
        self.px.times(self.sz).unwrap()
    }
}

/// Open, high, low, close, volume, notional, trades; bought, sold, purchases, sales.
fn counted(trades: &[&Trade]) -> Vec<String> {
    let prices = || trades.iter().map(|trade| trade.px);
    let ends = [prices().next(), prices().max(), prices().min(), prices().next_back()].map(|px| plain(px.unwrap()));
    let of = |buys: bool| trades.iter().filter(move |trade| trade.buys == buys);
    let volume = total(trades.iter().map(|trade| trade.sz));
    let [bought, sold] = [true, false].map(|buys| total(of(buys).map(|trade| trade.notional())));
    let notional = bought.plus(sold).unwrap();
    let mut cells = ends.to_vec();
    cells.extend([plain(volume), plain(notional), trades.len().to_string()]);
    cells.extend([plain(bought), plain(sold), of(true).count().to_string(), of(false).count().to_string()]);
    cells
}

fn told(place: &Place, interval: &str, is_whole: impl Fn(i64) -> bool) -> BTreeMap<(String, i64), Vec<String>> {
    let query = format!(
        "select c.coin, c.time, c.open, c.high, c.low, c.close, c.volume, c.notional, c.trades, f.buy_notional, \
         f.sell_notional, f.buy_trades, f.sell_trades, c.final from candles c join taker_flow f on f.generation = c.generation \
         and f.coin = c.coin and f.interval = c.interval and f.time = c.time and f.final = c.final \
         where c.interval = '{interval}'"
    );
    let cells = |mut row: Vec<String>| {
        assert_eq!(row.pop().as_deref(), Some("1"), "final by now: {row:?}");
        let key = (row[0].clone(), row[1].parse().unwrap());
        (key, row[2..].iter().map(|cell| plain(cell.parse().unwrap())).collect())
    };
    place.rows(&query).into_iter().filter(|row| is_whole(row[1].parse().unwrap())).map(cells).collect()
}

fn total(amounts: impl Iterator<Item = Amount>) -> Amount {
    amounts.fold(Amount::ZERO, |sum, amount| sum.plus(amount).unwrap())
}

/// One way to write a number.
pub fn plain(amount: Amount) -> String {
    amount.shortest().to_string()
}
