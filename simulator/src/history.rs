//! What is remembered of users and coins for questions about the past: each block's line, events and trades go in; the
//! newest are kept.

mod candles;
mod funding_paid;
mod intervals;
mod rows;

use serde::Deserialize;

use crate::crowd::Address;
use crate::engine::{Engine, MILLISECOND};
use crate::layout_lines;
use crate::pairs::Pairs;

use candles::Candles;
use funding_paid::FundingPaid;

pub(crate) use funding_paid::CumulativeFunding;
pub(crate) use intervals::Interval;
pub(crate) use rows::Rows;

#[derive(Default)]
pub(crate) struct History {
    pub(crate) fills: Rows,
    pub(crate) fundings: Rows,
    /// What changes an account beside fills and funding.
    pub(crate) ledger: Rows,
    pub(crate) funding_paid: FundingPaid,
    pub(crate) candles: Candles,
    misc_line: Vec<u8>,
}

#[derive(Deserialize)]
struct Event<'a> {
    hash: &'a str,
    #[serde(borrow)]
    inner: Inner<'a>,
}

#[derive(Deserialize)]
enum Inner<'a> {
    CDeposit {
        user: &'a str,
        amount: &'a str,
    },
    Funding {
        #[serde(borrow)]
        deltas: Vec<Delta<'a>>,
    },
    LedgerUpdate {
        #[serde(borrow)]
        users: Vec<&'a str>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delta<'a> {
    user: &'a str,
    coin: &'a str,
    #[serde(rename = "funding_amount")]
    amount: &'a str,
    szi: &'a str,
    funding_rate: &'a str,
}

/// What only the node tells of a fill.
const NODES_OWN: [&str; 2] = [",\"builder\":\"", ",\"deployerFee\":\""];
const NO_HASH: &str = "0x0000000000000000000000000000000000000000000000000000000000000000";

impl History {
    /// The block that was just made.
    pub(crate) fn take(&mut self, engine: &Engine, line: &[u8], pairs: &Pairs<'_>) {
        let time = engine.time / MILLISECOND;
        layout_lines::fills(line).for_each(|fill| self.take_fill(time, fill));
        let mut misc_line = std::mem::take(&mut self.misc_line);
        engine.misc_line(&mut misc_line);
        layout_lines::misc_events(&misc_line).for_each(|event| self.take_event(time, event));
        self.misc_line = misc_line;
        for pair in pairs.pairs.iter().filter(|pair| pair.is_trade()) {
            self.candles.trade(&pair.bought);
            self.funding_paid.trade(&pair.bought);
            self.funding_paid.trade(&pair.sold);
        }
    }

    fn take_fill(&mut self, time: i64, fill: &str) {
        if let Some((user, fill)) = user_and_fill(fill) {
            let told = NODES_OWN.into_iter().fold(fill.to_owned(), without);
            self.fills.push(user, time, told);
        }
    }

    fn take_event(&mut self, time: i64, text: &str) {
        // The engine's events are JSON.
        let Ok(Event { hash, inner }) = serde_json::from_str(text) else { return };
        match inner {
            Inner::CDeposit { user, amount } => {
                let delta = format!(r#"{{"type":"deposit","usdc":"{amount}"}}"#);
                self.enter(user, time, hash, &delta);
            }
            Inner::LedgerUpdate { users } => {
                let (_, delta) = text.split_once("\"delta\":").unwrap_or_default();
                let delta = delta.strip_suffix("}}}").unwrap_or_default();
                users.into_iter().for_each(|user| self.enter(user, time, hash, delta));
            }
            Inner::Funding { deltas } => deltas.iter().for_each(|delta| self.take_funding(time, delta)),
        }
    }

    fn enter(&mut self, user: &str, time: i64, hash: &str, delta: &str) {
        if let Ok(user) = user.as_bytes().try_into() {
            self.ledger.push(user, time, format!(r#"{{"time":{time},"hash":"{hash}","delta":{delta}}}"#));
        }
    }

    /// As it is told since 2025: without a hash and without the number of samples.
    fn take_funding(&mut self, time: i64, delta: &Delta<'_>) {
        let Delta { user, coin, amount, szi, funding_rate } = delta;
        if let Ok(user) = user.as_bytes().try_into() {
            self.funding_paid.charge(user, coin, amount);
            let delta = format!(
                r#"{{"type":"funding","coin":"{coin}","usdc":"{amount}","szi":"{szi}","fundingRate":"{funding_rate}","nSamples":null}}"#
            );
            self.fundings.push(user, time, format!(r#"{{"time":{time},"hash":"{NO_HASH}","delta":{delta}}}"#));
        }
    }
}

fn user_and_fill(fill: &str) -> Option<(Address, &str)> {
    let (user, rest) = fill.strip_prefix("[\"")?.split_once("\",")?;
    Some((user.as_bytes().try_into().ok()?, rest.strip_suffix(']')?))
}

/// A fill without a key that has a plain text, given as it begins.
fn without(fill: String, key: &str) -> String {
    let Some(begin) = fill.find(key) else { return fill };
    let value = begin + key.len();
    let end = fill[value..].find('"').map_or(fill.len(), |at| value + at + 1);
    [&fill[..begin], &fill[end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_nodes_own_is_not_told() {
        let fill =
            r#"{"fee":"0.1","builderFee":"0.05","tid":7,"builder":"0xb841","deployerFee":"0.02","feeToken":"USDC"}"#;
        let told = NODES_OWN.into_iter().fold(fill.to_owned(), without);
        assert_eq!(told, r#"{"fee":"0.1","builderFee":"0.05","tid":7,"feeToken":"USDC"}"#);
    }
}
