//! A list of a table's rows as it is declared → its route: what it may be chosen by, page after page, and what it stands on.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use schemas::Amount;
use schemas::table::{Kind, Value};

use crate::channel::Subject;
use crate::error::ApiError;
use crate::parameters::{Parameters, TimeRange};
use crate::query::Query;
use crate::reply::{Meta, Reply};
use crate::row::{Shape, Stored, Told};
use crate::{Context, coin, cursor, standing};

/// A list of everything that a table holds.
pub(crate) struct List {
    /// Its path below `/api/v1/`.
    pub(crate) name: &'static str,
    pub(crate) shape: &'static Shape,
    pub(crate) schema: &'static str,
    pub(crate) definition: &'static str,
    pub(crate) filters: &'static [Filter],
    /// The columns that make its order and a place in it: the first one is the time that a range is about.
    pub(crate) order: &'static [&'static str],
    /// The column that says how far a row is known.
    pub(crate) as_of: &'static str,
    /// The column that says that no block is missing in a row.
    pub(crate) whole: Option<&'static str>,
}

/// What a list may be chosen by.
pub(crate) enum Filter {
    Coin,
    Wallet,
    /// One of these words, in the column of the same name.
    Word {
        name: &'static str,
        code: &'static str,
        words: &'static [&'static str],
    },
    /// One of these words, which is about more than a column.
    About {
        name: &'static str,
        code: &'static str,
        words: &'static [&'static str],
        push: fn(&mut Query, &str),
    },
    /// From a decimal on, in the column of this name, that is not negative.
    AtLeast {
        name: &'static str,
        code: &'static str,
        column: &'static str,
    },
}

/// Long or short, as most lists know them.
pub(crate) const SIDE: Filter = Filter::Word { name: "side", code: "INVALID_SIDE", words: &["long", "short"] };
pub(crate) const MIN_NOTIONAL: Filter =
    Filter::AtLeast { name: "min_notional", code: "INVALID_NOTIONAL", column: "notional" };

pub(crate) fn routes(list: &'static List) -> Router<Arc<Context>> {
    let answer = move |State(context): State<Arc<Context>>, parameters: Parameters| async move {
        list.answer(&context, parameters).await
    };
    Router::new().route(&format!("/api/v1/{}", list.name), get(answer))
}

impl List {
    /// The latest so many of a subject, oldest first: what a subscription begins with.
    pub(crate) fn push_latest(&self, query: &mut Query, generation: u32, subject: &Subject, count: u32) {
        let (table, order) = (self.shape.of.name, self.order);
        query
            .push(format_args!("SELECT * FROM (SELECT {} FROM {table} WHERE generation = ", self.shape.columns(table)));
        query.push_bind(generation);
        subject.push_where(query);
        let latest_first: Vec<String> = order.iter().map(|column| format!("{column} DESC")).collect();
        query.push(format_args!(" ORDER BY {} LIMIT {count}) AS latest", latest_first.join(", ")));
        query.push(format_args!(" ORDER BY {}", order.join(", ")));
    }
}

/// What a page is chosen by, and where it begins.
struct Asked {
    given: Vec<(&'static Filter, Given)>,
    range: TimeRange,
    after: Option<Vec<Value>>,
    limit: usize,
}

enum Given {
    Text(String),
    Amount(Amount),
}

impl List {
    async fn answer(
        &'static self,
        context: &Context,
        mut parameters: Parameters,
    ) -> Result<Reply<Vec<Told>>, ApiError> {
        let mut asked = self.asked(context.generation, &mut parameters)?;
        parameters.nothing_else()?;

        let mut moment = context.database.one_moment().await?;
        for (_, given) in asked.given.iter_mut().filter(|(filter, _)| matches!(filter, Filter::Coin)) {
            if let Given::Text(coin) = given {
                *coin = coin::known(&mut moment, context.generation, coin).await?;
            }
        }
        let standing = standing::of(&mut moment, context.generation, &[self.shape.of.topic]).await?;
        let stored: Vec<Stored> = moment.all(self.page(context.generation, &asked)).await?;
        let mut rows: Vec<Told> = stored.into_iter().map(|row| self.shape.told(row)).collect();

        let mut meta = Meta { definition: Some(self.definition), ..Meta::new(context, &standing, self.schema) };
        meta.reason = if rows.is_empty() { standing.reason_for_nothing() } else { None };
        if rows.len() > asked.limit {
            rows.truncate(asked.limit);
            let place = |row: &Told| self.order.iter().map(|column| json(row.value(column))).collect::<Vec<_>>();
            let list = self.as_asked(&asked);
            meta.next_cursor = rows.last().map(|last| cursor::write(context.generation, &list, place(last)));
        }
        let is_whole = |row: &Told| self.whole.is_none_or(|column| row.is_true(column));
        meta.complete = meta.next_cursor.is_none() && rows.iter().all(is_whole);
        meta.as_of = rows.iter().filter_map(|row| row.integer(self.as_of)).max();
        Ok(Reply { data: rows, meta })
    }

