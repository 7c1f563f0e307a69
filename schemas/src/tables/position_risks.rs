//! `position-risks` -> table `position_risks`: of the open positions; one that a fill has closed has no row. Where the
//! exchange's word on the account is that it is flat, no fill was seen, and the row is of size 0 until there is one.

use crate::table::{Change, Column, Index, Kept, Kind, RowError, Table, Value, message};
use crate::{Message, PositionRisk, PositionSide, PositionSource, Record, RiskBasis};

pub static TABLE: Table = Table {
    name: "position_risks",
    about: "the liquidation price of each open position, and what it stands on",
    topic: PositionRisk::TOPIC,
    also: &[],
    kind: PositionRisk::KIND,
    columns: COLUMNS,
    key: &["generation", "coin", "wallet"],
    indexes: INDEXES,
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("coin", Kind::Text),
    Column::new("wallet", Kind::Text),
    Column::sorted("size"),
    Column::new("source", Kind::Text),
    Column::new("cost", Kind::Decimal),
    Column::new("liquidation_px", Kind::Decimal),
    Column::new("basis", Kind::Text),
    Column::new("leverage", Kind::Integer),
    Column::new("isolated", Kind::Boolean),
    Column::new("clock", Kind::Integer),
];

const INDEXES: &[Index] = &[
    Index::of_some(
        "position_risks_of_accounts_by_wallet",
        &["generation", "wallet", "coin"],
        "source = 'account'",
        "what no fill has told of a wallet",
    ),
    Index::of_some(
        "position_risks_of_accounts_by_coin",
        &["generation", "coin", "wallet"],
        "source = 'account'",
        "what no fill has told of a coin",
    ),
    Index::new("position_risks_by_size", &["generation", "coin", "size", "wallet"], "the largest positions of a coin"),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let risk: PositionRisk = message(PositionRisk::TOPIC, record)?;
    let key = [generation.into(), Value::text(&risk.coin), Value::text(risk.wallet)];
    if risk.side == PositionSide::Flat && risk.source == PositionSource::Fill {
        return Ok(Change::Delete(key.into()));
    }
    let rest = [
        Value::text(risk.size),
        Value::text(risk.source.name()),
        Value::text_or_null(risk.cost),
        Value::text_or_null(risk.liquidation_px),
        Value::text_or_null(risk.basis.map(RiskBasis::name)),
        risk.leverage.map_or(Value::Null, Value::from),
        risk.isolated.map_or(Value::Null, Value::from),
        risk.clock.into(),
    ];
    Ok(Change::Put(key.into_iter().chain(rest).collect()))
}
