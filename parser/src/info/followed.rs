//! What is known of a followed wallet: what was said of it, and what its accounts were when they were asked last.

use std::collections::BTreeMap;

use schemas::{AccountState, Amount};
use serde::{Deserialize, Serialize};

use super::standing::{NOTHING_HELD_EVERY, Standing, at_risk, risk};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// As whoever follows it said last.
    pub notional: Amount,
    pub at_risk: bool,
    /// By dex.
    pub accounts: BTreeMap<String, Account>,
}

/// A wallet's account on one dex.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// When the last reply came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<i64>,
    /// Whether there were positions in it.
    pub holds: bool,
    pub notional: Amount,
    pub risk: Amount,
}

impl Followed {
    pub fn learn(&mut self, dex: &str, state: &AccountState, received: i64) {
        let (asked, holds) = (Some(received), !state.asset_positions.is_empty());
        let (notional, risk) = (state.margin_summary.total_ntl_pos, risk(state));
        self.accounts.insert(dex.to_owned(), Account { asked, holds, notional, risk });
    }

    /// On the main dex every wallet is asked for; on the others, where it holds something.
    pub fn standing(&self, dex: &str) -> Standing {
        let account = self.accounts.get(dex);
        let risk = account.map_or(Amount::ZERO, |account| account.risk);
        if dex.is_empty() || account.is_some_and(|account| account.holds) {
            let risk = if self.at_risk { risk.max(at_risk()) } else { risk };
            return Standing::of_account(risk, self.notional());
        }
        Standing::of_account(Amount::ZERO, self.notional()).every(NOTHING_HELD_EVERY)
    }

    /// What is known to be in its accounts, or what was said where that is more.
    pub fn notional(&self) -> Amount {
        let accounts = self.accounts.values().map(|account| account.notional);
        // More than can be added exactly is more than enough.
        let known = accounts.reduce(|sum, notional| sum.plus(notional).unwrap_or(sum.max(notional)));
        self.notional.max(known.unwrap_or_default())
    }

    /// When the account was asked last that was asked longest ago, of those that hold something.
    pub fn oldest(&self) -> Option<i64> {
        let held = self.accounts.iter().filter(|(dex, account)| dex.is_empty() || account.holds);
        held.filter_map(|(_, account)| account.asked).min()
    }
}
