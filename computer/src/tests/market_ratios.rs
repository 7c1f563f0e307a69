//! Ratios of the whole market equal what the whole list of changes and marks comes to, minute by minute and wallet by
//! wallet.

use alloc::collections::BTreeSet;

use proptest::prelude::*;
use schemas::{Amount, Interval, MarketRatio, Message};

use super::ratio_rows::{Sides, told};
use super::wallet_spreads::{MINUTE, SIZES, Worth, worths_of};
use super::wallet_tapes::{COINS, play, tape};
use super::wallets::total;
use super::*;

/// How a group stands at the beginning of a minute.
#[derive(Clone)]
pub(super) struct Counted {
    pub minute: i64,
    wallets: usize,
    not_valued: usize,
    accounts: Sides,
    notionals: Sides,
    coverage: Option<Amount>,
}

pub(super) const GROUPS: [&str; 8] = ["", "top", "shrimp", "fish", "dolphin", "shark", "whale", "leviathan"];

proptest! {
    #![proptest_config(at_first(64))]

    #[test]
    fn ratios_of_the_whole_market_are_what_all_wallets_come_to(tape in tape()) {
        let played = play(&tape);
        let mut counted: Vec<Vec<Counted>> = GROUPS.iter().map(|_| Vec::new()).collect();
        let (mut finals, mut told_at) = (BTreeSet::new(), 0);
        for moment in &played.moments {
            let worths = worths_of(&played, moment);
            let is_counted = moment.clock / MINUTE > moment.previous / MINUTE && !worths.is_empty();
            let groups = counts(moment.clock - moment.clock % MINUTE, &worths, &COINS, &played.marks[..moment.marks]);
            for (group, counted) in groups.into_iter().zip(&mut counted).filter(|_| is_counted) {
                counted.push(group);
            }
            let mut keys = BTreeSet::new();
            for ratio in &moment.ratios {
                let end = ratio.time + ratio.interval.length_ms();
                let at = (moment.clock, moment.block);
                let expected = recount(ratio, &counted, &played.holes[..moment.holes], at);
                prop_assert_eq!(serde_json::to_value(ratio).unwrap(), expected);
                prop_assert!(!ratio.r#final || told_at < end + crate::GRACE_MS, "as soon as it is");
                prop_assert!(!ratio.r#final || finals.insert(key(ratio)), "{} is final twice", key(ratio));
                prop_assert!(keys.insert(key(ratio)), "{} is told twice", key(ratio));
            }
            if is_counted {
                let buckets = Interval::ALL.map(|interval| (interval, interval.bucket(moment.clock)));
                let is_now = |ratio: &&MarketRatio| buckets.contains(&(ratio.interval, ratio.time));
                prop_assert_eq!(moment.ratios.iter().filter(is_now).count(), 15 * buckets.len());
            }
            told_at = if moment.clock / 1_000 > moment.previous / 1_000 { moment.clock } else { told_at };
        }
        let starts = |interval: Interval| counted[0].iter().map(move |counted| interval.bucket(counted.minute));
        let is_over = |interval: Interval, start: &i64| start + interval.length_ms() + crate::GRACE_MS <= told_at;
        let over = Interval::ALL.map(|interval| {
            starts(interval).filter(|start| is_over(interval, start)).collect::<BTreeSet<i64>>().len()
        });
        prop_assert_eq!(finals.len(), 15 * over.iter().sum::<usize>());
    }
}

fn key(ratio: &MarketRatio) -> String {
    let mut key = Vec::new();
    ratio.write_key(&mut key);
    String::from_utf8(key).unwrap()
}

/// Each group, in order.
pub(super) fn counts(minute: i64, worths: &[Worth], coins: &[&str], marks: &[MarketState]) -> Vec<Counted> {
    let coverage = coverage(worths, coins, marks);
    GROUPS.iter().map(|group| Counted { coverage, ..count(group, minute, worths) }).collect()
}

fn count(group: &str, minute: i64, worths: &[Worth]) -> Counted {
    let value = |worth: &Worth| total([worth.long, worth.short].into_iter());
    let (from, below) = match group {
        "" => (0, i64::MAX),
        "top" => (1_000_000, i64::MAX),
        _ => SIZES.iter().find(|(name, ..)| *name == group).map(|(_, from, below)| (*from, *below)).unwrap(),
    };
    let is_in = |value: Amount| value >= Amount::from(from) && value < Amount::from(below);
    let these: Vec<&Worth> = worths.iter().filter(|worth| value(worth).is_some_and(is_in)).collect();
    let of = |worth: &Worth| (worth.long.unwrap(), worth.short.unwrap());
    let longs = these.iter().filter(|worth| of(worth).0 > of(worth).1).count();
    let shorts = these.iter().filter(|worth| of(worth).0 < of(worth).1).count();
    let held = |side: fn(&Worth) -> Option<Amount>| total(these.iter().map(|worth| side(worth))).unwrap();
    Counted {
        minute,
        wallets: these.len(),
        not_valued: worths.iter().filter(|worth| value(worth).is_none()).count(),
        accounts: (Amount::from(longs as i64), Amount::from(shorts as i64)),
        notionals: (held(|worth| worth.long), held(|worth| worth.short)),
        coverage: None,
    }
}

/// Of twice what is open where that and a mark are known, in hundredths of a per cent that are whole.
fn coverage(worths: &[Worth], coins: &[&str], marks: &[MarketState]) -> Option<Amount> {
    let both = |worth: &Worth| total([worth.long, worth.short].into_iter());
    let held = total(worths.iter().filter_map(both).map(Some)).unwrap();
    let open = coins.iter().filter_map(|coin| {
        let of_coin = || marks.iter().rev().filter(|mark| mark.coin.as_str() == *coin);
        let open = of_coin().find_map(|mark| mark.open_interest)?;
        Some(open.times(of_coin().find_map(|mark| mark.mark_px)?).unwrap())
    });
    let open: Vec<Amount> = open.collect();
    let twice = total(open.iter().chain(&open).copied().map(Some)).unwrap();
    let hundredths = held.times(Amount::from(10_000)).unwrap().over(twice).ok()?.floor();
    Some(hundredths.over(Amount::from(100)).unwrap())
}

/// As it is told at a clock, which has a time and a block.
pub(super) fn recount(
    ratio: &MarketRatio,
    counted: &[Vec<Counted>],
    holes: &[(i64, i64)],
    (clock, block): (i64, u64),
) -> Value {
    let MarketRatio { kind, cohort, interval, time, .. } = ratio;
    let end = time + interval.length_ms();
    let group = match kind.name() {
        "accounts" => "",
        "top_accounts" | "top_positions" => "top",
        _ => cohort.unwrap().name(),
    };
    let group = GROUPS.iter().position(|name| *name == group).unwrap();
    let minutes: Vec<&Counted> = counted[group].iter().filter(|it| (*time..end).contains(&it.minute)).collect();
    let last = minutes[minutes.len() - 1];
    let is_of_positions = kind.name().ends_with("positions");
    let moments: Vec<Sides> =
        minutes.iter().map(|it| if is_of_positions { it.notionals } else { it.accounts }).collect();
    let number = |count: Amount| count.to_string().parse::<u64>().unwrap();
    let mut row = json!({
        "kind": kind, "cohort": cohort, "interval": interval, "time": time, "accounts": last.wallets,
        "not_valued": last.not_valued, "oi_coverage_pct": last.coverage, "long_accounts": number(last.accounts.0), "short_accounts": number(last.accounts.1),
        "complete": !holes.iter().any(|(from, to)| *from < end && time < to),
        "final": end + crate::GRACE_MS <= clock, "block": block, "clock": clock,
    });
    row.as_object_mut().unwrap().extend(told(&moments).as_object().unwrap().clone());
    if is_of_positions {
        row["long_notional"] = json!(last.notionals.0.shortest());
        row["short_notional"] = json!(last.notionals.1.shortest());
    }
    row.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    row
}
