//! What can be subscribed to: what is kept of it, which rows a subscription begins with, and which results follow them.

use std::borrow::Cow;

use schemas::{Amount, Interval, Position, Record, Topic, Wallet, kind};
use serde_json::value::{RawValue, to_raw_value};

use crate::openapi::form::Form;
use crate::ratio_series::Series;
use crate::row::Shape;

/// Every channel there is.
pub(crate) static CHANNELS: [&Channel; 17] = [
    &crate::long_short_ratio::CHANNEL,
    &crate::market_ratio::CHANNEL,
    &crate::positions::CHANNEL,
    &crate::liquidations::CHANNEL,
    &crate::liquidation_stats::CHANNEL,
    &crate::liquidation_cascades::CHANNEL,
    &crate::liquidation_heatmap::CHANNEL,
    &crate::liquidation_map::CHANNEL,
    &crate::whale_activities::CHANNEL,
    &crate::whale_watches::CHANNEL,
    &crate::prices::CHANNEL,
    &crate::markets::CHANNEL,
    &crate::candles::CHANNEL,
    &crate::taker_flow::CHANNEL,
    &crate::taker_flow::CHANNEL_OF_THE_MARKET,
    &crate::wallet_distribution::CHANNEL,
    &crate::data_quality::CHANNEL,
];

pub(crate) struct Channel {
    pub(crate) name: &'static str,
    /// What it is called as well.
    pub(crate) alias: Option<&'static str>,
    pub(crate) topic: &'static Topic,
    /// What the header `kind` of its records says; other records of the topic are not told.
    pub(crate) kind: Option<&'static [u8]>,
    /// A key may be a wallet.
    pub(crate) by_wallet: bool,
    /// A key is a name of its own kind, and no coin.
    pub(crate) by_name: bool,
    /// A subscription may be to one interval.
    pub(crate) by_interval: bool,
    /// A subscription is to one kind, and may be to one size cohort.
    pub(crate) by_kind: bool,
    pub(crate) tells: Tells,
    /// How far back of the head what is kept reaches when it is read from the log, in milliseconds of event time.
    pub(crate) reaches_back: i64,
    /// What a subscription may be narrowed by.
    pub(crate) filters: &'static [&'static str],
    /// Of which form a row is that it tells.
    pub(crate) row: Form,
    /// What is told of the value of a record, and to whom.
    pub(crate) live: fn(&[u8]) -> serde_json::Result<LiveRow>,
}

