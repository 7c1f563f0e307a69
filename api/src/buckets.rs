//! Results that are kept by coin, interval and bucket -> the latest bucket, and pages of those before.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use schemas::{Interval, Topic};
use serde::Serialize;

use crate::channel::{Key, Subject};
use crate::coin::{self, AskedCoin};
use crate::database::{Moment, Stored};
use crate::error::ApiError;
use crate::parameters::{Parameters, TimeRange};
use crate::query::Query;
use crate::ratio_series::Series;
use crate::reply::{Meta, Reply};
use crate::standing::{self, Standing};
use crate::{Context, cursor};

/// One such result.
pub(crate) struct Buckets {
    /// In paths and cursors.
    pub(crate) name: &'static str,
    pub(crate) table: &'static str,
    /// Its columns, of `bucket`.
    pub(crate) columns: &'static str,
    pub(crate) topic: &'static Topic,
    pub(crate) schema: &'static str,
    pub(crate) definition: &'static str,
    /// The one interval that there is, where there are no others.
    pub(crate) only: Option<Interval>,
    /// Why a coin may have no bucket although everything is in.
    pub(crate) reason_for_none: &'static str,
}

/// A row of it, as it is told.
pub(crate) trait BucketRow: Stored + Serialize {
    const OF: Buckets;
    /// Each coin has its own; otherwise they are of the whole market.
    const BY_COIN: bool = true;
    /// There are several courses of them for a coin.
    const BY_KIND: bool = false;

    fn definition(_: Series) -> &'static str {
        Self::OF.definition
    }
    fn reason_for_none(_: Series) -> &'static str {
        Self::OF.reason_for_none
    }
    fn time(&self) -> i64;
    fn clock(&self) -> i64;
    fn complete(&self) -> bool;
    /// With what follows from the rest.
    fn derived(self) -> Self;
}

pub(crate) fn routes<R: BucketRow>() -> Router<Arc<Context>> {
    let path = format!("/api/v1/{}", R::OF.name);
    if !R::BY_COIN {
        let history = format!("{path}/history");
        return Router::new().route(&path, get(latest_of_all::<R>)).route(&history, get(history_of_all::<R>));
    }
    let path = format!("{path}/{{coin}}");
    Router::new().route(&path, get(latest_of_coin::<R>)).route(&format!("{path}/history"), get(history_of_coin::<R>))
}

async fn latest_of_coin<R: BucketRow>(
    State(context): State<Arc<Context>>,
    AskedCoin(asked): AskedCoin,
    parameters: Parameters,
) -> Result<Reply<Option<R>>, ApiError> {
    latest(&context, Some(&asked), parameters).await
}

async fn latest_of_all<R: BucketRow>(
    State(context): State<Arc<Context>>,
    parameters: Parameters,
) -> Result<Reply<Option<R>>, ApiError> {
    latest(&context, None, parameters).await
}

async fn history_of_coin<R: BucketRow>(
    State(context): State<Arc<Context>>,
    AskedCoin(asked): AskedCoin,
    parameters: Parameters,
) -> Result<Reply<Vec<R>>, ApiError> {
    history(&context, Some(&asked), parameters).await
}

async fn history_of_all<R: BucketRow>(
    State(context): State<Arc<Context>>,
    parameters: Parameters,
) -> Result<Reply<Vec<R>>, ApiError> {
    history(&context, None, parameters).await
}

/// The latest bucket of the coin, or of the whole market.
pub(crate) async fn latest<R: BucketRow>(
    context: &Context,
    asked: Option<&str>,
    mut parameters: Parameters,
) -> Result<Reply<Option<R>>, ApiError> {
    let interval = interval::<R>(&mut parameters)?;
    let series = series::<R>(&mut parameters)?;
    parameters.nothing_else()?;

    let mut moment = context.database.one_moment().await?;
    let key = known(&mut moment, context.generation, asked).await?.map_or(Key::All, Key::Coin);
    let standing = standing::of(&mut moment, context.generation, &[R::OF.topic]).await?;
    let mut query = Query::default();
    let subject = Subject { channel: R::OF.name, key, interval: Some(interval), series };
    push_latest::<R>(&mut query, context.generation, &subject);
    let row: Option<R> = moment.first(query).await?;

    let mut meta = meta(context, &standing, series, row.as_slice());
    if row.is_none() {
        meta.reason = standing.reason_for_nothing().or(Some(R::reason_for_none(series)));
    }
    Ok(Reply { data: row.map(R::derived), meta })
}

async fn known(moment: &mut Moment, generation: u32, asked: Option<&str>) -> Result<Option<String>, ApiError> {
    let Some(asked) = asked else { return Ok(None) };
    coin::known(moment, generation, asked).await.map(Some)
}

fn interval<R: BucketRow>(parameters: &mut Parameters) -> Result<Interval, ApiError> {
    let Some(only) = R::OF.only else { return parameters.interval() };
    match parameters.text(&["interval", "period"])? {
        Some(text) if text != only.name() => {
            let message = format!("interval is {text:?}; of {} there is only {only}", R::OF.name);
            Err(ApiError::parameter("INVALID_INTERVAL", "interval", message))
        }
        _ => Ok(only),
    }
}

fn series<R: BucketRow>(parameters: &mut Parameters) -> Result<Series, ApiError> {
    if R::BY_KIND { parameters.series() } else { Ok(Series::default()) }
}

fn meta<R: BucketRow>(context: &Context, standing: &Standing, series: Series, rows: &[R]) -> Meta {
    Meta {
        as_of: rows.iter().map(R::clock).max(),
        complete: rows.iter().all(R::complete),
        definition: Some(R::definition(series)),
        ..Meta::new(context, standing, R::OF.schema)
    }
}

