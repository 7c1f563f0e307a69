//! What can be traded, in the shapes of Hyperliquid's info API.

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::margin_tables::{MAIN_TABLES, Tier};
use crate::markets::{Kind, MARKETS, Market};
use crate::print;

struct Dex {
    name: &'static str,
    full_name: &'static str,
    deployer: &'static str,
    collateral_token: u32,
}

/// In the order of their index; the main dex has none.
static BUILDER_DEXES: [Dex; 2] = [
    Dex { name: "xyz", full_name: "XYZ", deployer: "0x88806a71d74ad0a510b350545c9ae490912f0888", collateral_token: 0 },
    Dex {
        name: "cash",
        full_name: "dreamcash",
        deployer: "0x5b3a3d2b1c5f4c8f6d0a2f5a9c1e7d4b8a6f3c21",
        collateral_token: 268,
    },
];

/// As it stands in these books.
pub(crate) fn meta(dex: &str, books: &Engine) -> Option<Value> {
    let known = BUILDER_DEXES.iter().find(|known| known.name == dex);
    if known.is_none() && !dex.is_empty() {
        return None;
    }
    let listed = perps(dex).filter(|(place, _)| books.is_listed(*place));
    let universe: Vec<Value> = listed.map(|(place, market)| terms(market, books.is_delisted(place))).collect();
    let collateral = known.map_or(0, |known| known.collateral_token);
    let tables =
        if dex.is_empty() { main_margin_tables() } else { json!([[50, margin_table("", MAIN_TABLES[0].tiers)]]) };
    Some(json!({ "universe": universe, "marginTables": tables, "collateralToken": collateral }))
}

/// The first place belongs to the main dex and is empty.
pub(crate) fn perp_dexes() -> Value {
    let mut dexes = vec![Value::Null];
    dexes.extend(BUILDER_DEXES.iter().map(perp_dex));
    Value::Array(dexes)
}

pub(crate) fn spot_meta() -> Value {
    let pair = |token: u32, name: &str, index: u32| json!({ "tokens": [token, 0], "name": name, "index": index, "isCanonical": index == 0 });
    let universe: Vec<Value> = MARKETS
        .iter()
        .filter_map(|market| match market.kind {
            Kind::Spot { token, index } => Some(pair(token_index(token), market.coin, index)),
            _ => None,
        })
        .collect();
    json!({ "universe": universe, "tokens": [
        token("USDC", 8, 8, "0x6d1e7cde53ba9467b783cb7c530ce054"),
        token("PURR", 0, 8, "0xc1fb593aeffbeb02f85e0308e9956a90"),
        token("HYPE", 2, 8, "0x0d01dc56dcaaca66ad901c959b4011ec"),
        token("USDT0", 2, 8, "0x25faedc3f054130dbb4e4203aca63567"),
    ] })
}

/// With their places among all markets, listed or not.
fn perps(dex: &str) -> impl Iterator<Item = (usize, &'static Market)> {
    MARKETS.iter().enumerate().filter(move |(_, market)| !market.is_spot() && market.dex() == dex)
}

fn terms(market: &Market, is_delisted: bool) -> Value {
    let mut terms = json!({
        "szDecimals": market.size_decimals,
        "name": market.coin,
        "maxLeverage": market.max_leverage,
        "marginTableId": market.margin_table,
    });
    if is_delisted {
        terms["isDelisted"] = json!(true);
    }
    if market.is_builders() {
        terms["onlyIsolated"] = json!(true);
        terms["marginMode"] = json!("strictIsolated");
    }
    terms
}

fn perp_dex(dex: &Dex) -> Value {
    let caps: Vec<Value> = perps(dex.name).map(|(_, market)| json!([market.coin, "25000000.0"])).collect();
    json!({
        "name": dex.name,
        "fullName": dex.full_name,
        "deployer": dex.deployer,
        "oracleUpdater": null,
        "feeRecipient": dex.deployer,
        "assetToStreamingOiCap": caps,
        "subDeployers": [],
        "deployerFeeScale": "1.0",
        "lastDeployerFeeScaleChangeTime": "1970-01-01T00:00:00",
        "assetToFundingMultiplier": [],
    })
}

fn main_margin_tables() -> Value {
    MAIN_TABLES.iter().map(|table| json!([table.id, margin_table(table.description, table.tiers)])).collect()
}

fn margin_table(description: &str, tiers: &[Tier]) -> Value {
    let printed =
        |tier: &Tier| json!({ "lowerBound": print::text(tier.lower_bound, 0), "maxLeverage": tier.max_leverage });
    json!({ "description": description, "marginTiers": tiers.iter().map(printed).collect::<Vec<_>>() })
}

fn token(name: &str, size_decimals: u32, wei_decimals: u32, id: &str) -> Value {
    json!({
        "name": name,
        "szDecimals": size_decimals,
        "weiDecimals": wei_decimals,
        "index": token_index(name),
        "tokenId": id,
        "isCanonical": name == "USDC" || name == "PURR",
        "evmContract": null,
        "fullName": null,
        "deployerTradingFeeShare": "0.0",
    })
}

pub(crate) fn token_index(token: &str) -> u32 {
    match token {
        "PURR" => 1,
        "HYPE" => 150,
        "USDT0" => 268,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_dex_that_is_listed_has_its_markets() {
        let books = Engine::new(1, 20, 1, 0);
        let dexes = perp_dexes();
        assert!(dexes[0].is_null());
        let mut coins = meta("", &books).unwrap()["universe"].as_array().unwrap().len();
        for dex in &dexes.as_array().unwrap()[1..] {
            let name = dex["name"].as_str().unwrap();
            let universe = meta(name, &books).unwrap()["universe"].as_array().unwrap().clone();
            assert!(universe.iter().all(|terms| terms["name"].as_str().unwrap().starts_with(&format!("{name}:"))));
            coins += universe.len();
        }
        let listed = |market: &usize| !MARKETS[*market].is_spot() && books.is_listed(*market);
        assert_eq!(coins, (0..MARKETS.len()).filter(listed).count());
    }

    #[test]
    fn every_margin_table_is_listed_or_is_its_leverage() {
        let main = meta("", &Engine::new(1, 20, 1, 0)).unwrap();
        let tables: Vec<u64> =
            main["marginTables"].as_array().unwrap().iter().map(|table| table[0].as_u64().unwrap()).collect();
        for market in MARKETS.iter().filter(|market| !market.is_spot()) {
            let listed = market.dex().is_empty() && tables.contains(&u64::from(market.margin_table));
            assert!(listed || market.margin_table == market.max_leverage, "{}", market.coin);
        }
    }

    #[test]
    fn spot_pairs_name_their_tokens() {
        let meta = spot_meta();
        let hype = meta["universe"].as_array().unwrap().iter().find(|pair| pair["name"] == "@107").unwrap();
        assert_eq!(hype["tokens"], json!([150, 0]));
        assert!(
            meta["tokens"].as_array().unwrap().iter().any(|token| token["index"] == 150 && token["name"] == "HYPE")
        );
    }
}
