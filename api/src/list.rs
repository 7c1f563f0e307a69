//! A list of a table's rows as it is declared → its route: what it may be chosen by, page after page, and what it stands on.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use schemas::Amount;
use schemas::table::{Column, Kind, Value};

use crate::database::Moment;
use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::export::{self, Accepted, FORMATS, Format};
use crate::filter::{Filter, Given};
use crate::identity::AskedId;
use crate::openapi::declared;
use crate::parameters::{Parameters, TimeRange};
use crate::query::Query;
use crate::reply::{Meta, Reply};
use crate::row::{Shape, Stored, Told};
use crate::{Context, coin, cursor, page, standing};

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
    /// Decimals by which it may be sorted as well, each with an index: among equal ones the order decides.
    pub(crate) sorts: &'static [&'static str],
    /// What a row is of, where it has an address of its own: then the order is what its id is made of.
    pub(crate) item: Option<&'static str>,
    /// The column that says how far a row is known.
    pub(crate) as_of: &'static str,
    /// The column that says that no block is missing in a row.
    pub(crate) whole: Option<&'static str>,
}

/// Every list there is.
pub(crate) static LISTS: [&List; 6] = [
    &crate::transactions::LIST,
    &crate::position_history::LIST,
    &crate::liquidations::LIST,
    &crate::liquidation_episodes::LIST,
    &crate::liquidation_cascades::LIST,
    &crate::whale_activities::LIST,
];

pub(crate) fn endpoints() -> Vec<Endpoint> {
    LISTS
        .into_iter()
        .flat_map(|list| [Some(of_rows(list)), list.item.map(|summary| of_one(list, summary))])
        .flatten()
        .collect()
}

pub(crate) fn of_rows(list: &'static List) -> Endpoint {
    let answer = move |State(context): State<Arc<Context>>, Accepted(format): Accepted, asked: Parameters| async move {
        list.answer(context, format, asked).await
    };
    Endpoint::new(format!("/api/v1/{}", list.name), get(answer), declared::of_list(list))
}

fn of_one(list: &'static List, summary: &'static str) -> Endpoint {
    let answer = move |State(context): State<Arc<Context>>, id: AskedId, asked: Parameters| async move {
        list.one(&context, id, asked).await
    };
    Endpoint::new(format!("/api/v1/{}/{{id}}", list.name), get(answer), declared::of_item(list, summary))
}

/// What rows are chosen by, and where they begin.
struct Asked {
    list: &'static List,
    given: Vec<(&'static Filter, Given)>,
    range: TimeRange,
    sort: Option<&'static str>,
    after: Option<Vec<Value>>,
    limit: usize,
}

impl List {
    async fn answer(
        &'static self,
        context: Arc<Context>,
        accepted: Format,
        mut parameters: Parameters,
    ) -> Result<Response, ApiError> {
        let format = parameters.word("format", "INVALID_FORMAT", &FORMATS)?.unwrap_or(accepted);
        let mut asked = self.asked(format, &mut parameters)?;
        let cursor = parameters.text("cursor")?;
        parameters.nothing_else()?;

        let mut moment = context.database.one_moment().await?;
        // A cursor belongs to the coin as its market is called.
        asked.know_the_coin(&mut moment, context.generation).await?;
        asked.after = cursor.map(|cursor| self.place_in(context.generation, &asked, &cursor)).transpose()?;
        if format == Format::Json {
            return Ok(self.page(&context, moment, &asked).await?.into_response());
        }
        drop(moment);
        Ok(export::reply(&context, self.name, self.shape, format, page::all(Arc::clone(&context), asked)))
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
        let mut rows = page::read(&mut moment, context.generation, asked, asked.limit + 1).await?;

        let mut meta = Meta { definition: Some(self.definition), ..Meta::new(context, &standing, self.schema) };
        meta.reason = if rows.is_empty() { standing.reason_for_nothing() } else { None };
        if rows.len() > asked.limit {
            rows.truncate(asked.limit);
            let place = |row: &Told| self.place_of(asked, row).iter().map(cursor::json).collect::<Vec<_>>();
            let list = self.as_asked(asked);
            meta.next_cursor = rows.last().map(|last| cursor::write(context.generation, &list, place(last)));
        }
        let is_whole = |row: &Told| self.whole.is_none_or(|column| row.is_true(column));
        meta.complete = meta.next_cursor.is_none() && rows.iter().all(is_whole);
        meta.as_of = rows.iter().filter_map(|row| row.integer(self.as_of)).max();
        Ok(Reply { data: rows, meta })
    }

