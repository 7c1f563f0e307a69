//! What is told of wallets equals what the whole list of changes comes to, the long way, at each border of a minute.

use std::collections::BTreeMap;

use proptest::prelude::*;
use schemas::{Amount, MakerShare, Rolling, RoundTrips, Text, WalletSummary};

use super::wallet_spreads::by_wallet;
use super::wallet_tapes::{Moment, play, tape};
use super::*;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

proptest! {
    #[test]
    fn summaries_are_what_all_changes_come_to(tape in tape()) {
        let played = play(&tape);
        let mut told = 0;
        for moment in &played.moments {
            let mut expected = Vec::new();
            if moment.clock / MINUTE > moment.previous / MINUTE {
                let since = &played.changes[told..moment.changes];
                told = moment.changes;
                for (wallet, changes) in by_wallet(&played.changes[..moment.changes]) {
                    // Also when it all comes to the same as before.
                    if since.iter().any(|change| change.wallet == wallet) || has_left(&changes, moment) {
                        expected.push(recounted(&changes, moment.clock, moment.block));
                    }
                }
            }
            let mut summaries = moment.summaries.clone();
            summaries.sort_by_key(|summary| summary.wallet);
            prop_assert_eq!(summaries, expected, "at {}", moment.clock);
        }
    }
}

#[test]
fn of_a_wallet_that_was_quiet_for_a_month_one_entry_stays() {
    let mut processor = processor("wallet-summaries");
    let mut out = Outbox::new(GENERATION);
    let examples = examples::of(&schemas::topics::POSITION_CHANGES);
    let (_, example) = examples.iter().find(|(case, _)| case == "change-first-seen").unwrap();
    let opens: PositionChange = serde_json::from_slice(example).unwrap();
    let closes = PositionChange {
        time: opens.time + HOUR,
        side: schemas::Side::Sell,
        before: opens.after,
        after: Amount::ZERO,
        ..opens.clone()
    };
    let mut entries_after = |processor: &mut dyn Run, later: i64| {
        let tick =
            Tick { time: opens.time + later, block: 9, previous: opens.time, holes: Vec::new(), tells_all: false };
        processor.tick(&tick, &mut out, &mut []);
        processor.entries()
    };
    processor.fold(&opens, &mut Outbox::new(GENERATION), &mut []);
    assert_eq!(entries_after(&mut *processor, MINUTE), 4, "its sums, its hour, its day, and what it holds");
    processor.fold(&closes, &mut Outbox::new(GENERATION), &mut []);
    assert_eq!(entries_after(&mut *processor, 31 * DAY), 1, "its sums");
    let told = said(&mut out).pop().unwrap();
    assert_eq!((&told["value"]["volume"]["d30"], &told["value"]["volume"]["all"]), (&json!("0"), &json!("133.306")));
}

/// Of all changes of one wallet, at a clock.
pub fn recounted(all: &[&PositionChange], clock: i64, block: u64) -> WalletSummary {
    let (first, last) = (all[0], all[all.len() - 1]);
    let [d1, d7, d30] = WINDOWS.map(|window| -> Vec<&PositionChange> {
        all.iter().copied().filter(|change| is_within(window, change, clock)).collect()
    });
    let windows = [d1, d7, d30, all.to_vec()];
    let rolling = |of: fn(&PositionChange) -> Option<Amount>| {
        let [d1, d7, d30, all] = windows.each_ref().map(|window| total(window.iter().map(|change| of(change))));
        Rolling { d1, d7, d30, all }
    };
    let share = |window: &[&PositionChange]| {
        let maker = total(window.iter().filter(|change| !change.crossed).map(|change| volume(change)))?;
        maker.over(total(window.iter().map(|change| volume(change)))?).ok()
    };
    let mut fees_other: BTreeMap<Text, Option<Amount>> = BTreeMap::new();
    for change in all.iter().filter(|change| change.fee_token.is_some() && change.fee.is_some()) {
        let token = change.fee_token.clone().unwrap();
        let paid = fees_other.get(&token).copied().flatten().unwrap_or_default();
        fees_other.insert(token, Some(paid.plus(change.fee.unwrap()).unwrap()));
    }
    let by_coin = by_coin(all);
    let trips: Vec<Amount> = by_coin.values().flat_map(|changes| trips(changes)).collect();
    let round_trips =
        RoundTrips { closed: trips.len() as u64, won: trips.iter().filter(|trip| trip.sign() > 0).count() as u64 };
    let of = |trips: u64| Amount::from(trips as i64);
    WalletSummary {
        wallet: first.wallet,
        time: clock,
        first_seen: first.time,
        last_fill: last.time,
        positions: by_coin.values().filter(|changes| !changes.last().unwrap().after.is_zero()).count() as u64,
        realised_pnl: rolling(realised),
        fees: rolling(|change| if change.fee_token.is_none() { change.fee } else { Some(Amount::ZERO) }),
        volume: rolling(volume),
        fees_other,
        maker_share: MakerShare { d30: share(&windows[2]), all: share(all) },
        round_trips,
        win_rate: of(round_trips.won).over(of(round_trips.closed)).ok(),
        block,
    }
}

