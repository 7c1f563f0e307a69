//! Liquidations of the hour: orders, episodes, statistics, cascades and cells.

use schemas::{Amount, Interval};

use super::super::liquidation_tapes::{orders, recounted};
use super::super::liquidation_windows::{So, cascades, cells, stats};
use super::played::Checkpoint;
use super::*;

#[test]
fn orders_and_episodes_of_the_hour_are_those_of_all_fills() {
    for checkpoint in &HOUR.checkpoints {
        let mut rows = recounted(HOUR.fills_by(checkpoint), &HOUR.holes_by(checkpoint), checkpoint.clock.time);
        for row in rows.values_mut() {
            row.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        }
        checkpoint.says("liquidations", rows);
    }
}

#[test]
fn statistics_of_the_hour_are_those_of_all_orders() {
    HOUR.checkpoints.iter().for_each(|checkpoint| checkpoint.says("liquidation-stats", stats(&so(checkpoint))));
}

#[test]
fn cascades_of_the_hour_are_the_bursts_of_all_orders() {
    HOUR.checkpoints.iter().for_each(|checkpoint| checkpoint.says("liquidation-cascades", cascades(&so(checkpoint))));
}

#[test]
fn cells_of_the_hour_are_those_of_all_orders() {
    for checkpoint in &HOUR.checkpoints {
        checkpoint.says("liquidation-heatmap", cells(&so(checkpoint), step));
    }
}

fn so(checkpoint: &Checkpoint) -> So {
    let orders = orders(HOUR.fills_by(checkpoint));
    So { orders, holes: HOUR.holes_by(checkpoint), now: checkpoint.clock.time, previous: 0 }
}

/// In whole parts of a price: the largest of 1 and 5 times a power of ten of which the price holds so many.
fn step(px: Amount, interval: Interval) -> (Amount, Amount) {
    let steps = match interval {
        Interval::FourHours => 200,
        Interval::OneHour => 500,
        _ => 1_000,
    };
    let px = parts(px);
    let powers = (0..25).map(|power| 10_i128.pow(power));
    let step = powers.flat_map(|power| [power, 5 * power]).filter(|step| step * steps <= px).max().unwrap();
    let low = px / step * step;
    (amount(low), amount(low + step))
}

/// So many decimals an exact decimal has at most.
const PLACES: usize = 18;

fn parts(px: Amount) -> i128 {
    let text = px.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    format!("{whole}{part:0<PLACES$}").parse().unwrap()
}

fn amount(parts: i128) -> Amount {
    let one = 10_i128.pow(PLACES as u32);
    format!("{}.{:0>PLACES$}", parts / one, parts % one).parse::<Amount>().unwrap().shortest()
}
