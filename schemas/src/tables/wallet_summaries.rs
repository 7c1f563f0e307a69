//! `wallet-summaries` -> table `wallet_summaries`: each wallet as it was last told, and what its place on a leaderboard
//! goes by.

use alloc::string::ToString;

use crate::table::{Change, Column, Index, Kept, Kind, RowError, Table, Value, count, json, message};
use crate::{Amount, Message, Record, Rolling, WalletSummary};

pub static TABLE: Table = Table {
    name: "wallet_summaries",
    about: "profit, fees and volume of each wallet as it was last told, and what its place on a leaderboard goes by",
    topic: WalletSummary::TOPIC,
    also: &[],
    kind: WalletSummary::KIND,
    columns: COLUMNS,
    key: &["generation", "wallet"],
    indexes: INDEXES,
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("wallet", Kind::Text),
    Column::new("time", Kind::Integer),
    Column::new("first_seen", Kind::Integer),
    Column::new("last_fill", Kind::Integer),
    Column::new("positions", Kind::Integer),
    Column::new("realised_pnl", Kind::Json),
    Column::new("fees", Kind::Json),
    Column::new("volume", Kind::Json),
    Column::new("fees_other", Kind::Json),
    Column::new("maker_share", Kind::Json),
    Column::new("closed", Kind::Integer),
    Column::new("won", Kind::Integer),
    Column::new("win_rate", Kind::Decimal),
    Column::new("block", Kind::Integer),
    Column::new("rank_pnl_1d", Kind::Integer),
    Column::new("rank_pnl_7d", Kind::Integer),
    Column::new("rank_pnl_30d", Kind::Integer),
    Column::new("rank_pnl_all", Kind::Integer),
    Column::new("rank_volume_1d", Kind::Integer),
    Column::new("rank_volume_7d", Kind::Integer),
    Column::new("rank_volume_30d", Kind::Integer),
    Column::new("rank_volume_all", Kind::Integer),
    Column::new("rank_win_rate", Kind::Integer),
];

const INDEXES: &[Index] = &[
    Index::of_some(
        "wallet_summaries_by_pnl_1d",
        &["generation", "rank_pnl_1d", "wallet", "closed"],
        "rank_pnl_1d IS NOT NULL",
        "the leaderboard by profit of a day",
    ),
    Index::of_some(
        "wallet_summaries_by_pnl_7d",
        &["generation", "rank_pnl_7d", "wallet", "closed"],
        "rank_pnl_7d IS NOT NULL",
        "the leaderboard by profit of a week",
    ),
    Index::of_some(
        "wallet_summaries_by_pnl_30d",
        &["generation", "rank_pnl_30d", "wallet", "closed"],
        "rank_pnl_30d IS NOT NULL",
        "the leaderboard by profit of a month",
    ),
    Index::of_some(
        "wallet_summaries_by_pnl_all",
        &["generation", "rank_pnl_all", "wallet", "closed"],
        "rank_pnl_all IS NOT NULL",
        "the leaderboard by profit of all time",
    ),
    Index::of_some(
        "wallet_summaries_by_volume_1d",
        &["generation", "rank_volume_1d", "wallet", "closed"],
        "rank_volume_1d IS NOT NULL",
        "the leaderboard by volume of a day",
    ),
    Index::of_some(
        "wallet_summaries_by_volume_7d",
        &["generation", "rank_volume_7d", "wallet", "closed"],
        "rank_volume_7d IS NOT NULL",
        "the leaderboard by volume of a week",
    ),
    Index::of_some(
        "wallet_summaries_by_volume_30d",
        &["generation", "rank_volume_30d", "wallet", "closed"],
        "rank_volume_30d IS NOT NULL",
        "the leaderboard by volume of a month",
    ),
    Index::of_some(
        "wallet_summaries_by_volume_all",
        &["generation", "rank_volume_all", "wallet", "closed"],
        "rank_volume_all IS NOT NULL",
        "the leaderboard by volume of all time",
    ),
    Index::of_some(
        "wallet_summaries_by_win_rate",
        &["generation", "rank_win_rate", "wallet", "closed"],
        "rank_win_rate IS NOT NULL",
        "the leaderboard by round trips that were won",
    ),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let summary: WalletSummary = message(WalletSummary::TOPIC, record)?;
    let head = [
        generation.into(),
        Value::text(summary.wallet),
        summary.time.into(),
        summary.first_seen.into(),
        summary.last_fill.into(),
        count(WalletSummary::TOPIC, record, summary.positions)?,
        json(WalletSummary::TOPIC, record, &summary.realised_pnl)?,
        json(WalletSummary::TOPIC, record, &summary.fees)?,
        json(WalletSummary::TOPIC, record, &summary.volume)?,
        json(WalletSummary::TOPIC, record, &summary.fees_other)?,
        json(WalletSummary::TOPIC, record, &summary.maker_share)?,
        count(WalletSummary::TOPIC, record, summary.round_trips.closed)?,
        count(WalletSummary::TOPIC, record, summary.round_trips.won)?,
        Value::text_or_null(summary.win_rate),
        count(WalletSummary::TOPIC, record, summary.block)?,
    ];
    let ranks = of_each_window(&summary.realised_pnl, &summary.volume)
        .into_iter()
        .chain(of_each_window(&summary.volume, &summary.volume))
        .chain([summary.win_rate]);
    Ok(Change::Put(head.into_iter().chain(ranks.map(|amount| millionths(amount).into())).collect()))
}

/// Whoever has not traded within a window has no place in it.
fn of_each_window(amounts: &Rolling, volume: &Rolling) -> [Option<Amount>; 4] {
    let pairs =
        [(amounts.d1, volume.d1), (amounts.d7, volume.d7), (amounts.d30, volume.d30), (amounts.all, volume.all)];
    pairs.map(|(amount, volume)| amount.filter(|_| volume.is_none_or(|volume| !volume.is_zero())))
}

/// What both databases order alike. The exchange itself tells money to the millionth.
fn millionths(amount: Option<Amount>) -> Option<i64> {
    amount?.times(Amount::from(1_000_000)).ok()?.floor().shortest().to_string().parse().ok()
}
