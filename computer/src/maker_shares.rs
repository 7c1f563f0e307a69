//! Trades of each wallet → how much of them it had offered and others took: what tells a market maker.

use alloc::vec::Vec;

use schemas::{Amount, PositionChange, Wallet};
use serde::{Deserialize, Serialize};

use crate::table::{Table, TableKey};

const HOUR_MS: i64 = 3_600_000;
/// This one and those before it.
const HOURS: i64 = 24;

/// What each wallet traded in each of the last hours.
pub(crate) type Hours = Table<Hour, Traded>;

/// An hour of a wallet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour {
    wallet: Wallet,
    number: i64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Traded {
    notional: Amount,
    /// The part of it that others took.
    offered: Amount,
}

pub(crate) fn count(hours: &mut Hours, change: &PositionChange) {
    let key = Hour { wallet: change.wallet, number: change.time.div_euclid(HOUR_MS) };
    let before = hours.get(&key).map_or(Amount::ZERO, |traded| traded.notional);
    // A sum that no exact decimal holds: the share stays true of what it counts.
    let Ok(notional) = change.px.times(change.sz) else { return };
    let Ok(sum) = before.plus(notional) else { return };
    let traded = hours.change(&key);
    traded.notional = sum;
    if !change.crossed {
        // It is a part of the sum above.
        traded.offered = traded.offered.plus(notional).unwrap_or(traded.offered);
    }
}

/// Of the 24 hours that the one of this time ends; absent when nothing was traded in them.
pub(crate) fn of(hours: &Hours, wallet: Wallet, time: i64) -> Option<Amount> {
    let (mut notional, mut offered) = (Amount::ZERO, Amount::ZERO);
    let last = time.div_euclid(HOUR_MS);
    for number in last - HOURS + 1..=last {
        if let Some(traded) = hours.get(&Hour { wallet, number }) {
            notional = notional.plus(traded.notional).ok()?;
            offered = offered.plus(traded.offered).ok()?;
        }
    }
    offered.over(notional).ok()
}

/// Hours that no share is made of any more.
pub(crate) fn forget(hours: &mut Hours, time: i64) {
    let first = time.div_euclid(HOUR_MS) - HOURS + 1;
    for hour in hours.keys_where(|hour, _| hour.number < first) {
        hours.remove(&hour);
    }
}

/// How often there is something to forget.
pub(crate) const FORGETS_EVERY_MS: i64 = HOUR_MS;

impl TableKey for Hour {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.wallet.text());
        out.push(b'|');
        out.extend_from_slice(alloc::format!("{}", self.number).as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        let (wallet, number) = text.split_once('|')?;
        Some(Self { wallet: wallet.parse().ok()?, number: number.parse().ok()? })
    }
}
