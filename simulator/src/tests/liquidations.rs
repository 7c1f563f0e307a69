//! Who is liquidated, how, and what is said about it: the truth against a naive recount of what was printed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::Path;

use schemas::Amount;
use serde::Deserialize;
use serde_json::Value;

use super::files::{options, printed, run};
use super::{Block, START};
use crate::engine::MILLISECOND;
use crate::liquidations::Route;
use crate::markets::MARKETS;
use crate::{Engine, Options};

const MINUTE: i64 = 60_000;

#[test]
fn everything_that_can_happen_to_a_position_happens_within_twenty_minutes() {
    let mut engine = Engine::new(1, 3_000, 2_000, START);
    let (mut line, mut met, mut cooling) = (Vec::new(), BTreeSet::new(), HashMap::new());
    while engine.time < (START + 20 * MINUTE) * MILLISECOND {
        engine.next_block(&mut line);
        for order in &engine.liquidated {
            let dollars = (order.amount + order.remaining.abs()) * order.mark / 1_000_000;
            let piece = (order.amount + order.remaining.abs()) / 5 == order.amount && order.remaining != 0;
            let cools = cooling.get(&order.wallet).is_some_and(|end| engine.time < *end);
            let own = order.wallet == engine.crowd.liquidator();
            met.insert(match order.route {
                Route::Market if dollars > 100_000 && piece && !cools => "a fifth of a large position",
                Route::Market if dollars > 100_000 && cools => "a large position in one piece while cooling down",
                Route::Market => "a position sold to the book",
                Route::Backstop => "a position taken over",
                Route::Deleveraging if own => "the liquidator deleveraged",
                Route::Deleveraging => "somebody else deleveraged",
            });
            if order.route == Route::Market && dollars > 100_000 && piece && !cools {
                cooling.insert(order.wallet, engine.time + 30_000 * MILLISECOND);
            }
        }
        if !engine.liquidated.is_empty() {
            let block: Block = serde_json::from_slice(&line).unwrap();
            let marked = block.events.into_iter().filter(|(_, fill)| fill.liquidation.is_some());
            met.extend(marked.filter_map(|(_, fill)| DIRECTIONS.into_iter().find(|known| *known == fill.dir)));
        }
    }
    let missing = |what: &&&str| !met.contains(*what);
    assert_eq!(DIRECTIONS.iter().filter(missing).collect::<Vec<_>>(), [&""; 0]);
    assert_eq!(met.len(), DIRECTIONS.len() + 6, "{met:?}");
}

const DIRECTIONS: [&str; 8] = [
    "Open Long",
    "Close Long",
    "Long > Short",
    "Liquidated Cross Long",
    "Liquidated Cross Short",
    "Liquidated Isolated Long",
    "Liquidated Isolated Short",
    "Auto-Deleveraging",
];

#[test]
fn a_default_market_liquidates_within_half_a_minute_and_goes_on() {
    let mut engine = Engine::new(1, 3_000, 200, START);
    let (mut line, mut per_minute) = (Vec::new(), [0; 5]);
    let mut first = None;
    while engine.time < (START + 5 * MINUTE) * MILLISECOND {
        engine.next_block(&mut line);
        let time = engine.time / MILLISECOND - START;
        if let Some(count) = per_minute.get_mut((time / MINUTE) as usize) {
            *count += engine.liquidated.len();
        }
        first = first.or((!engine.liquidated.is_empty()).then_some(time));
    }
    assert!(first.is_some_and(|time| time <= 30_000), "{first:?}");
    assert!(per_minute.iter().all(|count| *count >= 3), "{per_minute:?}");
}

#[test]
fn whoever_is_short_of_margin_is_attended_to_at_the_next_publication() {
    let mut engine = Engine::new(2, 1_500, 1_000, START);
    let (mut line, mut waiting, mut seen) = (Vec::new(), HashSet::new(), 0);
    for _ in 0..16_000 {
        let count = engine.quotes.count;
        engine.next_block(&mut line);
        if engine.quotes.count == count {
            continue;
        }
        let attended: HashSet<u32> = engine.liquidated.iter().map(|order| order.wallet).collect();
        let short: HashSet<u32> = short_of_margin(&engine).filter(|wallet| !attended.contains(wallet)).collect();
        assert!(short.is_disjoint(&waiting), "{short:?} of {waiting:?} in block {}", engine.block);
        seen += attended.len();
        waiting = short;
    }
    assert!(seen > 100, "{seen}");
}

