//! `whale-watches` -> table `whale_watches`: the wallets that are watched now; one that is no longer has no row.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, message};
use crate::{Message, Record, WhaleWatch};

pub static TABLE: Table = Table {
    name: "whale_watches",
    about: "wallets that are watched: what they are called, and from which size on they are told of",
    topic: WhaleWatch::TOPIC,
    also: &[],
    kind: WhaleWatch::KIND,
    columns: COLUMNS,
    key: &["generation", "wallet"],
    indexes: &[],
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("wallet", Kind::Text),
    Column::new("label", Kind::Text),
    Column::new("threshold", Kind::Decimal),
    Column::new("time", Kind::Integer),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let watch: WhaleWatch = message(WhaleWatch::TOPIC, record)?;
    if watch.removed {
        return Ok(Change::Delete(vec![generation.into(), Value::text(watch.wallet)]));
    }
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(watch.wallet),
        Value::text(&*watch.label),
        Value::text_or_null(watch.min_notional),
        watch.time.into(),
    ]))
}
