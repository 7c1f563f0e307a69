//! `/long-short-ratio` and the live channel `long_short_ratio`: how many accounts stand on each side of a coin, of all, of
//! those with the largest positions or of those of a size, or how much they hold. What takers traded is told here as well.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use schemas::{LongShortRatio, Message, RatioKind, SizeCohort};
use serde::Serialize;
use sqlx::FromRow;

use crate::Context;
use crate::buckets::{self, BucketRow, Buckets, push_latest};
use crate::channel::{Channel, Key, LiveRow, raw};
use crate::coin::AskedCoin;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::ratio_series::Series;
use crate::shares::Shares;
use crate::taker_ratio::{self, TakerRatioRow};

pub(crate) static CHANNEL: Channel = Channel {
    name: "long_short_ratio",
    topic: LongShortRatio::TOPIC,
    kind: LongShortRatio::KIND,
    by_wallet: false,
    by_source: false,
    by_interval: true,
    by_kind: true,
    push_rows: push_latest::<RatioRow>,
    rows: |moment, query| moment.told(query, |row: RatioRow| raw(&row.derived())),
    live: |value| {
        let ratio: LongShortRatio = serde_json::from_slice(value)?;
        let (interval, series) = (Some(ratio.interval), Series { kind: ratio.kind, cohort: ratio.cohort });
        let row = RatioRow::from(ratio).derived();
        let keys = vec![Key::All, Key::Coin(row.coin.clone())];
        Ok(LiveRow { keys, interval, series, data: serde_json::value::to_raw_value(&row)? })
    },
};

const DEFINITION: &str = "accounts with an open position in the coin, of those that have traded it since `coverage.since_time`, each once, \
     at the bucket's end; \
     open, high, low and close are long accounts over short accounts within the bucket; \
     oi_coverage_pct is what all known accounts hold of the coin's open interest, of both sides, at the bucket's end";

const OF_ACCOUNTS: &str = "accounts of the cohort that the row defines, each once, at the bucket's end; the cohort is fixed at the beginning of each hour, \
     of the accounts that have traded the coin since `coverage.since_time`; \
     open, high, low and close are long accounts over short accounts within the bucket; \
     oi_coverage_pct is what all known accounts hold of the coin's open interest, of both sides, at the bucket's end";

const OF_POSITIONS: &str = "what the accounts of the cohort that the row defines hold, at the bucket's end; the cohort is fixed at the beginning of each hour, \
     of the accounts that have traded the coin since `coverage.since_time`; \
     open, high, low and close are the long size over the short size within the bucket, and so what they are worth; \
     oi_coverage_pct is what all known accounts hold of the coin's open interest, of both sides, at the bucket's end";

const COLUMNS: &str = "bucket.coin, bucket.kind, NULLIF(bucket.cohort, '') AS cohort, bucket.interval, bucket.time, \
     bucket.accounts, bucket.of_accounts, bucket.long_accounts, bucket.short_accounts, \
     CAST(bucket.long_size AS TEXT) AS long_size, CAST(bucket.short_size AS TEXT) AS short_size, \
     CAST(bucket.long_ratio AS TEXT) AS long_ratio, CAST(bucket.short_ratio AS TEXT) AS short_ratio, \
     CAST(bucket.open AS TEXT) AS open, CAST(bucket.high AS TEXT) AS high, CAST(bucket.low AS TEXT) AS low, \
     CAST(bucket.close AS TEXT) AS close, CAST(bucket.oi_coverage_pct AS TEXT) AS oi_coverage_pct, bucket.complete, bucket.final, bucket.block, bucket.clock";

pub(crate) fn routes() -> Router<Arc<Context>> {
    let path = "/api/v1/long-short-ratio/{coin}";
    Router::new().route(path, get(latest)).route(&format!("{path}/history"), get(history))
}

async fn latest(
    State(context): State<Arc<Context>>,
    AskedCoin(coin): AskedCoin,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    if parameters.says("kind", taker_ratio::KIND) {
        return Ok(buckets::latest::<TakerRatioRow<false>>(&context, Some(&coin), parameters).await?.into_response());
    }
    Ok(buckets::latest::<RatioRow>(&context, Some(&coin), parameters).await?.into_response())
}

