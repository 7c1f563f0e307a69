//! One hour of a simulated market, through all stages: every result is what a slow recount of the whole history comes
//! to, which shares nothing with the folds. The hour begins half an hour before midnight, so that in its midst buckets
//! of every length end.

use std::sync::LazyLock;

use super::*;

mod books;
mod candle_checks;
mod facts;
mod liquidation_maps;
mod liquidations;
mod market;
mod played;
mod position_risks;
mod ratios;
mod reader;
mod trades;
mod wallets;
mod whales;

use played::Played;

/// Played once, for all tests.
static HOUR: LazyLock<Played> = LazyLock::new(|| Played::of(market::hour()));

#[test]
fn everything_that_can_happen_to_a_position_happens_in_the_hour() {
    let (hour, last) = (&*HOUR, &HOUR.checkpoints[HOUR.checkpoints.len() - 1]);
    let count = |is_one: &dyn Fn(&Fill) -> bool| hour.facts.fills.iter().filter(|fill| is_one(fill)).count();
    let liquidated_by = |method: &str| count(&|fill| fill.liquidation.as_ref().is_some_and(|it| *it.method == *method));
    let flips = count(&|fill| fill.start_position.sign() * fill.end_position().unwrap().sign() < 0);
    let deleveraged = count(&|fill| &*fill.dir == "Auto-Deleveraging");
    let settled = count(&|fill| &*fill.dir == "Settlement");
    let cascades = last.rows["liquidation-cascades"].len();
    let (market, backstop) = (liquidated_by("market"), liquidated_by("backstop"));
    std::println!(
        "{} fills in {} blocks: {flips} flips, {market} liquidated, {backstop} taken over, {deleveraged} deleveraged, {cascades} cascades, {settled} settled",
        hour.facts.fills.len(),
        hour.facts.clocks.len(),
    );
    assert!(flips > 0 && market > 0 && backstop > 0 && deleveraged > 0 && cascades > 0 && settled > 0);
    let is_later = |coin: &str| {
        let first = hour.facts.markets.iter().find(|it| it.coin.as_str() == coin).unwrap();
        first.time > market::START + market::MINUTE
    };
    assert!(hour.facts.markets.iter().any(|it| it.delisted) && hour.coins().iter().any(|coin| is_later(coin)));
    assert_eq!(hour.facts.gaps.len(), market::MISSED.len());
}

/// Of changes and of what markets are like, too. A topic that is added is to be recounted.
#[test]
fn every_result_of_the_hour_has_a_recount() {
    let said: Vec<&str> = HOUR.checkpoints[HOUR.checkpoints.len() - 1].rows.keys().copied().collect();
    let recounted = [
        "accounts",
        "candle-checks",
        "candles",
        "liquidation-cascades",
        "liquidation-heatmap",
        "liquidation-map",
        "liquidation-stats",
        "liquidations",
        "long-short-ratios",
        "market-ratios",
        "market-taker-flow",
        "position-risks",
        "positions",
        "prices",
        "taker-flow",
        // What that of the market is summed up from.
        "taker-sums",
        "wallet-distribution",
        "wallet-summaries",
        // What the distribution and the ratios of the market are summed up from.
        "wallet-sums",
        "whale-activities",
    ];
    assert_eq!(said, recounted);
}
