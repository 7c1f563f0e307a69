//! What can be subscribed to: which rows a subscription begins with, and which live results follow them.

use futures_util::stream::BoxStream;
use schemas::{Interval, Topic, Wallet};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::database::Moment;
use crate::query::Query;
use crate::ratio_series::Series;
use crate::row::Shape;

/// Every channel there is.
pub(crate) static CHANNELS: [&Channel; 14] = [
    &crate::long_short_ratio::CHANNEL,
    &crate::market_ratio::CHANNEL,
    &crate::positions::CHANNEL,
    &crate::liquidations::CHANNEL,
    &crate::liquidation_stats::CHANNEL,
    &crate::liquidation_cascades::CHANNEL,
    &crate::liquidation_heatmap::CHANNEL,
    &crate::liquidation_map::CHANNEL,
    &crate::whale_activities::CHANNEL,
    &crate::prices::CHANNEL,
    &crate::candles::CHANNEL,
    &crate::taker_flow::CHANNEL,
    &crate::taker_flow::CHANNEL_OF_THE_MARKET,
    &crate::data_quality::CHANNEL,
];

pub(crate) struct Channel {
    pub(crate) name: &'static str,
    pub(crate) topic: &'static Topic,
    /// What the header `kind` of its records says; other records of the topic are not told.
    pub(crate) kind: Option<&'static [u8]>,
    /// A key may be a wallet.
    pub(crate) by_wallet: bool,
    /// A key is a source, and no coin.
    pub(crate) by_source: bool,
    /// A subscription may be to one interval.
    pub(crate) by_interval: bool,
    /// A subscription is to one kind, and may be to one size cohort.
    pub(crate) by_kind: bool,
    /// Appends the query for the rows of a subject.
    pub(crate) push_rows: fn(&mut Query, generation: u32, &Subject),
    /// What is told of the rows.
    pub(crate) rows: fn(&mut Moment, Query) -> Result<Rows<'_>, sqlx::Error>,
    /// What is told of the value of a live record, and to whom.
    pub(crate) live: fn(&[u8]) -> serde_json::Result<LiveRow>,
}

/// Every topic of which live results are told: an API reads those and no others.
pub fn topics() -> Vec<&'static Topic> {
    let mut topics: Vec<&'static Topic> = Vec::new();
    for channel in CHANNELS {
        if !topics.contains(&channel.topic) {
            topics.push(channel.topic);
        }
    }
    topics
}

/// What somebody is told, row by row.
pub(crate) type Rows<'a> = BoxStream<'a, Result<Box<RawValue>, sqlx::Error>>;

/// What of a channel somebody wants to hear.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    /// The channel's name.
    pub(crate) channel: &'static str,
    pub(crate) key: Key,
    pub(crate) interval: Option<Interval>,
    pub(crate) series: Series,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    All,
    Coin(String),
    Wallet(String),
    Source(String),
}

pub(crate) struct LiveRow {
    pub(crate) keys: Vec<Key>,
    pub(crate) interval: Option<Interval>,
    pub(crate) series: Series,
    pub(crate) data: Box<RawValue>,
}

impl Key {
    pub(crate) fn read(channel: &Channel, key: &str) -> Self {
        match key.parse::<Wallet>() {
            Ok(wallet) if channel.by_wallet => Self::Wallet(wallet.to_string()),
            _ if key == "*" => Self::All,
            _ if channel.by_source => Self::Source(key.to_owned()),
            _ => Self::Coin(key.to_owned()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::All => "*",
            Self::Coin(name) | Self::Wallet(name) | Self::Source(name) => name,
        }
    }
}

impl Subject {
    /// The rows that are asked for, of a table with a column for coins, and where a key may be a wallet one for wallets.
    pub(crate) fn push_where(&self, query: &mut Query) {
        match &self.key {
            Key::All | Key::Source(_) => query,
            Key::Coin(coin) => query.push(" AND coin = ").push_bind(coin.as_str()),
            Key::Wallet(wallet) => query.push(" AND wallet = ").push_bind(wallet.as_str()),
        };
    }
}

impl Channel {
    /// Its results are of everything there is: no coin, wallet or source has some of its own.
    pub(crate) fn is_of_everything(&self) -> bool {
        self.topic.partitioned_by.is_empty() && !self.by_source
    }

    /// Everything that one may have subscribed to and hear this.
    pub(crate) fn subjects(&self, row: &LiveRow) -> Vec<Subject> {
        let intervals = [None, row.interval];
        let intervals = if row.interval.is_some() { &intervals[..] } else { &intervals[..1] };
        let subjects = |key: &Key, interval| {
            let subject = |series| Subject { channel: self.name, key: key.clone(), interval, series };
            row.series.heard_as().map(subject).collect::<Vec<_>>()
        };
        row.keys.iter().flat_map(|key| intervals.iter().flat_map(move |interval| subjects(key, *interval))).collect()
    }
}

/// What is told of a live record of a table's rows, to whom its coin, its wallet, its interval and its kind are of interest.
pub(crate) fn live_row(shape: &'static Shape, value: &[u8]) -> serde_json::Result<LiveRow> {
    let row = shape.live(value)?;
    let coin = row.text("coin").map(|coin| Key::Coin(coin.to_owned()));
    let wallet = row.text("wallet").map(|wallet| Key::Wallet(wallet.to_owned()));
    let keys = [Key::All].into_iter().chain(coin).chain(wallet).collect();
    let interval = row.text("interval").and_then(|interval| interval.parse().ok());
    let kind = row.text("kind").and_then(|kind| kind.parse().ok()).unwrap_or_default();
    let series = Series { kind, cohort: row.text("cohort").and_then(|cohort| cohort.parse().ok()) };
    Ok(LiveRow { keys, interval, series, data: to_raw_value(&row)? })
}

pub(crate) fn raw(row: &impl Serialize) -> Result<Box<RawValue>, sqlx::Error> {
    to_raw_value(row).map_err(|cause| sqlx::Error::Decode(cause.into()))
}
