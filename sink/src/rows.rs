//! Records of one table's topics → the last change of each key: only that is written.

use std::collections::BTreeMap;

use schemas::table::{Change, Table, Value};
use schemas::{Batch, kind};

use crate::{Part, SinkError};

/// The last change of each key of one table, in the order of the key: the order in which tables and indexes lie.
pub(crate) struct Rows {
    pub(crate) table: &'static Table,
    pub(crate) puts: Vec<Vec<Value>>,
    pub(crate) deletes: Vec<Vec<Value>>,
}

impl Rows {
    pub(crate) fn read(table: &'static Table, generation: u32, parts: &[Part<'_>]) -> Result<Self, SinkError> {
        let batches =
            parts.iter().filter(|part| table.topics().any(|topic| topic == part.topic)).flat_map(|part| part.batch);
        // A record without a value only says that the log has forgotten the key.
        let is_ours =
            |record: &schemas::Record<'_>| record.value.is_some() && record.headers.get(kind::HEADER) == table.kind;
        let key_places: Vec<usize> = places(table).collect();
        let mut last: BTreeMap<Vec<Value>, Option<Vec<Value>>> = BTreeMap::new();
        for record in batches.flat_map(Batch::records).filter(is_ours) {
            match (table.row)(generation, &record)? {
                Change::Put(mut row) => {
                    let key: Vec<Value> = key_places.iter().map(|&place| row[place].clone()).collect();
                    let change = last.entry(key).or_default();
                    if let Some(before) = change.take() {
                        keep_what_stays(table, before, &mut row);
                    }
                    *change = Some(row);
                }
                Change::Delete(key) => {
                    last.insert(key, None);
                }
                Change::Nothing => {}
            }
        }
        Ok(Self::of(table, last))
    }

    fn of(table: &'static Table, last: BTreeMap<Vec<Value>, Option<Vec<Value>>>) -> Self {
        let mut rows = Self { table, puts: Vec::new(), deletes: Vec::new() };
        for (key, row) in last {
            match row {
                Some(row) => rows.puts.push(row),
                None => rows.deletes.push(key),
            }
        }
        rows
    }

    pub(crate) fn len(&self) -> u64 {
        self.puts.len() as u64 + self.deletes.len() as u64
    }
}

/// Where in a row the columns of the key are.
pub(crate) fn places(table: &Table) -> impl Iterator<Item = usize> {
    table.key.iter().filter_map(|key| table.columns.iter().position(|column| column.name == *key))
}

/// What stays of a row that is not in the database yet.
fn keep_what_stays(table: &Table, before: Vec<Value>, row: &mut [Value]) {
    for ((column, before), now) in table.columns.iter().zip(before).zip(row) {
        if column.stays && before != Value::Null {
            *now = before;
        }
    }
}
