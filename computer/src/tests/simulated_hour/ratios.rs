//! Ratios of each coin in the hour: of all accounts, of the top ones and of each size, counted anew after each change.

use alloc::collections::{BTreeMap, BTreeSet};

use schemas::{Amount, Interval, PositionChange, Wallet};

use super::super::cohort_history::SIZES;
use super::super::liquidation_windows::{comparable, same};
use super::super::ratio_rows::{Bucket, Sides, coverage_pct};
use super::market::{MIDNIGHT, MINUTE};
use super::played::Checkpoint;
use super::*;

#[test]
fn ratios_of_the_hour_are_those_of_all_changes() {
    let coins: Vec<History> = HOUR.coins().into_iter().map(History::of).collect();
    for checkpoint in &HOUR.checkpoints {
        let (mut said, mut expected) = (BTreeMap::new(), BTreeMap::new());
        for (key, mut row) in checkpoint.rows_of("long-short-ratios") {
            let history = coins.iter().find(|history| row["coin"] == history.coin).unwrap();
            let coverage = row.as_object_mut().unwrap().remove("oi_coverage_pct");
            // What is told while a bucket forms is as it was when it was told.
            assert_eq!(coverage, history.coverage(&row).map(Value::from), "{row}");
            said.insert(key, comparable(&row));
        }
        coins.iter().for_each(|history| history.recount(checkpoint, &mut expected));
        same(&said, &expected.into_iter().map(|(key, row)| (key, comparable(&row))).collect());
        let cohorts = said.values().filter(|row| row["kind"] == "cohort_positions").count();
        assert_eq!(cohorts > 0, checkpoint.clock.time > MIDNIGHT, "who belongs to them is known when an hour begins");
    }
}

/// One coin: how each group stands after each change.
struct History {
    coin: String,
    groups: Vec<Group>,
    /// Time and block of each change, and what everybody holds after it.
    held: Vec<(i64, u64, Amount)>,
    /// When the exchange was heard, and how much it said was open.
    contexts: Vec<(i64, Amount)>,
}

struct Group {
    name: &'static str,
    /// Nobody is outside of the group of all.
    members: Option<BTreeSet<Wallet>>,
    of_accounts: usize,
    moments: Vec<Moment>,
}

struct Moment {
    time: i64,
    block: u64,
    accounts: Sides,
    sizes: Sides,
}

type Positions = BTreeMap<Wallet, Amount>;

impl History {
    fn of(coin: String) -> Self {
        let changes = HOUR.changes.iter().filter(|change| change.coin.as_str() == coin);
        let first = HOUR.facts.clocks.iter().find(|clock| clock.time >= MIDNIGHT).unwrap();
        let (before, after): (Vec<_>, Vec<_>) = changes.partition(|change| change.block <= first.block);
        let (mut positions, mut held) = (Positions::new(), Vec::new());
        let mut groups = Vec::from([Group::of_all(&before)]);
        before.iter().for_each(|change| take(change, &mut positions, &mut groups, &mut held));
        let px = before.iter().rfind(|change| &*change.dir != "Settlement").map_or(Amount::ZERO, |change| change.px);
        let cohorts = SIZES.iter().map(|(name, _)| *name).chain(["top"]);
        groups.extend(cohorts.filter_map(|name| Group::fixed(name, &positions, px, (MIDNIGHT, first.block))));
        after.iter().for_each(|change| take(change, &mut positions, &mut groups, &mut held));
        let contexts = HOUR.facts.contexts.iter().filter(|context| context.coin.as_str() == coin);
        let contexts = contexts.map(|context| (context.time, context.open_interest)).collect();
        Self { coin, groups, held, contexts }
    }

    fn recount(&self, checkpoint: &Checkpoint, rows: &mut BTreeMap<String, Value>) {
        for group in &self.groups {
            for interval in Interval::ALL {
                for (start, moments) in group.buckets(interval, checkpoint) {
                    let end = start + interval.length_ms();
                    let bucket = Bucket {
                        coin: &self.coin,
                        interval,
                        start,
                        members: group.members.as_ref().map_or(0, BTreeSet::len),
                        of_accounts: group.of_accounts,
                        complete: !HOUR.holes_by(checkpoint).iter().any(|(from, to)| *from < end && start < *to),
                        is_final: end + crate::GRACE_MS <= checkpoint.clock.time,
                    };
                    rows.extend(bucket.rows(group.name, &moments));
                }
            }
        }
    }

