//! The legs of a block's trades → the trades that the exchange publishes: both legs become one object.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::pairs::{Pair, Pairs};

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

/// Of each coin, in the order of the line.
pub(crate) fn of_pairs(pairs: &Pairs<'_>) -> BTreeMap<String, Vec<Trade>> {
    let mut trades: BTreeMap<String, Vec<Trade>> = BTreeMap::new();
    for pair in pairs.pairs.iter().filter(|pair| pair.is_trade()) {
        trades.entry(pair.bought.coin.to_owned()).or_default().push(Trade::of(pair));
    }
    trades
}

impl Trade {
    fn of(pair: &Pair<'_>) -> Self {
        let (bought, sold) = (&pair.bought, &pair.sold);
        Self {
            coin: bought.coin.to_owned(),
            side: pair.side(),
            px: bought.px.to_owned(),
            sz: bought.sz.to_owned(),
            time: bought.time,
            hash: bought.hash.to_owned(),
            tid: bought.tid,
            users: [bought.user.to_owned(), sold.user.to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::pairs;

    fn leg(user: &str, coin: &str, side: &str, crossed: bool, tid: u64) -> serde_json::Value {
        serde_json::json!([user, { "coin": coin, "px": "1.5", "sz": "2.0", "side": side, "time": 7, "hash": "0x0",
            "startPosition": "0.0", "dir": "", "oid": 1, "crossed": crossed, "tid": tid }])
    }

    fn settled(mut leg: serde_json::Value) -> serde_json::Value {
        leg[1]["dir"] = "Settlement".into();
        leg
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
            settled(leg("0xa", "SOL", "B", true, 8)),
            settled(leg("0x0", "SOL", "A", false, 8)),
        ];
        let line = serde_json::json!({ "block_time": "2026-06-28T08:43:53", "block_number": 1, "events": events });
        let line = line.to_string();
        let trades = of_pairs(&pairs::of_line(line.as_bytes()));
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
