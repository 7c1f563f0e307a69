//! `/liquidation-heatmap` and the live channel `liquidation_heatmap`: at which prices a coin was liquidated, and when.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use schemas::{HeatmapCell, Interval, LiquidationMap, MAP_INTERVAL, Message, Topic};
use serde::Serialize;
use sqlx::FromRow;

use crate::channel::{A_DAY_AND_AN_HOUR, Channel, HOUR, Key, LiveRow, Tells};
use crate::coin::{self, AskedCoin};
use crate::database::Moment;
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::heatmap_grid::{Grid, Lying};
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::query::Query;
use crate::reply::{Meta, Reply};
use crate::{Context, coinglass, heatmap_of_positions, standing};

pub(crate) fn endpoint() -> Endpoint {
    let mut parameters = vec![Parameter::coin().in_path()];
    parameters.extend(choices());
    parameters.push(Parameter::words_or("format", &["json", "coinglass"], "json"));
    let operation = Operation {
        summary: "At which prices a coin was liquidated, or would have been, and when",
        description: DEFINITION.to_owned(),
        parameters,
        answer: Answer::OneOrBare(Form::Object(&HEATMAP), Form::Object(&coinglass::HEATMAP)),
        examples: &["?model=positions&range=7d&buckets=20"],
    };
    Endpoint::new("/api/v1/liquidation-heatmap/{coin}", get(heatmap), operation)
}

/// What of it is shown, and in how many steps.
pub(crate) fn choices() -> [Parameter; 3] {
    let (ranges, models) = (RANGES.map(|(name, _)| name), MODELS.map(|(name, _)| name));
    [
        Parameter::words_or("range", &ranges, ranges[1]),
        Parameter::words_or("model", &models, models[0]),
        Parameter::count_up_to("buckets", MOST_STEPS, "100"),
    ]
}

pub(crate) static HEATMAP: Object = Object {
    name: "liquidation-heatmap",
    fields: &[
        ("coin", Form::Text),
        ("model", Form::Text),
        ("range", Form::Text),
        ("interval", Form::Interval),
        ("start_time", Form::Integer),
        ("end_time", Form::Integer),
        ("step", Form::Decimal),
        ("times", Form::List(&Form::Integer)),
        ("prices", Form::List(&Form::Decimal)),
        ("cells", Form::List(&CELL)),
        ("max_notional", Form::Decimal),
        ("candles", Form::List(&CANDLE)),
    ],
    optional: &[],
};

pub(crate) static CELL: Form = Form::Tuple(&[Form::Integer, Form::Integer, Form::MaybeDecimal, Form::MaybeDecimal]);

pub(crate) static CANDLE: Form = Form::Tuple(&[
    Form::Integer,
    Form::Decimal,
    Form::Decimal,
    Form::Decimal,
    Form::Decimal,
    Form::MaybeDecimal,
    Form::MaybeDecimal,
]);

pub(crate) static CHANNEL: Channel = Channel {
    name: "liquidation_heatmap",
    alias: None,
    topic: HeatmapCell::TOPIC,
    kind: HeatmapCell::KIND,
    by_wallet: false,
    by_name: false,
    by_interval: true,
    by_kind: false,
    tells: Tells::Changes { in_a_snapshot: IN_A_SNAPSHOT },
    reaches_back: A_DAY_AND_AN_HOUR,
    filters: &[],
    row: Form::Object(&CELL_ROW),
    live: |value| {
        let cell: HeatmapCell = serde_json::from_slice(value)?;
        let interval = Some(cell.interval);
        let row = CellRow::from(cell).explained();
        let keys = vec![Key::All, Key::Coin(row.coin.clone())];
        let (series, narrowed_by) = Default::default();
        Ok(LiveRow { keys, interval, series, narrowed_by, data: serde_json::value::to_raw_value(&row)? })
    },
};

/// A subscription begins with the latest so many cells.
const IN_A_SNAPSHOT: usize = 500;

pub(crate) const DEFINITION: &str = "what was liquidated, by the average price and the time of the order, victims' legs only, without auto-deleveraging; \
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

