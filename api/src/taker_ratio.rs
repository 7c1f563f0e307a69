//! `/long-short-ratio` of `kind` `taker`: of what was traded of a coin, or of all perpetuals together, how much takers bought
//! and how much they sold.

use schemas::{Amount, MarketTakerFlow, Message, TakerFlow};
use serde::Serialize;
use sqlx::FromRow;

use crate::buckets::{BucketRow, Buckets};
use crate::taker_flow;

/// How it is asked for.
pub(crate) const KIND: &str = "taker";

const DEFINITION: &str = "price times size of every trade of the bucket, by the side of the taker: long is what takers bought, short what they \
     sold; of the moments within a bucket nothing is kept, so there is no open, high, low or close; where nothing was traded \
     there is no bucket";

const BUCKETS: Buckets = Buckets {
    name: "long-short-ratio",
    table: "taker_flow",
    columns: taker_flow::COLUMNS,
    topic: TakerFlow::TOPIC,
    schema: TakerFlow::SCHEMA,
    definition: DEFINITION,
    only: None,
    reason_for_none: "nothing_traded_yet",
};

const BUCKETS_OF_THE_MARKET: Buckets = Buckets {
    table: "market_taker_flow",
    columns: taker_flow::COLUMNS_OF_THE_MARKET,
    topic: MarketTakerFlow::TOPIC,
    schema: MarketTakerFlow::SCHEMA,
    ..BUCKETS
};

/// A bucket as it is told.
#[derive(Serialize, FromRow)]
pub(crate) struct TakerRatioRow<const OF_THE_MARKET: bool> {
    #[sqlx(default)]
    #[serde(skip_serializing_if = "Option::is_none")]
    coin: Option<String>,
    #[sqlx(skip)]
    kind: &'static str,
    interval: String,
    time: i64,
    #[sqlx(skip)]
    definition: String,
    buy_notional: Option<String>,
    sell_notional: Option<String>,
    buy_trades: i64,
    sell_trades: i64,
    #[sqlx(skip)]
    long_ratio: Option<Amount>,
    #[sqlx(skip)]
    short_ratio: Option<Amount>,
    #[serde(rename = "long_short_ratio")]
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

impl<const OF_THE_MARKET: bool> BucketRow for TakerRatioRow<OF_THE_MARKET> {
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
        let amount = |stored: &Option<String>| stored.as_deref().and_then(|text| text.parse::<Amount>().ok());
        let (bought, sold) = (amount(&self.buy_notional), amount(&self.sell_notional));
        let all = bought.zip(sold).and_then(|(bought, sold)| bought.plus(sold).ok());
        let share = |part: Option<Amount>| part.zip(all).and_then(|(part, all)| part.over(all).ok());
        let (long_ratio, short_ratio) = (share(bought), share(sold));
        let reason = match (long_ratio, &self.ratio) {
            (Some(_), Some(_)) => None,
            (Some(_), None) => Some("nothing_sold"),
            (None, _) => Some("too_large_to_be_exact"),
        };
        let of = self.coin.as_deref().unwrap_or("all perpetuals");
        let definition = format!("what takers bought and sold of {of}: {} trades", self.buy_trades + self.sell_trades);
        Self { kind: KIND, definition, long_ratio, short_ratio, reason, ..self }
    }
}
