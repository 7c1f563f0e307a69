//! `spotClearinghouseState`: a wallet goes in; which tokens it holds comes out, as the exchange writes it. The market
//! keeps no account of dollars on the spot side, so there are none.

use serde::Serialize;

use crate::engine::Engine;
use crate::markets::{Kind, MARKETS, Market};
use crate::metadata::token_index;
use crate::print;

#[derive(Serialize)]
pub(super) struct TokenBalances {
    balances: Vec<Balance>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Balance {
    coin: &'static str,
    token: u32,
    total: String,
    hold: &'static str,
    entry_ntl: String,
}

pub(super) fn of(books: &Engine, wallet: Option<u32>) -> TokenBalances {
    let held = |market: usize| wallet.and_then(|wallet| balance(books, market, wallet));
    TokenBalances { balances: (0..MARKETS.len()).filter_map(held).collect() }
}

fn balance(books: &Engine, market: usize, wallet: u32) -> Option<Balance> {
    let terms: &Market = &MARKETS[market];
    let Kind::Spot { token, .. } = terms.kind else { return None };
    let holding = books.accounts.of_market(market)[wallet as usize];
    (holding.amount > 0).then(|| Balance {
        coin: token,
        token: token_index(token),
        total: print::text(holding.amount, terms.amount_decimals()),
        hold: "0.0",
        entry_ntl: print::text(holding.cost, terms.value_decimals()),
    })
}
