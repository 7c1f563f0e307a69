//! An element of the reply to `userNonFundingLedgerUpdates` or `userFunding` → a change of an account.

use schemas::{Hash, LedgerUpdate, Wallet};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ledger::LedgerId;

/// The change, and the fact: what changed goes on as the exchange wrote it.
#[derive(Debug)]
pub struct Update {
    pub update: LedgerUpdate,
    pub text: String,
}

#[derive(Deserialize)]
struct Element<'a> {
    time: i64,
    hash: Hash,
    #[serde(borrow)]
    delta: &'a RawValue,
}

impl Update {
    /// Its time, its id among those of the same time, and itself.
    pub fn parse(user: Wallet, element: &str) -> Result<(i64, String, Self), String> {
        let Element { time, hash, delta: text } = serde_json::from_str(element).map_err(not_an_update)?;
        let delta: serde_json::Value = serde_json::from_str(text.get()).map_err(not_an_update)?;
        if !delta["type"].is_string() {
            return Err(not_an_update("it has no type"));
        }
        let id = LedgerId { time, user, hash, delta: &delta };
        let (fingerprint, id) = (format!("{:016x}", id.fingerprint()), id.to_string());
        let quoted = serde_json::Value::from(id.as_str());
        let text = format!(r#"{{"id":{quoted},"user":"{user}","time":{time},"hash":"{hash}","delta":{}}}"#, text.get());
        Ok((time, fingerprint, Self { update: LedgerUpdate { id, user, time, hash, delta }, text }))
    }
}

fn not_an_update(reason: impl std::fmt::Display) -> String {
    format!("not a change of an account: {reason}")
}
