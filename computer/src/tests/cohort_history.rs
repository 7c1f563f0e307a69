//! The ratios of a market's whole history, the long way: who was in which cohort at each moment, and what they held then.

use alloc::collections::{BTreeMap, BTreeSet};

use schemas::{Amount, Interval};

use super::liquidations::Fact;
use super::ratio_rows::{Bucket, Sides, coverage_pct};
use super::*;

pub(super) const COINS: [&str; 2] = ["BTC", "xyz:CL"];

/// Every final bucket of every kind.
pub(super) fn recounted(facts: &[Fact]) -> BTreeMap<String, Value> {
    let mut rows = BTreeMap::new();
    for coin in COINS {
        let history = History::of(coin, facts);
        for group in ["", "top"].into_iter().chain(SIZES.map(|(name, _)| name)) {
            recount_group(coin, group, &history, &mut rows);
        }
    }
    rows
}

/// The history of one coin, each with its place among the facts.
struct History {
    changes: Vec<Change>,
    ticks: Vec<(usize, i64)>,
    holes: Vec<(usize, i64, i64)>,
    /// When the exchange was heard, and how much it said was open.
    contexts: Vec<(i64, Amount)>,
}

struct Change {
    at: usize,
    wallet: String,
    before: Amount,
    after: Amount,
    px: Amount,
    is_trade: bool,
    time: i64,
}

/// Who belongs to a group, since when.
#[derive(Debug)]
struct Era {
    at: usize,
    hour: i64,
    from: i64,
    group: BTreeSet<String>,
    of_accounts: usize,
}

/// Which era it is of, and how accounts and sizes stood at each moment of it.
type Minute = (usize, Vec<(Sides, Sides)>);

const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;
pub(super) const SIZES: [(&str, i64); 6] = [
    ("leviathan", 10_000_000),
    ("whale", 1_000_000),
    ("shark", 100_000),
    ("dolphin", 10_000),
    ("fish", 1_000),
    ("shrimp", 0),
];