    /// The columns of the order in which it is told.
    fn order_of(&'static self, sort: Option<&'static str>) -> impl Iterator<Item = &'static Column> {
        sort.into_iter().chain(self.order.iter().copied()).filter_map(|name| self.shape.of.column(name))
    }

    fn place_of(&'static self, asked: &Asked, row: &Told) -> Vec<Value> {
        self.order_of(asked.sort).map(|column| row.value(column.name).clone()).collect()
    }

    fn asked(&'static self, format: Format, parameters: &mut Parameters) -> Result<Asked, ApiError> {
        let mut given = Vec::new();
        for filter in self.filters {
            given.extend(filter.read(parameters)?.map(|value| (filter, value)));
        }
        let sorts: Vec<(&str, Option<&'static str>)> =
            [("time", None)].into_iter().chain(self.sorts.iter().map(|sort| (*sort, Some(*sort)))).collect();
        let sort = parameters.word("sort", "INVALID_SORT", &sorts)?.flatten();
        let range = if sort.is_some() { parameters.range_of_sorted()? } else { parameters.time_range()? };
        let limit = if format == Format::Json { parameters.limit()? } else { parameters.any_limit()? };
        Ok(Asked { list: self, given, range, sort, after: None, limit })
    }

    fn place_in(&'static self, generation: u32, asked: &Asked, cursor: &str) -> Result<Vec<Value>, ApiError> {
        let stood: Vec<serde_json::Value> = cursor::read(generation, &self.as_asked(asked), cursor)?;
        self.place(asked.sort, stood).ok_or_else(cursor::not_ours)
    }

    /// A value for each column of the order, of its kind.
    fn place(&'static self, sort: Option<&'static str>, stood: Vec<serde_json::Value>) -> Option<Vec<Value>> {
        let value = |(column, stood): (&Column, serde_json::Value)| match (column.kind, stood) {
            (Kind::Integer, serde_json::Value::Number(number)) => number.as_i64().map(Value::Integer),
            (Kind::Text, serde_json::Value::String(text)) => Some(Value::Text(text)),
            (Kind::Decimal, serde_json::Value::String(text)) => text.parse::<Amount>().ok().map(Value::text),
            (Kind::Decimal, serde_json::Value::Null) => Some(Value::Null),
            _ => None,
        };
        let count = self.order_of(sort).count();
        let place: Option<Vec<Value>> = self.order_of(sort).zip(stood).map(value).collect();
        place.filter(|place| place.len() == count)
    }

    /// A cursor of one sort and direction, or of other filters, says nothing in another.
    fn as_asked(&self, asked: &Asked) -> String {
        let way = if asked.range.oldest_first { "asc" } else { "desc" };
        let given = asked.given.iter().map(|(filter, given)| format!("&{}={}", filter.name(), given.as_text()));
        let sort = asked.sort.unwrap_or("time");
        format!("{}/{sort}/{way}{}", self.name, given.collect::<String>())
    }

    fn rows_of(&self, generation: u32) -> Query {
        let table = self.shape.of.name;
        let mut query =
            Query::new(format_args!("SELECT {} FROM {table} WHERE generation = ", self.shape.columns(table)));
        query.push_bind(generation);
        query
    }

    fn push_order(&'static self, query: &mut Query, sort: Option<&'static str>, way: &str) {
        for (place, column) in self.order_of(sort).enumerate() {
            query.push(if place == 0 { "" } else { ", " });
            match column.sorted {
                true => query.push_sorted(column.name),
                false => query.push(column.name),
            };
            query.push(way);
        }
    }

    /// What is said of large rows once more, in the words of the indexes that have no others: they are found by these.
    fn push_large(&self, query: &mut Query, filter: &Filter, given: &Given) {
        let (Filter::AtLeast { column, .. }, Given::Amount(least)) = (filter, given) else { return };
        let of_column = self.shape.of.indexes.iter().filter_map(|index| index.at_least).filter(|(of, _)| of == column);
        let sizes: BTreeSet<Amount> = of_column.filter_map(|(_, size)| size.parse().ok()).collect();
        for size in sizes.into_iter().filter(|size| size <= least) {
            query.push(" AND ").push_sorted(column).push(" >= ").push_constant(size);
        }
    }

    /// The row of this id.
    async fn one(&'static self, context: &Context, id: AskedId, asked: Parameters) -> Result<Reply<Told>, ApiError> {
        asked.nothing_else()?;
        let Some(place) = id.place().and_then(|stood| self.place(None, stood)) else { return Err(id.unknown()) };
        let mut query = self.rows_of(context.generation);
        for (column, value) in self.order_of(None).zip(&place) {
            query.push(format_args!(" AND {} = ", column.name)).push_value(value);
        }
        let mut moment = context.database.one_moment().await?;
        let standing = standing::of(&mut moment, context.generation, &[self.shape.of.topic]).await?;
        let Some(row) = moment.first::<Stored>(query).await? else { return Err(id.unknown()) };

        let row = self.shape.told(row);
        let mut meta = Meta { definition: Some(self.definition), ..Meta::new(context, &standing, self.schema) };
        meta.as_of = row.integer(self.as_of);
        meta.complete = self.whole.is_none_or(|column| row.is_true(column));
        Ok(Reply { data: row, meta })
    }
}

impl page::Asked for Asked {
    fn shape(&self) -> &'static Shape {
        self.list.shape
    }

