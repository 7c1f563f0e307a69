//! `meta` of the info endpoint → `markets`.

use std::fmt;
use std::time::Duration;

use schemas::{Amount, Coin, MarginTier, Market};
use serde::Deserialize;
use serde_json::json;

use crate::dead_letter::Reject;

/// Asks one info endpoint.
#[derive(Debug, Clone)]
pub struct InfoClient {
    http: reqwest::Client,
    url: String,
}

/// Why an endpoint gave no metadata. The next poll asks again.
#[derive(Debug)]
pub enum InfoError {
    Request {
        url: String,
        source: reqwest::Error,
    },
    Status {
        url: String,
        status: u16,
    },
    /// The reply came and could not be understood: its bytes go to the dead letters.
    Reply {
        reject: Reject,
        bytes: Vec<u8>,
    },
}

const PATIENCE: Duration = Duration::from_secs(10);

impl InfoClient {
    /// `url` is the endpoint itself, as `https://api.hyperliquid.xyz/info`.
    pub fn new(url: &str) -> Result<Self, InfoError> {
        // Another part of the process may have chosen already; either choice serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(PATIENCE).build();
        let http = http.map_err(|source| InfoError::Request { url: url.to_owned(), source })?;
        Ok(Self { http, url: url.to_owned() })
    }

    /// The terms of every market of every dex, as of `time`.
    pub async fn markets(&self, time: i64) -> Result<Vec<Market>, InfoError> {
        let mut markets = parsed(self.ask(json!({ "type": "meta" })).await?, |bytes| parse_meta(bytes, "", time))?;
        let dexs = parsed(self.ask(json!({ "type": "perpDexs" })).await?, parse_perp_dexs)?;
        for dex in dexs {
            let reply = self.ask(json!({ "type": "meta", "dex": dex })).await?;
            markets.extend(parsed(reply, |bytes| parse_meta(bytes, &dex, time))?);
        }
        Ok(markets)
    }

    async fn ask(&self, request: serde_json::Value) -> Result<Vec<u8>, InfoError> {
        let failed = |source| InfoError::Request { url: self.url.clone(), source };
        let reply = self.http.post(&self.url).json(&request).send().await.map_err(failed)?;
        if !reply.status().is_success() {
            return Err(InfoError::Status { url: self.url.clone(), status: reply.status().as_u16() });
        }
        Ok(reply.bytes().await.map_err(failed)?.to_vec())
    }
}

fn parsed<T>(bytes: Vec<u8>, parse: impl FnOnce(&[u8]) -> Result<T, Reject>) -> Result<T, InfoError> {
    parse(&bytes).map_err(|reject| InfoError::Reply { reject, bytes })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    universe: Vec<Listing>,
    #[serde(default)]
    margin_tables: Vec<(u32, Table)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listing {
    name: Coin,
    sz_decimals: u32,
    max_leverage: u32,
    margin_table_id: Option<u32>,
    #[serde(default)]
    is_delisted: bool,
    #[serde(default)]
    only_isolated: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Table {
    margin_tiers: Vec<Tier>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tier {
    lower_bound: Amount,
    max_leverage: u32,
}

/// The reply to `meta` of one dex.
pub fn parse_meta(bytes: &[u8], dex: &str, time: i64) -> Result<Vec<Market>, Reject> {
    let meta: Meta = serde_json::from_slice(bytes).map_err(not_meta)?;
    let tiers = |listing: &Listing| {
        let id = listing.margin_table_id.unwrap_or(listing.max_leverage);
        match meta.margin_tables.iter().find(|(other, _)| *other == id) {
            Some((_, table)) => {
                let tier = |tier: &Tier| MarginTier { lower_bound: tier.lower_bound, max_leverage: tier.max_leverage };
                table.margin_tiers.iter().map(tier).collect()
            }
            // A table that is not listed has one tier: its number is the leverage.
            None => vec![MarginTier { lower_bound: Amount::ZERO, max_leverage: id }],
        }
    };
    let market = |listing: &Listing| Market {
        coin: listing.name.clone(),
        dex: dex.to_owned(),
        size_decimals: listing.sz_decimals,
        max_leverage: listing.max_leverage,
        margin_tiers: tiers(listing),
        isolated_only: listing.only_isolated,
        delisted: listing.is_delisted,
        time,
    };
    Ok(meta.universe.iter().map(market).collect())
}

/// The names of the builders' dexs; the first element is null and stands for the main one.
fn parse_perp_dexs(bytes: &[u8]) -> Result<Vec<String>, Reject> {
    #[derive(Deserialize)]
    struct Dex {
        name: String,
    }
    let dexs: Vec<Option<Dex>> = serde_json::from_slice(bytes).map_err(not_meta)?;
    Ok(dexs.into_iter().flatten().map(|dex| dex.name).collect())
}

fn not_meta(error: serde_json::Error) -> Reject {
    Reject::Meta { reason: error.to_string() }
}

impl fmt::Display for InfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { url, .. } => write!(f, "{url} did not answer"),
            Self::Status { url, status } => write!(f, "{url} answered with status {status}"),
            Self::Reply { reject, .. } => reject.fmt(f),
        }
    }
}

impl std::error::Error for InfoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Request { source, .. } => Some(source),
            Self::Status { .. } | Self::Reply { .. } => None,
        }
    }
}
