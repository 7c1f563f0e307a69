//! How wallets are spread equals what the whole list of changes and marks comes to, wallet by wallet and tier by tier.

use std::collections::BTreeMap;
use std::time::Instant;

use proptest::prelude::*;
use schemas::{Amount, Measure, SizeCohort, Text, Wallet, WalletDistribution, WalletTier, partition_of};

use super::wallet_tapes::{Moment, Played, play, tape, wallet};
use super::wallets::{by_coin, fee, realised, total};
use super::*;
use crate::wallet_tiers::{PNL, SIZE, Spread};

pub(super) const MINUTE: i64 = 60_000;

pub(super) const SIZES: [(&str, i64, i64); 6] = [
    ("shrimp", i64::MIN, 1_000),
    ("fish", 1_000, 10_000),
    ("dolphin", 10_000, 100_000),
    ("shark", 100_000, 1_000_000),
    ("whale", 1_000_000, 10_000_000),
    ("leviathan", 10_000_000, i64::MAX),
];

const PNLS: [(&str, i64, i64); 8] = [
    ("loss_1m", i64::MIN, -1_000_000),
    ("loss_100k", -1_000_000, -100_000),
    ("loss_10k", -100_000, -10_000),
    ("loss", -10_000, 0),
    ("profit", 0, 10_000),
    ("profit_10k", 10_000, 100_000),
    ("profit_100k", 100_000, 1_000_000),
    ("profit_1m", 1_000_000, i64::MAX),
];

proptest! {
    #[test]
    fn the_distribution_is_what_all_changes_and_marks_come_to(tape in tape()) {
        let played = play(&tape);
        for moment in &played.moments {
            let is_border = moment.clock / MINUTE > moment.previous / MINUTE;
            let worths = worths_of(&played, moment);
            let is_told = is_border && !worths.is_empty();
            let expected = if is_told { spreads(&worths, moment.clock, moment.block) } else { Vec::new() };
            let mut distributions = moment.distributions.clone();
            distributions.sort_by_key(|told| told.by);
            prop_assert_eq!(distributions, expected, "at {}", moment.clock);
        }
    }
}

pub(super) struct Worth {
    wallet: Wallet,
    pub(super) long: Option<Amount>,
    pub(super) short: Option<Amount>,
    unrealised: Option<Amount>,
    realised: Option<Amount>,
}

/// The same of a random tape.
pub(super) fn worths_of(played: &Played, moment: &Moment) -> Vec<Worth> {
    let mark = |coin: &str| {
        let mut known = played.marks[..moment.marks].iter().rev().filter(|mark| mark.coin.as_str() == coin);
        known.find_map(|mark| mark.mark_px)
    };
    worths(&by_wallet(&played.changes[..moment.changes]), mark)
}

pub(super) fn by_wallet(changes: &[PositionChange]) -> BTreeMap<Wallet, Vec<&PositionChange>> {
    let mut wallets: BTreeMap<Wallet, Vec<&PositionChange>> = BTreeMap::new();
    changes.iter().for_each(|change| wallets.entry(change.wallet).or_default().push(change));
    wallets
}

/// Of each wallet that holds something.
pub(super) fn worths(
    wallets: &BTreeMap<Wallet, Vec<&PositionChange>>,
    mark: impl Fn(&str) -> Option<Amount>,
) -> Vec<Worth> {
    let mut worths = Vec::new();
    for (wallet, all) in wallets {
        let mut held = by_coin(all);
        held.retain(|_, changes| !changes.last().unwrap().after.is_zero());
        let last: Vec<&PositionChange> = held.values().map(|changes| *changes.last().unwrap()).collect();
        let value = |change: &PositionChange| mark(change.coin.as_str()).map(|mark| mark.times(change.after).unwrap());
        let of_side = |side: i32| total(last.iter().filter(|it| it.after.sign() == side).map(|it| value(it)));
        let gain = |change: &PositionChange| {
            let cost = change.cost?.times(Amount::from(i64::from(change.after.sign()))).unwrap();
            value(change)?.minus(cost).ok()
        };
        if !last.is_empty() {
            worths.push(Worth {
                wallet: *wallet,
                long: of_side(1),
                short: of_side(-1).map(Amount::magnitude),
                unrealised: total(last.iter().map(|change| gain(change))),
                realised: total(held.values().map(|changes| realised_by_what_is_held(changes))),
            });
        }
    }
    worths
}

/// Since the side was taken, or since something was missed of it.
fn realised_by_what_is_held(changes: &[&PositionChange]) -> Option<Amount> {
    let is_taken = |at: usize| changes[at].before.sign() != changes[at].after.sign();
    let is_missed = |at: usize| changes[at].before != if at == 0 { Amount::ZERO } else { changes[at - 1].after };
    let first = (0..changes.len()).rev().find(|at| is_taken(*at) || is_missed(*at)).unwrap();
    let of_first = if is_taken(first) {
        fee(changes[first], changes[first].after.magnitude()).map(Amount::negated)
    } else {
        realised(changes[first])
    };
    total([of_first].into_iter().chain(changes[first + 1..].iter().map(|change| realised(change))))
}

