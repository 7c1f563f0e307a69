//! Changes of one table -> as few statements as there can be: only the last change of a key is written.

use std::collections::BTreeMap;

use schemas::Batch;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::{Change, SinkError, Table, Value};

/// The last change of each key of one table.
pub(crate) struct Rows {
    table: Table,
    puts: Vec<Vec<Value>>,
    deletes: Vec<Vec<Value>>,
}

impl Rows {
    pub(crate) fn read<'a>(
        table: Table,
        generation: u32,
        batches: impl Iterator<Item = &'a Batch>,
    ) -> Result<Self, SinkError> {
        let key_places: Vec<usize> = places(&table).collect();
        // In the order of the key, the order in which the table lies on disk.
        let mut last = BTreeMap::new();
        // A record without a value only says that the log has forgotten the key.
        for record in batches.flat_map(Batch::records).filter(|record| record.value.is_some()) {
            match (table.row)(generation, &record)? {
                Change::Put(row) => {
                    let key: Vec<Value> = key_places.iter().map(|&place| row[place].clone()).collect();
                    last.insert(key, Some(row));
                }
                Change::Delete(key) => {
                    last.insert(key, None);
                }
            }
        }
        let mut rows = Self { table, puts: Vec::new(), deletes: Vec::new() };
        for (key, row) in last {
            match row {
                Some(row) => rows.puts.push(row),
                None => rows.deletes.push(key),
            }
        }
        Ok(rows)
    }
}

fn places(table: &Table) -> impl Iterator<Item = usize> {
    table.key.iter().filter_map(|key| table.columns.iter().position(|column| column.name == *key))
}

pub(crate) async fn write_rows(connection: &mut SqliteConnection, rows: Rows) -> Result<u64, SinkError> {
    let Rows { table, puts, deletes } = rows;
    let mut changed = 0;
    for some in puts.chunks(VARIABLES / table.columns.len()) {
        changed += execute(connection, &table, upsert(&table, some)).await?;
    }
    for some in deletes.chunks(KEYS_AT_ONCE) {
        changed += execute(connection, &table, delete(&table, some)).await?;
    }
    Ok(changed)
}

/// SQLite's limit for one statement.
const VARIABLES: usize = 32_766;
/// Its limit for the depth of an expression is a thousand.
const KEYS_AT_ONCE: usize = 300;

fn upsert(table: &Table, rows: &[Vec<Value>]) -> QueryBuilder<Sqlite> {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let rest = names.iter().filter(|name| !table.key.contains(name));
    let set: Vec<String> = rest.map(|name| format!("{name} = excluded.{name}")).collect();
    let mut query = QueryBuilder::new(format!("INSERT INTO {} ({}) VALUES ", table.name, names.join(", ")));
    for (row, values) in rows.iter().enumerate() {
        query.push(if row == 0 { "(" } else { ", (" });
        for (column, value) in values.iter().enumerate() {
            query.push(if column == 0 { "" } else { ", " });
            bind(&mut query, value);
        }
        query.push(")");
    }
    query.push(format_args!(" ON CONFLICT ({}) DO UPDATE SET {}", table.key.join(", "), set.join(", ")));
    query
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
