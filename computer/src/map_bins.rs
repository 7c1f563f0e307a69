//! Open positions of one coin, and its mark -> the bins and sums of its liquidation map. In which order the positions
//! come makes no difference.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use schemas::{
    Amount, AmountError, Binned, Held, LEVERAGE_BANDS, MapBin, MapSide, PriceRange, RISK_DISTANCES, RiskBasis,
    SizeCohort, Text,
};
use serde::{Deserialize, Serialize};

use crate::price_steps::{step_at, step_of};

/// An open position, as far as the map is concerned.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Open {
    /// Signed.
    pub size: Amount,
    pub liquidation_px: Option<Amount>,
    pub basis: Option<RiskBasis>,
    pub leverage: Option<u32>,
}

pub struct MapBins {
    mark: Amount,
    step: Amount,
    lowest: Amount,
    highest: Amount,
    /// So far down and up the mark may go, for each of the distances.
    down: [Amount; RISK_DISTANCES.len()],
    up: [Amount; RISK_DISTANCES.len()],
    bins: BTreeMap<Amount, MapBin>,
    long: MapSide,
    short: MapSide,
}

/// Into so many steps the mark is divided at least, and so many parts of a hundred of it the bins reach to each side.
const STEPS: i64 = 200;
const REACH: i64 = 50;

impl MapBins {
    /// None around a mark that has no steps within an exact decimal.
    pub fn around(mark: Amount) -> Result<Option<Self>, AmountError> {
        let Some(step) = step_of(mark, STEPS)? else { return Ok(None) };
        let (lowest, highest) = (percent(mark, 100 - REACH)?, percent(mark, 100 + REACH)?);
        let (mut down, mut up) = ([mark; RISK_DISTANCES.len()], [mark; RISK_DISTANCES.len()]);
        for (at, distance) in RISK_DISTANCES.into_iter().enumerate() {
            (down[at], up[at]) = (percent(mark, 100 - distance)?, percent(mark, 100 + distance)?);
        }
        let (bins, long, short) = (BTreeMap::new(), MapSide::default(), MapSide::default());
        Ok(Some(Self { mark, step, lowest, highest, down, up, bins, long, short }))
    }

    pub fn add(&mut self, open: &Open) -> Result<(), AmountError> {
        let is_long = open.size.sign() > 0;
        let size = open.size.magnitude();
        // With all places of a size and a mark their sums would soon be too long.
        let notional = size.times(self.mark)?.in_millionths();
        let side = if is_long { &mut self.long } else { &mut self.short };
        side.positions += 1;
        side.size = side.size.plus(size)?;
        side.notional = side.notional.plus(notional)?;
        let basis = open.basis.map_or("unknown", RiskBasis::name);
        hold(side.by_basis.entry(Text::from(basis)).or_default(), notional)?;
        let Some(px) = open.liquidation_px else {
            return if open.basis.is_some() { hold(&mut side.never, notional) } else { Ok(()) };
        };
        for (at, at_risk) in side.at_risk.iter_mut().enumerate() {
            if if is_long { px >= self.down[at] } else { px <= self.up[at] } {
                hold(at_risk, notional)?;
            }
        }
        if px < self.lowest || px >= self.highest {
            return hold(&mut side.beyond, notional);
        }
        let (price_low, price_high) = step_at(px, self.step)?;
        let empty = MapBin { price_low, price_high, long: None, short: None };
        let bin = self.bins.entry(price_low).or_insert(empty);
        put(if is_long { &mut bin.long } else { &mut bin.short }.get_or_insert_default(), open, notional)
    }

    /// The sums of longs and shorts, and the bins from the lowest up.
    pub fn told(mut self, open_interest: Amount) -> Result<(MapSide, MapSide, Vec<MapBin>), AmountError> {
        let below = self.bins.values().rev().filter(|bin| bin.price_low <= self.mark);
        let longs: Vec<PriceRange> = below.filter_map(|bin| range(bin, bin.long.as_ref())).collect();
        let above = self.bins.values().filter(|bin| bin.price_high > self.mark);
        let shorts: Vec<PriceRange> = above.filter_map(|bin| range(bin, bin.short.as_ref())).collect();
        for (side, ranges) in [(&mut self.long, longs), (&mut self.short, shorts)] {
            side.max_pain =
                ranges.iter().copied().reduce(|most, next| if next.notional > most.notional { next } else { most });
            side.nearest_cluster = nearest_cluster(&ranges)?;
            side.oi_coverage_pct = coverage(side, self.mark, open_interest)?;
        }
        Ok((self.long, self.short, self.bins.into_values().collect()))
    }
}

fn percent(mark: Amount, percent: i64) -> Result<Amount, AmountError> {
    mark.times(Amount::from(percent))?.times(Amount::power_of_ten(-2)?)
}

fn hold(held: &mut Held, notional: Amount) -> Result<(), AmountError> {
    held.positions += 1;
    held.notional = held.notional.plus(notional)?;
    Ok(())
}

fn put(binned: &mut Binned, open: &Open, notional: Amount) -> Result<(), AmountError> {
    let add = |sum: &mut Amount| sum.plus(notional).map(|more| *sum = more);
    binned.positions += 1;
    add(&mut binned.notional)?;
    if open.basis.is_some_and(RiskBasis::is_exact) {
        add(&mut binned.exact)?;
    }
    if let Some(leverage) = open.leverage {
        add(&mut binned.leverage[LEVERAGE_BANDS.partition_point(|band| *band < i64::from(leverage))])?;
    }
    add(&mut binned.cohorts[SizeCohort::of(notional) as usize])
}

fn range(bin: &MapBin, binned: Option<&Binned>) -> Option<PriceRange> {
    let MapBin { price_low, price_high, .. } = *bin;
    binned.map(|binned| PriceRange { price_low, price_high, notional: binned.notional })
}

/// Of bins from the mark outwards: the first run of neighbours that hold a twentieth each of what all of them hold.
fn nearest_cluster(bins: &[PriceRange]) -> Result<Option<PriceRange>, AmountError> {
    let all = bins.iter().try_fold(Amount::ZERO, |all, bin| all.plus(bin.notional))?;
    let mut cluster: Option<PriceRange> = None;
    for bin in bins {
        let is_part = bin.notional.times(Amount::from(20))? >= all;
        cluster = match cluster {
            None if is_part => Some(*bin),
            Some(run) if is_part && (bin.price_high == run.price_low || bin.price_low == run.price_high) => {
                Some(PriceRange {
                    price_low: run.price_low.min(bin.price_low),
                    price_high: run.price_high.max(bin.price_high),
                    notional: run.notional.plus(bin.notional)?,
                })
            }
            None => None,
            over => return Ok(over),
        };
    }
    Ok(cluster)
}

/// Of the open interest, what is held where something is known of the liquidation.
fn coverage(side: &MapSide, mark: Amount, open_interest: Amount) -> Result<Option<Amount>, AmountError> {
    if open_interest.is_zero() {
        return Ok(None);
    }
    let unknown = side.by_basis.get(&Text::from("unknown")).map_or(Amount::ZERO, |held| held.notional);
    let covered = side.notional.minus(unknown)?.over(open_interest.times(mark)?)?;
    let parts = covered.times(Amount::from(10_000))?.floor();
    Ok(Some(parts.times(Amount::power_of_ten(-2)?)?))
}
