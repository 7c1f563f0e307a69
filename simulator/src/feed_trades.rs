//! A block's line, as the node wrote it → the trades that the exchange publishes: both legs of a trade become one
//! object. A leg that is alone is no trade.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// As the exchange writes it; numbers are the line's own strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Trade {
    coin: String,
    /// The taker's.
    side: &'static str,
    px: String,
    sz: String,
    time: i64,
    hash: String,
    pub(crate) tid: u64,
    /// Buyer and seller.
    users: [String; 2],
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    events: Vec<(&'a str, Leg<'a>)>,
}

#[derive(Deserialize)]
struct Leg<'a> {
    coin: &'a str,
    px: &'a str,
    sz: &'a str,
    side: &'a str,
    time: i64,
    hash: &'a str,
    crossed: bool,
    tid: u64,
}

/// Of each coin, in the order of the line.
pub(crate) fn of_line(line: &[u8]) -> BTreeMap<String, Vec<Trade>> {
    let mut trades: BTreeMap<String, Vec<Trade>> = BTreeMap::new();
    let mut alone = BTreeMap::new();
    // The engine's lines are JSON; what is not one has no trades.
    let events = serde_json::from_slice(line).map_or(Vec::new(), |line: Line<'_>| line.events);
    for (user, leg) in events.into_iter().filter(|(_, leg)| leg.tid != 0) {
        match alone.remove(&(leg.coin, leg.tid)) {
            Some(other) => trades.entry(leg.coin.to_owned()).or_default().push(paired(other, (user, leg))),
            None => drop(alone.insert((leg.coin, leg.tid), (user, leg))),
        }
    }
    trades
}

fn paired(one: (&str, Leg<'_>), other: (&str, Leg<'_>)) -> Trade {
    let ((buyer, bought), (seller, sold)) = if one.1.side == "B" { (one, other) } else { (other, one) };
    Trade {
        coin: bought.coin.to_owned(),
        side: if sold.crossed { "A" } else { "B" },
        px: bought.px.to_owned(),
        sz: bought.sz.to_owned(),
        time: bought.time,
        hash: bought.hash.to_owned(),
        tid: bought.tid,
        users: [buyer.to_owned(), seller.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn leg(user: &str, coin: &str, side: &str, crossed: bool, tid: u64) -> serde_json::Value {
        serde_json::json!([user, { "coin": coin, "px": "1.5", "sz": "2.0", "side": side, "time": 7, "hash": "0x0",
            "startPosition": "0.0", "crossed": crossed, "tid": tid }])
    }

    #[test]
    fn legs_are_paired_by_their_trade_wherever_they_stand() {
        let events = [
            leg("0xa", "SOL", "B", false, 5),
            leg("0xb", "BTC", "A", false, 6),
            leg("0xc", "SOL", "A", true, 5),
            leg("0xd", "@107", "A", true, 0),
            leg("0xe", "@107", "A", true, 0),
            leg("0xf", "BTC", "B", true, 6),
            leg("0xf", "BTC", "B", true, 7),
        ];
        let trades = of_line(serde_json::json!({ "block_number": 1, "events": events }).to_string().as_bytes());
        let told = serde_json::to_string(&trades.into_values().flatten().collect::<Vec<_>>()).unwrap();
        assert_eq!(
            told,
            concat!(
                r#"[{"coin":"BTC","side":"B","px":"1.5","sz":"2.0","time":7,"hash":"0x0","tid":6,"users":["0xf","0xb"]},"#,
                r#"{"coin":"SOL","side":"A","px":"1.5","sz":"2.0","time":7,"hash":"0x0","tid":5,"users":["0xa","0xc"]}]"#
            )
        );
    }
}