/// The latest bucket of each coin, if there are coins, interval and cohort, each found by one step along the key.
pub(crate) fn push_latest<R: BucketRow>(query: &mut Query, generation: u32, subject: &Subject) {
    let Buckets { table, columns, .. } = R::OF;
    query.push("WITH asked (coin) AS (");
    match &subject.key {
        _ if !R::BY_COIN => {
            query.push("VALUES ('')");
        }
        Key::Coin(coin) => {
            query.push("VALUES (").push_bind(coin.as_str()).push(")");
        }
        Key::All | Key::Wallet(_) | Key::Source(_) => coin::push_coins(query, generation, table),
    }
    query.push("), kept (interval) AS (");
    let intervals = subject.interval.as_ref().map_or(Interval::ALL.as_slice(), std::slice::from_ref);
    for (place, interval) in intervals.iter().enumerate() {
        query.push(if place == 0 { "VALUES (" } else { ", (" }).push_bind(interval.name()).push(")");
    }
    let (mut wanted, mut is_wanted) = ("", ["", ""]);
    if R::BY_KIND {
        push_wanted(query, subject.series);
        wanted = "CROSS JOIN wanted";
        is_wanted = [
            "AND bucket.kind = wanted.kind AND bucket.cohort = wanted.cohort",
            "AND last.kind = wanted.kind AND last.cohort = wanted.cohort",
        ];
    }
    let [this, last] = is_wanted;
    let [this_coin, last_coin] =
        if R::BY_COIN { ["AND bucket.coin = asked.coin", "AND last.coin = asked.coin"] } else { ["", ""] };
    query.push(format_args!(
        ") SELECT {columns} FROM asked CROSS JOIN kept {wanted} CROSS JOIN {table} AS bucket \
         WHERE bucket.generation = {generation} {this_coin} {this} AND bucket.interval = kept.interval \
         AND bucket.time = (SELECT max(time) FROM {table} AS last WHERE last.generation = {generation} \
         {last_coin} {last} AND last.interval = kept.interval)"
    ));
}

fn push_wanted(query: &mut Query, series: Series) {
    query.push("), wanted (kind, cohort) AS (");
    for (place, cohort) in series.stored_cohorts().into_iter().enumerate() {
        query.push(if place == 0 { "VALUES (" } else { ", (" }).push_bind(series.kind.name());
        query.push(", ").push_bind(cohort).push(")");
    }
}

/// What a page is chosen by, and where it begins.
struct Asked {
    interval: Interval,
    series: Series,
    range: TimeRange,
    after: Option<i64>,
    limit: usize,
}

impl Asked {
    fn read<R: BucketRow>(generation: u32, mut parameters: Parameters) -> Result<Self, ApiError> {
        let interval = interval::<R>(&mut parameters)?;
        let series = series::<R>(&mut parameters)?;
        let range = parameters.time_range()?;
        let limit = parameters.limit()?;
        let after = match parameters.text(&["cursor"])? {
            Some(cursor) => Some(cursor::read(generation, &list_name::<R>(&range), &cursor)?),
            None => None,
        };
        parameters.nothing_else()?;
        Ok(Self { interval, series, range, after, limit })
    }
}

/// A cursor of one direction says nothing in the other.
fn list_name<R: BucketRow>(range: &TimeRange) -> String {
    format!("{}/{}", R::OF.name, if range.oldest_first { "asc" } else { "desc" })
}

/// A page of the buckets of the coin, or of the whole market.
pub(crate) async fn history<R: BucketRow>(
    context: &Context,
    asked_coin: Option<&str>,
    parameters: Parameters,
) -> Result<Reply<Vec<R>>, ApiError> {
    let asked = Asked::read::<R>(context.generation, parameters)?;

    let mut moment = context.database.one_moment().await?;
    let coin = known(&mut moment, context.generation, asked_coin).await?;
    let standing = standing::of(&mut moment, context.generation, &[R::OF.topic]).await?;
    let mut rows: Vec<R> = moment.all(page::<R>(context.generation, coin.as_deref(), &asked)).await?;

    let more = rows.len() > asked.limit;
    rows.truncate(asked.limit);
    let mut meta = meta(context, &standing, asked.series, &rows);
    meta.reason = if rows.is_empty() { standing.reason_for_nothing() } else { None };
    if more {
        meta.complete = false;
        let list = list_name::<R>(&asked.range);
        meta.next_cursor = rows.last().map(|last| cursor::write(context.generation, &list, last.time()));
    }
    Ok(Reply { data: rows.into_iter().map(R::derived).collect(), meta })
}

/// One row more than the page holds: whether there is a next page.
fn page<R: BucketRow>(generation: u32, coin: Option<&str>, asked: &Asked) -> Query {
    let Buckets { table, columns, .. } = R::OF;
    let mut query = Query::default();
    query.push(format_args!("SELECT {columns} FROM {table} AS bucket WHERE generation = "));
    query.push_bind(generation);
    if let Some(coin) = coin {
        query.push(" AND coin = ").push_bind(coin);
    }
    query.push(" AND bucket.interval = ").push_bind(asked.interval.name());
    if R::BY_KIND {
        query.push(" AND kind = ").push_bind(asked.series.kind.name());
        query.push(" AND cohort = ").push_bind(asked.series.cohort_name().unwrap_or_default());
    }
    asked.range.push(&mut query, "time");
    if let Some(after) = asked.after {
        query.push(if asked.range.oldest_first { " AND time > " } else { " AND time < " }).push_bind(after);
    }
    query.push(if asked.range.oldest_first { " ORDER BY time" } else { " ORDER BY time DESC" });
    query.push(" LIMIT ").push_bind(asked.limit as i64 + 1);
    query
}
