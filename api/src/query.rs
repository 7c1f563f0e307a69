//! A question that both databases understand, written once: its text, and what is bound to it.

use std::fmt::Display;

use schemas::{Amount, table};
use sqlx::error::BoxDynError;
use sqlx::{Arguments, Encode, Type};

/// Both know `$1`; where they need other words, each has its own text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pub(crate) sqlite: String,
    pub(crate) postgres: String,
    values: Vec<Value>,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Boolean(bool),
    Integer(i64),
    Text(String),
}

impl Query {
    pub(crate) fn new(text: impl Display) -> Self {
        let mut query = Self::default();
        query.push(text);
        query
    }

    pub(crate) fn push(&mut self, text: impl Display) -> &mut Self {
        let text = text.to_string();
        self.push_either(&text, &text)
    }

    pub(crate) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.push(format_args!("${}", self.values.len()))
    }

    /// As it stood in a row; a null is compared with nothing.
    pub(crate) fn push_value(&mut self, value: &table::Value) -> &mut Self {
        match value {
            table::Value::Null => self.push("NULL"),
            table::Value::Boolean(truth) => self.push_bind(*truth),
            table::Value::Integer(number) => self.push_bind(*number),
            table::Value::Text(text) => self.push_bind(text.as_str()),
        }
    }

    /// A column of decimals that are not negative, compared to the last digit. In SQLite they are text: of two, the one
    /// with more digits before the point is the larger, then the one that comes later.
    pub(crate) fn push_at_least(&mut self, column: &str, least: Amount) -> &mut Self {
        self.values.push(Value::Text(least.shortest().to_string()));
        let least = format!("${}", self.values.len());
        self.push_either(
            &format!("(instr({column} || '.', '.'), {column}) >= (instr({least} || '.', '.'), {least})"),
            &format!("{column} >= CAST({least} AS NUMERIC)"),
        )
    }

    pub(crate) fn arguments<A: Arguments>(&self) -> Result<A, sqlx::Error>
    where
        bool: for<'q> Encode<'q, A::Database> + Type<A::Database>,
        i64: for<'q> Encode<'q, A::Database> + Type<A::Database>,
        String: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    {
        let mut arguments = A::default();
        let mut add = |value: &Value| -> Result<(), BoxDynError> {
            match value {
                Value::Boolean(truth) => arguments.add(*truth),
                Value::Integer(number) => arguments.add(*number),
                Value::Text(text) => arguments.add(text.clone()),
            }
        };
        self.values.iter().try_for_each(&mut add).map_err(sqlx::Error::Encode)?;
        Ok(arguments)
    }

    fn push_either(&mut self, sqlite: &str, postgres: &str) -> &mut Self {
        self.sqlite.push_str(sqlite);
        self.postgres.push_str(postgres);
        self
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(i64::from(number))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
