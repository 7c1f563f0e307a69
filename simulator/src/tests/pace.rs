//! How fast the engine is, and how often somebody is liquidated, printed for whoever asks.

use std::collections::BTreeMap;
use std::time::Instant;

use super::START;
use crate::Engine;
use crate::engine::MILLISECOND;
use crate::liquidations::Route;

const FILLS: usize = 3_000_000;

#[test]
#[ignore = "takes the machine for itself; prints fills per second"]
fn fills_per_second() {
    for (wallets, rate) in [(3_000, 200), (3_000, 2_000), (10_000, 2_000), (10_000, 20_000)] {
        let mut engine = Engine::new(1, wallets, rate, START);
        let (mut line, mut fills) = (Vec::new(), 0);
        let begun = Instant::now();
        while fills < FILLS {
            fills += engine.next_block(&mut line);
        }
        let rate_made = fills as u128 * 1_000_000 / begun.elapsed().as_micros();
        println!("{wallets} wallets at {rate}/s: {rate_made} fills/s");
    }
}

#[test]
#[ignore = "takes some seconds; prints what happens in each five minutes of a market"]
fn liquidations_per_five_minutes() {
    for rate in [200, 2_000] {
        let mut engine = Engine::new(1, 3_000, rate, START);
        let (mut line, mut first, mut fills) = (Vec::new(), None, 0);
        let mut counted: BTreeMap<(i64, &str), (usize, f64)> = BTreeMap::new();
        while engine.time < START * MILLISECOND + 30 * 60_000 * MILLISECOND {
            fills += engine.next_block(&mut line);
            let time = engine.time / MILLISECOND - START;
            for order in &engine.liquidated {
                first.get_or_insert(time);
                let own = if order.wallet == engine.crowd.liquidator() { "own" } else { "" };
                let what = match (order.route, order.remaining) {
                    (Route::Market, 0) => "market, whole",
                    (Route::Market, _) => "market, part",
                    (Route::Backstop, _) => "backstop",
                    (Route::Deleveraging, _) if own.is_empty() => "adl",
                    (Route::Deleveraging, _) => "adl of the liquidator",
                };
                let count = counted.entry((time / 300_000, what)).or_default();
                *count = (count.0 + 1, count.1 + order.value as f64 / 1e6);
            }
        }
        let money = &engine.money;
        println!(
            "rate {rate}: {fills} fills, first after {first:?} ms, {} deposited, {} fees",
            money.deposits / 1_000_000,
            money.fees / 1_000_000
        );
        for ((stretch, what), (orders, dollars)) in counted {
            println!("  minutes {:>2}.. {what:<22} {orders:>5} orders {dollars:>14.0} dollars", stretch * 5);
        }
    }
}
