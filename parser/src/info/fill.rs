//! An element of the reply to `userFillsByTime` → a fill of a wallet, with the exchange's own object.

use schemas::{Amount, Coin, Side, Wallet};
use serde::Deserialize;

use super::object::with_front;

/// A fill as the endpoint tells it: it knows neither the block nor the place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryFill {
    pub read: ReadFill,
    /// The exchange's own object with `user` put in front.
    pub text: String,
}

/// What tells fills apart.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadFill {
    pub user: Wallet,
    pub coin: Coin,
    pub time: i64,
    pub side: Side,
    pub sz: Amount,
    pub start_position: Amount,
    pub oid: u64,
    /// 0 for dust, none in 2023.
    #[serde(default)]
    pub tid: Option<u64>,
}

impl HistoryFill {
    pub fn parse(user: Wallet, object: &str) -> Result<Self, String> {
        let text = with_front(&format!(r#""user":"{user}","#), object).map_err(not_a_fill)?;
        let read: ReadFill = serde_json::from_str(&text).map_err(not_a_fill)?;
        if read.sz.sign() < 0 {
            return Err(not_a_fill("its size is below zero"));
        }
        Ok(Self { read, text })
    }

    /// Among the fills of one wallet and one millisecond.
    pub fn id(&self) -> String {
        let ReadFill { coin, side, sz, start_position, oid, tid, .. } = &self.read;
        match tid {
            Some(tid) if *tid > 0 => format!("{coin}|{tid}|{side:?}"),
            _ => format!("{coin}|{oid}|{sz}|{start_position}"),
        }
    }
}

fn not_a_fill(reason: impl std::fmt::Display) -> String {
    format!("not a fill: {reason}")
}
