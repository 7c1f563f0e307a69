//! The fills of a pipeline's log, and those that nodes have written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::place::Place;
use crate::traded::is_booked_only;

pub fn last_block(market: &Path) -> u64 {
    files(&market.join("node_fills_by_block"))
        .iter()
        .flat_map(|text| blocks(text))
        .map(|block| block["block_number"].as_u64().unwrap())
        .max()
        .unwrap()
}

/// Block and user of each fill, how often.
pub type Fills = BTreeMap<(u64, String, u64), usize>;

pub fn fills_of(place: &Place, topics: &[&str]) -> Fills {
    let mut fills = Fills::new();
    for topic in topics {
        place.each(topic, |fill| {
            if let (true, Some(block)) = (fill["startPosition"].is_string(), fill["block"].as_u64()) {
                let key = (block, fill["user"].as_str().unwrap().to_owned(), fill["oid"].as_u64().unwrap());
                *fills.entry(key).or_default() += 1;
            }
        });
    }
    fills
}

pub fn fills_written(market: &Path) -> Fills {
    let mut fills = Fills::new();
    for block in files(&market.join("node_fills_by_block")).iter().flat_map(|text| blocks(text)) {
        for event in block["events"].as_array().unwrap() {
            let (user, oid) = (event[0].as_str().unwrap().to_owned(), event[1]["oid"].as_u64().unwrap());
            *fills.entry((block["block_number"].as_u64().unwrap(), user, oid)).or_default() += 1;
        }
    }
    fills
}

/// Time, coin and id of each trade of perpetuals.
pub fn trades_written(market: &Path) -> BTreeSet<(i64, String, u64)> {
    let mut trades = BTreeSet::new();
    for block in files(&market.join("node_fills_by_block")).iter().flat_map(|text| blocks(text)) {
        for event in block["events"].as_array().unwrap() {
            let (fill, coin) = (&event[1], event[1]["coin"].as_str().unwrap());
            if !coin.starts_with('@') && !coin.contains('/') && !is_booked_only(fill) {
                trades.insert((fill["time"].as_i64().unwrap(), coin.to_owned(), fill["tid"].as_u64().unwrap()));
            }
        }
    }
    trades
}

/// Each fill with its user, in the order of the blocks of each hour.
pub fn events_written(market: &Path) -> impl Iterator<Item = (String, Value)> {
    blocks_written(market).flat_map(|mut block| {
        let events: Vec<Value> = block["events"].as_array_mut().map(std::mem::take).unwrap_or_default();
        events.into_iter().map(|mut event| (event[0].as_str().unwrap().to_owned(), event[1].take()))
    })
}

/// Each block as often as it was written.
pub fn blocks_written(market: &Path) -> impl Iterator<Item = Value> {
    let texts = files(&market.join("node_fills_by_block"));
    let blocks: Vec<Value> = texts.iter().flat_map(|text| blocks(text)).collect();
    blocks.into_iter()
}

fn blocks(text: &str) -> impl Iterator<Item = Value> {
    text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).filter(|it| it["events"].is_array())
}

fn files(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(files(&path));
        } else {
            texts.push(String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned());
        }
    }
    texts
}
