//! `/liquidations/cascades` and the live channel `liquidation_cascades`: bursts in which one liquidation follows the other.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use schemas::{LiquidationCascade, Message};
use serde::Serialize;
use sqlx::FromRow;

use crate::channel::{Channel, Key, LiveRow, raw};
use crate::error::ApiError;
use crate::parameters::{Parameters, TimeRange};
use crate::query::Query;
use crate::ratio_series::Series;
use crate::reply::{Meta, Reply};
use crate::{Context, coin, cursor, standing};

pub(crate) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/api/v1/liquidations/cascades", get(list))
}

pub(crate) static CHANNEL: Channel = Channel {
    name: "liquidation_cascades",
    topic: LiquidationCascade::TOPIC,
    kind: LiquidationCascade::KIND,
    by_wallet: false,
    by_source: false,
    by_interval: false,
    by_kind: false,
    push_rows: |query, generation, subject| {
        query.push(format_args!("SELECT * FROM ({SELECT}")).push_bind(generation);
        subject.push_where(query);
        query.push(format_args!(
            " ORDER BY first_time DESC, coin DESC, side DESC, first_block DESC LIMIT {IN_A_SNAPSHOT}) AS latest \
             ORDER BY first_time, coin, side, first_block"
        ));
    },
    rows: |moment, query| moment.told(query, |row: CascadeRow| raw(&row.explained())),
    live: |value| {
        let cascade: LiquidationCascade = serde_json::from_slice(value)?;
        let row = CascadeRow::from(cascade).explained();
        let keys = vec![Key::All, Key::Coin(row.coin.clone())];
        Ok(LiveRow { keys, interval: None, series: Series::default(), data: serde_json::value::to_raw_value(&row)? })
    },
};

/// A subscription begins with the latest so many.
const IN_A_SNAPSHOT: u32 = 20;

const DEFINITION: &str = "orders against one side of a coin with less than ten seconds of event time between one and the next, once five accounts \
     are among them; victims' legs only, without auto-deleveraging; the peak is the second in which most was liquidated; \
     chosen by when they began";

const SELECT: &str = "SELECT coin, side, first_block, last_block, first_time, last_time, orders, \
     CAST(notional AS TEXT) AS notional, peak_time, CAST(peak_notional AS TEXT) AS peak_notional, \
     CAST(first_mark_px AS TEXT) AS first_mark_px, CAST(last_mark_px AS TEXT) AS last_mark_px, complete, final, clock \
     FROM liquidation_cascades WHERE generation = ";

/// A burst as it is told.
#[derive(Serialize, FromRow)]
struct CascadeRow {
    coin: String,
    side: String,
    first_block: i64,
    last_block: i64,
    first_time: i64,
    last_time: i64,
    orders: i64,
    notional: Option<String>,
    peak_time: i64,
    peak_notional: Option<String>,
    first_mark_px: String,
    last_mark_px: String,
    complete: bool,
    r#final: bool,
    clock: i64,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl CascadeRow {
    fn explained(self) -> Self {
        let is_exact = self.notional.is_some() && self.peak_notional.is_some();
        Self { reason: (!is_exact).then_some("too_large_to_be_exact"), ..self }
    }
}

impl From<LiquidationCascade> for CascadeRow {
    fn from(it: LiquidationCascade) -> Self {
        Self {
            coin: it.coin.to_string(),
            side: it.side.name().to_owned(),
            first_block: it.first_block.cast_signed(),
            last_block: it.last_block.cast_signed(),
            first_time: it.first_time,
            last_time: it.last_time,
            orders: it.orders.cast_signed(),
            notional: it.notional.map(|it| it.to_string()),
            peak_time: it.peak_time,
            peak_notional: it.peak_notional.map(|it| it.to_string()),
            first_mark_px: it.first_mark_px.to_string(),
            last_mark_px: it.last_mark_px.to_string(),
            complete: it.complete,
            r#final: it.r#final,
            clock: it.clock,
            reason: None,
        }
    }
}

/// What a page is chosen by, and where it begins.
struct Asked {
    coin: Option<String>,
    side: Option<&'static str>,
    range: TimeRange,
    after: Option<Place>,
    limit: usize,
}

/// The columns that make the order.
type Place = (i64, String, String, i64);

async fn list(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<Vec<CascadeRow>>, ApiError> {
    let mut asked = Asked::read(context.generation, &mut parameters)?;
    parameters.nothing_else()?;

    let mut moment = context.database.one_moment().await?;
    if let Some(asked) = &mut asked.coin {
        *asked = coin::known(&mut moment, context.generation, asked).await?;
    }
    let standing = standing::of(&mut moment, context.generation, &[LiquidationCascade::TOPIC]).await?;
    let mut rows: Vec<CascadeRow> = moment.all(asked.page(context.generation)).await?;

    let mut meta = Meta::new(&context, &standing, LiquidationCascade::SCHEMA);
    meta.definition = Some(DEFINITION);
    meta.reason = if rows.is_empty() { standing.reason_for_nothing() } else { None };
    if rows.len() > asked.limit {
        rows.truncate(asked.limit);
        let place = |row: &CascadeRow| (row.first_time, row.coin.clone(), row.side.clone(), row.first_block);
        meta.next_cursor =
            rows.last().map(|last| cursor::write(context.generation, asked.range.list(LIST), place(last)));
    }
    meta.complete = meta.next_cursor.is_none() && rows.iter().all(|row| row.complete);
    meta.as_of = rows.iter().map(|row| row.clock).max();
    Ok(Reply { data: rows.into_iter().map(CascadeRow::explained).collect(), meta })
}

const LIST: [&str; 2] = ["liquidations/cascades/asc", "liquidations/cascades/desc"];

impl Asked {
    fn read(generation: u32, parameters: &mut Parameters) -> Result<Self, ApiError> {
        let coin = parameters.text(&["coin"])?;
        let side = parameters.word("side", "INVALID_SIDE", &[("long", "long"), ("short", "short")])?;
        let range = parameters.time_range()?;
        let limit = parameters.limit()?;
        let after = match parameters.text(&["cursor"])? {
            Some(cursor) => Some(cursor::read(generation, range.list(LIST), &cursor)?),
            None => None,
        };
        Ok(Self { coin, side, range, after, limit })
    }

    /// One row more than the page holds: whether there is a next page.
    fn page(&self, generation: u32) -> Query {
        let mut query = Query::new(SELECT);
        query.push_bind(generation);
        for (column, value) in [("coin", self.coin.as_deref()), ("side", self.side)] {
            if let Some(value) = value {
                query.push(format_args!(" AND {column} = ")).push_bind(value);
            }
        }
        self.range.push(&mut query, "first_time");
        let (beyond, way) = if self.range.oldest_first { (">", "") } else { ("<", " DESC") };
        if let Some((time, coin, side, block)) = &self.after {
            query.push(format_args!(" AND (first_time, coin, side, first_block) {beyond} (")).push_bind(*time);
            query.push(", ").push_bind(coin.as_str()).push(", ").push_bind(side.as_str());
            query.push(", ").push_bind(*block).push(")");
        }
        query.push(format_args!(" ORDER BY first_time{way}, coin{way}, side{way}, first_block{way} LIMIT "));
        query.push_bind(self.limit as i64 + 1);
        query
    }
}