/// By size and by profit, at a clock.
pub(super) fn spreads(worths: &[Worth], clock: i64, block: u64) -> Vec<WalletDistribution> {
    let spread =
        |(by, tiers)| WalletDistribution { time: clock - clock % MINUTE, block, clock, ..spread(by, tiers, worths) };
    [(Measure::Size, &SIZES[..]), (Measure::Pnl, &PNLS[..])].into_iter().map(spread).collect()
}

fn spread(by: Measure, tiers: &[(&str, i64, i64)], worths: &[Worth]) -> WalletDistribution {
    let value = |worth: &Worth| match by {
        Measure::Size => total([worth.long, worth.short].into_iter()),
        Measure::Pnl => total([worth.unrealised, worth.realised].into_iter()),
    };
    let bound = |bound: i64| (bound != i64::MIN && bound != i64::MAX).then(|| Amount::from(bound));
    let tier = |(name, from, below): &(&str, i64, i64)| {
        let is_in = |value: Amount| value >= Amount::from(*from) && value < Amount::from(*below);
        let these: Vec<&Worth> = worths.iter().filter(|worth| value(worth).is_some_and(is_in)).collect();
        let with = |sign: Option<i32>| these.iter().filter(|it| it.unrealised.map(Amount::sign) == sign).count() as u64;
        WalletTier {
            name: Text::from(*name),
            from: bound(*from),
            below: bound(*below),
            wallets: these.len() as u64,
            long: total(these.iter().map(|worth| worth.long)),
            short: total(these.iter().map(|worth| worth.short)),
            net_long: Some(these.iter().filter(|worth| worth.long > worth.short).count() as u64),
            net_short: Some(these.iter().filter(|worth| worth.long < worth.short).count() as u64),
            in_profit: with(Some(1)),
            in_loss: with(Some(-1)),
            cost_unknown: with(None),
        }
    };
    let mut parts: Vec<u32> = worths.iter().map(|it| partition_of(&it.wallet.text(), GENERATION.partitions)).collect();
    parts.sort_unstable();
    parts.dedup();
    WalletDistribution {
        by,
        time: 0,
        tiers: tiers.iter().map(tier).collect(),
        not_valued: worths.iter().filter(|worth| value(worth).is_none()).count() as u64,
        parts: parts.len() as u64,
        block: 0,
        clock: 0,
    }
}

#[test]
fn a_bound_is_in_the_tier_above_it() {
    let tier_of = |scale, value: &str| {
        let nothing = Some(Amount::ZERO);
        let worth = crate::wallet_sums::Worth { long: nothing, short: nothing, unrealised: nothing, realised: nothing };
        let mut spread = Spread::over(scale);
        spread.add(Some(value.parse().unwrap()), &worth);
        spread.tiers.into_iter().find(|tier| tier.wallets == 1).unwrap().name
    };
    let sizes = ["0", "999.99", "1000", "9999999.99", "10000000"].map(|value| tier_of(&SIZE, value).to_string());
    assert_eq!(sizes, ["shrimp", "shrimp", "fish", "whale", "leviathan"]);
    let cohorts = SizeCohort::ALL.map(|cohort| (cohort.name().to_string(), Amount::from(cohort.lowest())));
    let tiers =
        Spread::over(&SIZE).tiers.into_iter().map(|tier| (tier.name.to_string(), tier.from.unwrap_or_default()));
    assert!(tiers.eq(cohorts), "a wallet's tiers are a position's cohorts");
    let profits = ["-1000000.01", "-1000000", "-0.01", "0", "999999.99", "1000000"];
    let profits = profits.map(|value| tier_of(&PNL, value).to_string());
    assert_eq!(profits, ["loss_1m", "loss_100k", "loss", "profit", "profit_100k", "profit_1m"]);
}

/// A quarter of what is held on the exchange, at one border of a minute.
#[test]
#[ignore = "tells a figure"]
fn the_pace_of_fifty_five_thousand_positions() {
    let mut processor = processor("wallet-sums");
    let mut out = Outbox::new(GENERATION);
    let examples = examples::of(&schemas::topics::POSITION_CHANGES);
    let example = |name: &str| &examples.iter().find(|(case, _)| case == name).unwrap().1;
    let change: PositionChange = serde_json::from_slice(example("change-flip")).unwrap();
    let market: MarketState = serde_json::from_slice(example("market")).unwrap();
    for coin in 0..3 {
        let coin = schemas::Coin::new(&format!("C{coin}"));
        processor.fold(&MarketState { coin, ..market.clone() }, &mut out, &mut []);
    }
    for n in 0..55_000 {
        processor.fold(
            &PositionChange {
                wallet: wallet(n / 3),
                coin: schemas::Coin::new(&format!("C{}", n % 3)),
                ..change.clone()
            },
            &mut out,
            &mut [],
        );
    }
    for minute in 1..4 {
        let began = Instant::now();
        let tick = Tick {
            time: minute * MINUTE,
            block: 1,
            previous: (minute - 1) * MINUTE,
            holes: Vec::new(),
            tells_all: false,
        };
        processor.tick(&tick, &mut out, &mut []);
        std::println!("{} positions were valued and spread in {:?}", processor.entries() - 3, began.elapsed());
    }
    let told = said(&mut out);
    assert_eq!((told.len(), &told[0]["value"]["not_valued"]), (6, &json!(0)));
}
