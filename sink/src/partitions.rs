//! Rows that Postgres keeps for some days → a partition for each day: made before its first row is written, and dropped in one
//! piece when it is too old. Nothing is deleted row by row there.

use std::collections::BTreeSet;

use schemas::table::{Kept, Table, Value};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, raw_sql};

use crate::keeping::DAY_MS;
use crate::rows::Rows;

/// Makes those of these rows that there are not yet.
pub(crate) async fn make(connection: &mut PgConnection, rows: &Rows) -> Result<(), sqlx::Error> {
    let (name, days) = (rows.table.name, days(rows));
    if days.is_empty() || missing(connection, name, &days).await?.is_empty() {
        return Ok(());
    }
    // Another sink may be about to make the same: one after the other.
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(PARTITIONS).execute(&mut *connection).await?;
    for day in missing(connection, name, &days).await? {
        let (from, to) = (day * DAY_MS, (day + 1) * DAY_MS);
        // Attached, and not made where it belongs: that would wait for all who read, and all others for it.
        let statement = format!(
            "CREATE TABLE \"{name}_{day}\" (LIKE {name} INCLUDING ALL);
             ALTER TABLE {name} ATTACH PARTITION \"{name}_{day}\" FOR VALUES FROM ({from}) TO ({to})"
        );
        raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Which lock it is, of all those of the database: any number will do.
const PARTITIONS: i64 = 0x6661_7468_6f6d;

fn days(rows: &Rows) -> BTreeSet<i64> {
    let Kept::Days { time, .. } = rows.table.kept else { return BTreeSet::new() };
    let place = rows.table.columns.iter().position(|column| column.name == time);
    let time = |row: &Vec<Value>| if let Value::Integer(time) = row[place?] { Some(time) } else { None };
    rows.puts.iter().filter_map(time).map(|time| time.div_euclid(DAY_MS)).collect()
}

async fn missing(connection: &mut PgConnection, name: &str, days: &BTreeSet<i64>) -> Result<Vec<i64>, sqlx::Error> {
    let made = made(connection, name).await?;
    Ok(days.difference(&made).copied().collect())
}

/// The days that have one.
async fn made(connection: &mut PgConnection, name: &str) -> Result<BTreeSet<i64>, sqlx::Error> {
    let all = "SELECT substr(relname, length($1) + 2)::BIGINT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
         WHERE inhparent = to_regclass($1)";
    let days: Vec<i64> = sqlx::query_scalar(all).bind(name).fetch_all(connection).await?;
    Ok(days.into_iter().collect())
}

/// Drops those of days before this one; the next time, when somebody reads them now.
pub(crate) async fn drop_before(
    connection: &mut PgConnection,
    table: &Table,
    first_kept: i64,
) -> Result<(), sqlx::Error> {
    let name = table.name;
    for day in made(connection, name).await?.into_iter().filter(|day| *day < first_kept) {
        let mut attempt = connection.begin().await?;
        let statement =
            format!("SET LOCAL lock_timeout = '50ms'; DROP TABLE \"{name}_{day}\"; SET LOCAL lock_timeout TO DEFAULT");
        match raw_sql(AssertSqlSafe(statement)).execute(&mut *attempt).await {
            Ok(_) => attempt.commit().await?,
            Err(error) if is_locked(&error) => return attempt.rollback().await,
            Err(error) => return Err(error),
        }
        tracing::debug!(table = name, day, "a day that was too old is gone");
    }
    Ok(())
}

fn is_locked(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "55P03")
}
