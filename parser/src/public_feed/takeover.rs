//! What the process before has left → what is missing since then. Nothing is connected any more, and wherever it was
//! heard last, each coin is heard again on the connection that is to carry it now.

use std::collections::BTreeMap;

use schemas::Coin;

use super::coverage::{Coverage, lost_since};
use super::gap::Gap;
use super::memory::Memory;
use super::plan::CONNECTIONS;
use super::state::{ConnectionCursor, FeedCursor, Hole};

pub fn take_over(cursor: &mut FeedCursor, memory: &mut Memory, carriers: &BTreeMap<Coin, usize>) -> Coverage {
    let knew_one_connection = cursor.connections.is_empty() && cursor.heard_until > 0;
    let connections = cursor.connections.len().max(CONNECTIONS);
    cursor.connections.resize(connections, ConnectionCursor::default());
    let mut coverage = Coverage::of(connections);
    for on in 0..connections {
        coverage.lose(on, cursor, memory);
        cursor.connections[on] =
            ConnectionCursor { heard_until: cursor.connections[on].heard_until, ..Default::default() };
    }
    if knew_one_connection {
        coverage.unsaid.extend(split_common_hole(cursor, memory, carriers));
    }
    cursor.connected = false;
    coverage
}

/// When there was one connection, it was of all coins together that something was missing. What was missing for sure
/// ended before what was published since; from there on it has to be found out, coin by coin.
fn split_common_hole(cursor: &mut FeedCursor, memory: &mut Memory, carriers: &BTreeMap<Coin, usize>) -> Option<Gap> {
    let coins = memory.coins_where(|coin, _| carriers.contains_key(coin));
    let (common, to) = (cursor.hole.take(), cursor.heard_until);
    let certain = common.filter(|hole| hole.is_certain);
    let begun = common.filter(|hole| !hole.is_certain).map_or(i64::MAX, |hole| hole.from);
    let from = begun.min(lost_since(cursor.heard_until));
    let is_known = begun == i64::MAX;
    for coin in &coins {
        let after = memory.of(coin).and_then(|latest| latest.trades.latest()).filter(|_| is_known);
        memory.change(coin).hole = Some(Hole { from, after, until: None });
    }
    certain.map(|hole| Gap { on: None, from: hole.from, to: to.max(hole.from), coins })
}