impl History {
    fn of(coin: &str, facts: &[Fact]) -> Self {
        let (mut changes, mut ticks, mut holes, mut contexts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (at, (kind, fact)) in facts.iter().enumerate() {
            let time = |name: &str| fact[name].as_i64().unwrap();
            let amount = |name: &str| fact[name].as_str().unwrap().parse::<Amount>().unwrap();
            match *kind {
                "clock" => ticks.push((at, time("time"))),
                "gap" => holes.push((at, time("from_time"), time("to_time"))),
                _ if fact["coin"] != coin => {}
                CONTEXT => contexts.push((time("time"), amount("openInterest"))),
                _ => {
                    let change = if fact["side"] == "B" { amount("sz") } else { amount("sz").negated() };
                    let (before, px, wallet) = (amount("startPosition"), amount("px"), fact["user"].as_str().unwrap());
                    let after = before.plus(change).unwrap();
                    let is_trade = fact["dir"] != "Settlement";
                    changes.push(Change { at, wallet: wallet.into(), before, after, px, is_trade, time: time("time") });
                }
            }
        }
        Self { changes, ticks, holes, contexts }
    }

    fn coverage(&self, end: i64) -> Option<String> {
        let (_, open) = self.contexts.iter().rfind(|(heard, _)| *heard < end)?;
        let mut held = BTreeMap::new();
        for change in self.changes.iter().filter(|change| change.time < end) {
            held.insert(&change.wallet, change.after.magnitude());
        }
        coverage_pct(held.into_values().fold(Amount::ZERO, |sum, size| sum.plus(size).unwrap()), *open)
    }

    /// The open positions of that moment.
    fn open(&self, at: usize) -> BTreeMap<String, Amount> {
        let so_far = self.changes.iter().filter(|change| change.at < at);
        let mut held: BTreeMap<String, Amount> = so_far.map(|change| (change.wallet.clone(), change.after)).collect();
        held.retain(|_, size| !size.is_zero());
        held
    }

    /// What was traded last; before anything was, what the first change says.
    fn last_px(&self, at: usize) -> Amount {
        let so_far = self.changes.iter().take_while(|change| change.at < at);
        let last = so_far.clone().filter(|change| change.is_trade).last();
        last.or(so_far.into_iter().next()).map_or(Amount::ZERO, |change| change.px)
    }

    fn swallows(&self, at: usize, minute: i64) -> bool {
        self.holes.iter().any(|(known, from, to)| *known < at && *from <= minute && minute + MINUTE <= *to)
    }

    /// The ticks before a fact with which a second begins.
    fn seconds(&self, before: usize) -> Vec<(usize, i64)> {
        let previous = [0].into_iter().chain(self.ticks.iter().map(|(_, time)| *time));
        let of_second = |((at, time), previous): &((usize, i64), i64)| *at < before && time / 1_000 > previous / 1_000;
        self.ticks.iter().copied().zip(previous).filter(of_second).map(|(tick, _)| tick).collect()
    }

    /// The hours that begin with a tick which is not the first of all.
    fn hours(&self) -> Vec<(usize, i64)> {
        let pairs = self.ticks.windows(2).filter(|pair| pair[0].1 / HOUR < pair[1].1 / HOUR);
        pairs.map(|pair| (pair[1].0, pair[1].1 / HOUR * HOUR)).collect()
    }

    fn eras(&self, group: &str) -> Vec<Era> {
        if group.is_empty() {
            let everybody = self.changes.iter().map(|change| change.wallet.clone()).collect();
            return [Era { at: 0, hour: 0, from: 0, group: everybody, of_accounts: 0 }].into();
        }
        let eras = self.hours().into_iter().map(|(at, hour)| {
            let open = self.open(at);
            let px = self.last_px(at);
            let mut largest: Vec<(&String, Amount)> =
                open.iter().map(|(wallet, size)| (wallet, size.magnitude())).collect();
            // The wallets are in order, and a stable sort keeps them so.
            largest.sort_by_key(|(_, size)| core::cmp::Reverse(*size));
            let top = (largest.len() * 20).div_ceil(100);
            let is_in = |(place, (_, size)): &(usize, (&String, Amount))| {
                let notional = size.times(px).unwrap();
                let of_size = SIZES.iter().find(|(_, from)| notional >= Amount::from(*from)).unwrap().0;
                if group == "top" { *place < top } else { of_size == group }
            };
            let group = largest.into_iter().enumerate().filter(is_in).map(|(_, (wallet, _))| wallet.clone()).collect();
            let from = (0..).map(|minute| hour + minute * MINUTE).find(|minute| !self.swallows(at, *minute)).unwrap();
            Era { at, hour, from, group, of_accounts: open.len() }
        });
        eras.skip_while(|era| era.group.is_empty()).collect()
    }

    /// The minutes of a group, and with which fact each begins.
    fn minutes(&self, eras: &[Era], counts: impl Fn(&Change) -> bool) -> BTreeMap<i64, usize> {
        let mut minutes = BTreeMap::new();
        for at in 0..=self.ticks.last().unwrap().0 {
            let reached = eras.iter().rposition(|era| era.at <= at);
            let Some(reached) = reached else { continue };
            let era = &eras[reached];
            if era.at == at && era.from > 0 {
                minutes.retain(|minute, _| *minute < era.hour);
                minutes.insert(era.from, at);
            }
            for change in self.changes.iter().filter(|change| change.at == at && counts(change)) {
                let was_in = reached > 0 && eras[reached - 1].group.contains(&change.wallet);
                let mut begins = Vec::new();
                if change.time < era.hour && was_in {
                    begins.push(change.time / MINUTE * MINUTE);
                }
                if era.group.contains(&change.wallet) {
                    begins.push(change.time.max(era.from) / MINUTE * MINUTE);
                }
                for minute in begins {
                    // What is final is forgotten: then what was before a minute is not known.
                    let told = self.seconds(at).last().map_or(0, |(_, time)| *time);
                    let is_known = |(before, _): (&i64, _)| before + MINUTE + crate::GRACE_MS > told;
                    if minutes.is_empty() || minutes.range(..minute).any(is_known) {
                        minutes.entry(minute).or_insert(at);
                    }
                }
            }
            let second = self.seconds(at + 1).pop().filter(|(tick, _)| *tick == at);
            if let (Some((_, now)), Some((&first, _))) = (second, minutes.first_key_value()) {
                for minute in (first..=now).step_by(MINUTE as usize) {
                    if !self.swallows(at, minute) {
                        minutes.entry(minute).or_insert(at);
                    }
                }
            }
        }
        minutes
    }

    /// How an era's group stands in a minute, with what was known before a fact: accounts and sizes.
    fn sides(&self, era: &Era, minute: i64, known: usize) -> (Sides, Sides) {
        let (mut heads, mut held) = ((Amount::ZERO, Amount::ZERO), (Amount::ZERO, Amount::ZERO));
        for wallet in &era.group {
            let is_in = |change: &&Change| {
                let counts_from = change.time.max(era.from) / MINUTE * MINUTE;
                change.wallet == *wallet && (change.at < era.at || change.at < known && counts_from <= minute)
            };
            let size = self.changes.iter().rfind(is_in).map_or(Amount::ZERO, |change| change.after);
            let add = |sum: &mut Amount, more: Amount| *sum = sum.plus(more).unwrap();
            match size.sign() {
                1 => (add(&mut heads.0, Amount::from(1)), add(&mut held.0, size)),
                -1 => (add(&mut heads.1, Amount::from(1)), add(&mut held.1, size.magnitude())),
                _ => ((), ()),
            };
        }
        (heads, held)
    }

    /// Every moment of a minute.
    fn moments(&self, era: &Era, minute: i64, begun: usize) -> Vec<(Sides, Sides)> {
        let begins_with_change = self.changes.iter().any(|change| change.at == begun);
        let opened = if begins_with_change { begun } else { begun + 1 };
        let later = self.changes.iter().map(|change| change.at).filter(|at| *at >= begun);
        let mut moments = Vec::from([self.sides(era, minute, opened)]);
        moments.extend(later.map(|at| self.sides(era, minute, at + 1)));
        moments
    }
}

fn recount_group(coin: &str, group: &str, history: &History, rows: &mut BTreeMap<String, Value>) {
    let eras = history.eras(group);
    let counts = |change: &Change| !group.is_empty() || change.before.sign() != change.after.sign();
    let mut buckets: BTreeMap<(Interval, i64), Vec<Minute>> = BTreeMap::new();
    for (minute, begun) in history.minutes(&eras, counts) {
        let era = eras.iter().rposition(|era| era.from <= minute).unwrap();
        let moments = history.moments(&eras[era], minute, begun);
        for interval in Interval::ALL {
            buckets.entry((interval, interval.bucket(minute))).or_default().push((era, moments.clone()));
        }
    }
    let now = history.ticks.last().unwrap().1;
    for ((interval, start), minutes) in buckets {
        let end = start + interval.length_ms();
        if end + crate::GRACE_MS > now {
            continue;
        }
        let era = &eras[minutes[minutes.len() - 1].0];
        let moments: Vec<(Sides, Sides)> = minutes.into_iter().flat_map(|(_, moments)| moments).collect();
        let complete = !history.holes.iter().any(|(_, from, to)| *from < end && start < *to);
        let bucket = Bucket {
            coin,
            interval,
            start,
            members: era.group.len(),
            of_accounts: era.of_accounts,
            complete,
            is_final: true,
        };
        for (key, mut row) in bucket.rows(group, &moments) {
            if let Some(coverage) = history.coverage(end) {
                row["oi_coverage_pct"] = json!(coverage);
            }
            rows.insert(key, row);
        }
    }
}
