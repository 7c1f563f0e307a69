//! Rows that were just written → those that are too old beside them are taken away, in the same transaction.
//!
//! Where everything is kept for some days it goes by whole days: in Postgres a day is a partition, in SQLite a few rows go
//! for each row that comes. Of buckets the fine ones go, each series at a time of its own. Nothing is ever locked for long,
//! there is no clock and nothing else to run, and a table that was full for longer than it is now becomes as short as it
//! should be.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use schemas::Interval;
use schemas::table::{Kept, Table, Value};
use schemas::tables::TABLES;
use sqlx::AssertSqlSafe;

use crate::database::Transaction;
use crate::rows::Rows;
use crate::{SinkError, partitions};

pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// So many go at least, and twice as many as have come.
const AT_LEAST: i64 = 1_000;

/// For how many days rows are kept where somebody wants it otherwise than the table says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keeping(BTreeMap<&'static str, u32>);

impl Keeping {
    /// The names of the tables of which it can be said.
    pub fn tables() -> impl Iterator<Item = &'static str> {
        TABLES.into_iter().filter(|table| matches!(table.kept, Kept::Days { .. })).map(|table| table.name)
    }

    /// Of a table that has no such days nothing changes.
    pub fn of(wanted: impl IntoIterator<Item = (&'static str, u32)>) -> Self {
        Self(wanted.into_iter().collect())
    }

    fn days(&self, table: &Table, unless_said: u32) -> u32 {
        self.0.get(table.name).copied().unwrap_or(unless_said)
    }
}

pub(crate) async fn take_away(
    transaction: &mut Transaction,
    generation: u32,
    rows: &Rows,
    keeping: &Keeping,
) -> Result<(), SinkError> {
    let taken = match rows.table.kept {
        Kept::Always => Ok(()),
        Kept::Days { days, time } => {
            let days = keeping.days(rows.table, days);
            days_before(transaction, generation, rows, days, time).await
        }
        Kept::ByInterval => fine_buckets(transaction, rows).await,
    };
    taken.map_err(|source| SinkError::statement(rows.table.name, source))
}

async fn days_before(
    transaction: &mut Transaction,
    generation: u32,
    rows: &Rows,
    days: u32,
    time: &str,
) -> Result<(), sqlx::Error> {
    let Some(newest) = newest(rows, time) else { return Ok(()) };
    let first_kept = newest.div_euclid(DAY_MS) - i64::from(days);
    match transaction {
        Transaction::Postgres(connection) => partitions::drop_before(connection, rows.table, first_kept).await,
        Transaction::Sqlite(_) => {
            let most = AT_LEAST.max(2 * rows.puts.len() as i64);
            delete(transaction, generation, rows.table, time, first_kept * DAY_MS - 1, most).await
        }
    }
}

fn newest(rows: &Rows, time: &str) -> Option<i64> {
    let place = rows.table.columns.iter().position(|column| column.name == time)?;
    let times =
        rows.puts.iter().filter_map(|row| if let Value::Integer(time) = row[place] { Some(time) } else { None });
    times.max()
}

async fn delete(
    transaction: &mut Transaction,
    generation: u32,
    table: &Table,
    time: &str,
    too_old: i64,
    most: i64,
) -> Result<(), sqlx::Error> {
    let name = table.name;
    // One bound, so that what is walked along the key or the index is what goes, however much more is too old.
    let statement = format!(
        "DELETE FROM {name} WHERE generation = $1 AND {time} <= coalesce(\
         (SELECT {time} FROM {name} WHERE generation = $1 AND {time} <= $2 ORDER BY {time} LIMIT 1 OFFSET $3), $2)"
    );
    let values = [generation.into(), too_old.into(), most.into()];
    let gone = transaction.execute(AssertSqlSafe(statement), &values).await?;
    if gone > 0 {
        tracing::debug!(table = name, gone, "rows that were too old are gone");
    }
    Ok(())
}

/// Of each series of buckets that is written and whose turn it is: what is too old beside them.
async fn fine_buckets(transaction: &mut Transaction, rows: &Rows) -> Result<(), sqlx::Error> {
    let Rows { table, puts, .. } = rows;
    let columns: Vec<&str> = table.key.iter().copied().take_while(|column| *column != "time").collect();
    let conditions: Vec<String> = (1..).zip(&columns).map(|(place, column)| format!("{column} = ${place}")).collect();
    let statement =
        format!("DELETE FROM {} WHERE {} AND time < ${}", table.name, conditions.join(" AND "), columns.len() + 1);
    for (series, too_old) in turns(table, &columns, puts) {
        let values: Vec<Value> = series.into_iter().chain([too_old.into()]).collect();
        transaction.execute(AssertSqlSafe(statement.clone()), &values).await?;
    }
    Ok(())
}

/// What each of those series begins with from now on.
fn turns(table: &Table, columns: &[&str], puts: &[Vec<Value>]) -> BTreeMap<Vec<Value>, i64> {
    let place = |name: &str| table.columns.iter().position(|column| column.name == name);
    let places: Vec<usize> = columns.iter().filter_map(|column| place(column)).collect();
    let (interval, time) = (place("interval"), place("time"));
    let turn = |row: &Vec<Value>| {
        let (Value::Text(interval), Value::Integer(time)) = (&row[interval?], &row[time?]) else { return None };
        let interval: Interval = interval.parse().ok()?;
        let series: Vec<Value> = places.iter().map(|place| row[*place].clone()).collect();
        let days = Kept::days_of(interval).filter(|_| is_the_turn_of(&series, interval, *time))?;
        Some((series, time - i64::from(days) * DAY_MS))
    };
    puts.iter().filter_map(turn).collect()
}

/// Each once a day, at a bucket of its own: never many at once.
fn is_the_turn_of(series: &[Value], interval: Interval, time: i64) -> bool {
    let mut hasher = DefaultHasher::new();
    series.hash(&mut hasher);
    let a_day = DAY_MS / interval.length_ms();
    (time / interval.length_ms()).rem_euclid(a_day) == (hasher.finish() % a_day.cast_unsigned()).cast_signed()
}
