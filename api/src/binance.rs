//! `/futures/data/…`: ratios in the very form in which Binance gives them, with its parameters, its bare lists and its
//! errors, so that what was written for Binance needs another address and nothing else.
//!
//! As there, a bucket is told once it is over. What is bought and sold is in USD here, where Binance counts coins.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query as UrlQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use schemas::{Amount, Interval, RatioKind};
use serde::Serialize;
use serde_json::json;

use crate::database::Stored;
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::query::Query;
use crate::{Context, coin};

pub(crate) fn endpoints() -> Vec<Endpoint> {
    let endpoint = |name: &str, summary, handler, row| {
        Endpoint::new(format!("/futures/data/{name}"), handler, operation(summary, row))
    };
    let [all, top, positions] = [RatioKind::Accounts, RatioKind::TopAccounts, RatioKind::TopPositions].map(ratios);
    vec![
        endpoint("globalLongShortAccountRatio", "Long over short accounts of a coin", all, &RATIO),
        endpoint("topLongShortAccountRatio", "The same, of the largest accounts", top, &RATIO),
        endpoint("topLongShortPositionRatio", "The same, by what the largest accounts hold", positions, &RATIO),
        endpoint("takerlongshortRatio", "What takers bought over what they sold", get(takers), &TAKEN),
    ]
}

fn operation(summary: &'static str, row: &'static Object) -> Operation {
    let parameters = vec![
        Parameter::text("symbol", "BTCUSDT").required(),
        Parameter::words("period", &PERIODS).required(),
        Parameter::count("limit", "10"),
        Parameter::time("startTime", "0"),
        Parameter::time("endTime", "4102444800000"),
    ];
    let description =
        "buckets that are over, oldest first: the latest ones, or from startTime on; what is bought and sold \
         is in USD, where Binance counts coins"
            .to_owned();
    Operation { summary, description, parameters, answer: Answer::Binance(Form::Object(row)), examples: &[] }
}

static RATIO: Object = Object {
    name: "binance-ratio",
    fields: &[
        ("symbol", Form::Text),
        ("longAccount", Form::Decimal),
        ("longShortRatio", Form::Decimal),
        ("shortAccount", Form::Decimal),
        ("timestamp", Form::Integer),
    ],
    optional: &[],
};

static TAKEN: Object = Object {
    name: "binance-taken",
    fields: &[
        ("buySellRatio", Form::Decimal),
        ("buyVol", Form::Decimal),
        ("sellVol", Form::Decimal),
        ("timestamp", Form::Integer),
    ],
    optional: &[],
};

/// What holders of a coin are, one after the other.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ratio {
    symbol: String,
    long_account: String,
    long_short_ratio: String,
    short_account: String,
    timestamp: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Taken {
    buy_sell_ratio: String,
    buy_vol: String,
    sell_vol: String,
    timestamp: i64,
}

/// Time, ratio, bought and sold.
type StoredFlow = (i64, Option<String>, Option<String>, Option<String>);

/// What somebody asks for.
struct Asked {
    symbol: String,
    interval: Interval,
    limit: usize,
    start: Option<i64>,
    end: Option<i64>,
}

