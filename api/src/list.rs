//! A list of a table's rows as it is declared → its route: what it may be chosen by, page after page, and what it stands on.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use schemas::Amount;
use schemas::table::{Kind, Value};

use crate::channel::Subject;
use crate::database::Moment;
use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::export::{self, AT_ONCE, Accepted, FORMATS, Format};
use crate::openapi::declared;
use crate::parameters::{Parameters, TimeRange};
use crate::query::Query;
use crate::reply::{Meta, Reply};
use crate::row::{Shape, Stored, Told};
use crate::{Context, coin, cursor, standing};

/// A list of everything that a table holds.
pub(crate) struct List {
    /// Its path below `/api/v1/`.
    pub(crate) name: &'static str,
    /// What it is of, in a few words.
    pub(crate) summary: &'static str,
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

pub(crate) fn endpoint(list: &'static List) -> Endpoint {
    let answer = move |State(context): State<Arc<Context>>, Accepted(format): Accepted, asked: Parameters| async move {
        list.answer(context, format, asked).await
    };
    Endpoint::new(format!("/api/v1/{}", list.name), get(answer), declared::of_list(list))
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

/// What rows are chosen by, and where they begin.
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
        context: Arc<Context>,
        accepted: Format,
        mut parameters: Parameters,
    ) -> Result<Response, ApiError> {
        let format = parameters.word("format", "INVALID_FORMAT", &FORMATS)?.unwrap_or(accepted);
        let mut asked = self.asked(context.generation, format, &mut parameters)?;
        parameters.nothing_else()?;

        let mut moment = context.database.one_moment().await?;
        asked.know_the_coin(&mut moment, context.generation).await?;
        if format == Format::Json {
            return Ok(self.page(&context, moment, &asked).await?.into_response());
        }
        drop(moment);
        Ok(export::reply(&context, self.name, self.shape, format, self.pages(Arc::clone(&context), asked)))
    }

    /// A page, with what it stands on.
    async fn page(
        &'static self,
        context: &Context,
        mut moment: Moment,
        asked: &Asked,
    ) -> Result<Reply<Vec<Told>>, ApiError> {
        let standing = standing::of(&mut moment, context.generation, &[self.shape.of.topic]).await?;
        // One row more than the page holds: whether there is a next page.
        let mut rows = self.read(&mut moment, context.generation, asked, asked.limit + 1).await?;

        let mut meta = Meta { definition: Some(self.definition), ..Meta::new(context, &standing, self.schema) };
        meta.reason = if rows.is_empty() { standing.reason_for_nothing() } else { None };
        if rows.len() > asked.limit {
            rows.truncate(asked.limit);
            let place = |row: &Told| self.place_of(row).iter().map(json).collect::<Vec<_>>();
            let list = self.as_asked(asked);
            meta.next_cursor = rows.last().map(|last| cursor::write(context.generation, &list, place(last)));
        }
        let is_whole = |row: &Told| self.whole.is_none_or(|column| row.is_true(column));
        meta.complete = meta.next_cursor.is_none() && rows.iter().all(is_whole);
        meta.as_of = rows.iter().filter_map(|row| row.integer(self.as_of)).max();
        Ok(Reply { data: rows, meta })
    }

    /// All rows from there on, each page of a moment of its own: a long one would keep the database from clearing up.
    fn pages(
        &'static self,
        context: Arc<Context>,
        asked: Asked,
    ) -> impl Stream<Item = Result<Vec<Told>, ApiError>> + Send + 'static {
        stream::try_unfold(Some(asked), move |asked| {
            let context = Arc::clone(&context);
            async move {
                let Some(mut asked) = asked else { return Ok(None) };
                let (mut moment, count) = (context.database.one_moment().await?, AT_ONCE.min(asked.limit));
                let rows = self.read(&mut moment, context.generation, &asked, count).await?;
                asked.limit -= rows.len();
                asked.after = rows.last().map(|last| self.place_of(last));
                let goes_on = rows.len() == count && asked.limit > 0;
                Ok(Some((rows, goes_on.then_some(asked))))
            }
        })
    }

    async fn read(
        &'static self,
        moment: &mut Moment,
        generation: u32,
        asked: &Asked,
        count: usize,
    ) -> Result<Vec<Told>, ApiError> {
        let stored: Vec<Stored> = moment.all(self.query(generation, asked, count)).await?;
        Ok(stored.into_iter().map(|row| self.shape.told(row)).collect())
    }

    fn place_of(&self, row: &Told) -> Vec<Value> {
        self.order.iter().map(|column| row.value(column).clone()).collect()
    }

    fn asked(&'static self, generation: u32, format: Format, parameters: &mut Parameters) -> Result<Asked, ApiError> {
        let mut given = Vec::new();
        for filter in self.filters {
            given.extend(filter.read(parameters)?.map(|value| (filter, value)));
        }
        let range = parameters.time_range()?;
        let limit = if format == Format::Json { parameters.limit()? } else { parameters.any_limit()? };
        let mut asked = Asked { given, range, after: None, limit };
        if let Some(cursor) = parameters.text("cursor")? {
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

    fn query(&self, generation: u32, asked: &Asked, count: usize) -> Query {
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
        query.push(format_args!(" ORDER BY {} LIMIT ", order.join(", "))).push_bind(count as i64);
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
            Self::Coin => parameters.text("coin")?.map(Given::Text),
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

impl Asked {
    /// From the coin as it was written to the coin as its market is called.
    async fn know_the_coin(&mut self, moment: &mut Moment, generation: u32) -> Result<(), ApiError> {
        for (_, given) in self.given.iter_mut().filter(|(filter, _)| matches!(filter, Filter::Coin)) {
            if let Given::Text(coin) = given {
                *coin = coin::known(moment, generation, coin).await?;
            }
        }
        Ok(())
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
