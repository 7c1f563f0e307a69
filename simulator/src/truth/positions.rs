//! Who holds what at the end of a run.

use serde::Serialize;

use super::push;
use crate::engine::Engine;
use crate::markets::MARKETS;
use crate::print;

#[derive(Serialize)]
struct PositionRow<'a> {
    coin: &'a str,
    wallet: &'a str,
    size: String,
    block: u64,
}

pub(super) fn rows(engine: &Engine) -> Vec<u8> {
    let mut held = Vec::new();
    for (market, terms) in MARKETS.iter().enumerate().filter(|(_, terms)| !terms.is_spot()) {
        for (wallet, holding) in (0_u32..).zip(engine.accounts.of_market(market)) {
            if holding.amount != 0 {
                held.push((terms.coin, engine.crowd.address(wallet), holding.amount, terms.amount_decimals()));
            }
        }
    }
    held.sort_unstable();
    let mut rows = Vec::new();
    for (coin, wallet, amount, decimals) in held {
        let wallet = str::from_utf8(wallet).unwrap_or_default();
        push(&mut rows, &PositionRow { coin, wallet, size: print::text(amount, decimals), block: engine.block });
    }
    rows
}
