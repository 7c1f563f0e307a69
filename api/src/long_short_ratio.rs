//! `/long-short-ratio` and the live channel `long_short_ratio`: how many accounts stand on each side of a coin.

use schemas::{LongShortRatio, Message};
use serde::Serialize;
use sqlx::FromRow;

use crate::buckets::{BucketRow, Buckets, push_latest};
use crate::channel::{Channel, Key, LiveRow, raw};

pub(crate) static CHANNEL: Channel = Channel {
    name: "long_short_ratio",
    topic: LongShortRatio::TOPIC,
    kind: LongShortRatio::KIND,
    by_wallet: false,
    by_source: false,
    by_interval: true,
    push_rows: push_latest::<RatioRow>,
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

const COLUMNS: &str = "bucket.coin, bucket.interval, bucket.time, bucket.long_accounts, bucket.short_accounts, \
     CAST(bucket.long_ratio AS TEXT) AS long_ratio, CAST(bucket.short_ratio AS TEXT) AS short_ratio, \
     CAST(bucket.open AS TEXT) AS open, CAST(bucket.high AS TEXT) AS high, CAST(bucket.low AS TEXT) AS low, \
     CAST(bucket.close AS TEXT) AS close, bucket.complete, bucket.final, bucket.block, bucket.clock";

/// A bucket as it is told.
#[derive(Serialize, FromRow)]
pub(crate) struct RatioRow {
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

impl BucketRow for RatioRow {
    const OF: Buckets = Buckets {
        name: "long-short-ratio",
        table: "long_short_ratios",
        columns: COLUMNS,
        topic: LongShortRatio::TOPIC,
        schema: LongShortRatio::SCHEMA,
        definition: DEFINITION,
        reason_for_none: "nothing_traded_yet",
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
