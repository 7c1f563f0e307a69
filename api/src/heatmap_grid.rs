//! What lies at prices and times → one grid of it: times across, steps of price up, both sides in a cell.

use std::collections::BTreeMap;

use schemas::Amount;
use serde::Serialize;

/// What lies between two prices at a time. Absent notionals are too large for an exact decimal.
pub(crate) struct Lying {
    pub(crate) time: i64,
    pub(crate) price_low: Amount,
    pub(crate) price_high: Amount,
    pub(crate) long: Option<Amount>,
    pub(crate) short: Option<Amount>,
}

#[derive(Default, Serialize)]
pub(crate) struct Grid {
    /// Of prices; absent where there is nothing.
    pub(crate) step: Option<Amount>,
    pub(crate) times: Vec<i64>,
    pub(crate) prices: Vec<Amount>,
    pub(crate) cells: Vec<Cell>,
    /// The largest of all cells, both sides together.
    pub(crate) max_notional: Option<Amount>,
}

/// Its place among the times and among the prices, and the notional of longs and of shorts.
pub(crate) type Cell = (usize, usize, Option<Amount>, Option<Amount>);

/// Notional of longs and of shorts.
type Both = (Option<Amount>, Option<Amount>);
type Sums = BTreeMap<(i64, Amount), Both>;

impl Grid {
    /// In the widest step that anything came in, or in the next one that makes no more than so many of them.
    pub(crate) fn of(lying: &[Lying], most_steps: usize) -> Self {
        let widest = lying.iter().filter_map(|it| it.price_high.minus(it.price_low).ok()).max();
        let Some(mut step) = widest.filter(|step| !step.is_zero()) else { return Self::default() };
        let mut sums = in_steps(lying, step);
        while steps_between(&sums, step).is_none_or(|steps| steps > most_steps) {
            let Some(wider) = next_wider(step) else { break };
            step = wider;
            sums = in_steps(lying, step);
        }
        Self::laid_out(&sums, step)
    }

    fn laid_out(sums: &Sums, step: Amount) -> Self {
        let mut times: Vec<i64> = sums.keys().map(|(time, _)| *time).collect();
        times.dedup();
        let mut prices: Vec<Amount> = sums.keys().map(|(_, price)| *price).collect();
        prices.sort_unstable();
        prices.dedup();
        let place =
            |(time, price): &(i64, Amount)| Some((times.binary_search(time).ok()?, prices.binary_search(price).ok()?));
        let placed =
            |(at, (long, short)): (&(i64, Amount), &Both)| place(at).map(|(time, price)| (time, price, *long, *short));
        let cells = sums.iter().filter_map(placed).collect();
        let max_notional = sums.values().filter_map(|(long, short)| Amount::sum(*long, *short)).max();
        Self { step: Some(step.shortest()), times, prices, cells, max_notional }
    }
}

fn in_steps(lying: &[Lying], step: Amount) -> Sums {
    let mut sums = Sums::new();
    for it in lying {
        // Each step is made of whole smaller ones.
        let Ok(low) = it.price_low.over(step).and_then(|steps| steps.floor().times(step)) else { continue };
        let sum = sums.entry((it.time, low.shortest())).or_insert((Some(Amount::ZERO), Some(Amount::ZERO)));
        *sum = (Amount::sum(sum.0, it.long), Amount::sum(sum.1, it.short));
    }
    sums
}

/// From the lowest price to the highest, whether there is anything in between or not.
fn steps_between(sums: &Sums, step: Amount) -> Option<usize> {
    let prices = || sums.keys().map(|(_, price)| *price);
    let reach = prices().max()?.minus(prices().min()?).and_then(|reach| reach.over(step)).ok()?;
    reach.floor().to_string().parse::<usize>().ok().map(|steps| steps + 1)
}

/// Steps are 1, 5, 10, 50… and their fractions.
fn next_wider(step: Amount) -> Option<Amount> {
    let is_a_five = step.to_string().contains('5');
    step.times(Amount::from(if is_a_five { 2 } else { 5 })).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    fn lying(time: i64, low: i64, width: i64, long: i64) -> Lying {
        let (price_low, price_high) = (Amount::from(low), Amount::from(low + width));
        Lying { time, price_low, price_high, long: Some(Amount::from(long)), short: Some(Amount::ZERO) }
    }

    #[test]
    fn nothing_makes_no_grid() {
        let grid = Grid::of(&[], 10);
        assert!(grid.step.is_none() && grid.cells.is_empty() && grid.max_notional.is_none());
    }

    #[test]
    fn steps_of_two_widths_are_brought_to_the_wider_one() {
        let grid = Grid::of(&[lying(1, 105, 5, 7), lying(1, 100, 10, 1), lying(2, 110, 10, 2)], 10);
        assert_eq!(grid.step, Some(amount("10")));
        assert_eq!((grid.times, grid.prices), (vec![1, 2], vec![amount("100"), amount("110")]));
        let longs: Vec<_> = grid.cells.iter().map(|(time, price, long, _)| (*time, *price, long.unwrap())).collect();
        assert_eq!(longs, [(0, 0, amount("8")), (1, 1, amount("2"))]);
        assert_eq!(grid.max_notional, Some(amount("8")));
    }

    #[test]
    fn a_step_widens_as_it_is_made_of_whole_ones() {
        let wider = |step: &str| next_wider(amount(step)).unwrap().shortest().to_string();
        assert_eq!(["0.1", "0.5", "1", "5", "50"].map(wider), ["0.5", "1", "5", "10", "100"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_there_are_no_more_steps_than_were_asked_for(
            at in proptest::collection::vec((0..5_i64, 0..2_000_i64, 0..1_000_i64), 1..60),
            most in 1..50_usize,
        ) {
            let given: Vec<Lying> = at.iter().map(|(time, low, long)| lying(*time, low * 5, 5, *long)).collect();
            let grid = Grid::of(&given, most);
            let told: Option<Amount> = grid.cells.iter().map(|(.., long, _)| *long).fold(Some(Amount::ZERO), Amount::sum);
            prop_assert_eq!(told, Some(Amount::from(at.iter().map(|(.., long)| long).sum::<i64>())));
            let reach = grid.prices[grid.prices.len() - 1].minus(grid.prices[0]).unwrap();
            let steps = reach.over(grid.step.unwrap()).unwrap();
            prop_assert!(steps < Amount::from(most as i64), "{} steps of {:?}", steps, grid.step);
        }
    }
}
