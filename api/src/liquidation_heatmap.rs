//! `/liquidation-heatmap` and the live channel `liquidation_heatmap`: at which prices a coin was liquidated, and when.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use schemas::{Amount, HeatmapCell, Interval, Message};
use serde::Serialize;
use sqlx::FromRow;

use crate::channel::{Channel, Key, LiveRow, raw};
use crate::coin::{self, AskedCoin};
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::query::Query;
use crate::ratio_series::Series;
use crate::reply::{Meta, Reply};
use crate::{Context, standing};

pub(crate) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/api/v1/liquidation-heatmap/{coin}", get(heatmap))
}

pub(crate) static CHANNEL: Channel = Channel {
    name: "liquidation_heatmap",
    topic: HeatmapCell::TOPIC,
    kind: HeatmapCell::KIND,
    by_wallet: false,
    by_source: false,
    by_interval: true,
    by_kind: false,
    push_rows: |query, generation, subject| {
        query.push(format_args!("SELECT * FROM ({SELECT} FROM liquidation_heatmap WHERE generation = "));
        query.push_bind(generation);
        subject.push_where(query);
        if let Some(interval) = subject.interval {
            query.push(" AND interval = ").push_bind(interval.name());
        }
        query.push(format_args!(
            " ORDER BY time DESC, coin, interval, price_low LIMIT {IN_A_SNAPSHOT}) AS latest ORDER BY time, coin, interval"
        ));
    },
    rows: |moment, query| moment.told(query, |row: CellRow| raw(&row.explained())),
    live: |value| {
        let cell: HeatmapCell = serde_json::from_slice(value)?;
        let interval = Some(cell.interval);
        let row = CellRow::from(cell).explained();
        let keys = vec![Key::All, Key::Coin(row.coin.clone())];
        Ok(LiveRow { keys, interval, series: Series::default(), data: serde_json::value::to_raw_value(&row)? })
    },
};

/// A subscription begins with the latest so many cells.
const IN_A_SNAPSHOT: u32 = 500;

const DEFINITION: &str = "what was liquidated, by the average price and the time of the order, victims' legs only, without auto-deleveraging; \
     a cell is [place in times, place in prices, notional of longs, notional of shorts]; prices are the lowest of each \
     step; where nothing was liquidated there is no cell";

/// How far back, by cells of which width.
const RANGES: [(&str, (i64, Interval)); 5] = [
    ("12h", (12, Interval::FiveMinutes)),
    ("24h", (24, Interval::FifteenMinutes)),
    ("3d", (72, Interval::FifteenMinutes)),
    ("7d", (168, Interval::OneHour)),
    ("30d", (720, Interval::FourHours)),
];

const HOUR: i64 = 3_600_000;

const SELECT: &str = "SELECT coin, interval, time, CAST(price_low AS TEXT) AS price_low, \
     CAST(price_high AS TEXT) AS price_high, long_orders, short_orders, CAST(long_notional AS TEXT) AS long_notional, \
     CAST(short_notional AS TEXT) AS short_notional, complete, final, block, clock";

