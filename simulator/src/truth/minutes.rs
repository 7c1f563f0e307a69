//! After the last block of a minute: how many accounts stood on each side of each coin, and its prices.

use serde::Serialize;

use super::push;
use crate::accounts::Sides;
use crate::contexts::Context;
use crate::engine::Engine;
use crate::markets::MARKETS;

#[derive(Serialize)]
struct AccountsRow {
    coin: &'static str,
    time: i64,
    long: u32,
    short: u32,
    block: u64,
}

#[derive(Serialize)]
struct PricesRow<'a> {
    coin: &'static str,
    time: i64,
    mark_px: &'a str,
    oracle_px: &'a str,
    mid_px: Option<&'a str>,
    funding: &'a str,
    open_interest: &'a str,
    block: u64,
}

/// Of every perp that has ever traded.
pub(crate) fn sides(engine: &Engine) -> Vec<(&'static str, Sides)> {
    (0..MARKETS.len())
        .filter(|market| !MARKETS[*market].is_spot() && engine.accounts.has_traded(*market))
        .map(|market| (MARKETS[market].coin, engine.accounts.sides(market)))
        .collect()
}

pub(super) fn accounts(sides: &[(&'static str, Sides)], time: i64, block: u64) -> Vec<u8> {
    let mut rows = Vec::new();
    for (coin, Sides { long, short }) in sides {
        push(&mut rows, &AccountsRow { coin, time, long: *long, short: *short, block });
    }
    rows
}

pub(super) fn prices(contexts: &[(&'static str, Vec<Context>)], time: i64, block: u64) -> Vec<u8> {
    let mut rows = Vec::new();
    for context in contexts.iter().flat_map(|(_, contexts)| contexts) {
        let row = PricesRow {
            coin: context.coin,
            time,
            mark_px: &context.mark_px,
            oracle_px: &context.oracle_px,
            mid_px: context.mid_px.as_deref(),
            funding: &context.funding,
            open_interest: &context.open_interest,
            block,
        };
        push(&mut rows, &row);
    }
    rows
}
