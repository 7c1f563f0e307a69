//! The values of a table's row, from a database or as a live record becomes one → what of it is told, and how.

use std::borrow::Cow;

use schemas::table::{Change, Kind, Table, Value};
use schemas::{Amount, Headers, Record};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Database, Decode, FromRow, Row as _, Type, TypeInfo as _, ValueRef as _};

/// What of a table's rows is told.
pub(crate) struct Shape {
    pub(crate) of: &'static Table,
    /// Columns that are not told.
    pub(crate) hidden: &'static [&'static str],
    /// Columns that are left out where they have no value or an empty one: they are of some rows only.
    pub(crate) optional: &'static [&'static str],
    /// Fields that are stored nowhere and follow from the columns: told after them.
    pub(crate) derived: &'static [Field],
    /// A value for each of them.
    pub(crate) derive: fn(&Told) -> Vec<Value>,
}

pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// Why something is null; left out where nothing is.
pub(crate) const REASON: Field = Field { name: "reason", kind: Kind::Text };

/// A row as it is told.
pub(crate) struct Told {
    pub(crate) shape: &'static Shape,
    /// In the order of the columns.
    pub(crate) values: Vec<Value>,
}

/// A row as a database gives it, in the order in which it was asked for.
pub(crate) struct Stored(Vec<Value>);

impl Shape {
    /// What is to be selected of the table under this name: decimals and JSON as text.
    pub(crate) fn columns(&self, table: &str) -> String {
        let column = |(name, kind): (&str, Kind)| match kind {
            Kind::Decimal | Kind::Json => format!("CAST({table}.{name} AS TEXT) AS {name}"),
            Kind::Text | Kind::Integer | Kind::Boolean => format!("{table}.{name}"),
        };
        let columns = self.of.columns.iter().map(|it| column((it.name, it.kind)));
        columns.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn told(&'static self, Stored(values): Stored) -> Told {
        Told { shape: self, values }
    }

    /// The row that a live record becomes.
    pub(crate) fn live(&'static self, value: &[u8]) -> serde_json::Result<Told> {
        let record = Record { time: 0, key: b"", value: Some(value), headers: Headers::default() };
        match (self.of.row)(0, &record) {
            Ok(Change::Put(values)) => Ok(Told { shape: self, values }),
            Ok(Change::Delete(_) | Change::Nothing) => Err(serde_json::Error::custom("it is no row")),
            Err(cause) => Err(serde_json::Error::custom(cause)),
        }
    }

    /// Every field that a row may have, in their order.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&'static str, Kind)> {
        let columns = self.of.columns.iter().filter(|column| self.is_told(column.name));
        let columns = columns.map(|column| (column.name, column.kind));
        columns.chain(self.derived.iter().map(|field| (field.name, field.kind)))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.parts().map(|(name, _)| name)
    }

    pub(crate) fn has(&self, column: &str) -> bool {
        self.of.columns.iter().any(|it| it.name == column)
    }

    fn is_told(&self, name: &str) -> bool {
        name != "generation" && !self.hidden.contains(&name)
    }
}

impl Told {
    pub(crate) fn value(&self, column: &str) -> &Value {
        let place = self.shape.of.columns.iter().position(|it| it.name == column);
        place.and_then(|place| self.values.get(place)).unwrap_or(&Value::Null)
    }

    pub(crate) fn is_null(&self, column: &str) -> bool {
        *self.value(column) == Value::Null
    }

    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        if let Value::Text(text) = self.value(column) { Some(text) } else { None }
    }

    /// A decimal that is known.
    pub(crate) fn amount(&self, column: &str) -> Option<Amount> {
        self.text(column)?.parse().ok()
    }

    /// What a column of JSON holds.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Option<T> {
        serde_json::from_str(self.text(column)?).ok()
    }

    pub(crate) fn integer(&self, column: &str) -> Option<i64> {
        if let Value::Integer(number) = self.value(column) { Some(*number) } else { None }
    }

    /// SQLite has numbers for it.
    pub(crate) fn is_true(&self, column: &str) -> bool {
        matches!(self.value(column), Value::Boolean(true) | Value::Integer(1))
    }

    /// Each field with its name, in the order in which they are told.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, Kind, Cow<'_, Value>)> {
        let columns = self.shape.of.columns.iter().zip(&self.values);
        let told = columns.filter(|(column, _)| self.shape.is_told(column.name)).filter_map(|(column, value)| {
            let is_nothing = matches!(value, Value::Null) || *value == Value::Text(String::new());
            let is_left_out = is_nothing && self.shape.optional.contains(&column.name);
            (!is_left_out).then(|| (column.name, column.kind, of_kind(column.kind, value)))
        });
        let derived = self.shape.derived.iter().zip((self.shape.derive)(self));
        let derived = derived.map(|(field, value)| (field.name, field.kind, Cow::Owned(value)));
        told.chain(derived.filter(|(name, _, value)| *name != REASON.name || **value != Value::Null))
    }
}

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, kind, value) in self.fields() {
            match (kind, &*value) {
                (_, Value::Null) => map.serialize_entry(name, &())?,
                (_, Value::Integer(number)) => map.serialize_entry(name, number)?,
                (_, Value::Boolean(truth)) => map.serialize_entry(name, truth)?,
                (Kind::Json, Value::Text(text)) => {
                    let stored: &RawValue = serde_json::from_str(text).map_err(serde::ser::Error::custom)?;
                    map.serialize_entry(name, stored)?;
                }
                (_, Value::Text(text)) => map.serialize_entry(name, text)?,
            }
        }
        map.end()
    }
}

impl<'r> FromRow<'r, SqliteRow> for Stored {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        (0..row.len()).map(|place| of_type(row, place, &["INTEGER", "BOOLEAN"])).collect::<Result<_, _>>().map(Self)
    }
}

impl<'r> FromRow<'r, PgRow> for Stored {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let value = |place: usize| match row.try_get_raw(place)?.type_info().name() {
            "BOOL" => row.try_get(place).map(|truth: Option<bool>| truth.map_or(Value::Null, Value::Boolean)),
            _ => of_type(row, place, &["INT8", "INT4"]),
        };
        (0..row.len()).map(value).collect::<Result<_, _>>().map(Self)
    }
}

/// SQLite has numbers for what is true or not.
fn of_kind(kind: Kind, value: &Value) -> Cow<'_, Value> {
    match (kind, value) {
        (Kind::Boolean, Value::Integer(number)) => Cow::Owned(Value::Boolean(*number != 0)),
        _ => Cow::Borrowed(value),
    }
}

/// A number where the database calls it so, or a text.
fn of_type<'r, R: sqlx::Row>(row: &'r R, place: usize, numbers: &[&str]) -> Result<Value, sqlx::Error>
where
    usize: sqlx::ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    R::Database: Database,
{
    let raw = row.try_get_raw(place)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let is_number = numbers.contains(&raw.type_info().name());
    if is_number { row.try_get(place).map(Value::Integer) } else { row.try_get(place).map(Value::Text) }
}
