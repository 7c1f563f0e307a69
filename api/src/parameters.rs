//! The query of a request -> typed values, or what is wrong with it. A parameter nobody asks for is an error: a typing
//! mistake would otherwise be answered with the wrong rows.

use std::fmt::Write;

use axum::extract::{self, FromRequestParts};
use axum::http::request::Parts;
use schemas::{Amount, Hash, Interval, Wallet};

use crate::error::ApiError;
use crate::query::Query;
use crate::ratio_series::{NotASeries, Series};

pub(crate) struct Parameters {
    given: Vec<(String, String)>,
    understood: Vec<&'static str>,
}

/// From `start_time` on and before `end_time`, in one of the two directions.
pub(crate) struct TimeRange {
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
    pub(crate) oldest_first: bool,
}

pub(crate) const DEFAULT_LIMIT: usize = 100;
pub(crate) const MAX_LIMIT: usize = 1000;

/// How other venues call what is asked for here.
const ALIASES: [(&str, &str); 7] = [
    ("symbol", "coin"),
    ("address", "wallet"),
    ("min_usd", "min_notional"),
    ("order_id", "oid"),
    ("period", "interval"),
    ("startTime", "start_time"),
    ("endTime", "end_time"),
];

fn own_name(name: String) -> String {
    let own = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, own)| (*own).to_owned());
    own.unwrap_or(name)
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let extract::Query(given): extract::Query<Vec<(String, String)>> = extract::Query::try_from_uri(&parts.uri)
            .map_err(|refusal| ApiError::parameter("INVALID_QUERY", "", format!("{refusal}; write name=value&…")))?;
        let given = given.into_iter().map(|(name, value)| (own_name(name), value)).collect();
        Ok(Self { given, understood: Vec::new() })
    }
}