async fn history(
    State(context): State<Arc<Context>>,
    AskedCoin(coin): AskedCoin,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    if parameters.says("kind", taker_ratio::KIND) {
        return Ok(buckets::history::<TakerRatioRow<false>>(&context, Some(&coin), parameters).await?.into_response());
    }
    Ok(buckets::history::<RatioRow>(&context, Some(&coin), parameters).await?.into_response())
}

/// A bucket as it is told.
#[derive(Serialize, FromRow)]
pub(crate) struct RatioRow {
    coin: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cohort: Option<String>,
    interval: String,
    time: i64,
    /// Which accounts these are, and how many.
    #[sqlx(skip)]
    definition: String,
    accounts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    of_accounts: Option<i64>,
    long_accounts: i64,
    short_accounts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    long_size: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_size: Option<String>,
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

impl BucketRow for RatioRow {
    const OF: Buckets = Buckets {
        name: "long-short-ratio",
        table: "long_short_ratios",
        columns: COLUMNS,
        topic: LongShortRatio::TOPIC,
        schema: LongShortRatio::SCHEMA,
        definition: DEFINITION,
        only: None,
        reason_for_none: "nothing_traded_yet",
    };
    const BY_KIND: bool = true;

    fn definition(series: Series) -> &'static str {
        match series.kind {
            RatioKind::Accounts => DEFINITION,
            kind if kind.is_of_positions() => OF_POSITIONS,
            _ => OF_ACCOUNTS,
        }
    }

    /// The first hour has no cohorts, and a cohort may never have had anybody.
    fn reason_for_none(series: Series) -> &'static str {
        if series.kind == RatioKind::Accounts { Self::OF.reason_for_none } else { "nobody_in_the_cohort_yet" }
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

impl RatioRow {
    fn who_they_are(&self) -> String {
        let Self { coin, accounts, .. } = self;
        let of_accounts = self.of_accounts.unwrap_or_default();
        match (self.kind.parse(), self.cohort.as_deref().map(str::parse)) {
            (Ok(RatioKind::TopAccounts | RatioKind::TopPositions), _) => format!(
                "the 20 % of the accounts with the largest positions in {coin} when the hour began: {accounts} of {of_accounts}"
            ),
            (_, Some(Ok(cohort))) => format!(
                "the accounts with positions in {coin} worth {} when the hour began: {accounts} of {of_accounts}",
                worth(cohort)
            ),
            _ => format!("all accounts with a position in {coin}: {accounts}"),
        }
    }

    fn reason(&self) -> Option<&'static str> {
        let is_of_positions = self.kind.parse().is_ok_and(RatioKind::is_of_positions);
        let of_coverage = self.oi_coverage_pct.is_none().then_some("open_interest_not_known");
        self.shares.reason(is_of_positions && self.long_accounts + self.short_accounts > 0).or(of_coverage)
    }
}

/// What the positions of a cohort are worth.
pub(crate) fn worth(cohort: SizeCohort) -> String {
    let next = SizeCohort::ALL.into_iter().find(|next| *next > cohort);
    match next {
        Some(next) => format!("from {} to below {} USD", cohort.lowest(), next.lowest()),
        None => format!("{} USD or more", cohort.lowest()),
    }
}

impl From<LongShortRatio> for RatioRow {
    fn from(ratio: LongShortRatio) -> Self {
        Self {
            coin: ratio.coin.to_string(),
            kind: ratio.kind.to_string(),
            cohort: ratio.cohort.map(|it| it.to_string()),
            interval: ratio.interval.to_string(),
            time: ratio.time,
            definition: String::new(),
            accounts: ratio.accounts.cast_signed(),
            of_accounts: ratio.of_accounts.map(u64::cast_signed),
            long_accounts: ratio.long_accounts.cast_signed(),
            short_accounts: ratio.short_accounts.cast_signed(),
            long_size: ratio.long_size.map(|it| it.to_string()),
            short_size: ratio.short_size.map(|it| it.to_string()),
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