const SELECT: &str = "SELECT coin, interval, time, CAST(price_low AS TEXT) AS price_low, \
     CAST(price_high AS TEXT) AS price_high, long_orders, short_orders, CAST(long_notional AS TEXT) AS long_notional, \
     CAST(short_notional AS TEXT) AS short_notional, complete, final, block, clock";

static CELL_ROW: Object = Object {
    name: "heatmap-cell",
    fields: &[
        ("coin", Form::Text),
        ("interval", Form::Interval),
        ("time", Form::Integer),
        ("price_low", Form::Decimal),
        ("price_high", Form::Decimal),
        ("long_orders", Form::Integer),
        ("short_orders", Form::Integer),
        ("long_notional", Form::Decimal),
        ("short_notional", Form::Decimal),
        ("complete", Form::Boolean),
        ("final", Form::Boolean),
        ("block", Form::Integer),
        ("clock", Form::Integer),
        ("reason", Form::Text),
    ],
    optional: &[],
};

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
pub(crate) struct Heatmap {
    pub(crate) coin: String,
    model: &'static str,
    range: &'static str,
    pub(crate) interval: Interval,
    start_time: i64,
    end_time: i64,
    #[serde(flatten)]
    pub(crate) grid: Grid,
    /// Each as [time, open, high, low, close, volume, notional]; where nothing was traded there is none.
    pub(crate) candles: Vec<Candle>,
}

pub(crate) type Candle = (i64, String, String, String, String, Option<String>, Option<String>);

/// What a heatmap shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Model {
    /// What was liquidated.
    Liquidated,
    /// What would have been.
    Positions,
}

const MODELS: [(&str, Model); 2] = [("liquidated", Model::Liquidated), ("positions", Model::Positions)];

