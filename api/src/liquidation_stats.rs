//! `/liquidation-stats` and the live channel `liquidation_stats`: how much of a coin was liquidated, by side and method.

use std::collections::BTreeMap;

use schemas::liquidations::method;
use schemas::{Amount, LargestOrder, Liquidated, LiquidationStats, Message, Text};
use serde::Serialize;
use sqlx::FromRow;

use crate::buckets::{BucketRow, Buckets, push_latest};
use crate::channel::{Channel, Key, LiveRow, raw};
use crate::ratio_series::Series;
use crate::stored::Json;

pub(crate) static CHANNEL: Channel = Channel {
    name: "liquidation_stats",
    topic: LiquidationStats::TOPIC,
    kind: LiquidationStats::KIND,
    by_wallet: false,
    by_source: false,
    by_interval: true,
    by_kind: false,
    push_rows: push_latest::<StatsRow>,
    rows: |moment, query| moment.told(query, |row: StatsRow| raw(&row.derived())),
    live: |value| {
        let it: LiquidationStats = serde_json::from_slice(value)?;
        let interval = Some(it.interval);
        let row = StatsRow::from(it).derived();
        let keys = vec![Key::All, Key::Coin(row.coin.clone())];
        Ok(LiveRow { keys, interval, series: Series::default(), data: serde_json::value::to_raw_value(&row)? })
    },
};

const DEFINITION: &str = "of the victims' legs only, each dollar once, by the time of the order; long and short are the sides that were \
     liquidated; totals and the largest order are without auto-deleveraging, which stands under by_method; where \
     nothing was liquidated there is no bucket";

const COLUMNS: &str = "bucket.coin, bucket.interval, bucket.time, CAST(bucket.long AS TEXT) AS long, \
     CAST(bucket.short AS TEXT) AS short, CAST(bucket.largest AS TEXT) AS largest, bucket.complete, bucket.final, \
     bucket.block, bucket.clock";

/// A bucket as it is told.
#[derive(Serialize, FromRow)]
pub(crate) struct StatsRow {
    pub(crate) coin: String,
    interval: String,
    time: i64,
    #[sqlx(skip)]
    #[serde(flatten)]
    totals: Totals,
    #[serde(rename = "long_by_method")]
    #[sqlx(try_from = "String")]
    pub(crate) long: ByMethod,
    #[serde(rename = "short_by_method")]
    #[sqlx(try_from = "String")]
    pub(crate) short: ByMethod,
    #[sqlx(try_from = "Option<String>")]
    pub(crate) largest: Json<Option<LargestOrder>>,
    complete: bool,
    r#final: bool,
    block: i64,
    clock: i64,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// What counts as liquidated on each side.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Totals {
    pub(crate) long_orders: u64,
    pub(crate) long_notional: Option<Amount>,
    pub(crate) short_orders: u64,
    pub(crate) short_notional: Option<Amount>,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct ByMethod(BTreeMap<Text, Liquidated>);

impl BucketRow for StatsRow {
    const OF: Buckets = Buckets {
        name: "liquidation-stats",
        table: "liquidation_stats",
        columns: COLUMNS,
        topic: LiquidationStats::TOPIC,
        schema: LiquidationStats::SCHEMA,
        definition: DEFINITION,
        only: None,
        reason_for_none: "nothing_liquidated_yet",
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

    fn derived(self) -> Self {
        let totals = Totals::of(&self.long, &self.short);
        let reason = (!totals.are_exact()).then_some("too_large_to_be_exact");
        Self { totals, reason, ..self }
    }
}

impl Totals {
    pub(crate) fn of(long: &ByMethod, short: &ByMethod) -> Self {
        let ((long_orders, long_notional), (short_orders, short_notional)) = (long.total(), short.total());
        Self { long_orders, long_notional, short_orders, short_notional }
    }

    pub(crate) fn are_exact(&self) -> bool {
        self.long_notional.is_some() && self.short_notional.is_some()
    }
}

impl ByMethod {
    /// Orders and notional of what counts as liquidated; no notional where it is too large for an exact decimal.
    fn total(&self) -> (u64, Option<Amount>) {
        let counted = self.0.iter().filter(|(method, _)| ***method != *method::ADL).map(|(_, liquidated)| liquidated);
        counted.fold((0, Some(Amount::ZERO)), |(orders, notional), more| {
            (orders + more.orders, Amount::sum(notional, more.notional))
        })
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (method, more) in &other.0 {
            let nothing = Liquidated { orders: 0, notional: Some(Amount::ZERO) };
            let liquidated = self.0.entry(method.clone()).or_insert(nothing);
            liquidated.orders += more.orders;
            liquidated.notional = Amount::sum(liquidated.notional, more.notional);
        }
    }
}

impl TryFrom<String> for ByMethod {
    type Error = serde_json::Error;

    fn try_from(stored: String) -> Result<Self, Self::Error> {
        stored.try_into().map(|Json(by_method)| Self(by_method))
    }
}

impl From<LiquidationStats> for StatsRow {
    fn from(it: LiquidationStats) -> Self {
        Self {
            coin: it.coin.to_string(),
            interval: it.interval.to_string(),
            time: it.time,
            totals: Totals::default(),
            long: ByMethod(it.long),
            short: ByMethod(it.short),
            largest: Json(it.largest),
            complete: it.complete,
            r#final: it.r#final,
            block: it.block.cast_signed(),
            clock: it.clock,
            reason: None,
        }
    }
}