/// The length of its buckets, and how many whole ones a window has.
const WINDOWS: [(i64, i64); 3] = [(HOUR, 24), (DAY, 7), (DAY, 30)];

fn is_within((unit, whole): (i64, i64), change: &PositionChange, clock: i64) -> bool {
    clock / unit - change.time / unit <= whole
}

/// Whether something that a wallet did is in a window no longer: then it is told of, also when the sums are the same.
fn has_left(all: &[&PositionChange], moment: &Moment) -> bool {
    let leaves =
        |window, change| is_within(window, change, moment.previous) && !is_within(window, change, moment.clock);
    all.iter().any(|change| WINDOWS.iter().any(|window| leaves(*window, change)))
}

pub fn total(amounts: impl Iterator<Item = Option<Amount>>) -> Option<Amount> {
    amounts.into_iter().try_fold(Amount::ZERO, |sum, amount| sum.plus(amount?).ok())
}

fn volume(change: &PositionChange) -> Option<Amount> {
    // What the exchange settles nobody has traded.
    if &*change.dir == "Settlement" { Some(Amount::ZERO) } else { change.px.times(change.sz).ok() }
}

pub fn realised(change: &PositionChange) -> Option<Amount> {
    gained(change)?.minus(fee(change, change.sz)?).ok()
}

fn gained(change: &PositionChange) -> Option<Amount> {
    let is_smaller = closed(change).sign() > 0;
    if is_smaller { change.closed_pnl } else { Some(change.closed_pnl.unwrap_or_default()) }
}

fn closed(change: &PositionChange) -> Amount {
    if change.before.sign() * change.side.sign() < 0 { change.before.magnitude().min(change.sz) } else { Amount::ZERO }
}

/// What of the fee is paid for a part, in USDC.
pub fn fee(change: &PositionChange, part: Amount) -> Option<Amount> {
    let fee = if change.fee_token.is_some() { Amount::ZERO } else { change.fee? };
    if part == change.sz { Some(fee) } else { fee.times(part).unwrap().over(change.sz).ok() }
}

pub fn by_coin<'a>(all: &[&'a PositionChange]) -> BTreeMap<&'a str, Vec<&'a PositionChange>> {
    let mut coins: BTreeMap<&str, Vec<&PositionChange>> = BTreeMap::new();
    all.iter().for_each(|change| coins.entry(change.coin.as_str()).or_default().push(change));
    coins
}

/// What each round trip realised that was seen from its beginning to its end, and is known.
fn trips(changes: &[&PositionChange]) -> Vec<Amount> {
    let turns = |change: &PositionChange| change.before.sign() != change.after.sign();
    let mut trips = Vec::new();
    for (end, last) in changes.iter().enumerate().filter(|(_, change)| turns(change) && !change.before.is_zero()) {
        let Some(start) = (0..end).rev().find(|at| turns(changes[*at])) else { continue };
        let opened = changes[start].after.magnitude();
        let is_seen = (start..end).all(|at| changes[at].after == changes[at + 1].before);
        let trip = &changes[start..=end];
        let one_token = trip.iter().all(|change| change.fee_token.is_none() || change.fee == Some(Amount::ZERO));
        let opening = fee(changes[start], opened).map(Amount::negated);
        let between = changes[start + 1..end].iter().map(|change| realised(change));
        let closing = gained(last).zip(fee(last, closed(last))).map(|(gained, fee)| gained.minus(fee).unwrap());
        let sum = total([opening, closing].into_iter().chain(between));
        trips.extend(sum.filter(|_| is_seen && one_token));
    }
    trips
}