/// What a subscription begins with, and what becomes of the rest for who does not keep up.
pub(crate) enum Tells {
    /// How things are: of each group the last row. Who is slow hears the last value of each key.
    State(fn(&Record<'_>) -> serde_json::Result<Kept>),
    /// How things are, and what happens to them: each is told.
    EventsOverState(fn(&Record<'_>) -> serde_json::Result<Kept>),
    /// Rows that change for a while: the latest so many. Who is slow hears the last value of each key.
    Changes { in_a_snapshot: usize },
    /// What happens: the latest so many. Each is told.
    Events { in_a_snapshot: usize },
}

/// What is kept of a record, and in the place of what.
pub(crate) struct Kept {
    pub(crate) group: Vec<u8>,
    /// Of two rows of a group that with the higher one stays, and of equal ones the later.
    pub(crate) rank: i64,
    pub(crate) value: Value,
    /// What it is the end of is told once more and then no longer.
    pub(crate) is_the_end: bool,
}

/// A value of which a million may be kept is kept as what it means.
pub(crate) enum Value {
    Json(Box<[u8]>),
    Position(Box<Position>),
}

/// The time of an hour, in milliseconds.
pub(crate) const HOUR: i64 = 3_600_000;
/// The longest interval, and an hour for whoever is late.
pub(crate) const A_DAY_AND_AN_HOUR: i64 = 25 * HOUR;
/// Of what is read whole.
pub(crate) const ALL_THERE_IS: i64 = i64::MAX;

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
    Name(String),
}

pub(crate) struct LiveRow {
    pub(crate) keys: Vec<Key>,
    pub(crate) interval: Option<Interval>,
    pub(crate) series: Series,
    pub(crate) narrowed_by: NarrowedBy,
    pub(crate) data: Box<RawValue>,
}

/// What of a row a filter may be about.
#[derive(Default)]
pub(crate) struct NarrowedBy {
    pub(crate) notional: Option<Amount>,
    pub(crate) side: Option<String>,
    pub(crate) method: Option<String>,
}

impl Key {
    pub(crate) fn read(channel: &Channel, key: &str) -> Self {
        match key.parse::<Wallet>() {
            Ok(wallet) if channel.by_wallet => Self::Wallet(wallet.to_string()),
            Ok(wallet) if channel.by_name => Self::Name(wallet.to_string()),
            _ if key == "*" => Self::All,
            _ if channel.by_name => Self::Name(key.to_owned()),
            _ => Self::Coin(key.to_owned()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::All => "*",
            Self::Coin(name) | Self::Wallet(name) | Self::Name(name) => name,
        }
    }
}

impl Subject {
    /// Whether a group of the channel is of it, by the parts of its name: the first one is the coin or the name, where
    /// there are some.
    pub(crate) fn is_of(&self, group: &[u8], channel: &Channel) -> bool {
        let mut parts = group.split(|byte| *byte == b'|');
        let first = if channel.is_of_everything() { None } else { parts.next() };
        let is_its_own = match &self.key {
            Key::Coin(name) | Key::Name(name) => first == Some(name.as_bytes()),
            Key::Wallet(_) | Key::All => true,
        };
        let interval = self.interval.filter(|_| channel.by_interval).map(Interval::name);
        let kind = channel.by_kind.then_some(self.series.kind.name());
        let mut wanted = [interval, kind, self.series.cohort_name()].into_iter().flatten();
        is_its_own && wanted.all(|name| parts.clone().any(|part| part == name.as_bytes()))
    }
}

impl Channel {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        CHANNELS.into_iter().find(|channel| channel.name == name || channel.alias == Some(name))
    }

    /// The one that tells these records.
    pub(crate) fn of(topic: &Topic, kind: Option<&[u8]>) -> Option<usize> {
        CHANNELS.iter().position(|channel| channel.topic.name == topic.name && channel.kind == kind)
    }

    /// Its results are of everything there is: no coin, wallet or name has some of its own.
    pub(crate) fn is_of_everything(&self) -> bool {
        self.topic.partitioned_by.is_empty() && !self.by_name
    }

    pub(crate) fn tells_events(&self) -> bool {
        matches!(self.tells, Tells::Events { .. } | Tells::EventsOverState(_))
    }

    /// The log keeps each of its rows for a while, and then forgets the oldest: who was away can be told them all.
    pub(crate) fn can_be_read_again(&self) -> bool {
        matches!(self.tells, Tells::Events { .. })
    }

    /// Whether a record of its topic is one of its rows.
    pub(crate) fn is_of(&self, record: &Record<'_>) -> bool {
        record.value.is_some() && record.headers.get(kind::HEADER) == self.kind
    }

    /// Whether somebody who has subscribed to this hears the row.
    pub(crate) fn is_heard(&self, subject: &Subject, row: &LiveRow) -> bool {
        row.keys.contains(&subject.key)
            && (subject.interval.is_none() || subject.interval == row.interval)
            && row.series.heard_as().any(|series| series == subject.series)
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

impl Value {
    pub(crate) fn json(&self) -> serde_json::Result<Cow<'_, [u8]>> {
        match self {
            Self::Json(json) => Ok(Cow::Borrowed(json)),
            Self::Position(position) => serde_json::to_vec(position).map(Cow::Owned),
        }
    }
}

/// The last one of each key.
pub(crate) fn by_key(record: &Record<'_>) -> serde_json::Result<Kept> {
    Ok(Kept { group: record.key.to_vec(), rank: 0, value: whole(record), is_the_end: false })
}

/// The latest bucket: where it begins is the last part of the key.
pub(crate) fn by_bucket(record: &Record<'_>) -> serde_json::Result<Kept> {
    let (group, bucket) = match record.key.iter().rposition(|byte| *byte == b'|') {
        Some(place) => (&record.key[..place], &record.key[place + 1..]),
        None => (record.key, &b""[..]),
    };
    let rank = std::str::from_utf8(bucket).ok().and_then(|bucket| bucket.parse().ok()).unwrap_or_default();
    Ok(Kept { group: group.to_vec(), rank, value: whole(record), is_the_end: false })
}

pub(crate) fn whole(record: &Record<'_>) -> Value {
    Value::Json(record.value.unwrap_or_default().into())
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
    let [side, method] = ["side", "method"].map(|column| row.text(column).map(str::to_owned));
    let narrowed_by = NarrowedBy { notional: row.amount("notional"), side, method };
    Ok(LiveRow { keys, interval, series, narrowed_by, data: to_raw_value(&row)? })
}
