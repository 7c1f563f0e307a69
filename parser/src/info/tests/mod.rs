//! Budgets, schedules and pages in made-up worlds; sources against servers that behave and misbehave; recordings.
#![allow(clippy::unwrap_used)]

mod budget;
mod candles;
mod fills;
mod pages;
pub(crate) mod recorded;
mod replies;
mod schedule;
mod server;
mod source;
mod spending;
mod standing;

use std::collections::BTreeMap;

use schemas::{DeadLetter, FeedStatus, Outbox, Wallet, topics};

use crate::tests::told;

/// A time at which the replies of these tests may have been received.
const NOW: i64 = 1_782_640_000_000;

fn wallet(number: u8) -> Wallet {
    Wallet([number; 20])
}

/// A log as the source sees it: what was committed, and the last value of each key of the state.
#[derive(Default)]
struct Log {
    accounts: Vec<String>,
    updates: Vec<String>,
    contexts: Vec<String>,
    candles: Vec<String>,
    statuses: Vec<FeedStatus>,
    letters: Vec<DeadLetter>,
    fills: Vec<String>,
    raw: Vec<String>,
    state: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Log {
    fn commit(&mut self, out: &mut Outbox) {
        let values = |topic| told(out, topic).into_iter().map(|(_, _, value)| value);
        self.accounts.extend(values(&topics::ACCOUNT_STATES));
        self.updates.extend(values(&topics::LEDGER_UPDATES));
        self.contexts.extend(values(&topics::ASSET_CONTEXTS));
        self.candles.extend(values(&topics::EXCHANGE_CANDLES));
        self.statuses.extend(values(&topics::FEED_STATUS).map(|json| serde_json::from_str(&json).unwrap()));
        self.letters.extend(values(&topics::DEAD_LETTERS).map(|json| serde_json::from_str(&json).unwrap()));
        self.fills.extend(values(&topics::FILLS_HISTORY));
        self.raw.extend(values(&topics::RAW_INFO));
        for (_, _, batch) in out.filled().filter(|(topic, ..)| topic.name == topics::STATE_PARSER_INFO.name) {
            for record in batch.records() {
                match record.value {
                    Some(value) => drop(self.state.insert(record.key.to_vec(), value.to_vec())),
                    None => drop(self.state.remove(record.key)),
                }
            }
        }
        out.clear();
    }
}

/// An account with one position: isolated, of so much, with so much margin.
fn account(time: i64, notional: &str, margin: &str) -> String {
    format!(
        r#"{{"marginSummary":{{"accountValue":"83.307638","totalNtlPos":"{notional}","totalRawUsd":"7.655638","totalMarginUsed":"7.525754"}},"crossMarginSummary":{{"accountValue":"75.781884","totalNtlPos":"0.0","totalRawUsd":"75.781884","totalMarginUsed":"0.0"}},"crossMaintenanceMarginUsed":"0.0","withdrawable":"75.781884","assetPositions":[{{"type":"oneWay","position":{{"coin":"HYPE","szi":"2.0","leverage":{{"type":"isolated","value":10,"rawUsd":"-68.126246"}},"entryPx":"37.829","positionValue":"{notional}","unrealizedPnl":"-0.006","returnOnEquity":"-0.0007930424","liquidationPx":"35.8559189474","marginUsed":"{margin}","maxLeverage":10,"cumFunding":{{"allTime":"4.966798","sinceOpen":"0.0","sinceChange":"0.0"}}}}}}],"time":{time},"new":[1.50,"x"]}}"#
    )
}

const NOTHING_HELD: &str = r#"{"marginSummary":{"accountValue":"0.0","totalNtlPos":"0.0","totalRawUsd":"0.0","totalMarginUsed":"0.0"},"crossMarginSummary":{"accountValue":"0.0","totalNtlPos":"0.0","totalRawUsd":"0.0","totalMarginUsed":"0.0"},"crossMaintenanceMarginUsed":"0.0","withdrawable":"0.0","assetPositions":[],"time":1765661071083}"#;

/// A change of an account; those of one millisecond differ by their number.
fn update(time: i64, number: u64) -> String {
    format!(
        r#"{{"time":{time},"hash":"0x{number:064x}","delta":{{"type":"deposit","usdc":"2703997.4500000002","bare":1.50}}}}"#
    )
}
