//! Rows that were just written → those that are too old beside them are taken away, in the same transaction.
//!
//! A few for each row that comes: nothing is ever locked for long, there is no clock and nothing else to run, and a table
//! that was full for longer than it is now becomes as short as it should be.

use schemas::table::{Kept, Value};
use sqlx::AssertSqlSafe;

use crate::SinkError;
use crate::database::Transaction;
use crate::rows::Rows;

/// So many go at least, and twice as many as have come.
const AT_LEAST: i64 = 1_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub(crate) async fn take_away(transaction: &mut Transaction, generation: u32, rows: &Rows) -> Result<(), SinkError> {
    let Kept::Days { days, time } = rows.table.kept else { return Ok(()) };
    let Some(newest) = newest(rows, time) else { return Ok(()) };
    let (name, too_old) = (rows.table.name, newest - i64::from(days) * DAY_MS - 1);
    let most = AT_LEAST.max(2 * rows.puts.len() as i64);
    // One bound, so that what is walked along the key or the index is what goes, however much more is too old.
    let statement = format!(
        "DELETE FROM {name} WHERE generation = $1 AND {time} <= coalesce(\
         (SELECT {time} FROM {name} WHERE generation = $1 AND {time} <= $2 ORDER BY {time} LIMIT 1 OFFSET $3), $2)"
    );
    let values = [generation.into(), too_old.into(), most.into()];
    let gone = transaction.execute(AssertSqlSafe(statement), &values).await;
    let gone = gone.map_err(|source| SinkError::statement(name, source))?;
    if gone > 0 {
        tracing::debug!(table = name, gone, "rows that were too old are gone");
    }
    Ok(())
}

fn newest(rows: &Rows, time: &str) -> Option<i64> {
    let place = rows.table.columns.iter().position(|column| column.name == time)?;
    let times =
        rows.puts.iter().filter_map(|row| if let Value::Integer(time) = row[place] { Some(time) } else { None });
    times.max()
}
