//! What positions have paid for funding: charges and trades go in; sums since a position was opened and changed come
//! out.

use std::collections::HashMap;

use serde::Serialize;

use crate::crowd::Address;
use crate::markets::{MARKETS, Market};
use crate::pairs::Leg;
use crate::print;

/// One sum for each position that was ever charged.
#[derive(Default)]
pub(crate) struct FundingPaid(HashMap<(Address, &'static str), Paid>);

/// In millionths of a dollar, below zero what was received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Paid {
    all_time: i64,
    since_open: i64,
    since_change: i64,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CumulativeFunding {
    all_time: String,
    since_open: String,
    since_change: String,
}

const MONEY_DECIMALS: u32 = 6;

impl FundingPaid {
    /// An amount as the ledger has it: below zero when it was paid.
    pub(crate) fn charge(&mut self, user: Address, coin: &str, amount: &str) {
        let Some(market) = Market::of(coin) else { return };
        let paid = self.0.entry((user, market.coin)).or_default();
        let amount = -print::units(amount, MONEY_DECIMALS);
        paid.all_time += amount;
        paid.since_open += amount;
        paid.since_change += amount;
    }

    pub(crate) fn trade(&mut self, leg: &Leg<'_>) {
        let known = Market::of(leg.coin).zip(leg.user.as_bytes().try_into().ok());
        let Some((market, paid)) =
            known.and_then(|(market, user)| Some((market, self.0.get_mut(&(user, market.coin))?)))
        else {
            return;
        };
        paid.since_change = 0;
        if opens(market, leg) {
            paid.since_open = 0;
        }
    }

    pub(crate) fn of(&self, user: &Address, market: usize) -> CumulativeFunding {
        let paid = self.0.get(&(*user, MARKETS[market].coin)).copied().unwrap_or_default();
        let text = |amount| print::text(amount, MONEY_DECIMALS);
        CumulativeFunding {
            all_time: text(paid.all_time),
            since_open: text(paid.since_open),
            since_change: text(paid.since_change),
        }
    }
}

/// Whether a leg begins a position: from nothing, or from the other side of it.
fn opens(market: &Market, leg: &Leg<'_>) -> bool {
    let units = |text| print::units(text, market.amount_decimals());
    let (start, size) = (units(leg.start_position), units(leg.sz));
    let end = if leg.side == "B" { start + size } else { start - size };
    start.signum() != end.signum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Address = *b"0xa775d1bd91ee2cc4cae6113e5fd9c0c17b355277";

    fn leg<'a>(side: &'a str, start_position: &'a str, sz: &'a str) -> Leg<'a> {
        Leg { user: str::from_utf8(&USER).unwrap_or_default(), coin: "SOL", side, start_position, sz, ..Leg::default() }
    }

    #[test]
    fn sums_begin_anew_with_a_position_and_with_its_changes() {
        let mut paid = FundingPaid::default();
        let told = |paid: &FundingPaid| {
            let CumulativeFunding { all_time, since_open, since_change } = paid.of(&USER, 2);
            [all_time, since_open, since_change].join(" ")
        };
        paid.trade(&leg("B", "0.0", "2.0"));
        assert_eq!(told(&paid), "0.0 0.0 0.0");
        paid.charge(USER, "SOL", "-1.5");
        paid.charge(USER, "SOL", "0.25");
        assert_eq!(told(&paid), "1.25 1.25 1.25");
        paid.trade(&leg("A", "2.0", "0.5"));
        assert_eq!(told(&paid), "1.25 1.25 0.0");
        paid.charge(USER, "SOL", "-1.0");
        paid.trade(&leg("A", "1.5", "2.0"));
        assert_eq!(told(&paid), "2.25 0.0 0.0", "it is a short now");
        paid.charge(USER, "GONE", "-1.0");
        assert_eq!(paid.0.len(), 1);
    }
}
