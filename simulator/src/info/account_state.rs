//! `clearinghouseState`: the books and a wallet go in; what its account on one dex is worth, what it must keep and what
//! it holds come out, as the exchange writes it.

use serde::Serialize;

use crate::engine::Engine;
use crate::history::CumulativeFunding;
use crate::markets::MARKETS;
use crate::now::Now;
use crate::print;
use crate::truth::liquidation_px;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountState {
    margin_summary: Summary,
    cross_margin_summary: Summary,
    cross_maintenance_margin_used: String,
    withdrawable: String,
    asset_positions: Vec<AssetPosition>,
    time: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    account_value: String,
    total_ntl_pos: String,
    total_raw_usd: String,
    total_margin_used: String,
}

#[derive(Serialize)]
struct AssetPosition {
    #[serde(rename = "type")]
    mode: &'static str,
    position: Position,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Position {
    coin: &'static str,
    szi: String,
    leverage: Leverage,
    entry_px: String,
    position_value: String,
    unrealized_pnl: String,
    return_on_equity: String,
    liquidation_px: Option<String>,
    margin_used: String,
    max_leverage: u32,
    cum_funding: CumulativeFunding,
}

#[derive(Serialize)]
struct Leverage {
    #[serde(rename = "type")]
    mode: &'static str,
    value: u8,
    #[serde(rename = "rawUsd", skip_serializing_if = "Option::is_none")]
    raw_usd: Option<String>,
}

/// What a summary sums up, in millionths of a dollar.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    value: i64,
    notional: i64,
    raw: i64,
    used: i64,
}

const MONEY_DECIMALS: u32 = 6;
const RATIO_DECIMALS: u32 = 10;
/// Of the notional so much must stay when money is withdrawn, whatever the leverage.
const STAYS: i64 = 10;

/// Of a wallet that nobody has, an empty account. All cross positions are on the main dex, and so is the money.
pub(super) fn of(now: &Now, wallet: Option<u32>, dex: &str) -> AccountState {
    let books = &now.books;
    let held: Vec<(usize, u32)> = wallet
        .into_iter()
        .flat_map(|wallet| books.positions(wallet).map(move |market| (market, wallet)))
        .filter(|(market, _)| MARKETS[*market].dex() == dex)
        .collect();
    let is_cross = |(market, wallet): &&(usize, u32)| !books.habits.of(*market, *wallet).isolated;
    let cash = wallet.filter(|_| dex.is_empty()).map_or(0, |wallet| books.money.cross[wallet as usize]);
    let cash = Sums { value: cash, raw: cash, ..Sums::default() };
    let sum = |sums: Sums, (market, wallet): &(usize, u32)| sums.plus(position_sums(books, *market, *wallet));
    let cross = held.iter().filter(is_cross).fold(cash, sum);
    let all = held.iter().fold(cash, sum);
    let maintenance = held.iter().filter(is_cross).map(|(market, wallet)| maintenance(books, *market, *wallet)).sum();
    AccountState {
        margin_summary: all.summary(),
        cross_margin_summary: cross.summary(),
        cross_maintenance_margin_used: money(maintenance),
        withdrawable: money((cross.value - cross.used.max(cross.notional / STAYS)).max(0)),
        asset_positions: held.iter().map(|(market, wallet)| asset_position(now, *market, *wallet)).collect(),
        time: now.time(),
    }
}

fn position_sums(books: &Engine, market: usize, wallet: u32) -> Sums {
    let holding = books.accounts.of_market(market)[wallet as usize];
    let value = holding.amount * books.quotes.of[market].mark;
    let habit = books.habits.of(market, wallet);
    if habit.isolated {
        let own = holding.raw + value;
        return Sums { value: own, notional: value.abs(), raw: holding.raw, used: own };
    }
    Sums { value, notional: value.abs(), raw: 0, used: value.abs() / i64::from(habit.leverage) }
}

fn maintenance(books: &Engine, market: usize, wallet: u32) -> i64 {
    MARKETS[market].maintenance(position_sums(books, market, wallet).notional)
}

fn asset_position(now: &Now, market: usize, wallet: u32) -> AssetPosition {
    let (books, terms) = (&now.books, &MARKETS[market]);
    let (habit, holding) = (books.habits.of(market, wallet), books.accounts.of_market(market)[wallet as usize]);
    let sums = position_sums(books, market, wallet);
    let gained = (sums.notional - holding.cost) * holding.amount.signum();
    let leverage = Leverage {
        mode: if habit.isolated { "isolated" } else { "cross" },
        value: habit.leverage,
        raw_usd: habit.isolated.then(|| money(holding.raw)),
    };
    let position = Position {
        coin: terms.coin,
        szi: print::text(holding.amount, terms.size_decimals),
        leverage,
        entry_px: print::text(holding.cost / holding.amount.abs(), terms.price_decimals()),
        position_value: money(sums.notional),
        unrealized_pnl: money(gained),
        return_on_equity: print::text(ratio(gained * i64::from(habit.leverage), holding.cost), RATIO_DECIMALS),
        liquidation_px: liquidation_px(books, market, wallet),
        margin_used: money(sums.used),
        max_leverage: terms.max_leverage,
        cum_funding: now.history.funding_paid.of(books.crowd.address(wallet), market),
    };
    AssetPosition { mode: "oneWay", position }
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        Self {
            value: self.value + other.value,
            notional: self.notional + other.notional,
            raw: self.raw + other.raw,
            used: self.used + other.used,
        }
    }

    fn summary(self) -> Summary {
        Summary {
            account_value: money(self.value),
            total_ntl_pos: money(self.notional),
            total_raw_usd: money(self.raw),
            total_margin_used: money(self.used),
        }
    }
}

fn money(amount: i64) -> String {
    print::text(amount, MONEY_DECIMALS)
}

/// In ten-billionths, to the nearest.
fn ratio(gained: i64, paid: i64) -> i64 {
    let (gained, paid) = (i128::from(gained) * 10_i128.pow(RATIO_DECIMALS), i128::from(paid.max(1)));
    ((gained + gained.signum() * paid / 2) / paid) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_return_on_equity_comes_out_to_the_last_digit() {
        assert_eq!(ratio(-6_000 * 10, 75_658_000), -7_930_424, "HYPE, ten times: -0.0007930424");
        assert_eq!(ratio(993_240, 9_688_410), 1_025_183_699, "BTC: 0.1025183699");
    }
}
