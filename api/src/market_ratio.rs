//! `/long-short-ratio` without a coin and the live channel `market_ratio`: how the wallets of the whole market stand, all of
//! them, the largest or those of a size: how many are long and short, or how much they hold.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use schemas::{MarketRatio, Message, RatioKind, TOP_WALLETS_FROM};
use serde::Serialize;
use sqlx::FromRow;

use crate::Context;
use crate::buckets::{self, BucketRow, Buckets, push_latest};
use crate::channel::{Channel, Key, LiveRow, raw};
use crate::error::ApiError;
use crate::long_short_ratio::worth;
use crate::parameters::Parameters;
use crate::ratio_series::Series;
use crate::shares::Shares;
use crate::taker_ratio::{self, TakerRatioRow};

pub(crate) static CHANNEL: Channel = Channel {
    name: "market_ratio",
    topic: MarketRatio::TOPIC,
    kind: MarketRatio::KIND,
    by_wallet: false,
    by_source: false,
    by_interval: true,
    by_kind: true,
    push_rows: push_latest::<MarketRatioRow>,
    rows: |moment, query| moment.told(query, |row: MarketRatioRow| raw(&row.derived())),
    live: |value| {
        let ratio: MarketRatio = serde_json::from_slice(value)?;
        let (interval, series) = (Some(ratio.interval), Series { kind: ratio.kind, cohort: ratio.cohort });
        let data = serde_json::value::to_raw_value(&MarketRatioRow::from(ratio).derived())?;
        Ok(LiveRow { keys: vec![Key::All], interval, series, data })
    },
};

const OF_ACCOUNTS: &str = "the wallets that the row defines, of those that have traded since `coverage.since_time`, each once, at the last minute \
     of the bucket; long and short are those that hold more on that side than on the other in all coins together, at the \
     marks: who holds as much on both is in neither; not_valued are wallets left out because a mark is not known; \
     open, high, low and close are long over short wallets, as counted once a minute; \
     oi_coverage_pct is what all known wallets hold of the open interest of all markets, both sides and at the marks";

const OF_POSITIONS: &str = "what the wallets that the row defines hold on each side in all coins together, in USD at the marks, at the last minute \
     of the bucket; not_valued are wallets left out because a mark is not known; \
     open, high, low and close are what they hold long over what they hold short, as summed up once a minute; \
     oi_coverage_pct is what all known wallets hold of the open interest of all markets, both sides and at the marks";

const COLUMNS: &str = "bucket.kind, NULLIF(bucket.cohort, '') AS cohort, bucket.interval, bucket.time, bucket.accounts, bucket.not_valued, \
     bucket.long_accounts, bucket.short_accounts, CAST(bucket.long_notional AS TEXT) AS long_notional, \
     CAST(bucket.short_notional AS TEXT) AS short_notional, CAST(bucket.long_ratio AS TEXT) AS long_ratio, \
     CAST(bucket.short_ratio AS TEXT) AS short_ratio, CAST(bucket.open AS TEXT) AS open, CAST(bucket.high AS TEXT) AS high, \
     CAST(bucket.low AS TEXT) AS low, CAST(bucket.close AS TEXT) AS close, CAST(bucket.oi_coverage_pct AS TEXT) AS oi_coverage_pct, bucket.complete, bucket.final, bucket.block, \
     bucket.clock";

pub(crate) fn routes() -> Router<Arc<Context>> {
    let path = "/api/v1/long-short-ratio";
    Router::new().route(path, get(latest)).route(&format!("{path}/history"), get(history))
}

async fn latest(State(context): State<Arc<Context>>, mut parameters: Parameters) -> Result<Response, ApiError> {
    if parameters.says("kind", taker_ratio::KIND) {
        return Ok(buckets::latest::<TakerRatioRow<true>>(&context, None, parameters).await?.into_response());
    }
    Ok(buckets::latest::<MarketRatioRow>(&context, None, parameters).await?.into_response())
}

async fn history(State(context): State<Arc<Context>>, mut parameters: Parameters) -> Result<Response, ApiError> {
    if parameters.says("kind", taker_ratio::KIND) {
        return Ok(buckets::history::<TakerRatioRow<true>>(&context, None, parameters).await?.into_response());
    }
    Ok(buckets::history::<MarketRatioRow>(&context, None, parameters).await?.into_response())
}

/// A bucket as it is told.
#[derive(Serialize, FromRow)]
pub(crate) struct MarketRatioRow {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cohort: Option<String>,
    interval: String,
    time: i64,
    /// Which wallets these are, and how many.
    #[sqlx(skip)]
    definition: String,
    accounts: i64,
    not_valued: i64,
    long_accounts: i64,
    short_accounts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    long_notional: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_notional: Option<String>,
    #[sqlx(flatten)]
    #[serde(flatten)]
    shares: Shares,
    oi_coverage_pct: Option<String>,
    complete: bool,
    r#final: bool,
    block: i64,
    clock: i64,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl BucketRow for MarketRatioRow {
    const OF: Buckets = Buckets {
        name: "long-short-ratio",
        table: "market_ratios",
        columns: COLUMNS,
        topic: MarketRatio::TOPIC,
        schema: MarketRatio::SCHEMA,
        definition: OF_ACCOUNTS,
        only: None,
        reason_for_none: "nothing_held_yet",
    };
    const BY_COIN: bool = false;
    const BY_KIND: bool = true;

    fn definition(series: Series) -> &'static str {
        if series.kind.is_of_positions() { OF_POSITIONS } else { OF_ACCOUNTS }
    }

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
        Self { definition: self.who_they_are(), reason: self.reason(), shares: self.shares.derived(), ..self }
    }
}

impl MarketRatioRow {
    fn who_they_are(&self) -> String {
        let accounts = self.accounts;
        let held = match (self.kind.parse(), self.cohort.as_deref().map(str::parse)) {
            (Ok(RatioKind::TopAccounts | RatioKind::TopPositions), _) => format!("{TOP_WALLETS_FROM} USD or more"),
            (_, Some(Ok(cohort))) => worth(cohort),
            _ => return format!("all wallets with open positions: {accounts}"),
        };
        format!("the wallets that hold {held} in all coins together, long and short added up: {accounts}")
    }

    fn reason(&self) -> Option<&'static str> {
        let is_of_positions = self.kind.parse().is_ok_and(RatioKind::is_of_positions);
        let of_coverage = self.oi_coverage_pct.is_none().then_some("open_interest_not_known");
        self.shares.reason(is_of_positions && self.long_notional.is_none()).or(of_coverage)
    }
}

impl From<MarketRatio> for MarketRatioRow {
    fn from(ratio: MarketRatio) -> Self {
        Self {
            kind: ratio.kind.to_string(),
            cohort: ratio.cohort.map(|it| it.to_string()),
            interval: ratio.interval.to_string(),
            time: ratio.time,
            definition: String::new(),
            accounts: ratio.accounts.cast_signed(),
            not_valued: ratio.not_valued.cast_signed(),
            long_accounts: ratio.long_accounts.cast_signed(),
            short_accounts: ratio.short_accounts.cast_signed(),
            long_notional: ratio.long_notional.map(|it| it.to_string()),
            short_notional: ratio.short_notional.map(|it| it.to_string()),
            shares: Shares::of([ratio.long_ratio, ratio.short_ratio], [ratio.open, ratio.high, ratio.low, ratio.close]),
            oi_coverage_pct: ratio.oi_coverage_pct.map(|it| it.to_string()),
            complete: ratio.complete,
            r#final: ratio.r#final,
            block: ratio.block.cast_signed(),
            clock: ratio.clock,
            reason: None,
        }
    }
}