    fn limit(&self) -> usize {
        self.limit
    }

    fn query(&self, generation: u32, count: usize) -> Query {
        let list = self.list;
        let mut query = list.rows_of(generation);
        let (keys, table) = (list.shape.of.key.join(", "), list.shape.of.name);
        if self.passes_over_others() {
            query.push_to_sqlite(&format!(" AND ({keys}) IN (SELECT {keys} FROM {table} WHERE generation = $1"));
        }
        for (filter, given) in &self.given {
            filter.push(&mut query, given);
            list.push_large(&mut query, filter, given);
        }
        self.range.push(&mut query, list.order[0]);
        let (beyond, way) = if self.range.oldest_first { (">", "") } else { ("<", " DESC") };
        if let Some(after) = &self.after {
            query.push(" AND (");
            list.push_order(&mut query, self.sort, "");
            query.push(format_args!(") {beyond} ("));
            for (place, (column, value)) in list.order_of(self.sort).zip(after).enumerate() {
                query.push(if place == 0 { "" } else { ", " });
                push_place(&mut query, column, value);
            }
            query.push(")");
        }
        query.push(" ORDER BY ");
        let mut order = Query::default();
        list.push_order(&mut order, self.sort, way);
        query.append(&order).push(" LIMIT ").push_bind(count as i64);
        if self.passes_over_others() {
            query.push_to_sqlite(&format!(") ORDER BY {}", order.sqlite));
        }
        query
    }

    fn has_told(&mut self, count: usize, last: &Told) {
        self.limit -= count;
        self.after = Some(self.list.place_of(self, last));
    }
}

/// Where somebody stands in a column of the order.
fn push_place(query: &mut Query, column: &Column, value: &Value) {
    match (column.sorted, value) {
        (false, value) => query.push_value(value),
        (true, Value::Text(text)) => query.push_decimal(text.parse().ok()),
        (true, _) => query.push_decimal(None),
    };
}

impl Asked {
    /// Whether an index may lead past many rows that are none of the page. SQLite reads each of them, also where the index
    /// knows better; of what is asked for the keys alone the index is enough.
    fn passes_over_others(&self) -> bool {
        let is_about_others = |(filter, _): &(&Filter, Given)| matches!(filter, Filter::About { .. });
        let is_of_a_time = self.range.start.is_some() || self.range.end.is_some();
        self.given.len() > 1 || self.given.iter().any(is_about_others) || self.sort.is_some() && is_of_a_time
    }

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

#[cfg(test)]
mod plans;