impl Parameters {
    /// The value of a parameter, under its own name or an alias.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        self.understood.push(name);
        let mut found = None;
        for (_, value) in self.given.extract_if(.., |(given, _)| given == name) {
            if found.replace(value).is_some() {
                let message = format!("{name} is given more than once; give it once");
                return Err(ApiError::parameter("REPEATED_PARAMETER", name, message));
            }
        }
        Ok(found)
    }

    /// Whether a parameter is given as this; then it is understood.
    pub(crate) fn says(&mut self, name: &'static str, value: &str) -> bool {
        let mut given = self.given.iter().filter(|(given, _)| given == name);
        let says = given.next().is_some_and(|(_, given)| given == value) && given.next().is_none();
        if says {
            self.given.retain(|(given, _)| given != name);
            self.understood.push(name);
        }
        says
    }

    /// To be called when everything was asked for.
    pub(crate) fn nothing_else(self) -> Result<(), ApiError> {
        let Some((name, _)) = self.given.first() else { return Ok(()) };
        let message = match self.understood.as_slice() {
            [] => format!("{name:?} is not a parameter; there are none here"),
            names => format!("{name:?} is not a parameter; those are {}", names.join(", ")),
        };
        Err(ApiError::parameter("UNKNOWN_PARAMETER", name, message))
    }

    pub(crate) fn limit(&mut self) -> Result<usize, ApiError> {
        let Some(text) = self.text("limit")? else { return Ok(DEFAULT_LIMIT) };
        text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
            let message =
                format!("limit is {text:?}; it is a number from 1 to {MAX_LIMIT}, use cursor for what follows");
            ApiError::parameter("INVALID_LIMIT", "limit", message)
        })
    }

    /// Of a list of any length: without one it is told to its end.
    pub(crate) fn any_limit(&mut self) -> Result<usize, ApiError> {
        let Some(text) = self.text("limit")? else { return Ok(usize::MAX) };
        text.parse().ok().filter(|limit| *limit > 0).ok_or_else(|| {
            let message = format!("limit is {text:?}; it is a number from 1 on, and may be left out here");
            ApiError::parameter("INVALID_LIMIT", "limit", message)
        })
    }

    /// Oldest first when a time is given and no order.
    pub(crate) fn time_range(&mut self) -> Result<TimeRange, ApiError> {
        self.range(|is_limited| is_limited)
    }

    /// Of what is sorted by something else: the largest first when no order is given.
    pub(crate) fn range_of_sorted(&mut self) -> Result<TimeRange, ApiError> {
        self.range(|_| false)
    }

    fn range(&mut self, is_ascending: fn(bool) -> bool) -> Result<TimeRange, ApiError> {
        let start = self.time("start_time")?;
        let end = self.time("end_time")?;
        let order = self.word("order", "INVALID_ORDER", &[("asc", true), ("desc", false)])?;
        if let (Some(start), Some(end)) = (start, end)
            && start >= end
        {
            let message = format!("end_time {end} is not after start_time {start}; it is exclusive, start_time is not");
            return Err(ApiError::parameter("INVALID_TIME_RANGE", "end_time", message));
        }
        let is_limited = start.is_some() || end.is_some();
        Ok(TimeRange { start, end, oldest_first: order.unwrap_or_else(|| is_ascending(is_limited)) })
    }

    pub(crate) fn time(&mut self, name: &'static str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            let message = format!("{name} is {text:?}; it is a whole number of milliseconds UTC");
            ApiError::parameter("INVALID_TIME", name, message)
        })
    }

    pub(crate) fn wallet(&mut self) -> Result<Option<Wallet>, ApiError> {
        let Some(text) = self.text("wallet")? else { return Ok(None) };
        read_wallet("wallet", &text).map(Some)
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&mut self, name: &'static str, code: &'static str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let count = text.parse().ok().filter(|count: &i64| *count >= 0);
        count.map(Some).ok_or_else(|| {
            ApiError::parameter(code, name, format!("{name} is {text:?}; it is a whole number such as 10"))
        })
    }

    /// Of a transaction of the chain.
    pub(crate) fn hash(&mut self) -> Result<Option<Hash>, ApiError> {
        let Some(text) = self.text("hash")? else { return Ok(None) };
        serde_json::from_value(text.as_str().into()).map(Some).map_err(|_| {
            ApiError::parameter("INVALID_HASH", "hash", format!("hash is {text:?}; it is 0x and 64 hex digits"))
        })
    }

    pub(crate) fn interval(&mut self) -> Result<Interval, ApiError> {
        let Some(text) = self.text("interval")? else { return Ok(Interval::OneMinute) };
        text.parse().map_err(|()| ApiError::parameter("INVALID_INTERVAL", "interval", unknown_interval(&text)))
    }

    /// A single course of ratios.
    pub(crate) fn series(&mut self) -> Result<Series, ApiError> {
        let (kind, cohort) = (self.text("kind")?, self.text("cohort")?);
        Series::read(kind.as_deref(), cohort.as_deref())
            .and_then(Series::single)
            .map_err(|NotASeries { parameter, code, message }| ApiError::parameter(code, parameter, message))
    }

    /// A decimal that is not negative.
    pub(crate) fn amount(&mut self, name: &'static str, code: &'static str) -> Result<Option<Amount>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let amount = text.parse().ok().filter(|amount: &Amount| amount.sign() >= 0);
        amount.map(Some).ok_or_else(|| {
            ApiError::parameter(code, name, format!("{name} is {text:?}; it is a decimal such as 1000 or 0.5"))
        })
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        code: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let mut message = format!("{name} is {text:?}; it is one of");
                for (place, (word, _)) in words.iter().enumerate() {
                    let _ = write!(message, "{} {word}", if place == 0 { "" } else { "," });
                }
                Err(ApiError::parameter(code, name, message))
            }
        }
    }
}

impl TimeRange {
    pub(crate) fn push(&self, query: &mut Query, column: &str) {
        if let Some(start) = self.start {
            query.push(format_args!(" AND {column} >= ")).push_bind(start);
        }
        if let Some(end) = self.end {
            query.push(format_args!(" AND {column} < ")).push_bind(end);
        }
    }
}

/// The address under this name.
pub(crate) fn read_wallet(name: &str, text: &str) -> Result<Wallet, ApiError> {
    text.parse().map_err(|refusal| {
        ApiError::parameter("INVALID_WALLET", name, format!("{name} is {text:?}, {refusal}; give a whole address"))
    })
}

pub(crate) fn unknown_interval(text: &str) -> String {
    let names = Interval::ALL.map(Interval::name).join(", ");
    format!("interval is {text:?}; results are kept by {names}")
}