/// As Binance says that something is wrong.
enum Refusal {
    Missing(&'static str),
    Invalid(&'static str),
    Symbol,
    Database(ApiError),
}

type Given = UrlQuery<HashMap<String, String>>;

/// Of the minutes there are none there.
const PERIODS: [&str; 9] = ["5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d"];
const DEFAULT_LIMIT: usize = 30;
const MAX_LIMIT: usize = 500;

fn ratios(kind: RatioKind) -> axum::routing::MethodRouter<crate::Serving> {
    get(move |State(context): State<Arc<Context>>, UrlQuery(given): Given| async move {
        holders(&context, kind, &given).await.map(Json)
    })
}

async fn holders(context: &Context, kind: RatioKind, given: &HashMap<String, String>) -> Result<Vec<Ratio>, Refusal> {
    let asked = Asked::read(given)?;
    let mut query = Query::new(
        "SELECT time, CAST(long_ratio AS TEXT), CAST(close AS TEXT) FROM long_short_ratios WHERE cohort = '' AND kind = ",
    );
    query.push_bind(kind.name());
    let rows: Vec<(i64, Option<String>, Option<String>)> = asked.rows(context, query).await?;
    let told = rows.into_iter().filter_map(|(timestamp, long, ratio)| {
        let (long, ratio) = (four_places(&long?)?, four_places(&ratio?)?);
        let short = Amount::from(1).minus(long).ok()?;
        let symbol = asked.symbol.clone();
        let [long_account, long_short_ratio, short_account] = [long, ratio, short].map(shown);
        Some(Ratio { symbol, long_account, long_short_ratio, short_account, timestamp })
    });
    Ok(told.collect())
}

async fn takers(State(context): State<Arc<Context>>, UrlQuery(given): Given) -> Result<Json<Vec<Taken>>, Refusal> {
    let asked = Asked::read(&given)?;
    let query = Query::new(
        "SELECT time, CAST(ratio AS TEXT), CAST(buy_notional AS TEXT), CAST(sell_notional AS TEXT) FROM taker_flow WHERE true",
    );
    let rows: Vec<StoredFlow> = asked.rows(&context, query).await?;
    let told = rows.into_iter().filter_map(|(timestamp, ratio, bought, sold)| {
        let amounts = [ratio?, bought?, sold?].map(|text| four_places(&text).map(shown));
        let [Some(buy_sell_ratio), Some(buy_vol), Some(sell_vol)] = amounts else { return None };
        Some(Taken { buy_sell_ratio, buy_vol, sell_vol, timestamp })
    });
    Ok(Json(told.collect()))
}

impl Asked {
    fn read(given: &HashMap<String, String>) -> Result<Self, Refusal> {
        let text = |name: &str| given.get(name).filter(|text| !text.is_empty());
        let symbol = text("symbol").ok_or(Refusal::Missing("symbol"))?.clone();
        let period = text("period").ok_or(Refusal::Missing("period"))?;
        let is_known = PERIODS.contains(&period.as_str());
        let interval = period.parse().ok().filter(|_| is_known).ok_or(Refusal::Invalid("period"))?;
        let number = |name: &'static str| match text(name) {
            Some(text) => text.parse::<i64>().map(Some).map_err(|_| Refusal::Invalid(name)),
            None => Ok(None),
        };
        let limit = number("limit")?.map_or(Ok(DEFAULT_LIMIT), |limit| {
            usize::try_from(limit).ok().filter(|limit| *limit > 0).ok_or(Refusal::Invalid("limit"))
        });
        let (start, end) = (number("startTime")?, number("endTime")?);
        if start.zip(end).is_some_and(|(start, end)| start > end) {
            return Err(Refusal::Invalid("startTime"));
        }
        Ok(Self { symbol, interval, limit: limit?.min(MAX_LIMIT), start, end })
    }

    /// From where it begins on, where that is said, and else the latest; the oldest first either way.
    async fn rows<T: Stored>(&self, context: &Context, mut query: Query) -> Result<Vec<T>, Refusal> {
        let mut moment = context.database.one_moment().await?;
        let coin = coin::find(&mut moment, context.generation, &self.symbol).await?.ok_or(Refusal::Symbol)?;
        query.push(" AND final AND generation = ").push_bind(context.generation);
        query.push(" AND coin = ").push_bind(coin.as_str()).push(" AND interval = ").push_bind(self.interval.name());
        if let Some(start) = self.start {
            query.push(" AND time >= ").push_bind(start);
        }
        if let Some(end) = self.end {
            query.push(" AND time <= ").push_bind(end);
        }
        let is_from_the_start = self.start.is_some();
        query.push(if is_from_the_start { " ORDER BY time LIMIT " } else { " ORDER BY time DESC LIMIT " });
        query.push_bind(self.limit as i64);
        let mut rows: Vec<T> = moment.all(query).await?;
        if !is_from_the_start {
            rows.reverse();
        }
        Ok(rows)
    }
}

/// Half up.
fn four_places(text: &str) -> Option<Amount> {
    let (amount, scale) = (text.parse::<Amount>().ok()?, Amount::from(10_000));
    let half = Amount::from(1).over(Amount::from(2)).ok()?;
    amount.times(scale).ok()?.plus(half).ok()?.floor().over(scale).ok()
}

/// With all four of them.
fn shown(amount: Amount) -> String {
    let text = amount.shortest().to_string();
    let places = text.split_once('.').map_or(0, |(_, places)| places.len());
    let point = if places == 0 { "." } else { "" };
    format!("{text}{point}{}", "0".repeat(4 - places.min(4)))
}

impl From<sqlx::Error> for Refusal {
    fn from(source: sqlx::Error) -> Self {
        Self::Database(source.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Missing(name) => (
                StatusCode::BAD_REQUEST,
                -1102,
                format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."),
            ),
            Self::Invalid(name) => {
                (StatusCode::BAD_REQUEST, -1130, format!("Data sent for parameter '{name}' is not valid."))
            }
            Self::Symbol => (StatusCode::BAD_REQUEST, -1121, "Invalid symbol.".to_owned()),
            Self::Database(error) => {
                tracing::warn!(%error, "a request was not answered");
                let message = "Internal error; unable to process your request. Please try again.";
                (error.status(), -1001, message.to_owned())
            }
        };
        (status, Json(json!({ "code": code, "msg": message }))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_places() {
        for (text, told) in [("1.82805", "1.8281"), ("0.64999", "0.6500"), ("2", "2.0000"), ("0.00004", "0.0000")] {
            assert_eq!(four_places(text).map(shown).as_deref(), Some(told));
        }
    }
}
