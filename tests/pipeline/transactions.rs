//! The legs of trades as they are stored, against the node's files: each once, whatever was killed, with the same decimals.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::facts::blocks_written;
use crate::place::Place;

/// The legs of each block that the files have, in one way to write them.
type Legs = BTreeMap<u64, Vec<Vec<String>>>;

/// How many were compared.
pub fn equal_the_files(place: &Place, market: &Path) -> usize {
    let (written, stored) = (written(market), stored(place));
    for (block, legs) in &written {
        assert_eq!(Some(legs), stored.get(block), "the legs of block {block}");
    }
    written.values().map(Vec::len).sum()
}

pub fn have_arrived(place: &Place, market: &Path) -> bool {
    let stored = stored(place);
    written(market).iter().all(|(block, legs)| stored.get(block) == Some(legs))
}

const FIELDS: [&str; 11] =
    ["time", "coin", "px", "sz", "startPosition", "dir", "closedPnl", "hash", "oid", "fee", "feeToken"];

fn written(market: &Path) -> Legs {
    let mut written = Legs::new();
    for block in blocks_written(market) {
        let legs = block["events"].as_array().unwrap().iter().map(|event| {
            let side = if event[1]["side"] == "B" { "buy" } else { "sell" };
            let fields = FIELDS.iter().map(|field| text(&event[1][*field]));
            [text(&event[0]), side.to_owned()].into_iter().chain(fields).collect()
        });
        let mut legs: Vec<Vec<String>> = legs.collect();
        legs.sort();
        // A block may be written more than once.
        written.insert(block["block_number"].as_u64().unwrap(), legs);
    }
    written.retain(|_, legs| !legs.is_empty());
    written
}

fn stored(place: &Place) -> Legs {
    let columns = "time, coin, px, size, start_position, dir, closed_pnl, hash, oid, fee, fee_token";
    let mut stored = Legs::new();
    for mut row in place.rows(&format!("select block, wallet, side, {columns} from transactions")) {
        let block = row.remove(0).parse().unwrap();
        stored.entry(block).or_default().push(row);
    }
    stored.values_mut().for_each(|legs| legs.sort());
    stored
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
