//! `liquidations` -> table `liquidation_episodes`: orders of one victim that belong together, as last published.

use alloc::vec;

use crate::table::{Change, Column, Index, Kept, Kind, RowError, Table, Value, count, message};
use crate::{LiquidationEpisode, Message, Record};

pub static TABLE: Table = Table {
    name: "liquidation_episodes",
    about: "orders of one victim that belong together, as last published",
    topic: LiquidationEpisode::TOPIC,
    also: &[],
    kind: LiquidationEpisode::KIND,
    columns: COLUMNS,
    key: &["generation", "coin", "wallet", "first_block", "side"],
    indexes: INDEXES,
    kept: Kept::Always,
    row,
};

/// Of an episode of which the backstop vault took a part: what is too large to be told is one.
pub const BACKSTOP: &str = "CAST(coalesce(backstop_notional, '1') AS REAL) > 0";
/// Of one of which a part was deleveraged.
pub const DELEVERAGED: &str = "CAST(adl_size AS REAL) > 0";

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("coin", Kind::Text),
    Column::new("wallet", Kind::Text),
    Column::new("first_block", Kind::Integer),
    Column::new("side", Kind::Text),
    Column::new("last_block", Kind::Integer),
    Column::new("first_time", Kind::Integer),
    Column::new("last_time", Kind::Integer),
    Column::new("orders", Kind::Integer),
    Column::new("fills", Kind::Integer),
    Column::new("size", Kind::Decimal),
    Column::sorted("notional"),
    Column::new("average_px", Kind::Decimal),
    Column::new("backstop_notional", Kind::Decimal),
    Column::new("adl_size", Kind::Decimal),
    Column::new("adl_notional", Kind::Decimal),
    Column::new("closed_pnl", Kind::Decimal),
    Column::new("remaining", Kind::Decimal),
    Column::new("complete", Kind::Boolean),
    Column::new("final", Kind::Boolean),
    Column::new("clock", Kind::Integer),
];

const INDEXES: &[Index] = &[
    Index::new(
        "liquidation_episodes_by_time",
        &["generation", "first_time", "coin", "wallet", "first_block", "side"],
        "pages of all, by time",
    ),
    Index::new(
        "liquidation_episodes_by_coin",
        &["generation", "coin", "first_time", "wallet", "first_block", "side"],
        "pages of a coin, by time",
    ),
    Index::new(
        "liquidation_episodes_by_wallet",
        &["generation", "wallet", "first_time", "coin", "first_block", "side"],
        "pages of a wallet, by time",
    ),
    Index::new(
        "liquidation_episodes_by_notional",
        &["generation", "notional", "first_time", "coin", "wallet", "first_block", "side"],
        "pages of all, by size",
    ),
    Index::new(
        "liquidation_episodes_by_coin_and_notional",
        &["generation", "coin", "notional", "first_time", "wallet", "first_block", "side"],
        "pages of a coin, by size",
    ),
    Index::new(
        "liquidation_episodes_by_wallet_and_notional",
        &["generation", "wallet", "notional", "first_time", "coin", "first_block", "side"],
        "pages of a wallet, by size",
    ),
    Index::new(
        "liquidation_episodes_by_side",
        &["generation", "side", "first_time", "coin", "wallet", "first_block"],
        "pages of a side, by time",
    ),
    Index::of_large(
        "liquidation_episodes_from_100k",
        &["generation", "first_time", "coin", "wallet", "first_block", "side"],
        ("notional", "100000"),
        "pages of large ones, by time",
    ),
    Index::of_large(
        "liquidation_episodes_from_1m",
        &["generation", "first_time", "coin", "wallet", "first_block", "side"],
        ("notional", "1000000"),
        "pages of large ones, by time",
    ),
    Index::of_some(
        "liquidation_episodes_backstop",
        &["generation", "first_time", "coin", "wallet", "first_block", "side"],
        BACKSTOP,
        "pages of those in which the backstop vault took over, by time",
    ),
    Index::of_some(
        "liquidation_episodes_backstop_by_notional",
        &["generation", "notional", "first_time", "coin", "wallet", "first_block", "side"],
        BACKSTOP,
        "pages of those in which the backstop vault took over, by size",
    ),
    Index::of_some(
        "liquidation_episodes_adl",
        &["generation", "first_time", "coin", "wallet", "first_block", "side"],
        DELEVERAGED,
        "pages of those in which somebody was deleveraged, by time",
    ),
    Index::of_some(
        "liquidation_episodes_adl_by_notional",
        &["generation", "notional", "first_time", "coin", "wallet", "first_block", "side"],
        DELEVERAGED,
        "pages of those in which somebody was deleveraged, by size",
    ),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let episode: LiquidationEpisode = message(LiquidationEpisode::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&episode.coin),
        Value::text(episode.wallet),
        count(LiquidationEpisode::TOPIC, record, episode.first_block)?,
        Value::text(episode.side.name()),
        count(LiquidationEpisode::TOPIC, record, episode.last_block)?,
        episode.first_time.into(),
        episode.last_time.into(),
        episode.orders.into(),
        episode.fills.into(),
        Value::text(episode.size),
        Value::text_or_null(episode.notional),
        Value::text_or_null(episode.average_px),
        Value::text_or_null(episode.backstop_notional),
        Value::text(episode.adl_size),
        Value::text_or_null(episode.adl_notional),
        Value::text(episode.closed_pnl),
        Value::text(episode.remaining),
        episode.complete.into(),
        episode.r#final.into(),
        episode.clock.into(),
    ]))
}
