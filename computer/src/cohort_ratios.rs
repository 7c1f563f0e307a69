//! `position-changes`, `asset-contexts` -> `long-short-ratios`: how the accounts with the largest positions of a coin
//! stand, and those of each size: how many of them on each side, and with how much. Per interval.
//!
//! Who belongs to which is fixed for an hour of event time, by the first tick of it; before the first there is nothing to
//! tell. Whatever was folded until that tick is in what the hour begins with.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

use schemas::{Amount, AssetContext, Coin, Gap, Interval, LongShortRatio, PositionChange, Wallet};
use serde::{Deserialize, Serialize};

use crate::cohorts::{Cohort, Membership, rank};
use crate::oi_coverage::Interest;
use crate::processor::{Out, Tick};
use crate::sides::{Moments, Sides};
use crate::table::Table;
use crate::windows::{self, Lasting, Told, Value, Windows};

/// For how long it is fixed who belongs to a cohort.
const HOUR: Interval = Interval::OneHour;

type Series = (Coin, Cohort);
type State = (Table<(Coin, Wallet), Member>, (Table<Coin, Market>, Windows<Standing, Series>));

/// An account that has a position in a coin, or had one when the cohorts were fixed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Member {
    size: Amount,
    /// Where it belongs, and where it belonged in the hour before, to which something late may come.
    now: Membership,
    before: Membership,
}

/// What is known of a coin.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Market {
    /// At which price the last change was.
    px: Amount,
    /// From which minute on the cohorts are as they are; absent in the first hour.
    fixed_from: Option<i64>,
    interest: Interest,
}

/// How a cohort stands in a stretch of time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Standing {
    /// How many belong to it, and how many there were to choose from.
    members: u64,
    of_accounts: u64,
    accounts: Moments<u64>,
    /// Absent when they are too large for an exact decimal.
    sizes: Option<Moments<Amount>>,
}

pub fn fold((members, (markets, cohorts)): &mut State, change: &PositionChange, _: &mut Out<LongShortRatio>) {
    let key = (change.coin.clone(), change.wallet);
    let market = markets.change(&change.coin);
    // What is only booked like a trade has a price that no book has had.
    if change.is_trade() || market.px.is_zero() {
        market.px = change.px;
    }
    market.interest.change(change);
    let member = members.change(&key);
    let (before, is_in, was_in) = (member.size, member.now, member.before);
    member.size = change.after;
    if change.after.is_zero() && is_in.is_nowhere() && was_in.is_nowhere() {
        members.remove(&key);
    }
    let Some(fixed_from) = market.fixed_from else { return };
    let mut replace = |membership: Membership, times: Range<i64>| {
        for cohort in membership.cohorts() {
            windows::change(cohorts, &(change.coin.clone(), cohort), times.clone(), |standing: &mut Standing| {
                standing.replace(before, change.after);
            });
        }
    };
    // What comes late is of the hour before as well, and of those who belonged to a cohort then.
    let hour = HOUR.bucket(fixed_from);
    if change.time < hour {
        replace(was_in, change.time..hour);
    }
    replace(is_in, change.time.max(fixed_from)..i64::MAX);
}

pub fn context((_, (markets, _)): &mut State, context: &AssetContext, _: &mut Out<LongShortRatio>) {
    if markets.get(&context.coin).is_none_or(|market| market.interest.is_news(context)) {
        markets.change(&context.coin).interest.context(context);
    }
}

pub fn tick(state: &mut State, tick: &Tick, out: &mut Out<LongShortRatio>) {
    // The first tick of all is in the midst of an hour.
    if tick.previous > 0 && tick.crosses(HOUR.length_ms()) {
        fix(state, tick);
    }
    let (_, (markets, cohorts)) = state;
    windows::begin_quiet(cohorts, tick);
    windows::tell(cohorts, tick, |bucket| publish(bucket, markets, tick).into_iter().for_each(|ratio| out.push(ratio)));
    for coin in markets.keys_where(|_, market| market.interest.has_over(tick)) {
        markets.change(&coin).interest.forget_over(tick);
    }
}

pub fn gap((_, (_, cohorts)): &mut State, gap: &Gap) {
    windows::gap(cohorts, gap);
}

/// Fixes for an hour who belongs where.
fn fix((members, (markets, cohorts)): &mut State, tick: &Tick) {
    let hour = HOUR.bucket(tick.time);
    let from = windows::after_holes(hour, &tick.holes);
    let all = members.keys();
    for coin in markets.keys() {
        let market = markets.change(&coin);
        market.fixed_from = Some(from);
        let first = all.partition_point(|(other, _)| *other < coin);
        let keys = &all[first..first + all[first..].partition_point(|(other, _)| *other == coin)];
        let standings = assign(members, keys, market.px);
        for (cohort, standing) in standings {
            let series = (coin.clone(), cohort);
            // One that never had anybody is not there; one that has nobody left goes on.
            if standing.members > 0 || windows::are_there(cohorts, &series) {
                windows::begin_anew(cohorts, &series, hour, from, standing);
            }
        }
    }
}