/// Everybody looked at, whatever the engine thinks it may skip.
fn short_of_margin(engine: &Engine) -> impl Iterator<Item = u32> {
    let isolated = |wallet: &u32| {
        let mut alone = engine.isolated_positions(*wallet);
        alone.any(|market| !engine.isolated_position(market, *wallet).suffices())
    };
    (0..engine.crowd.wallets()).filter(move |wallet| !engine.cross_account(*wallet).suffices() || isolated(wallet))
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    block: u64,
    time: i64,
    coin: String,
    user: String,
    side: String,
    route: String,
    fills: u32,
    size: Amount,
    notional: Amount,
    mark_px: Amount,
    closed_pnl: Amount,
    remaining: Amount,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Episode {
    coin: String,
    user: String,
    side: String,
    first_block: u64,
    last_block: u64,
    first_time: i64,
    last_time: i64,
    orders: u32,
    fills: u32,
    size: Amount,
    notional: Amount,
    backstop_notional: Amount,
    adl_size: Amount,
    adl_notional: Amount,
    closed_pnl: Amount,
    remaining: Amount,
}

#[test]
fn orders_and_episodes_are_those_the_fills_add_up_to() {
    let folder = tempfile::tempdir().unwrap();
    run(Options { seed: 1, rate: 1_000, wallets: 1_500, ..options(folder.path(), 8_000) });
    let told: Vec<Order> = rows(folder.path(), "liquidation-orders.ndjson");
    let counted: Vec<Order> = printed(folder.path()).iter().flat_map(orders_of).collect();
    assert_eq!(told, counted);
    for route in ["market", "backstop", "adl"] {
        assert!(told.iter().any(|order| order.route == route), "{route}");
    }
    let episodes: Vec<Episode> = rows(folder.path(), "liquidation-episodes.ndjson");
    assert!(episodes.len() < told.len());
    assert_eq!(episodes, episodes_of(&counted));
}

fn rows<T: for<'a> Deserialize<'a>>(out: &Path, name: &str) -> Vec<T> {
    let text = fs::read_to_string(out.join("truth").join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The rules of counting: the victim's leg alone, and its twin tells deleveraging.
fn orders_of(block: &Block) -> Vec<Order> {
    let mut orders: Vec<Order> = Vec::new();
    for (user, fill) in &block.events {
        let Some(liquidation) = fill.liquidation.as_ref().filter(|it| it.liquidated_user == *user) else { continue };
        let twin =
            block.events.iter().find(|(other, it)| other != user && (&it.coin, it.tid) == (&fill.coin, fill.tid));
        let twin = &twin.unwrap().1;
        assert_eq!(twin.liquidation.as_ref(), Some(liquidation), "both legs say the same");
        let deleveraged = twin.dir == "Auto-Deleveraging";
        let route = if deleveraged { "adl".to_owned() } else { liquidation.method.clone() };
        let (coin, user) = (fill.coin.to_string(), user.to_string());
        let value = fill.px.times(fill.sz).unwrap();
        let same = |order: &&mut Order| (&order.coin, &order.user, &order.route) == (&coin, &user, &route);
        if let Some(order) = orders.iter_mut().find(same) {
            order.fills += 1;
            order.size = order.size.plus(fill.sz).unwrap();
            order.notional = order.notional.plus(value).unwrap();
            order.closed_pnl = order.closed_pnl.plus(fill.closed_pnl).unwrap();
            order.remaining = fill.end();
            continue;
        }
        orders.push(Order {
            block: block.block_number,
            time: fill.time,
            coin,
            user,
            side: if fill.buys() { "short" } else { "long" }.to_owned(),
            route,
            fills: 1,
            size: fill.sz,
            notional: value,
            mark_px: liquidation.mark_px,
            closed_pnl: fill.closed_pnl,
            remaining: fill.end(),
        });
    }
    orders
}

fn episodes_of(orders: &[Order]) -> Vec<Episode> {
    let mut episodes: Vec<Episode> = Vec::new();
    for order in orders {
        let last = episodes.iter_mut().rev().find(|it| (&it.coin, &it.user) == (&order.coin, &order.user));
        let episode = match last.filter(|it| it.side == order.side && order.time - it.last_time < MINUTE) {
            Some(episode) => episode,
            None => {
                episodes.push(Episode {
                    coin: order.coin.clone(),
                    user: order.user.clone(),
                    side: order.side.clone(),
                    first_block: order.block,
                    last_block: 0,
                    first_time: order.time,
                    last_time: 0,
                    orders: 0,
                    fills: 0,
                    size: Amount::ZERO,
                    notional: Amount::ZERO,
                    backstop_notional: Amount::ZERO,
                    adl_size: Amount::ZERO,
                    adl_notional: Amount::ZERO,
                    closed_pnl: Amount::ZERO,
                    remaining: Amount::ZERO,
                });
                episodes.last_mut().unwrap()
            }
        };
        let add = |sum: &mut Amount, amount: Amount| *sum = sum.plus(amount).unwrap();
        (episode.last_block, episode.last_time, episode.remaining) = (order.block, order.time, order.remaining);
        episode.orders += 1;
        episode.fills += order.fills;
        add(&mut episode.closed_pnl, order.closed_pnl);
        if order.route == "adl" {
            add(&mut episode.adl_size, order.size);
            add(&mut episode.adl_notional, order.notional);
            continue;
        }
        add(&mut episode.size, order.size);
        add(&mut episode.notional, order.notional);
        if order.route == "backstop" {
            add(&mut episode.backstop_notional, order.notional);
        }
    }
    episodes
}

#[test]
fn what_is_taken_over_stands_in_the_ledger_at_the_mark_price() {
    let mut engine = Engine::new(1, 1_500, 1_000, START);
    let (mut line, mut misc, mut seen) = (Vec::new(), Vec::new(), 0);
    for _ in 0..4_000 {
        engine.next_block(&mut line);
        engine.misc_line(&mut misc);
        let block: Value = serde_json::from_slice(&misc).unwrap();
        for event in block["events"].as_array().unwrap() {
            let delta = &event["inner"]["LedgerUpdate"]["delta"];
            let positions = delta["liquidatedPositions"].as_array().into_iter().flatten();
            let mut notional = Amount::ZERO;
            for position in positions {
                let place = MARKETS.iter().position(|market| position["coin"] == market.coin).unwrap();
                let mark = crate::print::text(engine.quotes.of[place].mark, MARKETS[place].price_decimals());
                let size: Amount = position["szi"].as_str().unwrap().trim_start_matches('-').parse().unwrap();
                notional = notional.plus(size.times(mark.parse().unwrap()).unwrap()).unwrap();
                seen += 1;
            }
            if let Some(told) = delta["liquidatedNtlPos"].as_str() {
                assert_eq!(told.parse::<Amount>().unwrap(), notional, "{event}");
            }
        }
    }
    assert!(seen > 100, "{seen}");
}
