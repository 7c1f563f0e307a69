//! A line of `node_trades` → both fills of the trade. What it does not say (fee, realised profit, trade id) stays
//! unsaid; the direction, where the line has no other one, follows from side and position as the exchange names it.

use std::borrow::Cow;

use schemas::{Amount, Coin, MarketKind, Side};
use serde::Deserialize;
use serde_json::json;

use super::unit::{Unit, moment};
use crate::dead_letter::Reject;

#[derive(Deserialize)]
struct Line<'a> {
    coin: Coin,
    /// The taker's.
    side: Side,
    time: &'a str,
    px: Amount,
    sz: Amount,
    hash: &'a str,
    /// What is booked although nobody trades is named here; everything else is `Na`.
    #[serde(default)]
    trade_dir_override: Option<&'a str>,
    /// Buyer and seller.
    side_info: [Party<'a>; 2],
}

#[derive(Deserialize)]
struct Party<'a> {
    user: &'a str,
    start_pos: Amount,
    oid: u64,
    #[serde(default)]
    twap_id: Option<u64>,
    #[serde(default)]
    cloid: Option<&'a str>,
}

pub fn understand(line: &[u8]) -> Result<Unit<'_>, Reject> {
    let line: Line = serde_json::from_slice(line).map_err(|error| Reject::Trade { reason: error.to_string() })?;
    let time = moment("time", line.time)?;
    let [buyer, seller] = &line.side_info;
    let legs =
        [(buyer, Side::Buy), (seller, Side::Sell)].map(|(party, side)| Cow::Owned(leg(&line, time, party, side)));
    Ok(Unit { number: None, time, is_whole: false, legs: legs.into() })
}

fn leg(line: &Line<'_>, time: i64, party: &Party<'_>, side: Side) -> String {
    let mut fill = json!({
        "coin": line.coin, "px": line.px, "sz": line.sz, "side": side, "time": time, "startPosition": party.start_pos,
        "dir": line.direction(party, side), "hash": line.hash, "oid": party.oid,
        "crossed": side == line.side,
    });
    if let Some(cloid) = party.cloid {
        fill["cloid"] = json!(cloid);
    }
    if let Some(twap) = party.twap_id {
        fill["twapId"] = json!(twap);
    }
    json!([party.user, fill]).to_string()
}

impl Line<'_> {
    fn direction(&self, party: &Party<'_>, side: Side) -> &str {
        let named = self.trade_dir_override.filter(|name| *name != "Na");
        named.unwrap_or_else(|| direction(self.coin.kind(), side, party.start_pos, self.sz))
    }
}

fn direction(kind: MarketKind, side: Side, start: Amount, size: Amount) -> &'static str {
    let end = if side == Side::Buy { start.plus(size) } else { start.minus(size) };
    let ends_beyond = end.is_ok_and(|end| end.sign() == -start.sign() && end.sign() != 0);
    match (kind, side, start.sign()) {
        (MarketKind::Perp, Side::Buy, -1) if ends_beyond => "Short > Long",
        (MarketKind::Perp, Side::Buy, -1) => "Close Short",
        (MarketKind::Perp, Side::Buy, _) => "Open Long",
        (MarketKind::Perp, Side::Sell, 1) if ends_beyond => "Long > Short",
        (MarketKind::Perp, Side::Sell, 1) => "Close Long",
        (MarketKind::Perp, Side::Sell, _) => "Open Short",
        (_, Side::Buy, _) => "Buy",
        (_, Side::Sell, _) => "Sell",
    }
}
