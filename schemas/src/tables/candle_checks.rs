//! `candle-checks` -> table `candle_checks`: what came out for each coin so far.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, count, json, message};
use crate::{CandleCheck, Message, Record};

pub static TABLE: Table = Table {
    name: "candle_checks",
    about: "of each coin how many minutes the exchange's own candles and ours say the same",
    topic: CandleCheck::TOPIC,
    also: &[],
    kind: CandleCheck::KIND,
    columns: COLUMNS,
    key: &["generation", "coin"],
    indexes: &[],
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("coin", Kind::Text),
    Column::new("since", Kind::Integer),
    Column::new("until", Kind::Integer),
    Column::new("compared", Kind::Integer),
    Column::new("different", Kind::Integer),
    Column::new("differences", Kind::Json),
    Column::new("only_here", Kind::Integer),
    Column::new("only_there", Kind::Integer),
    Column::new("not_compared", Kind::Integer),
    Column::new("last_difference", Kind::Json),
    Column::new("block", Kind::Integer),
    Column::new("clock", Kind::Integer),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let check: CandleCheck = message(CandleCheck::TOPIC, record)?;
    let number = |number| count(CandleCheck::TOPIC, record, number);
    let last = check.last_difference.as_ref();
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(&check.coin),
        check.since.into(),
        check.until.into(),
        number(check.compared)?,
        number(check.different)?,
        json(CandleCheck::TOPIC, record, &check.differences)?,
        number(check.only_here)?,
        number(check.only_there)?,
        number(check.not_compared)?,
        last.map_or(Ok(Value::Null), |last| json(CandleCheck::TOPIC, record, last))?,
        number(check.block)?,
        check.clock.into(),
    ]))
}
