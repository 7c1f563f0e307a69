//! `/long-short-ratio` and the live channel `long_short_ratio`: how many accounts stand on each side of a coin.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use schemas::{Interval, LongShortRatio, Message};
use serde::Serialize;
use sqlx::FromRow;

use crate::Context;
use crate::channel::{Channel, Key, LiveRow, Subject, raw};
use crate::coin::{self, AskedCoin};
use crate::cursor;
use crate::error::ApiError;
use crate::parameters::{Parameters, TimeRange};
use crate::query::Query;
use crate::reply::{Meta, Reply};
use crate::standing::{self, Standing};

pub(crate) fn routes() -> Router<Arc<Context>> {
    Router::new()
        .route("/api/v1/long-short-ratio/{coin}", get(latest))
        .route("/api/v1/long-short-ratio/{coin}/history", get(history))
}

pub(crate) static CHANNEL: Channel = Channel {
    name: "long_short_ratio",
    topic: LongShortRatio::TOPIC,
    kind: LongShortRatio::KIND,
    by_wallet: false,
    by_source: false,
    by_interval: true,
    push_rows: push_latest,
    rows: |moment, query| moment.told(query, |row: RatioRow| raw(&row.derived())),
    live: |value| {
        let ratio: LongShortRatio = serde_json::from_slice(value)?;
        let interval = Some(ratio.interval);
        let row = RatioRow::from(ratio).derived();
        let keys = vec![Key::All, Key::Coin(row.coin.clone())];
        Ok(LiveRow { keys, interval, data: serde_json::value::to_raw_value(&row)? })
    },
};

const DEFINITION: &str = "accounts with an open position in the coin, of those that have traded it since `coverage.since_time`, each once, \
     at the bucket's end; \
     open, high, low and close are long accounts over short accounts within the bucket";

const SELECT: &str = "SELECT ratio.coin, ratio.interval, ratio.time, ratio.long_accounts, ratio.short_accounts, \
     CAST(ratio.long_ratio AS TEXT) AS long_ratio, CAST(ratio.short_ratio AS TEXT) AS short_ratio, \
     CAST(ratio.open AS TEXT) AS open, CAST(ratio.high AS TEXT) AS high, CAST(ratio.low AS TEXT) AS low, \
     CAST(ratio.close AS TEXT) AS close, ratio.complete, ratio.final, ratio.block, ratio.clock";

