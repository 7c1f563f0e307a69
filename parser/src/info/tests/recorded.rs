//! Recordings of the real endpoint, where they are at hand (see the README).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use schemas::{GENERATION, Outbox};
use serde_json::Value;

use super::super::account::account;
use super::super::contexts::Contexts;
use super::super::fill::HistoryFill;
use super::super::origin::Origin;
use super::super::update::Update;
use super::{NOW, wallet};
use crate::parse_meta;

/// What a recorded value is, by its shape: it may be part of something larger.
#[test]
#[ignore = "needs FATHOM_RECORDINGS"]
fn recorded_replies_are_all_understood() {
    let (mut counts, mut refused) = (BTreeMap::<&str, usize>::new(), Vec::new());
    for path in files(&recordings()) {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        for value in values(&text) {
            visit(&value, &mut |kind, value| {
                *counts.entry(kind).or_default() += 1;
                if let Err(reason) = understood(kind, value) {
                    refused.push(format!("{}: {kind}: {reason}: {value}", path.display()));
                }
            });
        }
    }
    println!("{counts:?}, {} refused", refused.len());
    refused.iter().for_each(|refused| println!("{}", refused.chars().take(400).collect::<String>()));
    let least = [("account", 15), ("fill", 4_000), ("update", 240), ("contexts", 5), ("meta", 5)];
    assert!(least.iter().all(|(kind, least)| counts.get(kind).is_some_and(|count| count >= least)), "{counts:?}");
    // Nine changes whose transactions have the hashes "1" to "10", made up by whoever wrote that test.
    assert_eq!(refused.iter().filter(|refused| !refused.contains("GetAccountLedger.txt")).count(), 0);
    assert_eq!(refused.len(), 9);
}

fn understood(kind: &str, value: &Value) -> Result<(), String> {
    let text = value.to_string();
    match kind {
        "account" => account(wallet(1), "", text.as_bytes(), NOW).map(drop),
        "fill" => HistoryFill::parse(wallet(1), &text).map(drop),
        "update" => Update::parse(wallet(1), &text).map(drop),
        "meta" => parse_meta(text.as_bytes(), "", NOW).map(drop).map_err(|reject| reject.to_string()),
        _ => {
            let (mut out, origin) = (Outbox::new(GENERATION), Origin { request: "r", received: NOW });
            let given = Contexts::default().take(text.as_bytes(), &origin, &mut out)?;
            let all = value[1].as_array().map_or(0, Vec::len) as u64;
            ((given.facts, given.dead_letters) == (all, 0)).then_some(()).ok_or(format!("{given:?} of {all}"))
        }
    }
}

fn visit(value: &Value, found: &mut impl FnMut(&'static str, &Value)) {
    let has = |value: &Value, names: &[&str]| names.iter().all(|name| value.get(name).is_some());
    match value {
        // Some were shortened by whoever recorded them.
        _ if has(value, &["marginSummary", "assetPositions"])
            && has(&value["crossMarginSummary"], &["accountValue"]) =>
        {
            found("account", value);
        }
        _ if has(value, &["startPosition", "closedPnl"]) => found("fill", value),
        _ if has(value, &["time", "hash", "delta"]) && value["delta"].get("type").is_some() => found("update", value),
        Value::Array(both) if both.len() == 2 && is_meta(&both[0]) && both[1].is_array() => found("contexts", value),
        _ if is_meta(value) => found("meta", value),
        Value::Object(fields) => fields.values().for_each(|value| visit(value, found)),
        Value::Array(values) => values.iter().for_each(|value| visit(value, found)),
        Value::String(text) if text.starts_with(['{', '[']) => {
            values(text).iter().for_each(|value| visit(value, found));
        }
        _ => {}
    }
}

/// That of perpetuals.
fn is_meta(value: &Value) -> bool {
    value["universe"]
        .as_array()
        .is_some_and(|universe| universe.first().is_some_and(|first| first.get("maxLeverage").is_some()))
}

/// Every JSON value of a text: alone, line by line, or quoted within the YAML of a cassette.
fn values(text: &str) -> Vec<Value> {
    let whole: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    if let Ok(values) = whole {
        return values;
    }
    let of_fixture = text.split_once("\nfalse\n").and_then(|(_, json)| serde_json::from_str(json).ok());
    of_fixture.map_or_else(|| quoted(text), |value| vec![value])
}

/// In single quotes, over several lines or not: two of them stand for one, and a line's end for a space.
fn quoted(text: &str) -> Vec<Value> {
    let begins = text.match_indices(": '").map(|(at, _)| &text[at + 3..]);
    let scalar = |rest: &str| {
        let mut scalar = String::new();
        for (part, next) in rest.split('\'').zip(rest.split('\'').skip(1)) {
            scalar.push_str(part);
            let is_doubled = next.is_empty();
            if is_doubled {
                scalar.push('\'');
            } else {
                break;
            }
        }
        scalar.lines().map(str::trim).collect::<Vec<_>>().join(" ")
    };
    begins.filter_map(|rest| serde_json::from_str(&scalar(rest)).ok()).collect()
}

fn recordings() -> PathBuf {
    std::env::var_os("FATHOM_RECORDINGS").expect("FATHOM_RECORDINGS names the folder of the recordings").into()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
