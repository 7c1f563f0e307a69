//! What one victim lost of one coin in a stretch: the rows of liquidation orders go in, those with less than a minute
//! between them come out as one.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Serialize;

use super::liquidations::{OrderRow, RouteName, Side};
use super::{MINUTE, push};
use crate::SimulatorError;
use crate::markets::{MARKETS, Market};
use crate::print;

/// Orders, fills and closed profit are those of all routes; size and notional are without auto-deleveraging, which has
/// its own.
struct Episode {
    market: &'static Market,
    user: String,
    side: Side,
    blocks: (u64, u64),
    times: (i64, i64),
    orders: u32,
    fills: u32,
    size: i64,
    notional: i64,
    backstop_notional: i64,
    adl_size: i64,
    adl_notional: i64,
    closed_pnl: i64,
    remaining: String,
}

#[derive(Serialize)]
struct EpisodeRow<'a> {
    coin: &'a str,
    user: &'a str,
    side: Side,
    first_block: u64,
    last_block: u64,
    first_time: i64,
    last_time: i64,
    orders: u32,
    fills: u32,
    size: String,
    notional: String,
    backstop_notional: String,
    adl_size: String,
    adl_notional: String,
    closed_pnl: String,
    remaining: &'a str,
}

/// In the order in which they began.
pub(super) fn rows(orders: &Path) -> Result<Vec<u8>, SimulatorError> {
    let file = File::open(orders).map_err(SimulatorError::file("open", orders))?;
    let (mut episodes, mut latest) = (Vec::new(), HashMap::new());
    for line in BufReader::new(file).lines() {
        let line = line.map_err(SimulatorError::file("read", orders))?;
        let damaged = |source| SimulatorError::TruthDamaged { path: orders.to_path_buf(), source };
        let order: OrderRow = serde_json::from_str(&line).map_err(damaged)?;
        let Some(market) = MARKETS.iter().find(|market| market.coin == order.coin) else { continue };
        let place = latest.entry((order.coin.clone(), order.user.clone())).or_insert(usize::MAX);
        match episodes.get_mut(*place).filter(|episode: &&mut Episode| episode.goes_on_with(&order)) {
            Some(episode) => episode.add(&order),
            None => {
                *place = episodes.len();
                episodes.push(Episode::of(market, &order));
            }
        }
    }
    let mut rows = Vec::new();
    episodes.iter().for_each(|episode| push(&mut rows, &episode.row()));
    Ok(rows)
}

impl Episode {
    fn of(market: &'static Market, order: &OrderRow) -> Self {
        let mut episode = Self {
            market,
            user: order.user.clone(),
            side: order.side,
            blocks: (order.block, order.block),
            times: (order.time, order.time),
            orders: 0,
            fills: 0,
            size: 0,
            notional: 0,
            backstop_notional: 0,
            adl_size: 0,
            adl_notional: 0,
            closed_pnl: 0,
            remaining: String::new(),
        };
        episode.add(order);
        episode
    }

    fn goes_on_with(&self, order: &OrderRow) -> bool {
        self.side == order.side && order.time - self.times.1 < MINUTE
    }

    fn add(&mut self, order: &OrderRow) {
        let size = print::units(&order.size, self.market.amount_decimals());
        let notional = print::units(&order.notional, self.market.value_decimals());
        self.blocks.1 = order.block;
        self.times.1 = order.time;
        self.orders += 1;
        self.fills += order.fills;
        self.closed_pnl += print::units(&order.closed_pnl, self.market.value_decimals());
        self.remaining.clone_from(&order.remaining);
        if order.route == RouteName::Adl {
            self.adl_size += size;
            self.adl_notional += notional;
            return;
        }
        self.size += size;
        self.notional += notional;
        self.backstop_notional += if order.route == RouteName::Backstop { notional } else { 0 };
    }

    fn row(&self) -> EpisodeRow<'_> {
        let size = |amount| print::text(amount, self.market.amount_decimals());
        let money = |amount| print::text(amount, self.market.value_decimals());
        EpisodeRow {
            coin: self.market.coin,
            user: &self.user,
            side: self.side,
            first_block: self.blocks.0,
            last_block: self.blocks.1,
            first_time: self.times.0,
            last_time: self.times.1,
            orders: self.orders,
            fills: self.fills,
            size: size(self.size),
            notional: money(self.notional),
            backstop_notional: money(self.backstop_notional),
            adl_size: size(self.adl_size),
            adl_notional: money(self.adl_notional),
            closed_pnl: money(self.closed_pnl),
            remaining: &self.remaining,
        }
    }
}
