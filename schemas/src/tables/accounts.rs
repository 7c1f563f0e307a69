//! `accounts` -> table `accounts`: what each followed account is worth, as the exchange said it last.

use alloc::vec;

use crate::table::{Change, Column, Kept, Kind, RowError, Table, Value, count, json, message};
use crate::{Account, Message, Record};

pub static TABLE: Table = Table {
    name: "accounts",
    about: "what each followed account is worth and what backs it, as the exchange said it last",
    topic: Account::TOPIC,
    also: &[],
    kind: Account::KIND,
    columns: COLUMNS,
    key: &["generation", "wallet", "dex"],
    indexes: &[],
    kept: Kept::Always,
    row,
};

const COLUMNS: &[Column] = &[
    Column::new("generation", Kind::Integer),
    Column::new("wallet", Kind::Text),
    Column::new("dex", Kind::Text),
    Column::new("time", Kind::Integer),
    Column::new("equity", Kind::Decimal),
    Column::new("cross_equity", Kind::Decimal),
    Column::new("cross_maintenance_margin", Kind::Decimal),
    Column::new("notional", Kind::Decimal),
    Column::new("positions", Kind::Integer),
    Column::new("drifted", Kind::Json),
    Column::new("pooled", Kind::Json),
];

fn row(generation: u32, record: &Record<'_>) -> Result<Change, RowError> {
    let account: Account = message(Account::TOPIC, record)?;
    Ok(Change::Put(vec![
        generation.into(),
        Value::text(account.wallet),
        Value::text(&account.dex),
        account.time.into(),
        Value::text(account.account_value),
        Value::text(account.cross_value),
        Value::text_or_null(account.cross_maintenance_margin),
        Value::text(account.notional),
        count(Account::TOPIC, record, account.positions)?,
        json(Account::TOPIC, record, &account.drifted)?,
        json(Account::TOPIC, record, &account.pooled)?,
    ]))
}
