//! How the events of each topic are read, and where each stands among the others.

use alloc::boxed::Box;

use schemas::{
    AccountState, AssetContext, ExchangeCandle, Fill, LedgerUpdate, Market, MarketState, PositionChange, PositionRisk,
    TakerSum, WalletSum, WhaleWatch,
};

use crate::definition::Event;
use crate::stage::{Refused, parse};

pub(crate) fn fill(value: &[u8]) -> Result<Event, Refused> {
    let fill: Fill = parse(value)?;
    let (time, block, index, coin) = (fill.time, fill.block, fill.index, Some(fill.coin.clone()));
    Ok(Event { time, block, index, coin, what: Box::new(fill) })
}

pub(crate) fn change(value: &[u8]) -> Result<Event, Refused> {
    let change: PositionChange = parse(value)?;
    let (time, block, index, coin) = (change.time, change.block, change.index, Some(change.coin.clone()));
    Ok(Event { time, block, index, coin, what: Box::new(change) })
}

/// After all changes up to its moment.
pub(crate) fn market_state(value: &[u8]) -> Result<Event, Refused> {
    let state: MarketState = parse(value)?;
    let (time, coin) = (state.time, Some(state.coin.clone()));
    Ok(Event { time, block: u64::MAX, index: 0, coin, what: Box::new(state) })
}

pub(crate) fn context(value: &[u8]) -> Result<Event, Refused> {
    parse(value).map(|context: AssetContext| beside(context.time, context))
}

pub(crate) fn market(value: &[u8]) -> Result<Event, Refused> {
    parse(value).map(|market: Market| beside(market.time, market))
}

/// By when it was received: its minute may be long over.
pub(crate) fn exchange_candle(value: &[u8]) -> Result<Event, Refused> {
    parse(value).map(|candle: ExchangeCandle| beside(candle.asked_at, candle))
}

pub(crate) fn account(value: &[u8]) -> Result<Event, Refused> {
    parse(value).map(|account: AccountState| beside(account.time, account))
}

pub(crate) fn ledger(value: &[u8]) -> Result<Event, Refused> {
    parse(value).map(|update: LedgerUpdate| beside(update.time, update))
}

pub(crate) fn risk(value: &[u8]) -> Result<Event, Refused> {
    let risk: PositionRisk = parse(value)?;
    let (time, coin) = (risk.clock, Some(risk.coin.clone()));
    Ok(Event { time, block: 0, index: 0, coin, what: Box::new(risk) })
}

/// Before the clock that it was told at.
pub(crate) fn wallet_sum(value: &[u8]) -> Result<Event, Refused> {
    let sum: WalletSum = parse(value)?;
    Ok(Event { time: sum.clock, block: sum.block, index: 0, coin: None, what: Box::new(sum) })
}

/// The same.
pub(crate) fn taker_sum(value: &[u8]) -> Result<Event, Refused> {
    let sum: TakerSum = parse(value)?;
    Ok(Event { time: sum.clock, block: sum.block, index: 0, coin: None, what: Box::new(sum) })
}

pub(crate) fn watch(value: &[u8]) -> Result<Event, Refused> {
    parse(value).map(|watch: WhaleWatch| beside(watch.time, watch))
}

/// What stands in no block.
fn beside<E: Send + 'static>(time: i64, what: E) -> Event {
    Event { time, block: 0, index: 0, coin: None, what: Box::new(what) }
}