/// A cell as it is told live.
#[derive(Serialize, FromRow)]
struct CellRow {
    coin: String,
    interval: String,
    time: i64,
    price_low: String,
    price_high: String,
    long_orders: i64,
    short_orders: i64,
    long_notional: Option<String>,
    short_notional: Option<String>,
    complete: bool,
    r#final: bool,
    block: i64,
    clock: i64,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// The cells of a stretch of time, brought to one step of price.
#[derive(Serialize)]
struct Heatmap {
    coin: String,
    range: &'static str,
    interval: &'static str,
    start_time: i64,
    end_time: i64,
    /// Of prices; absent where nothing was liquidated.
    step: Option<Amount>,
    times: Vec<i64>,
    prices: Vec<Amount>,
    cells: Vec<(usize, usize, Option<Amount>, Option<Amount>)>,
    /// The largest of all cells, both sides together.
    max_notional: Option<Amount>,
}

async fn heatmap(
    State(context): State<Arc<Context>>,
    AskedCoin(asked): AskedCoin,
    mut parameters: Parameters,
) -> Result<Reply<Heatmap>, ApiError> {
    let ranges = RANGES.map(|(name, (hours, interval))| (name, (name, hours, interval)));
    let range = parameters.word("range", "INVALID_RANGE", &ranges)?;
    parameters.nothing_else()?;
    let (range, hours, interval) = range.unwrap_or(ranges[1].1);

    let mut moment = context.database.one_moment().await?;
    let coin = coin::known(&mut moment, context.generation, &asked).await?;
    let standing = standing::of(&mut moment, context.generation, &[HeatmapCell::TOPIC]).await?;
    let clock = standing.clock().map_or(0, |clock| clock.time);
    let end = interval.bucket(clock) + interval.length_ms();
    let start = end - hours * HOUR;
    let rows: Vec<CellRow> = moment.all(cells(context.generation, &coin, interval, (start, end))).await?;

    let mut meta = Meta { definition: Some(DEFINITION), ..Meta::new(&context, &standing, "liquidation-heatmap/1") };
    meta.as_of = rows.iter().map(|row| row.clock).max();
    meta.complete = rows.iter().all(|row| row.complete);
    meta.reason = if rows.is_empty() { standing.reason_for_nothing().or(Some("nothing_liquidated_yet")) } else { None };
    let mut heatmap = Heatmap {
        coin,
        range,
        interval: interval.name(),
        start_time: start,
        end_time: end,
        step: None,
        times: Vec::new(),
        prices: Vec::new(),
        cells: Vec::new(),
        max_notional: None,
    };
    heatmap.fill(&rows);
    Ok(Reply { data: heatmap, meta })
}

fn cells(generation: u32, coin: &str, interval: Interval, (start, end): (i64, i64)) -> Query {
    let mut query = Query::new(format_args!("{SELECT} FROM liquidation_heatmap WHERE generation = "));
    query.push_bind(generation).push(" AND coin = ").push_bind(coin);
    query.push(" AND interval = ").push_bind(interval.name());
    query.push(" AND time >= ").push_bind(start).push(" AND time < ").push_bind(end);
    query
}

/// Notional of longs and of shorts; absent where it is too large for an exact decimal.
type Both = (Option<Amount>, Option<Amount>);

impl Heatmap {
    fn fill(&mut self, rows: &[CellRow]) {
        let bounds = |row: &CellRow| -> Option<(Amount, Amount)> {
            Some((row.price_low.parse().ok()?, row.price_high.parse().ok()?))
        };
        let Some(step) = rows.iter().filter_map(bounds).filter_map(|(low, high)| high.minus(low).ok()).max() else {
            return;
        };
        let mut sums: BTreeMap<(i64, Amount), Both> = BTreeMap::new();
        for row in rows {
            // Each step is made of whole smaller ones.
            let low = bounds(row).and_then(|(low, _)| low.over(step).and_then(|steps| steps.floor().times(step)).ok());
            let Some(low) = low else { continue };
            let read = |notional: &Option<String>| notional.as_ref().and_then(|notional| notional.parse().ok());
            let (long, short) = (read(&row.long_notional), read(&row.short_notional));
            let sum = sums.entry((row.time, low.shortest())).or_insert((Some(Amount::ZERO), Some(Amount::ZERO)));
            *sum = (Amount::sum(sum.0, long), Amount::sum(sum.1, short));
        }
        self.step = Some(step.shortest());
        self.times = sums.keys().map(|(time, _)| *time).collect();
        self.times.dedup();
        self.prices = sums.keys().map(|(_, price)| *price).collect();
        self.prices.sort_unstable();
        self.prices.dedup();
        let place = |time: i64, price: Amount| {
            Some((self.times.binary_search(&time).ok()?, self.prices.binary_search(&price).ok()?))
        };
        let placed = |((time, price), (long, short)): (&(i64, Amount), &Both)| {
            place(*time, *price).map(|(time, price)| (time, price, *long, *short))
        };
        self.cells = sums.iter().filter_map(placed).collect();
        self.max_notional = sums.values().filter_map(|(long, short)| Amount::sum(*long, *short)).max();
    }
}

impl CellRow {
    fn explained(self) -> Self {
        let is_exact = self.long_notional.is_some() && self.short_notional.is_some();
        Self { reason: (!is_exact).then_some("too_large_to_be_exact"), ..self }
    }
}

impl From<HeatmapCell> for CellRow {
    fn from(it: HeatmapCell) -> Self {
        Self {
            coin: it.coin.to_string(),
            interval: it.interval.to_string(),
            time: it.time,
            price_low: it.price_low.to_string(),
            price_high: it.price_high.to_string(),
            long_orders: it.long_orders.cast_signed(),
            short_orders: it.short_orders.cast_signed(),
            long_notional: it.long_notional.map(|it| it.to_string()),
            short_notional: it.short_notional.map(|it| it.to_string()),
            complete: it.complete,
            r#final: it.r#final,
            block: it.block.cast_signed(),
            clock: it.clock,
            reason: None,
        }
    }
}
