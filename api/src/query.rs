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
    Decimal(Option<Amount>),
}

/// How a database is given the decimals of a question.
pub(crate) type Decimals = fn(Option<Amount>) -> String;

pub(crate) fn as_sort_key(amount: Option<Amount>) -> String {
    Amount::sort_key(amount)
}

pub(crate) fn as_number(amount: Option<Amount>) -> String {
    amount.map_or_else(|| "Infinity".to_owned(), |amount| amount.to_string())
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

    /// A column of decimals that rows are sorted and compared by, as each database can; what is not known is the largest.
    pub(crate) fn push_sorted(&mut self, column: &str) -> &mut Self {
        self.push_either(&format!("{column}_key"), &format!("coalesce({column}, 'Infinity')"))
    }

    /// What such a column is compared with.
    pub(crate) fn push_decimal(&mut self, amount: Option<Amount>) -> &mut Self {
        self.values.push(Value::Decimal(amount));
        let place = self.values.len();
        self.push_either(&format!("${place}"), &format!("CAST(${place} AS NUMERIC)"))
    }

    /// The same, where it is part of the text: planners know what it is.
    pub(crate) fn push_constant(&mut self, amount: Amount) -> &mut Self {
        self.push_either(&format!("'{}'", Amount::sort_key(Some(amount))), &amount.to_string())
    }

    pub(crate) fn arguments<A: Arguments>(&self, decimals: Decimals) -> Result<A, sqlx::Error>
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
                Value::Decimal(amount) => arguments.add(decimals(*amount)),
            }
        };
        self.values.iter().try_for_each(&mut add).map_err(sqlx::Error::Encode)?;
        Ok(arguments)
    }

    /// Where it alone needs more words.
    pub(crate) fn push_to_sqlite(&mut self, text: &str) -> &mut Self {
        self.push_either(text, "")
    }

    /// A piece that binds nothing.
    pub(crate) fn append(&mut self, piece: &Self) -> &mut Self {
        self.push_either(&piece.sqlite, &piece.postgres)
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
