//! A coin as somebody writes it -> the coin as the market is called, when it is known.
//!
//! The exact name always wins: `kPEPE` is not `KPEPE`, and a coin may be called like another one's alias.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::Live;
use crate::database::Moment;
use crate::error::ApiError;
use crate::query::Query;

/// The coin in a path, as it was written.
pub(crate) struct AskedCoin(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for AskedCoin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(coin)) => Ok(Self(coin)),
            Err(refusal) => {
                let message = format!("{refusal}; percent-encode the name as UTF-8");
                Err(ApiError::parameter("INVALID_COIN", "coin", message))
            }
        }
    }
}

/// The name of a coin that has a market or rows.
pub(crate) async fn known(moment: &mut Moment, generation: u32, asked: &str) -> Result<String, ApiError> {
    match find(moment, generation, asked).await? {
        Some(coin) => Ok(coin),
        None => Err(ApiError::UnknownCoin { coin: asked.to_owned() }),
    }
}

/// The same of what may be of all coins.
pub(crate) async fn known_if_asked(
    moment: &mut Moment,
    generation: u32,
    asked: Option<&str>,
) -> Result<Option<String>, ApiError> {
    let Some(asked) = asked else { return Ok(None) };
    known(moment, generation, asked).await.map(Some)
}

/// The same, of what is known at present: nothing is looked up in the database.
pub(crate) fn at_present(live: &Live, asked: &str) -> Result<String, ApiError> {
    live.coin(asked).ok_or_else(|| ApiError::UnknownCoin { coin: asked.to_owned() })
}

/// The same of what may be of all coins.
pub(crate) fn at_present_if_asked(live: &Live, asked: Option<&str>) -> Result<Option<String>, ApiError> {
    asked.map(|asked| at_present(live, asked)).transpose()
}

/// The coin that is meant, of those that are known.
pub(crate) fn among(asked: &str, knows: impl Fn(&str) -> bool, all: impl FnOnce() -> Vec<String>) -> Option<String> {
    let names = [Some(asked), without_quote(asked)];
    if let Some(name) = names.into_iter().flatten().find(|name| knows(name)) {
        return Some(name.to_owned());
    }
    let coins = all();
    names.into_iter().flatten().find_map(|name| only_one_but_for_case(&coins, name))
}

pub(crate) async fn find(moment: &mut Moment, generation: u32, asked: &str) -> Result<Option<String>, sqlx::Error> {
    let names = [Some(asked), without_quote(asked)];
    for name in names.into_iter().flatten() {
        if exists(moment, generation, name).await? {
            return Ok(Some(name.to_owned()));
        }
    }
    let coins = all(moment, generation).await?;
    Ok(names.into_iter().flatten().find_map(|name| only_one_but_for_case(&coins, name)))
}

/// How other venues mark what a perpetual is quoted in.
const QUOTES: [&str; 5] = ["-USDT", "-USDC", "-USD", "-PERP", "USDT"];

fn without_quote(asked: &str) -> Option<&str> {
    QUOTES.iter().find_map(|quote| {
        let (name, end) = asked.split_at_checked(asked.len().checked_sub(quote.len())?)?;
        (end.eq_ignore_ascii_case(quote) && !name.is_empty()).then_some(name)
    })
}

/// Two coins may differ by case alone: then neither is meant.
fn only_one_but_for_case(coins: &[String], name: &str) -> Option<String> {
    let mut alike = coins.iter().filter(|coin| coin.eq_ignore_ascii_case(name));
    match (alike.next(), alike.next()) {
        (Some(coin), None) => Some(coin.clone()),
        _ => None,
    }
}

/// The tables that name coins, each in the order of (generation, coin).
const TABLES: [&str; 6] = ["markets", "prices", "long_short_ratios", "candles", "positions", "liquidations"];

async fn exists(moment: &mut Moment, generation: u32, coin: &str) -> Result<bool, sqlx::Error> {
    let mut query = Query::new("SELECT FALSE");
    for table in TABLES {
        // One step along the key: whether there is any, Postgres may find out by walking through the table.
        query.push(format_args!(" OR COALESCE((SELECT coin FROM {table} WHERE generation = ")).push_bind(generation);
        query.push(" AND coin >= ").push_bind(coin).push(" ORDER BY coin LIMIT 1) = ").push_bind(coin).push(", FALSE)");
    }
    Ok(moment.first::<(bool,)>(query).await?.is_some_and(|(exists,)| exists))
}

async fn all(moment: &mut Moment, generation: u32) -> Result<Vec<String>, sqlx::Error> {
    let mut query = Query::default();
    for (place, table) in TABLES.into_iter().enumerate() {
        query.push(if place == 0 { "SELECT coin FROM (" } else { " UNION SELECT coin FROM (" });
        push_coins(&mut query, generation, table);
        query.push(format_args!(") AS of_{table} WHERE coin IS NOT NULL"));
    }
    let coins: Vec<(String,)> = moment.all(query).await?;
    Ok(coins.into_iter().map(|(coin,)| coin).collect())
}

/// The coins of a table, from one to the next along its key: the many rows between them are not read. Ends in a NULL.
fn push_coins(query: &mut Query, generation: u32, table: &str) {
    query.push(format_args!(
        "WITH RECURSIVE coins (coin) AS (SELECT min(coin) FROM {table} WHERE generation = {generation} \
         UNION ALL SELECT (SELECT min(coin) FROM {table} WHERE generation = {generation} AND coin > coins.coin) \
         FROM coins WHERE coins.coin IS NOT NULL) SELECT coin FROM coins"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_taken_off_and_nothing_else() {
        for (asked, name) in [
            ("BTCUSDT", Some("BTC")),
            ("btcusdt", Some("btc")),
            ("BTC-USD", Some("BTC")),
            ("BTC-PERP", Some("BTC")),
            ("kPEPE-perp", Some("kPEPE")),
            ("2Z", None),
            ("USDT", None),
            ("xyz:XYZ100", None),
            ("é", None),
        ] {
            assert_eq!(without_quote(asked), name, "{asked}");
        }
    }

    #[test]
    fn case_is_forgiven_when_one_coin_is_meant() {
        let coins = ["kPEPE", "BTC", "Ab", "aB"].map(str::to_owned);
        assert_eq!(only_one_but_for_case(&coins, "KPEPE"), Some("kPEPE".to_owned()));
        assert_eq!(only_one_but_for_case(&coins, "ab"), None);
        assert_eq!(only_one_but_for_case(&coins, "ETH"), None);
    }
}
