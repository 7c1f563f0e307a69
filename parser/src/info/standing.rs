//! What is known of an account → how often it is worth asking for.

use schemas::{AccountState, Amount, HeldPosition};

/// In an order: whose risk is known goes before those who have none, by the risk; these go by their size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Importance {
    /// Of an account at risk only.
    pub risk: Option<Amount>,
    pub notional: Amount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How often it is asked for, as long as there is enough for everybody, in milliseconds. When there is not,
    /// everybody waits longer by the same factor.
    pub every: i64,
    pub importance: Importance,
}

/// From here on an account is at risk; at a hundred it is liquidated.
const AT_RISK_PERCENT: i64 = 50;
const AT_RISK_EVERY: i64 = 5_000;
/// From this notional on, so often.
const BY_NOTIONAL: [(i64, i64); 3] = [(10_000_000, 15_000), (1_000_000, 30_000), (100_000, 60_000)];
pub const SMALLEST_EVERY: i64 = 120_000;
/// Dexs on which a wallet held nothing when it was looked at last.
pub const NOTHING_HELD_EVERY: i64 = HOUR;
/// Funding is paid every hour; transfers of who is asked for often are asked for often too.
pub const FUNDING_EVERY: i64 = HOUR;
const ACCOUNTS_PER_LEDGER: i64 = 30;
const HOUR: i64 = 3_600_000;

impl Standing {
    pub fn of_account(risk: Amount, notional: Amount) -> Self {
        let risk = Some(risk).filter(|risk| *risk >= at_risk());
        let by_notional = BY_NOTIONAL.iter().find(|(least, _)| notional >= Amount::from(*least));
        let every = by_notional.map_or(SMALLEST_EVERY, |(_, every)| *every);
        let every = if risk.is_some() { AT_RISK_EVERY } else { every };
        Self { every, importance: Importance { risk, notional } }
    }

    pub fn of_ledger(account: Self) -> Self {
        Self { every: (account.every * ACCOUNTS_PER_LEDGER).min(HOUR), ..account }
    }

    pub fn every(self, every: i64) -> Self {
        Self { every, ..self }
    }
}

/// The risk of whom others say that he is at risk.
pub fn at_risk() -> Amount {
    Amount::from(AT_RISK_PERCENT)
}

/// Maintenance margin in per cent of what stands for it, of the cross account and of each isolated position: the
/// highest.
pub fn risk(state: &AccountState) -> Amount {
    let value = state.cross_margin_summary.account_value;
    let cross = state.cross_maintenance_margin_used.map(|maintenance| percent(maintenance, value));
    let positions = state.asset_positions.iter().map(|held| &held.position);
    let isolated = positions.filter(|position| position.leverage.raw_usd.is_some()).filter_map(isolated_risk);
    isolated.chain(cross).max().unwrap_or_default()
}

fn isolated_risk(position: &HeldPosition) -> Option<Amount> {
    let twice_the_leverage = Amount::from(i64::from(position.max_leverage?) * 2);
    let maintenance = position.position_value.over(twice_the_leverage).ok()?;
    Some(percent(maintenance, position.margin_used))
}

fn percent(maintenance: Amount, value: Amount) -> Amount {
    let hundred = Amount::from(100);
    match (maintenance.sign(), value.sign()) {
        (..=0, _) => Amount::ZERO,
        (_, ..=0) => hundred,
        // More digits than can be exact: more than anybody can pay.
        _ => maintenance.times(hundred).and_then(|part| part.over(value)).unwrap_or(hundred),
    }
}
