//! `/taker-flow` and the live channel `taker_flow`: what takers bought and sold of each coin.

use schemas::{Message, TakerFlow};
use serde::Serialize;
use sqlx::FromRow;

use crate::buckets::{BucketRow, Buckets, push_latest};
use crate::channel::{Channel, Key, LiveRow, raw};
use crate::ratio_series::Series;

pub(crate) static CHANNEL: Channel = Channel {
    name: "taker_flow",
    topic: TakerFlow::TOPIC,
    kind: TakerFlow::KIND,
    by_wallet: false,
    by_source: false,
    by_interval: true,
    by_kind: false,
    push_rows: push_latest::<FlowRow>,
    rows: |moment, query| moment.told(query, |row: FlowRow| raw(&row.derived())),
    live: |value| {
        let it: TakerFlow = serde_json::from_slice(value)?;
        let interval = Some(it.interval);
        let row = FlowRow::from(it).derived();
        let keys = vec![Key::All, Key::Coin(row.coin.clone())];
        Ok(LiveRow { keys, interval, series: Series::default(), data: serde_json::value::to_raw_value(&row)? })
    },
};

const DEFINITION: &str = "price times size of every trade once, by the side of the taker; ratio is bought over sold; what is booked without anybody trading (settlements, dust, vaults that are netted) is no trade; where nothing was traded there is no bucket";

pub(crate) const COLUMNS: &str = "bucket.coin, bucket.interval, bucket.time, CAST(bucket.buy_notional AS TEXT) AS buy_notional, \
     CAST(bucket.sell_notional AS TEXT) AS sell_notional, bucket.buy_trades, bucket.sell_trades, \
     CAST(bucket.ratio AS TEXT) AS ratio, bucket.complete, bucket.final, bucket.block, bucket.clock";

/// A bucket as it is told.
#[derive(Serialize, FromRow)]
pub(crate) struct FlowRow {
    coin: String,
    interval: String,
    time: i64,
    buy_notional: Option<String>,
    sell_notional: Option<String>,
    buy_trades: i64,
    sell_trades: i64,
    ratio: Option<String>,
    complete: bool,
    r#final: bool,
    block: i64,
    clock: i64,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl BucketRow for FlowRow {
    const OF: Buckets = Buckets {
        name: "taker-flow",
        table: "taker_flow",
        columns: COLUMNS,
        topic: TakerFlow::TOPIC,
        schema: TakerFlow::SCHEMA,
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
        let is_whole = self.buy_notional.is_some() && self.sell_notional.is_some();
        let reason = match (&self.ratio, is_whole) {
            (Some(_), _) => None,
            (None, true) => Some("nothing_sold"),
            (None, false) => Some("too_large_to_be_exact"),
        };
        Self { reason, ..self }
    }
}

impl From<TakerFlow> for FlowRow {
    fn from(it: TakerFlow) -> Self {
        Self {
            coin: it.coin.to_string(),
            interval: it.interval.to_string(),
            time: it.time,
            buy_notional: it.buy_notional.map(|it| it.to_string()),
            sell_notional: it.sell_notional.map(|it| it.to_string()),
            buy_trades: it.buy_trades.cast_signed(),
            sell_trades: it.sell_trades.cast_signed(),
            ratio: it.ratio.map(|it| it.to_string()),
            complete: it.complete,
            r#final: it.r#final,
            block: it.block.cast_signed(),
            clock: it.clock,
            reason: None,
        }
    }
}
