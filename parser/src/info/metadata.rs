//! The replies to `meta` and `perpDexs` → the terms of markets, and the names of dexs.

use schemas::{Amount, Coin, MarginTier, Market};
use serde::Deserialize;

use crate::dead_letter::Reject;

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
pub fn parse_perp_dexs(bytes: &[u8]) -> Result<Vec<String>, Reject> {
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
