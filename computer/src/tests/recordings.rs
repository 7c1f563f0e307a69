//! Every account state in a folder of recordings: is the liquidation price the one that the exchange said?
//! `FATHOM_RECORDINGS=DIR cargo test -p computer -- --ignored --nocapture recorded`

use alloc::collections::BTreeSet;
use std::{fs, println};

use schemas::{Amount, MarginTier};

use super::*;
use crate::{Exposure, liquidation_price};

/// Whatever has positions and a cross margin, in JSON, in JSON within strings, or within other text.
fn states(text: &str, found: &mut Vec<Value>) {
    let mut rest = text;
    while let Some(at) = rest.find(['{', '[', '"']) {
        rest = &rest[at..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                rest = &rest[values.byte_offset()..];
                walk(&value, found);
            }
            _ => rest = &rest[1..],
        }
    }
}

fn walk(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::String(text) if text.contains("assetPositions") => states(text, found),
        Value::Array(values) => values.iter().for_each(|value| walk(value, found)),
        Value::Object(fields) => {
            if fields.contains_key("assetPositions") && fields.contains_key("crossMarginSummary") {
                found.push(value.clone());
            }
            fields.values().for_each(|value| walk(value, found));
        }
        _ => {}
    }
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn amount(value: &Value) -> Option<Amount> {
    value.as_str().and_then(|text| text.parse().ok())
}

fn maintenance(position: &Value) -> Option<Amount> {
    let leverage = 2 * position["maxLeverage"].as_i64()?;
    amount(&position["positionValue"])?.over(Amount::from(leverage)).ok()
}

/// What all cross positions ask for; recordings that were cut short do not say it.
fn cross_maintenance(state: &Value) -> Option<Amount> {
    if let Some(said) = amount(&state["crossMaintenanceMarginUsed"]) {
        return Some(said);
    }
    let positions = state["assetPositions"].as_array()?.iter().map(|it| &it["position"]);
    let mut cross = positions.filter(|position| position["leverage"]["type"] == "cross");
    cross.try_fold(Amount::ZERO, |sum, position| sum.plus(maintenance(position)?).ok())
}

fn exposure(state: &Value, position: &Value) -> Option<Exposure> {
    let (size, notional) = (amount(&position["szi"])?, amount(&position["positionValue"])?);
    if position["leverage"]["type"] == "isolated" {
        let value = if size.sign() > 0 { notional } else { notional.negated() };
        let equity = amount(&position["leverage"]["rawUsd"])?.plus(value).ok()?;
        return Some(Exposure { size, notional, equity, other_maintenance: Amount::ZERO });
    }
    let equity = amount(&state["crossMarginSummary"]["accountValue"])?;
    let other_maintenance = cross_maintenance(state)?.minus(maintenance(position)?).ok()?;
    Some(Exposure { size, notional, equity, other_maintenance })
}

/// 1e-7, absolute or of the price.
fn is_near(ours: Amount, theirs: Amount) -> bool {
    let difference = ours.minus(theirs).unwrap().magnitude();
    let tolerance: Amount = "0.0000001".parse().unwrap();
    difference <= tolerance || difference <= theirs.times(tolerance).unwrap()
}

#[test]
#[ignore = "needs recordings of the exchange"]
fn recorded_liquidation_prices_are_computed_again() {
    let folder = std::env::var("FATHOM_RECORDINGS").unwrap();
    let (mut paths, mut found) = (Vec::new(), Vec::new());
    files(Path::new(&folder), &mut paths);
    paths.sort();
    for path in &paths {
        let before = found.len();
        let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        if text.contains("assetPositions") {
            states(&text, &mut found);
            println!("{:>5} states  {}", found.len() - before, path.display());
        }
    }
    let (mut unique, mut priced, mut null, mut exceptions) = (BTreeSet::new(), 0, 0, Vec::new());
    for state in &found {
        for position in state["assetPositions"].as_array().unwrap().iter().map(|it| &it["position"]) {
            let Some(max_leverage) = position["maxLeverage"].as_u64() else { continue };
            if !unique.insert(position.to_string()) {
                continue;
            }
            let tiers = [MarginTier { lower_bound: Amount::ZERO, max_leverage: max_leverage as u32 }];
            let ours = exposure(state, position).and_then(|exposure| liquidation_price(&exposure, &tiers).unwrap());
            let theirs = amount(&position["liquidationPx"]);
            match (ours, theirs) {
                (Some(ours), Some(theirs)) if is_near(ours, theirs) => priced += 1,
                (None, None) => null += 1,
                _ => exceptions.push(format!("{ours:?}, recorded {theirs:?}: {position}")),
            }
        }
    }
    let count = unique.len();
    println!("{count} unique positions, {priced} priced, {null} null, exceptions: {exceptions:#?}");
    assert!(priced > 0 && exceptions.is_empty());
}
