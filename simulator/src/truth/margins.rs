//! What stands behind the positions at the end of a run, and where each would be liquidated.

use serde::Serialize;

use super::push;
use crate::engine::{Engine, MILLISECOND};
use crate::liquidation_price::{Exposure, ONE, liquidation_price};
use crate::margin_tables::DOLLAR;
use crate::markets::{MARKETS, Market};
use crate::print;

/// An account; value and maintenance margin are those of its cross positions.
#[derive(Serialize)]
struct MarginsRow<'a> {
    user: &'a str,
    account_value: String,
    maintenance_margin: String,
    positions: Vec<Position>,
    block: u64,
    time: i64,
}

#[derive(Serialize)]
struct Position {
    coin: &'static str,
    size: String,
    leverage: Leverage,
    mark_px: String,
    margin_used: String,
    liquidation_px: Option<String>,
}

#[derive(Serialize)]
struct Leverage {
    #[serde(rename = "type")]
    mode: &'static str,
    value: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_usd: Option<String>,
}

const MONEY_DECIMALS: u32 = 6;

pub(super) fn rows(engine: &Engine) -> Vec<u8> {
    let mut rows = Vec::new();
    for wallet in 0..engine.crowd.accounts() {
        let positions: Vec<Position> =
            engine.positions(wallet).map(|market| position(engine, market, wallet)).collect();
        if positions.is_empty() {
            continue;
        }
        let account = engine.cross_account(wallet);
        let row = MarginsRow {
            user: str::from_utf8(engine.crowd.address(wallet)).unwrap_or_default(),
            account_value: money(account.value),
            maintenance_margin: money(account.maintenance),
            positions,
            block: engine.block,
            time: engine.time / MILLISECOND,
        };
        push(&mut rows, &row);
    }
    rows
}

fn position(engine: &Engine, market: usize, wallet: u32) -> Position {
    let (terms, habit) = (&MARKETS[market], engine.habits.of(market, wallet));
    let holding = engine.accounts.of_market(market)[wallet as usize];
    let mark = engine.quotes.of[market].mark;
    let notional = holding.amount.abs() * mark;
    let used = if habit.isolated { holding.raw + holding.amount * mark } else { notional / i64::from(habit.leverage) };
    Position {
        coin: terms.coin,
        size: print::text(holding.amount, terms.size_decimals),
        leverage: Leverage {
            mode: if habit.isolated { "isolated" } else { "cross" },
            value: habit.leverage,
            raw_usd: habit.isolated.then(|| money(holding.raw)),
        },
        mark_px: print::text(mark, terms.price_decimals()),
        margin_used: money(used),
        liquidation_px: liquidation_px(engine, market, wallet),
    }
}

pub(crate) fn liquidation_px(engine: &Engine, market: usize, wallet: u32) -> Option<String> {
    let terms = &MARKETS[market];
    let price = liquidation_price(&exposure(engine, terms, market, wallet), &terms.tiers())?;
    let text = format!("{}.{:010}", price / ONE, price % ONE);
    let shortest = text.trim_end_matches('0');
    Some(if shortest.ends_with('.') { format!("{shortest}0") } else { shortest.to_owned() })
}

fn exposure(engine: &Engine, terms: &Market, market: usize, wallet: u32) -> Exposure {
    let holding = engine.accounts.of_market(market)[wallet as usize];
    let size = i128::from(holding.amount) * (ONE / 10_i128.pow(terms.size_decimals));
    let scaled = |amount: i64| i128::from(amount) * (ONE / i128::from(DOLLAR));
    if engine.habits.of(market, wallet).isolated {
        return Exposure::isolated(size, scaled(holding.raw));
    }
    let notional = holding.amount.abs() * engine.quotes.of[market].mark;
    let account = engine.cross_account(wallet);
    Exposure {
        size,
        notional: scaled(notional),
        account_value: scaled(account.value),
        other_maintenance: scaled(account.maintenance - terms.maintenance(notional)),
    }
}

fn money(amount: i64) -> String {
    print::text(amount, MONEY_DECIMALS)
}
