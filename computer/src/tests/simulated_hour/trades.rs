//! Positions, candles, takers' flow and prices of the hour.

use alloc::collections::BTreeMap;

use schemas::{Amount, PositionSide};

use super::super::{entries, trades};
use super::*;

#[test]
fn candles_and_flows_of_the_hour_are_those_of_all_fills() {
    for checkpoint in &HOUR.checkpoints {
        let now = checkpoint.clock.time;
        let expected = trades::recounted(HOUR.fills_by(checkpoint), &HOUR.holes_by(checkpoint), now);
        for topic in ["candles", "taker-flow"] {
            let of_topic = expected.iter().filter_map(|(key, row)| {
                let (its, key) = key.split_once(' ').unwrap();
                (its == topic).then(|| (key.to_string(), row.clone()))
            });
            checkpoint.says(topic, of_topic.collect());
        }
        let of_the_market = trades::of_the_market(HOUR.fills_by(checkpoint), &HOUR.holes_by(checkpoint), now);
        checkpoint.says("market-taker-flow", of_the_market);
    }
}

#[test]
fn positions_of_the_hour_are_those_of_all_fills() {
    for checkpoint in &HOUR.checkpoints {
        let mut open = BTreeMap::new();
        for ((coin, wallet), fills) in by_position(HOUR.fills_by(checkpoint)) {
            let last = fills[fills.len() - 1];
            let size = last.end_position().unwrap();
            if size.is_zero() {
                continue;
            }
            let (opened_at, cost, realised) = entries::recounted(&fills);
            let mut row = json!({
                "coin": coin, "wallet": wallet, "side": if size.sign() > 0 { PositionSide::Long } else { PositionSide::Short },
                "size": size, "opened_at": opened_at, "entry_px": cost.map(|cost| cost.over(size.magnitude()).unwrap()),
                "realised_pnl": realised, "changed_at": last.time, "last_px": last.px, "block": last.block,
                "index": last.index, "clock": HOUR.time_of(last.block),
            });
            row.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            open.insert(format!("{coin}|{wallet}"), row);
        }
        checkpoint.says("positions", open);
    }
}

/// What others than this one build upon.
#[test]
fn changes_of_the_hour_are_those_of_all_fills() {
    let mut said = HOUR.changes.iter();
    let mut of_position: BTreeMap<_, Vec<&Fill>> = BTreeMap::new();
    for fill in HOUR.fills_by(HOUR.checkpoints.last().unwrap()).iter().filter(|fill| is_held(fill)) {
        let fills = of_position.entry((&fill.coin, fill.user)).or_default();
        // Also of those that were closed: an hour is not over.
        let known = fills.last().map(|before| before.end_position().unwrap());
        fills.push(fill);
        let change = said.next().unwrap();
        let told = (change.block, change.index, &change.coin, change.wallet, change.before, change.after, change.known);
        let after = fill.end_position().unwrap();
        assert_eq!(told, (fill.block, fill.index, &fill.coin, fill.user, fill.start_position, after, known));
        if fill.index == 3 && !after.is_zero() {
            assert_eq!(change.cost, entries::recounted(fills).1, "{change:?}");
        }
    }
    assert_eq!(said.next(), None);
}

#[test]
fn prices_of_the_hour_are_those_of_the_latest_contexts() {
    for checkpoint in &HOUR.checkpoints {
        let mut latest = BTreeMap::new();
        for context in &HOUR.facts.contexts[..checkpoint.contexts] {
            let open: Amount = context.open_interest;
            let mut row = json!({
                "coin": context.coin, "time": context.time, "mark_px": context.mark_px, "oracle_px": context.oracle_px,
                "mid_px": context.mid_px, "funding": context.funding, "open_interest": open,
                "open_interest_notional": open.times(context.mark_px).unwrap(), "previous_day_px": context.prev_day_px,
                "day_notional": context.day_ntl_vlm,
            });
            row.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            latest.insert(context.coin.to_string(), row);
        }
        checkpoint.says("prices", latest);
    }
}

fn by_position(fills: &[Fill]) -> BTreeMap<(String, String), Vec<&Fill>> {
    let mut positions: BTreeMap<(String, String), Vec<&Fill>> = BTreeMap::new();
    for fill in fills.iter().filter(|fill| is_held(fill)) {
        positions.entry((fill.coin.to_string(), fill.user.to_string())).or_default().push(fill);
    }
    positions
}

/// Pairs of spot, called by a number or by two names, are no positions, and the other side of a settlement is nobody.
fn is_held(fill: &Fill) -> bool {
    let is_spot = fill.coin.as_str().starts_with('@') || fill.coin.as_str().contains('/');
    !is_spot && fill.user.0 != [0; 20]
}
