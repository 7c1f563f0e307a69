//! `/liquidation-map` and the live channel `liquidation_map`: what would be liquidated of a coin, at which price.

use schemas::{Amount, Binned, LiquidationMap, MAP_INTERVAL, MapBin, MapSide, Message};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::buckets::{BucketRow, Buckets, push_latest};
use crate::channel::{Channel, Key, LiveRow, raw};
use crate::ratio_series::Series;
use crate::stored::{Decimal, Json};

pub(crate) static CHANNEL: Channel = Channel {
    name: "liquidation_map",
    topic: LiquidationMap::TOPIC,
    kind: LiquidationMap::KIND,
    by_wallet: false,
    by_source: false,
    by_interval: false,
    by_kind: false,
    push_rows: |query, generation, subject| {
        let subject = &crate::channel::Subject { interval: Some(MAP_INTERVAL), ..subject.clone() };
        push_latest::<MapRow>(query, generation, subject);
    },
    rows: |moment, query| moment.told(query, |row: MapRow| raw(&row.derived())),
    live: |value| {
        let row = MapRow::from(serde_json::from_slice::<LiquidationMap>(value)?).derived();
        let keys = vec![Key::All, Key::Coin(row.coin.clone())];
        Ok(LiveRow { keys, interval: None, series: Series::default(), data: serde_json::value::to_raw_value(&row)? })
    },
};

const DEFINITION: &str = "open positions as of clock, in bins of their liquidation prices, as sizes at the mark; by_basis: \
     account follows the exchange's formula on the account as it was told within the hour, carried the same as fills have \
     changed it since, without what funding has cost, exchange is its own price of an account whose margin is pooled; \
     assumed is an estimate: of a known account of which money, blocks or the margin of a new position were not told \
     since, by the formula, of any other as if half of the highest leverage had been chosen with a margin of its own; \
     unknown has no price yet; exact is the part of a bin that is not assumed; leverage up to 5, 10, \
     20 and above, cohorts from 0, 1,000, 10,000, 100,000, 1,000,000 and 10,000,000 USDC on; long_cumulative \
     is what a falling mark liquidates from where it is down to a bin and in it, null above the mark, short_cumulative what a \
     rising one does up to a bin, null below it; at_risk within 1, 2, 5 and 10 % of the mark; beyond lies outside of half the \
     mark around it; max_pain is the bin with the most, nearest_cluster the nearest bins in a row with a twentieth each; \
     oi_coverage_pct is how much of the open interest the positions of that side are whose basis is not unknown";

const COLUMNS: &str = "bucket.coin, bucket.interval, bucket.time, CAST(bucket.mark_px AS TEXT) AS mark_px, \
     CAST(bucket.open_interest AS TEXT) AS open_interest, CAST(bucket.long AS TEXT) AS long, \
     CAST(bucket.short AS TEXT) AS short, CAST(bucket.bins AS TEXT) AS bins, bucket.complete, bucket.block, bucket.clock";

/// A map as it is told.
#[derive(Serialize, FromRow)]
pub(crate) struct MapRow {
    coin: String,
    interval: String,
    time: i64,
    #[sqlx(try_from = "String")]
    mark_px: Decimal,
    open_interest: String,
    #[sqlx(try_from = "String")]
    long: Json<MapSide>,
    #[sqlx(try_from = "String")]
    short: Json<MapSide>,
    /// From the lowest price up.
    #[sqlx(try_from = "String")]
    bins: Json<Vec<Bin>>,
    complete: bool,
    block: i64,
    clock: i64,
    /// Why something is null that is not on the other side of the mark.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

#[derive(Serialize, Deserialize)]
struct Bin {
    price_low: Amount,
    price_high: Amount,
    long: Option<Binned>,
    short: Option<Binned>,
    /// What of each side is liquidated until the mark has gone through this bin; absent where it does not come on its way.
    #[serde(default)]
    long_cumulative: Option<Amount>,
    #[serde(default)]
    short_cumulative: Option<Amount>,
}

impl BucketRow for MapRow {
    const OF: Buckets = Buckets {
        name: "liquidation-map",
        table: "liquidation_map",
        columns: COLUMNS,
        topic: LiquidationMap::TOPIC,
        schema: LiquidationMap::SCHEMA,
        definition: DEFINITION,
        only: Some(MAP_INTERVAL),
        reason_for_none: "no_open_position_or_no_mark_yet",
    };

    fn time(&self) -> i64 {
        self.time
    }

    fn clock(&self) -> i64 {
        self.clock
    }

    fn complete(&self) -> bool {
        self.complete
    }

    fn derived(mut self) -> Self {
        let (Decimal(mark), mut is_exact) = (self.mark_px, true);
        let (mut longs, mut shorts) = (Some(Amount::ZERO), Some(Amount::ZERO));
        for bin in self.bins.0.iter_mut().rev().filter(|bin| bin.price_low <= mark) {
            longs = Amount::sum(longs, notional(bin.long.as_ref()));
            bin.long_cumulative = longs;
            is_exact &= longs.is_some();
        }
        for bin in self.bins.0.iter_mut().filter(|bin| bin.price_high > mark) {
            shorts = Amount::sum(shorts, notional(bin.short.as_ref()));
            bin.short_cumulative = shorts;
            is_exact &= shorts.is_some();
        }
        Self { reason: (!is_exact).then_some("too_large_to_be_exact"), ..self }
    }
}

fn notional(side: Option<&Binned>) -> Option<Amount> {
    Some(side.map_or(Amount::ZERO, |side| side.notional))
}

impl From<MapBin> for Bin {
    fn from(MapBin { price_low, price_high, long, short }: MapBin) -> Self {
        Self { price_low, price_high, long, short, long_cumulative: None, short_cumulative: None }
    }
}

impl From<LiquidationMap> for MapRow {
    fn from(it: LiquidationMap) -> Self {
        Self {
            coin: it.coin.to_string(),
            interval: it.interval.to_string(),
            time: it.time,
            mark_px: Decimal(it.mark_px),
            open_interest: it.open_interest.to_string(),
            long: Json(it.long),
            short: Json(it.short),
            bins: Json(it.bins.into_iter().map(Bin::from).collect()),
            complete: it.complete,
            block: it.block.cast_signed(),
            clock: it.clock,
            reason: None,
        }
    }
}
