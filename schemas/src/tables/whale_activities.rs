//! `whale-activities` -> table `whale_activities`: what large orders did and what was moved in or out. A row is of an order
//! or of a flow: the columns of the other are null.

use alloc::vec;

use crate::table::{Change, Column, Index, Kept, Kind, RowError, Table, Value, count, message};
use crate::{Message, Record, RiskBasis, WhaleActivity, WhaleFlow, WhaleOrder};

pub static TABLE: Table = Table {
    name: "whale_activities",
    about: "what large orders did and what was moved in or out; the columns of the other are null",
    topic: WhaleActivity::TOPIC,
    also: &[],
    kind: WhaleActivity::KIND,
    columns: COLUMNS,
    key: &["generation", "wallet", "id"],
    indexes: INDEXES,
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("wallet", Kind::Text),
    Column::new("id", Kind::Text),
    Column::new("action", Kind::Text),
    Column::new("time", Kind::Integer),
    Column::sorted("notional"),
    Column::new("threshold", Kind::Decimal),
    Column::new("rule_floor", Kind::Decimal),
    Column::new("rule_share", Kind::Decimal),
    Column::new("watched", Kind::Boolean),
    Column::new("label", Kind::Text),
    Column::new("coin", Kind::Text),
    Column::new("oid", Kind::Integer),
    Column::new("block", Kind::Integer),
    Column::new("fills", Kind::Integer),
    Column::new("side", Kind::Text),
    Column::new("size", Kind::Decimal),
    Column::new("average_px", Kind::Decimal),
    Column::new("taker_size", Kind::Decimal),
    Column::new("before", Kind::Decimal),
    Column::new("after", Kind::Decimal),
    Column::new("entry_px", Kind::Decimal),
    Column::new("closed_pnl", Kind::Decimal),
    Column::new("fee", Kind::Decimal),
    Column::new("fee_token", Kind::Text),
    Column::new("method", Kind::Text),
    Column::new("open_interest_share", Kind::Decimal),
    Column::new("maker_share", Kind::Decimal),
    Column::new("account_time", Kind::Integer),
    Column::new("account_value", Kind::Decimal),
    Column::new("leverage", Kind::Integer),
    Column::new("isolated", Kind::Boolean),
    Column::new("liquidation_px", Kind::Decimal),
    Column::new("risk_basis", Kind::Text),
    Column::new("amount", Kind::Decimal),
    Column::new("token", Kind::Text),
    Column::new("ledger_type", Kind::Text),
    Column::new("counterparty", Kind::Text),
    Column::new("counterparty_label", Kind::Text),
];

/// How many columns are of an order, and of a flow.
const OF_AN_ORDER: usize = 23;
const OF_A_FLOW: usize = 5;

const INDEXES: &[Index] = &[
    Index::new("whale_activities_by_time", &["generation", "time", "wallet", "id"], "pages of all, by time"),
    Index::new("whale_activities_by_coin", &["generation", "coin", "time", "wallet", "id"], "pages of a coin, by time"),
    Index::new("whale_activities_by_wallet", &["generation", "wallet", "time", "id"], "pages of a wallet, by time"),
    Index::new(
        "whale_activities_by_notional",
        &["generation", "notional", "time", "wallet", "id"],
        "pages of all, by size",
    ),
    Index::new(
        "whale_activities_by_coin_and_notional",
        &["generation", "coin", "notional", "time", "wallet", "id"],
        "pages of a coin, by size",
    ),
    Index::new(
        "whale_activities_by_wallet_and_notional",
        &["generation", "wallet", "notional", "time", "id"],
        "pages of a wallet, by size",
    ),
    Index::new(
        "whale_activities_by_action",
        &["generation", "action", "time", "wallet", "id"],
        "pages of an action, by time",
    ),
    Index::new(
        "whale_activities_by_action_and_notional",
        &["generation", "action", "notional", "time", "wallet", "id"],
        "pages of an action, by size",
    ),
    Index::of_large(
        "whale_activities_from_1m",
        &["generation", "time", "wallet", "id"],
        ("notional", "1000000"),
        "pages of large ones, by time",
    ),
    Index::of_large(
        "whale_activities_from_10m",
        &["generation", "time", "wallet", "id"],
        ("notional", "10000000"),
        "pages of large ones, by time",
    ),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let activity: WhaleActivity = message(WhaleActivity::TOPIC, record)?;
    let mut row = vec![
        generation.into(),
        Value::text(activity.wallet),
        Value::text(activity.id),
        Value::text(activity.action.name()),
        activity.time.into(),
        Value::text_or_null(activity.notional),
        Value::text(activity.threshold),
        Value::text(activity.rule.floor),
        Value::text(activity.rule.share_of_volume),
        activity.watched.into(),
        Value::text_or_null(activity.label.as_deref()),
    ];
    row.extend(activity.order.map_or_else(|| Ok(nothing()), |order| of_an_order(record, &order))?);
    row.extend(activity.flow.map_or_else(nothing, |flow| of_a_flow(&flow)));
    Ok(Change::Put(row))
}

fn nothing<const COLUMNS: usize>() -> [Value; COLUMNS] {
    [const { Value::Null }; COLUMNS]
}

fn of_an_order(record: &Record<'_>, order: &WhaleOrder) -> Result<[Value; OF_AN_ORDER], RowError> {
    Ok([
        Value::text(&order.coin),
        count(WhaleActivity::TOPIC, record, order.oid)?,
        count(WhaleActivity::TOPIC, record, order.block)?,
        order.fills.into(),
        Value::text(order.side.name()),
        Value::text(order.size),
        Value::text_or_null(order.average_px),
        Value::text(order.taker_size),
        Value::text(order.before),
        Value::text(order.after),
        Value::text_or_null(order.entry_px),
        Value::text_or_null(order.closed_pnl),
        Value::text_or_null(order.fee),
        Value::text_or_null(order.fee_token.as_deref()),
        Value::text_or_null(order.method.as_deref()),
        Value::text_or_null(order.open_interest_share),
        Value::text_or_null(order.maker_share),
        order.account_time.into(),
        Value::text_or_null(order.account_value),
        order.leverage.map(i64::from).into(),
        order.isolated.map_or(Value::Null, Value::Boolean),
        Value::text_or_null(order.liquidation_px),
        Value::text_or_null(order.risk_basis.map(RiskBasis::name)),
    ])
}

fn of_a_flow(flow: &WhaleFlow) -> [Value; OF_A_FLOW] {
    [
        Value::text(flow.amount),
        Value::text(&*flow.token),
        Value::text(&*flow.ledger_type),
        Value::text_or_null(flow.counterparty),
        Value::text_or_null(flow.counterparty_label.as_deref()),
    ]
}