/// Puts each account of a coin where it belongs from now on, and tells how the cohorts stand then.
fn assign(
    members: &mut Table<(Coin, Wallet), Member>,
    keys: &[(Coin, Wallet)],
    px: Amount,
) -> BTreeMap<Cohort, Standing> {
    let size_of = |key| members.get(key).map_or(Amount::ZERO, |member| member.size);
    let open: Vec<(Wallet, Amount)> =
        keys.iter().map(|key| (key.1, size_of(key))).filter(|(_, size)| !size.is_zero()).collect();
    let ranked = rank(&open, px);
    let nobody = Standing { of_accounts: open.len() as u64, ..Standing::default() };
    let mut standings: BTreeMap<Cohort, Standing> = Cohort::all().map(|cohort| (cohort, nobody.clone())).collect();
    for (wallet, size) in open {
        for cohort in ranked.get(&wallet).into_iter().flat_map(|membership| membership.cohorts()) {
            standings.entry(cohort).and_modify(|standing| standing.join(size));
        }
    }
    for key in keys {
        move_on(members, key, ranked.get(&key.1).copied().unwrap_or_default());
    }
    standings.into_iter().map(|(cohort, standing)| (cohort, standing.as_it_ended())).collect()
}

/// An entry that stays as it is is not written anew.
fn move_on(members: &mut Table<(Coin, Wallet), Member>, key: &(Coin, Wallet), belongs: Membership) {
    let Some(&Member { size, now, before, .. }) = members.get(key) else { return };
    if size.is_zero() && now.is_nowhere() {
        members.remove(key);
    } else if (now, before) != (belongs, now) {
        let member = members.change(key);
        (member.now, member.before) = (belongs, now);
    }
}

impl Standing {
    fn join(&mut self, size: Amount) {
        self.members += 1;
        self.replace(Amount::ZERO, size);
    }

    /// One of its accounts has another position.
    fn replace(&mut self, before: Amount, after: Amount) {
        self.accounts.replace(Sides::of(before), Sides::of(after));
        self.sizes = self.sizes.take().and_then(|mut sizes| {
            sizes.replace(Sides::of(before), Sides::of(after))?;
            Some(sizes)
        });
    }
}

impl Default for Standing {
    fn default() -> Self {
        Self { members: 0, of_accounts: 0, accounts: Moments::default(), sizes: Some(Moments::default()) }
    }
}

impl Value for Standing {
    fn merge(&mut self, later: &Self) {
        (self.members, self.of_accounts) = (later.members, later.of_accounts);
        self.accounts.merge(&later.accounts);
        self.sizes = self.sizes.zip(later.sizes).map(|(mut sizes, later)| {
            sizes.merge(&later);
            sizes
        });
    }
}

impl Lasting for Standing {
    fn as_it_ended(&self) -> Self {
        Self { accounts: self.accounts.as_it_ended(), sizes: self.sizes.map(|sizes| sizes.as_it_ended()), ..*self }
    }
}

/// The ratio of its accounts and that of what they hold.
fn publish(bucket: &Told<'_, Standing, Series>, markets: &Table<Coin, Market>, tick: &Tick) -> [LongShortRatio; 2] {
    let (coin, cohort) = bucket.series;
    let Standing { members, of_accounts, accounts, sizes } = *bucket.value;
    let [of_accounts_kind, of_positions_kind] = cohort.kinds();
    let of_accounts = LongShortRatio {
        coin: coin.clone(),
        kind: of_accounts_kind,
        cohort: cohort.size(),
        interval: bucket.interval,
        time: bucket.start,
        accounts: members,
        of_accounts: Some(of_accounts),
        long_accounts: accounts.close.long,
        short_accounts: accounts.close.short,
        long_size: None,
        short_size: None,
        long_ratio: accounts.close.long_share(),
        short_ratio: accounts.close.short_share(),
        open: accounts.open.ratio(),
        high: accounts.high.ratio(),
        low: accounts.low.ratio(),
        close: accounts.close.ratio(),
        oi_coverage_pct: markets.get(coin).and_then(|market| market.interest.coverage_at(bucket.end())),
        complete: bucket.complete,
        r#final: bucket.r#final,
        block: tick.block,
        clock: tick.time,
    };
    // Both sides have one price: the ratio of sizes is that of their worth.
    let of_positions = LongShortRatio {
        kind: of_positions_kind,
        long_size: sizes.map(|it| it.close.long.shortest()),
        short_size: sizes.map(|it| it.close.short.shortest()),
        long_ratio: sizes.and_then(|it| it.close.long_share()),
        short_ratio: sizes.and_then(|it| it.close.short_share()),
        open: sizes.and_then(|it| it.open.ratio()),
        high: sizes.and_then(|it| it.high.ratio()),
        low: sizes.and_then(|it| it.low.ratio()),
        close: sizes.and_then(|it| it.close.ratio()),
        ..of_accounts.clone()
    };
    [of_accounts, of_positions]
}
