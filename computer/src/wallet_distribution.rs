//! `wallet-sums` -> `wallet-distribution`: the sums of all partitions of a minute together, when all have come so far.

use alloc::vec::Vec;

use schemas::{Amount, Gap, Measure, WalletDistribution, WalletSum, WalletTier};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::table::{Table, TableKey};

/// The last minute, as far as its parts have come.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Summed {
    time: i64,
    tiers: Vec<WalletTier>,
    not_valued: u64,
    parts: u64,
}

pub fn fold(minutes: &mut Table<Measure, Summed>, part: &WalletSum, _: &mut Out<WalletDistribution>) {
    if minutes.get(&part.by).is_some_and(|summed| summed.time > part.time) {
        return;
    }
    let summed = minutes.change(&part.by);
    if summed.time < part.time {
        *summed = Summed { time: part.time, ..Summed::default() };
    }
    summed.parts += 1;
    summed.not_valued += part.not_valued;
    for tier in &part.tiers {
        match summed.tiers.iter_mut().find(|known| known.name == tier.name) {
            Some(known) => add(known, tier),
            None => summed.tiers.push(tier.clone()),
        }
    }
}

/// All parts of a minute have one clock, and come before it.
pub fn tick(minutes: &mut Table<Measure, Summed>, tick: &Tick, out: &mut Out<WalletDistribution>) {
    for by in minutes.touched() {
        let Some(summed) = minutes.get(&by) else { continue };
        out.push(WalletDistribution {
            by,
            time: summed.time,
            tiers: summed.tiers.clone(),
            not_valued: summed.not_valued,
            parts: summed.parts,
            block: tick.block,
            clock: tick.time,
        });
    }
}

/// The parts are of what is known.
pub fn gap(_: &mut Table<Measure, Summed>, _: &Gap) {}

fn add(tier: &mut WalletTier, more: &WalletTier) {
    tier.wallets += more.wallets;
    tier.long = Amount::sum(tier.long, more.long);
    tier.short = Amount::sum(tier.short, more.short);
    tier.net_long = tier.net_long.zip(more.net_long).map(|(net, more)| net + more);
    tier.net_short = tier.net_short.zip(more.net_short).map(|(net, more)| net + more);
    tier.in_profit += more.in_profit;
    tier.in_loss += more.in_loss;
    tier.cost_unknown += more.cost_unknown;
}

impl TableKey for Measure {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.name().as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        Self::named(text)
    }
}
