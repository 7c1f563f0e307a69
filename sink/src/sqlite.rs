//! Changes of one table → SQLite, in as few statements as its limits allow.

use schemas::Amount;
use schemas::table::{Table, Value};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::SinkError;
use crate::rows::Rows;
use crate::statement::{column_names, on_conflict};

pub(crate) async fn write(connection: &mut SqliteConnection, rows: &Rows) -> Result<u64, SinkError> {
    let Rows { table, puts, deletes } = rows;
    let mut changed = 0;
    for some in puts.chunks(VARIABLES / (table.columns.len() + keys(table).len())) {
        changed += execute(connection, table, upsert(table, some)).await?;
    }
    for some in deletes.chunks(KEYS_AT_ONCE) {
        changed += execute(connection, table, delete(table, some)).await?;
    }
    Ok(changed)
}

/// SQLite's limit for one statement.
const VARIABLES: usize = 32_766;
/// Its limit for the depth of an expression is a thousand.
const KEYS_AT_ONCE: usize = 300;

fn upsert(table: &Table, rows: &[Vec<Value>]) -> QueryBuilder<Sqlite> {
    let keys = keys(table);
    let names: Vec<String> = [column_names(table)].into_iter().chain(keys.iter().cloned()).collect();
    let mut query = QueryBuilder::new(format!("INSERT INTO {} ({}) VALUES ", table.name, names.join(", ")));
    for (row, values) in rows.iter().enumerate() {
        query.push(if row == 0 { "(" } else { ", (" });
        for (column, value) in values.iter().enumerate() {
            query.push(if column == 0 { "" } else { ", " });
            bind(&mut query, value);
        }
        for (_, value) in table.columns.iter().zip(values).filter(|(column, _)| column.sorted) {
            query.push(", ").push_bind(key_of(value));
        }
        query.push(")");
    }
    query.push(on_conflict(table, &keys));
    query
}

/// The columns that sort where decimals do, beside the declared ones.
fn keys(table: &Table) -> Vec<String> {
    table.columns.iter().filter(|column| column.sorted).map(|column| format!("{}_key", column.name)).collect()
}

fn key_of(value: &Value) -> String {
    let amount = if let Value::Text(text) = value { text.parse().ok() } else { None };
    Amount::sort_key(amount)
}

/// Written out key by key: given a list of keys, SQLite walks through the whole table to see which are in it.
fn delete(table: &Table, keys: &[Vec<Value>]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(format!("DELETE FROM {} WHERE ", table.name));
    for (row, key) in keys.iter().enumerate() {
        query.push(if row == 0 { "(" } else { " OR (" });
        for (column, (name, value)) in table.key.iter().zip(key).enumerate() {
            query.push(if column == 0 { "" } else { " AND " }).push(name).push(" = ");
            bind(&mut query, value);
        }
        query.push(")");
    }
    query
}

fn bind(query: &mut QueryBuilder<Sqlite>, value: &Value) {
    match value {
        Value::Null => query.push_bind(None::<i64>),
        Value::Boolean(truth) => query.push_bind(*truth),
        Value::Integer(number) => query.push_bind(*number),
        Value::Text(text) => query.push_bind(text.clone()),
    };
}

async fn execute(
    connection: &mut SqliteConnection,
    table: &Table,
    mut query: QueryBuilder<Sqlite>,
) -> Result<u64, SinkError> {
    // Hardly two statements are of the same length: there is nothing to keep them for.
    let done = query.build().persistent(false).execute(connection).await;
    done.map(|done| done.rows_affected()).map_err(|source| SinkError::statement(table.name, source))
}
