//! The liquidation price against recordings of the exchange: every clearinghouse state in a folder goes in, how many of
//! its prices are reproduced comes out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Exposure, ONE, Tier, liquidation_price};

/// What was recorded of one position, and of the account it stands in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Recorded {
    coin: String,
    size: i128,
    notional: i128,
    raw_usd: Option<i128>,
    max_leverage: u32,
    account_value: i128,
    maintenance: i128,
    price: Option<i128>,
}

/// Largest difference, of the price or, below one dollar, of a dollar.
const TOLERATED: i128 = ONE / 10_000_000;

#[test]
#[ignore = "needs FATHOM_RECORDINGS, a folder of recordings"]
fn recorded_liquidation_prices_are_reproduced() {
    let folder = std::env::var_os("FATHOM_RECORDINGS").expect("FATHOM_RECORDINGS names a folder");
    let mut unique: BTreeMap<Recorded, PathBuf> = BTreeMap::new();
    for path in files(Path::new(&folder)) {
        for state in states(&String::from_utf8_lossy(&fs::read(&path).unwrap())) {
            unique.extend(positions(&state).into_iter().map(|position| (position, path.clone())));
        }
    }
    let (mut null, mut exceptions, mut largest) = (0, Vec::new(), 0);
    for (recorded, path) in &unique {
        let computed = computed(recorded);
        null += usize::from(recorded.price.is_none());
        match (recorded.price, computed) {
            (None, None) => {}
            (Some(price), Some(computed)) => {
                let difference = (price - computed).abs() * ONE / price.max(ONE);
                largest = largest.max(difference);
                if difference > TOLERATED {
                    exceptions.push((recorded, Some(computed), path));
                }
            }
            _ => exceptions.push((recorded, computed, path)),
        }
    }
    let priced = unique.len() - null;
    println!("{} unique positions, {priced} priced, {null} null, exceptions: {exceptions:?}", unique.len());
    println!("largest difference {largest} ten-billionths");
    assert!(!unique.is_empty() && exceptions.is_empty());
}

fn computed(recorded: &Recorded) -> Option<i128> {
    let tiers = [Tier { lower_bound: 0, max_leverage: recorded.max_leverage }];
    let exposure = match recorded.raw_usd {
        Some(raw_usd) => Exposure::isolated(recorded.size, raw_usd),
        None => Exposure {
            size: recorded.size,
            notional: recorded.notional,
            account_value: recorded.account_value,
            other_maintenance: recorded.maintenance - recorded.notional / (2 * i128::from(recorded.max_leverage)),
        },
    };
    liquidation_price(&exposure, &tiers)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Every clearinghouse state in a text, whatever it is wrapped in: lines, cassettes, JSON within strings.
fn states(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    if !text.contains("assetPositions") {
        return found;
    }
    let mut rest = text;
    while let Some(begin) = rest.find(['{', '[']) {
        let mut values = serde_json::Deserializer::from_str(&rest[begin..]).into_iter::<Value>();
        let read = values.next().and_then(Result::ok);
        if let Some(value) = &read {
            collect(value, &mut found);
        }
        let passed = if read.is_some() { values.byte_offset() } else { 1 };
        rest = &rest[begin + passed..];
    }
    let unescaped = text.replace("\\\"", "\"");
    if unescaped != text {
        found.extend(states(&unescaped));
    }
    found
}

fn collect(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("assetPositions") && fields.contains_key("crossMarginSummary") {
                found.push(value.clone());
            }
            fields.values().for_each(|value| collect(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::String(text) if text.contains("assetPositions") => found.extend(states(text)),
        _ => {}
    }
}

/// Of the recordings, those that say everything the formula asks for.
fn positions(state: &Value) -> Vec<Recorded> {
    let account = || {
        let value = parsed(&state["crossMarginSummary"]["accountValue"])?;
        Some((value, parsed(&state["crossMaintenanceMarginUsed"])?))
    };
    let positions = state["assetPositions"].as_array().into_iter().flatten();
    let recorded = |position: &Value| {
        let (account_value, maintenance) = account()?;
        Some(Recorded {
            coin: position["coin"].as_str()?.to_owned(),
            size: parsed(&position["szi"])?,
            notional: parsed(&position["positionValue"])?,
            raw_usd: parsed(&position["leverage"]["rawUsd"]),
            max_leverage: u32::try_from(position["maxLeverage"].as_u64()?).ok()?,
            account_value,
            maintenance,
            price: parsed(&position["liquidationPx"]),
        })
    };
    positions.filter_map(|entry| recorded(&entry["position"])).collect()
}

/// Ten-billionths; digits beyond are cut off.
fn parsed(value: &Value) -> Option<i128> {
    let text = value.as_str()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{}{:0<10.10}", whole.trim_start_matches('-'), fraction);
    let size: i128 = digits.parse().ok()?;
    Some(if whole.starts_with('-') { -size } else { size })
}