    fn asked(&'static self, generation: u32, parameters: &mut Parameters) -> Result<Asked, ApiError> {
        let mut given = Vec::new();
        for filter in self.filters {
            given.extend(filter.read(parameters)?.map(|value| (filter, value)));
        }
        let (range, limit) = (parameters.time_range()?, parameters.limit()?);
        let mut asked = Asked { given, range, after: None, limit };
        if let Some(cursor) = parameters.text(&["cursor"])? {
            let place: Vec<serde_json::Value> = cursor::read(generation, &self.as_asked(&asked), &cursor)?;
            asked.after = Some(self.place(place).ok_or_else(cursor::not_ours)?);
        }
        Ok(asked)
    }

    /// A value for each column of the order, of its kind.
    fn place(&self, stood: Vec<serde_json::Value>) -> Option<Vec<Value>> {
        let kind = |column: &str| self.shape.of.columns.iter().find(|it| it.name == column).map(|it| it.kind);
        let value = |(column, stood): (&&str, serde_json::Value)| match (kind(column)?, stood) {
            (Kind::Integer, serde_json::Value::Number(number)) => number.as_i64().map(Value::Integer),
            (Kind::Text, serde_json::Value::String(text)) => Some(Value::Text(text)),
            _ => None,
        };
        let place: Option<Vec<Value>> = self.order.iter().zip(stood).map(value).collect();
        place.filter(|place| place.len() == self.order.len())
    }

    /// A cursor of one direction, or of other filters, says nothing in another.
    fn as_asked(&self, asked: &Asked) -> String {
        let way = if asked.range.oldest_first { "asc" } else { "desc" };
        let given = asked.given.iter().map(|(filter, given)| format!("&{}={}", filter.name(), given.as_text()));
        format!("{}/{way}{}", self.name, given.collect::<String>())
    }

    /// One row more than the page holds: whether there is a next page.
    fn page(&self, generation: u32, asked: &Asked) -> Query {
        let (table, order) = (self.shape.of.name, self.order);
        let mut query =
            Query::new(format_args!("SELECT {} FROM {table} WHERE generation = ", self.shape.columns(table)));
        query.push_bind(generation);
        for (filter, given) in &asked.given {
            filter.push(&mut query, given);
        }
        asked.range.push(&mut query, order[0]);
        let (beyond, way) = if asked.range.oldest_first { (">", "") } else { ("<", " DESC") };
        if let Some(after) = &asked.after {
            query.push(format_args!(" AND ({}) {beyond} (", order.join(", ")));
            for (place, value) in after.iter().enumerate() {
                query.push(if place == 0 { "" } else { ", " });
                query.push_value(value);
            }
            query.push(")");
        }
        let order: Vec<String> = order.iter().map(|column| format!("{column}{way}")).collect();
        query.push(format_args!(" ORDER BY {} LIMIT ", order.join(", "))).push_bind(asked.limit as i64 + 1);
        query
    }
}

impl Filter {
    fn name(&self) -> &'static str {
        match self {
            Self::Coin => "coin",
            Self::Wallet => "wallet",
            Self::Word { name, .. } | Self::About { name, .. } | Self::AtLeast { name, .. } => name,
        }
    }

    fn read(&self, parameters: &mut Parameters) -> Result<Option<Given>, ApiError> {
        Ok(match self {
            Self::Coin => parameters.text(&["coin"])?.map(Given::Text),
            Self::Wallet => parameters.wallet()?.map(|wallet| Given::Text(wallet.to_string())),
            Self::Word { name, code, words } | Self::About { name, code, words, .. } => {
                let words: Vec<(&str, &str)> = words.iter().map(|word| (*word, *word)).collect();
                parameters.word(name, code, &words)?.map(|word| Given::Text(word.to_owned()))
            }
            Self::AtLeast { name, code, .. } => parameters.amount(name, code)?.map(Given::Amount),
        })
    }

    fn push(&self, query: &mut Query, given: &Given) {
        match (self, given) {
            (Self::About { push, .. }, Given::Text(word)) => push(query, word),
            (Self::AtLeast { column, .. }, Given::Amount(least)) => {
                // What is too large to be told is larger than anything that can be asked.
                query.push(format_args!(" AND ({column} IS NULL OR ")).push_at_least(column, *least).push(")");
            }
            (_, given) => {
                query.push(format_args!(" AND {} = ", self.name())).push_bind(given.as_text().as_str());
            }
        }
    }
}

impl Given {
    fn as_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Amount(amount) => amount.shortest().to_string(),
        }
    }
}

/// As it stands in a cursor.
fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Boolean(truth) => (*truth).into(),
        Value::Integer(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
    }
}