struct Asked {
    coin: String,
    model: (&'static str, Model),
    range: (&'static str, i64, Interval),
    most_steps: usize,
}

async fn heatmap(
    State(context): State<Arc<Context>>,
    AskedCoin(coin): AskedCoin,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let format =
        parameters.word("format", "INVALID_FORMAT", &[("json", Manner::Ours), ("coinglass", Manner::CoinGlass)])?;
    let reply = of_coin(&context, coin, parameters).await?;
    Ok(match format.unwrap_or(Manner::Ours) {
        Manner::Ours => reply.into_response(),
        Manner::CoinGlass => coinglass::heatmap(&reply.data).into_response(),
    })
}

/// In whose words it is told.
#[derive(Clone, Copy)]
enum Manner {
    Ours,
    CoinGlass,
}

/// What was, or would have been, liquidated of a coin, as the rest of the parameters want it.
pub(crate) async fn of_coin(
    context: &Context,
    coin: String,
    mut parameters: Parameters,
) -> Result<Reply<Heatmap>, ApiError> {
    let mut asked = Asked::read(coin, &mut parameters)?;
    parameters.nothing_else()?;

    let mut moment = context.database.one_moment().await?;
    asked.coin = coin::known(&mut moment, context.generation, &asked.coin).await?;
    let standing = standing::of(&mut moment, context.generation, &[asked.topic()]).await?;
    let clock = standing.clock().map_or(0, |clock| clock.time);
    let (range, hours, interval) = asked.range;
    let end = interval.bucket(clock) + interval.length_ms();
    let start = end - hours * HOUR;
    let shown = match asked.model.1 {
        Model::Liquidated => liquidated(&mut moment, context.generation, &asked, (start, end)).await?,
        Model::Positions => {
            heatmap_of_positions::read(&mut moment, context.generation, &asked.coin, interval, (start, end)).await?
        }
    };
    let candles = candles(&mut moment, context.generation, &asked, (start, end)).await?;

    let definition = if asked.model.1 == Model::Liquidated { DEFINITION } else { heatmap_of_positions::DEFINITION };
    let mut meta = Meta { definition: Some(definition), ..Meta::new(context, &standing, "liquidation-heatmap/1") };
    meta.as_of = shown.clock;
    meta.complete = shown.complete;
    meta.reason = shown.lying.is_empty().then(|| standing.reason_for_nothing().unwrap_or("nothing_liquidated_yet"));
    let grid = Grid::of(&shown.lying, asked.most_steps);
    let (model, coin) = (asked.model.0, asked.coin);
    Ok(Reply { data: Heatmap { coin, model, range, interval, start_time: start, end_time: end, grid, candles }, meta })
}

/// What a heatmap is made from.
pub(crate) struct Shown {
    pub(crate) lying: Vec<Lying>,
    pub(crate) complete: bool,
    pub(crate) clock: Option<i64>,
}

/// Into no more than so many steps prices are divided.
const MOST_STEPS: i64 = 1_000;

impl Asked {
    fn read(coin: String, parameters: &mut Parameters) -> Result<Self, ApiError> {
        let ranges = RANGES.map(|(name, (hours, interval))| (name, (name, hours, interval)));
        let mut range = parameters.word("range", "INVALID_RANGE", &ranges)?.unwrap_or(ranges[1].1);
        let models = MODELS.map(|(name, model)| (name, (name, model)));
        let model = parameters.word("model", "INVALID_MODEL", &models)?.unwrap_or(models[0].1);
        if model.1 == Model::Positions {
            // There is no map of less.
            range.2 = range.2.max(MAP_INTERVAL);
        }
        let most_steps = parameters.count("buckets", "INVALID_BUCKETS")?.unwrap_or(MOST_STEPS);
        if !(1..=MOST_STEPS).contains(&most_steps) {
            let message = format!("buckets is {most_steps}; prices are divided into 1 to {MOST_STEPS} steps");
            return Err(ApiError::parameter("INVALID_BUCKETS", "buckets", message));
        }
        Ok(Self { coin, model, range, most_steps: most_steps as usize })
    }

    fn topic(&self) -> &'static Topic {
        if self.model.1 == Model::Liquidated { HeatmapCell::TOPIC } else { LiquidationMap::TOPIC }
    }
}

async fn liquidated(
    moment: &mut Moment,
    generation: u32,
    asked: &Asked,
    (start, end): (i64, i64),
) -> Result<Shown, ApiError> {
    let mut query = Query::new(format_args!("{SELECT} FROM liquidation_heatmap WHERE generation = "));
    query.push_bind(generation);
    asked.push_where(&mut query, (start, end));
    let rows: Vec<CellRow> = moment.all(query).await?;
    let complete = rows.iter().all(|row| row.complete);
    let clock = rows.iter().map(|row| row.clock).max();
    Ok(Shown { lying: rows.iter().filter_map(CellRow::lying).collect(), complete, clock })
}

async fn candles(
    moment: &mut Moment,
    generation: u32,
    asked: &Asked,
    (start, end): (i64, i64),
) -> Result<Vec<Candle>, sqlx::Error> {
    let decimals =
        ["open", "high", "low", "close", "volume", "notional"].map(|name| format!("CAST({name} AS TEXT)")).join(", ");
    let mut query = Query::new(format_args!("SELECT time, {decimals} FROM candles WHERE generation = "));
    query.push_bind(generation);
    asked.push_where(&mut query, (start, end));
    query.push(" ORDER BY time");
    moment.all(query).await
}

impl Asked {
    fn push_where(&self, query: &mut Query, (start, end): (i64, i64)) {
        let (.., interval) = self.range;
        query.push(" AND coin = ").push_bind(self.coin.as_str());
        query.push(" AND interval = ").push_bind(interval.name());
        query.push(" AND time >= ").push_bind(start).push(" AND time < ").push_bind(end);
    }
}

impl CellRow {
    fn lying(&self) -> Option<Lying> {
        let notional = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
        let (price_low, price_high) = (self.price_low.parse().ok()?, self.price_high.parse().ok()?);
        let (long, short) = (notional(&self.long_notional), notional(&self.short_notional));
        Some(Lying { time: self.time, price_low, price_high, long, short })
    }

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