/// A bucket as it is told.
#[derive(Serialize, FromRow)]
struct RatioRow {
    coin: String,
    #[sqlx(skip)]
    kind: &'static str,
    interval: String,
    time: i64,
    long_accounts: i64,
    short_accounts: i64,
    #[sqlx(skip)]
    accounts: i64,
    long_ratio: Option<String>,
    short_ratio: Option<String>,
    #[sqlx(skip)]
    long_short_ratio: Option<String>,
    open: Option<String>,
    high: Option<String>,
    low: Option<String>,
    close: Option<String>,
    complete: bool,
    r#final: bool,
    block: i64,
    clock: i64,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl RatioRow {
    fn derived(self) -> Self {
        let somebody_was_always_short = [&self.open, &self.high, &self.low, &self.close].iter().all(|it| it.is_some());
        let reason = match (&self.long_ratio, somebody_was_always_short) {
            (None, _) => Some("no_accounts"),
            (Some(_), false) => Some("no_short_accounts"),
            (Some(_), true) => None,
        };
        Self {
            kind: "accounts",
            accounts: self.long_accounts + self.short_accounts,
            long_short_ratio: self.close.clone(),
            reason,
            ..self
        }
    }
}

impl From<LongShortRatio> for RatioRow {
    fn from(ratio: LongShortRatio) -> Self {
        Self {
            coin: ratio.coin.to_string(),
            kind: "",
            interval: ratio.interval.to_string(),
            time: ratio.time,
            long_accounts: ratio.long_accounts.cast_signed(),
            short_accounts: ratio.short_accounts.cast_signed(),
            accounts: 0,
            long_ratio: ratio.long_ratio.map(|it| it.to_string()),
            short_ratio: ratio.short_ratio.map(|it| it.to_string()),
            long_short_ratio: None,
            open: ratio.open.map(|it| it.to_string()),
            high: ratio.high.map(|it| it.to_string()),
            low: ratio.low.map(|it| it.to_string()),
            close: ratio.close.map(|it| it.to_string()),
            complete: ratio.complete,
            r#final: ratio.r#final,
            block: ratio.block.cast_signed(),
            clock: ratio.clock,
            reason: None,
        }
    }
}

async fn latest(
    State(context): State<Arc<Context>>,
    AskedCoin(asked): AskedCoin,
    mut parameters: Parameters,
) -> Result<Reply<Option<RatioRow>>, ApiError> {
    let interval = parameters.interval()?;
    parameters.nothing_else()?;

    let mut moment = context.database.one_moment().await?;
    let coin = coin::known(&mut moment, context.generation, &asked).await?;
    let standing = standing::of(&mut moment, context.generation, &[LongShortRatio::TOPIC]).await?;
    let mut query = Query::default();
    let subject = Subject { channel: CHANNEL.name, key: Key::Coin(coin), interval: Some(interval) };
    push_latest(&mut query, context.generation, &subject);
    let row: Option<RatioRow> = moment.first(query).await?;

    let mut meta = ratio_meta(&context, &standing, row.as_slice());
    if row.is_none() {
        meta.reason = standing.reason_for_nothing().or(Some("nothing_traded_yet"));
    }
    Ok(Reply { data: row.map(RatioRow::derived), meta })
}

fn ratio_meta(context: &Context, standing: &Standing, rows: &[RatioRow]) -> Meta {
    Meta {
        as_of: rows.iter().map(|row| row.clock).max(),
        complete: rows.iter().all(|row| row.complete),
        definition: Some(DEFINITION),
        ..Meta::new(context, standing, LongShortRatio::SCHEMA)
    }
}

/// The latest bucket of each coin and interval, each found by one step along the key.
fn push_latest(query: &mut Query, generation: u32, subject: &Subject) {
    query.push("WITH asked (coin) AS (");
    match &subject.key {
        Key::Coin(coin) => {
            query.push("VALUES (").push_bind(coin.as_str()).push(")");
        }
        Key::All | Key::Wallet(_) | Key::Source(_) => coin::push_coins(query, generation, "long_short_ratios"),
    }
    query.push("), kept (interval) AS (");
    let intervals = subject.interval.as_ref().map_or(Interval::ALL.as_slice(), std::slice::from_ref);
    for (place, interval) in intervals.iter().enumerate() {
        query.push(if place == 0 { "VALUES (" } else { ", (" }).push_bind(interval.name()).push(")");
    }
    query.push(") ").push(SELECT).push(format_args!(
        " FROM asked CROSS JOIN kept CROSS JOIN long_short_ratios AS ratio \
         WHERE ratio.generation = {generation} AND ratio.coin = asked.coin AND ratio.interval = kept.interval \
         AND ratio.time = (SELECT max(time) FROM long_short_ratios AS last WHERE last.generation = {generation} \
         AND last.coin = asked.coin AND last.interval = kept.interval)"
    ));
}

/// What a page is chosen by, and where it begins.
struct Asked {
    interval: Interval,
    range: TimeRange,
    after: Option<i64>,
    limit: usize,
}

impl Asked {
    fn read(generation: u32, mut parameters: Parameters) -> Result<Self, ApiError> {
        let interval = parameters.interval()?;
        let range = parameters.time_range()?;
        let limit = parameters.limit()?;
        let after = match parameters.text(&["cursor"])? {
            Some(cursor) => Some(cursor::read(generation, list_name(&range), &cursor)?),
            None => None,
        };
        parameters.nothing_else()?;
        Ok(Self { interval, range, after, limit })
    }
}

/// A cursor of one direction says nothing in the other.
fn list_name(range: &TimeRange) -> &'static str {
    if range.oldest_first { "long-short-ratio/asc" } else { "long-short-ratio/desc" }
}

async fn history(
    State(context): State<Arc<Context>>,
    AskedCoin(coin): AskedCoin,
    parameters: Parameters,
) -> Result<Reply<Vec<RatioRow>>, ApiError> {
    let asked = Asked::read(context.generation, parameters)?;

    let mut moment = context.database.one_moment().await?;
    let coin = coin::known(&mut moment, context.generation, &coin).await?;
    let standing = standing::of(&mut moment, context.generation, &[LongShortRatio::TOPIC]).await?;
    let mut rows: Vec<RatioRow> = moment.all(page(context.generation, &coin, &asked)).await?;

    let more = rows.len() > asked.limit;
    rows.truncate(asked.limit);
    let mut meta = ratio_meta(&context, &standing, &rows);
    meta.reason = if rows.is_empty() { standing.reason_for_nothing() } else { None };
    if more {
        meta.complete = false;
        let list = list_name(&asked.range);
        meta.next_cursor = rows.last().map(|last| cursor::write(context.generation, list, last.time));
    }
    Ok(Reply { data: rows.into_iter().map(RatioRow::derived).collect(), meta })
}

/// One row more than the page holds: whether there is a next page.
fn page(generation: u32, coin: &str, asked: &Asked) -> Query {
    let mut query = Query::new(SELECT);
    query.push(" FROM long_short_ratios AS ratio WHERE generation = ");
    query.push_bind(generation).push(" AND coin = ").push_bind(coin);
    query.push(" AND ratio.interval = ").push_bind(asked.interval.name());
    asked.range.push(&mut query, "time");
    if let Some(after) = asked.after {
        query.push(if asked.range.oldest_first { " AND time > " } else { " AND time < " }).push_bind(after);
    }
    query.push(if asked.range.oldest_first { " ORDER BY time" } else { " ORDER BY time DESC" });
    query.push(" LIMIT ").push_bind(asked.limit as i64 + 1);
    query
}
