//! `/candles` and the live channel `candles`: at which prices each coin was traded, and how much.

use schemas::{Candle, Message};
use serde::Serialize;
use sqlx::FromRow;

use crate::buckets::{BucketRow, Buckets, push_latest};
use crate::channel::{Channel, Key, LiveRow, raw};
use crate::ratio_series::Series;

pub(crate) static CHANNEL: Channel = Channel {
    name: "candles",
    topic: Candle::TOPIC,
    kind: Candle::KIND,
    by_wallet: false,
    by_source: false,
    by_interval: true,
    by_kind: false,
    push_rows: push_latest::<CandleRow>,
    rows: |moment, query| moment.told(query, |row: CandleRow| raw(&row.derived())),
    live: |value| {
        let it: Candle = serde_json::from_slice(value)?;
        let interval = Some(it.interval);
        let row = CandleRow::from(it).derived();
        let keys = vec![Key::All, Key::Coin(row.coin.clone())];
        Ok(LiveRow { keys, interval, series: Series::default(), data: serde_json::value::to_raw_value(&row)? })
    },
};

const DEFINITION: &str = "of every trade once, by the time of its block; volume is in the coin, notional is price times size; what is booked without anybody trading (settlements, dust, vaults that are netted) is no trade; where nothing was traded there is no bucket";

const COLUMNS: &str = "bucket.coin, bucket.interval, bucket.time, CAST(bucket.open AS TEXT) AS open, \
     CAST(bucket.high AS TEXT) AS high, CAST(bucket.low AS TEXT) AS low, \
     CAST(bucket.close AS TEXT) AS close, CAST(bucket.volume AS TEXT) AS volume, \
     CAST(bucket.notional AS TEXT) AS notional, bucket.trades, bucket.complete, bucket.final, \
     bucket.block, bucket.clock";

/// A bucket as it is told.
#[derive(Serialize, FromRow)]
pub(crate) struct CandleRow {
    coin: String,
    interval: String,
    time: i64,
    open: String,
    high: String,
    low: String,
    close: String,
    volume: Option<String>,
    notional: Option<String>,
    trades: i64,
    complete: bool,
    r#final: bool,
    block: i64,
    clock: i64,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl BucketRow for CandleRow {
    const OF: Buckets = Buckets {
        name: "candles",
        table: "candles",
        columns: COLUMNS,
        topic: Candle::TOPIC,
        schema: Candle::SCHEMA,
        definition: DEFINITION,
        only: None,
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
        let is_whole = self.volume.is_some() && self.notional.is_some();
        let reason = (!is_whole).then_some("too_large_to_be_exact");
        Self { reason, ..self }
    }
}

impl From<Candle> for CandleRow {
    fn from(it: Candle) -> Self {
        Self {
            coin: it.coin.to_string(),
            interval: it.interval.to_string(),
            time: it.time,
            open: it.open.to_string(),
            high: it.high.to_string(),
            low: it.low.to_string(),
            close: it.close.to_string(),
            volume: it.volume.map(|it| it.to_string()),
            notional: it.notional.map(|it| it.to_string()),
            trades: it.trades.cast_signed(),
            complete: it.complete,
            r#final: it.r#final,
            block: it.block.cast_signed(),
            clock: it.clock,
            reason: None,
        }
    }
}
