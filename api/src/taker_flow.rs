//! `/taker-flow` and the live channels `taker_flow` and `market_taker_flow`: what takers bought and sold of each coin, and of
//! all perpetuals together.

use schemas::{MarketTakerFlow, Message, TakerFlow};
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
    push_rows: push_latest::<OfCoin>,
    rows: |moment, query| moment.told(query, |row: OfCoin| raw(&row.derived())),
    live: |value| {
        let it: TakerFlow = serde_json::from_slice(value)?;
        let interval = Some(it.interval);
        let row = OfCoin::from(it).derived();
        let keys = [Key::All].into_iter().chain(row.coin.clone().map(Key::Coin)).collect();
        Ok(LiveRow { keys, interval, series: Series::default(), data: serde_json::value::to_raw_value(&row)? })
    },
};

pub(crate) static OF_THE_MARKET: Channel = Channel {
    name: "market_taker_flow",
    topic: MarketTakerFlow::TOPIC,
    kind: MarketTakerFlow::KIND,
    by_wallet: false,
    by_source: false,
    by_interval: true,
    by_kind: false,
    push_rows: push_latest::<OfTheMarket>,
    rows: |moment, query| moment.told(query, |row: OfTheMarket| raw(&row.derived())),
    live: |value| {
        let it: MarketTakerFlow = serde_json::from_slice(value)?;
        let interval = Some(it.interval);
        let data = serde_json::value::to_raw_value(&OfTheMarket::from(it).derived())?;
        Ok(LiveRow { keys: vec![Key::All], interval, series: Series::default(), data })
    },
};

pub(crate) type OfCoin = FlowRow<false>;
/// Of all perpetuals: spot markets are no part of it.
pub(crate) type OfTheMarket = FlowRow<true>;

const DEFINITION: &str = "price times size of every trade once, by the side of the taker; ratio is bought over sold; what is booked without anybody trading (settlements, dust, vaults that are netted) is no trade; where nothing was traded there is no bucket";

const DEFINITION_OF_THE_MARKET: &str = "price times size of every trade of a perpetual once, all coins together, by the side of the taker; ratio is bought over sold; what is booked without anybody trading is no trade; where nothing was traded there is no bucket";

pub(crate) const COLUMNS: &str = "bucket.coin, bucket.interval, bucket.time, CAST(bucket.buy_notional AS TEXT) AS buy_notional, \
     CAST(bucket.sell_notional AS TEXT) AS sell_notional, bucket.buy_trades, bucket.sell_trades, \
     CAST(bucket.ratio AS TEXT) AS ratio, bucket.complete, bucket.final, bucket.block, bucket.clock";

pub(crate) const COLUMNS_OF_THE_MARKET: &str = "bucket.interval, bucket.time, CAST(bucket.buy_notional AS TEXT) AS buy_notional, \
     CAST(bucket.sell_notional AS TEXT) AS sell_notional, bucket.buy_trades, bucket.sell_trades, \
     CAST(bucket.ratio AS TEXT) AS ratio, bucket.complete, bucket.final, bucket.block, bucket.clock";

const BUCKETS: Buckets = Buckets {
    name: "taker-flow",
    table: "taker_flow",
    columns: COLUMNS,
    topic: TakerFlow::TOPIC,
    schema: TakerFlow::SCHEMA,
    definition: DEFINITION,
    only: None,
    reason_for_none: "nothing_traded_yet",
};

const BUCKETS_OF_THE_MARKET: Buckets = Buckets {
    table: "market_taker_flow",
    columns: COLUMNS_OF_THE_MARKET,
    topic: MarketTakerFlow::TOPIC,
    schema: MarketTakerFlow::SCHEMA,
    definition: DEFINITION_OF_THE_MARKET,
    ..BUCKETS
};

/// A bucket as it is told.
#[derive(Serialize, FromRow)]
pub(crate) struct FlowRow<const OF_THE_MARKET: bool> {
    #[sqlx(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    coin: Option<String>,
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

impl<const OF_THE_MARKET: bool> BucketRow for FlowRow<OF_THE_MARKET> {
    const OF: Buckets = if OF_THE_MARKET { BUCKETS_OF_THE_MARKET } else { BUCKETS };
    const BY_COIN: bool = !OF_THE_MARKET;

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

impl From<TakerFlow> for OfCoin {
    fn from(it: TakerFlow) -> Self {
        Self {
            coin: Some(it.coin.to_string()),
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

impl From<MarketTakerFlow> for OfTheMarket {
    fn from(it: MarketTakerFlow) -> Self {
        Self {
            coin: None,
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