    /// As was known at the clock of the row.
    fn coverage(&self, row: &Value) -> Option<String> {
        let interval: Interval = serde_json::from_value(row["interval"].clone()).unwrap();
        let end = row["time"].as_i64().unwrap() + interval.length_ms();
        let (clock, block) = (row["clock"].as_i64().unwrap(), row["block"].as_u64().unwrap());
        let is_heard = |(time, _): &&(i64, Amount)| *time < end && *time <= clock - 1_000;
        let (_, open) = self.contexts.iter().rev().find(is_heard)?;
        let is_done = |(time, its, _): &&(i64, u64, Amount)| *time < end && *its <= block;
        let (.., held) = self.held.iter().rev().find(is_done)?;
        coverage_pct(*held, *open)
    }
}

fn take(change: &PositionChange, positions: &mut Positions, groups: &mut [Group], held: &mut Vec<(i64, u64, Amount)>) {
    let before = positions.insert(change.wallet, change.after).unwrap_or(Amount::ZERO);
    let all = positions.values().fold(Amount::ZERO, |sum, size| sum.plus(size.magnitude()).unwrap());
    held.push((change.time, change.block, all));
    for group in groups.iter_mut() {
        let is_in = group.members.as_ref().is_none_or(|members| members.contains(&change.wallet));
        let counts = group.members.is_some() || before.sign() != change.after.sign();
        if is_in && counts {
            group.note((change.time, change.block), positions);
        }
    }
}

impl Group {
    /// Before the first one nobody was there.
    fn of_all(changes: &[&PositionChange]) -> Self {
        let mut all = Self { name: "", members: None, of_accounts: 0, moments: Vec::new() };
        let first = changes.iter().find(|change| !change.after.is_zero());
        first.iter().for_each(|first| all.note((first.time, first.block), &Positions::new()));
        all
    }

    /// A fifth of all that have a position, rounded up, or those of one size.
    fn fixed(name: &'static str, positions: &Positions, px: Amount, at: (i64, u64)) -> Option<Self> {
        let mut open: Vec<(Amount, Wallet)> =
            positions.iter().map(|(wallet, size)| (size.magnitude(), *wallet)).collect();
        open.retain(|(size, _)| !size.is_zero());
        open.sort_by_key(|(size, wallet)| (size.negated(), *wallet));
        let top = (open.len() * 20).div_ceil(100);
        let size_of = |size: Amount| {
            let notional = size.times(px).unwrap();
            SIZES.iter().find(|(_, from)| notional >= Amount::from(*from)).unwrap().0
        };
        let is_in = |(place, (size, _)): &(usize, &(Amount, Wallet))| {
            if name == "top" { *place < top } else { size_of(*size) == name }
        };
        let members: BTreeSet<Wallet> = open.iter().enumerate().filter(is_in).map(|(_, (_, wallet))| *wallet).collect();
        let is_somebody = !members.is_empty();
        let mut group = Self { name, members: Some(members), of_accounts: open.len(), moments: Vec::new() };
        group.note(at, positions);
        is_somebody.then_some(group)
    }

    /// Counts everybody once more.
    fn note(&mut self, (time, block): (i64, u64), positions: &Positions) {
        let is_in = |wallet: &Wallet| self.members.as_ref().is_none_or(|members| members.contains(wallet));
        let of_side = |side: i32| {
            let those = positions.iter().filter(|(wallet, size)| is_in(wallet) && size.sign() == side);
            let sizes: Vec<Amount> = those.map(|(_, size)| size.magnitude()).collect();
            let sum = sizes.iter().fold(Amount::ZERO, |sum, size| sum.plus(*size).unwrap());
            (Amount::from(sizes.len() as i64), sum)
        };
        let ((longs, long), (shorts, short)) = (of_side(1), of_side(-1));
        self.moments.push(Moment { time, block, accounts: (longs, shorts), sizes: (long, short) });
    }

    /// All moments of each bucket, with the one that it begins with. Of a minute of which nothing was seen there is none.
    fn buckets(&self, interval: Interval, checkpoint: &Checkpoint) -> BTreeMap<i64, Vec<(Sides, Sides)>> {
        let known: Vec<&Moment> = self.moments.iter().filter(|it| it.block <= checkpoint.clock.block).collect();
        let mut buckets: BTreeMap<i64, Vec<(Sides, Sides)>> = BTreeMap::new();
        let Some(first) = known.first() else { return buckets };
        let holes = HOUR.holes_by(checkpoint);
        let is_seen = |minute: &i64| !holes.iter().any(|(from, to)| from <= minute && minute + MINUTE <= *to);
        let minutes = (first.time / MINUTE * MINUTE..=checkpoint.clock.time).step_by(MINUTE as usize);
        for minute in minutes.filter(is_seen) {
            let since = known.partition_point(|moment| moment.time < minute);
            let until = known.partition_point(|moment| moment.time < minute + MINUTE);
            let moments = known[since.saturating_sub(1)..until].iter().map(|moment| (moment.accounts, moment.sizes));
            buckets.entry(interval.bucket(minute)).or_default().extend(moments);
        }
        buckets
    }
}
