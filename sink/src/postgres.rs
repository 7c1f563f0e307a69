//! Changes of one table → Postgres, in one statement: the rows travel as one array per column, so that the text of the
//! statement is the same for any number of rows.

use schemas::table::{Column, Kind, Table, Value};
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::{Arguments, AssertSqlSafe, PgConnection};

use crate::rows::{Rows, places};
use crate::statement::{column_names, on_conflict};
use crate::{SinkError, partitions};

pub(crate) async fn write(connection: &mut PgConnection, rows: &Rows) -> Result<u64, SinkError> {
    let Rows { table, puts, deletes } = rows;
    let mut changed = 0;
    if !puts.is_empty() {
        partitions::make(connection, rows).await.map_err(|source| SinkError::statement(table.name, source))?;
        changed += execute(connection, table, upsert(table), arrays(table.columns, puts)).await?;
    }
    if !deletes.is_empty() {
        changed += execute(connection, table, delete(table), arrays(&key_columns(table), deletes)).await?;
    }
    Ok(changed)
}

fn upsert(table: &Table) -> String {
    let (name, columns, arrays) = (table.name, column_names(table), parameters(table.columns));
    format!("INSERT INTO {name} ({columns}) SELECT * FROM UNNEST({arrays}){}", on_conflict(table, &[]))
}

fn delete(table: &Table) -> String {
    let (name, key, arrays) = (table.name, table.key.join(", "), parameters(&key_columns(table)));
    let same: Vec<String> = table.key.iter().map(|key| format!("{name}.{key} = gone.{key}")).collect();
    format!("DELETE FROM {name} USING UNNEST({arrays}) AS gone ({key}) WHERE {}", same.join(" AND "))
}

fn key_columns(table: &Table) -> Vec<Column> {
    places(table).map(|place| table.columns[place]).collect()
}

fn parameters(columns: &[Column]) -> String {
    let parameter = |(place, column): (usize, &Column)| format!("${}::{}", place + 1, array_of(column.kind));
    columns.iter().enumerate().map(parameter).collect::<Vec<_>>().join(", ")
}

/// Decimals travel as text: Postgres reads every digit of it.
fn array_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text[]",
        Kind::Decimal => "text[]::numeric[]",
        Kind::Integer => "bigint[]",
        Kind::Boolean => "boolean[]",
        Kind::Json => "text[]::json[]",
    }
}

fn arrays(columns: &[Column], rows: &[Vec<Value>]) -> Result<PgArguments, BoxDynError> {
    let mut arguments = PgArguments::default();
    for (place, column) in columns.iter().enumerate() {
        let values = rows.iter().map(|row| &row[place]);
        match column.kind {
            Kind::Text | Kind::Decimal | Kind::Json => arguments.add(values.map(text).collect::<Vec<_>>())?,
            Kind::Integer => arguments.add(values.map(integer).collect::<Vec<_>>())?,
            Kind::Boolean => arguments.add(values.map(boolean).collect::<Vec<_>>())?,
        }
    }
    Ok(arguments)
}

fn text(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

fn integer(value: &Value) -> Option<i64> {
    if let Value::Integer(number) = value { Some(*number) } else { None }
}

fn boolean(value: &Value) -> Option<bool> {
    if let Value::Boolean(truth) = value { Some(*truth) } else { None }
}

async fn execute(
    connection: &mut PgConnection,
    table: &Table,
    statement: String,
    arrays: Result<PgArguments, BoxDynError>,
) -> Result<u64, SinkError> {
    let failed = |source| SinkError::statement(table.name, source);
    let arrays = arrays.map_err(|source| failed(sqlx::Error::Encode(source)))?;
    let done = sqlx::query_with(AssertSqlSafe(statement), arrays).execute(connection).await;
    done.map(|done| done.rows_affected()).map_err(failed)
}
