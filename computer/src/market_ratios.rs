//! `wallet-sums` -> `market-ratios`: how the wallets of the whole market stand: all of them, the largest, and those of each
//! size. How many are long and how many short, all coins set against each other, and with how much. Per interval.
//!
//! A bucket is of the sums that were made in it, one at the beginning of each minute.

use alloc::vec::Vec;

use schemas::{Amount, Gap, MarketRatio, Measure, RatioKind, SizeCohort, TOP_WALLETS_FROM, WalletSum, WalletTier};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::sides::{Moments, Sides};
use crate::table::{Table, TableKey};
use crate::windows::{self, Told, Value, Windows};

/// The wallets that a ratio is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    All,
    Top,
    OfSize(SizeCohort),
}

type State = (Table<Group, Summed>, Windows<Standing, Group>);

/// A group in the last minute, as far as its parts have come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Summed {
    time: i64,
    wallets: u64,
    not_valued: u64,
    /// Of all markets; the same in each part.
    open_interest: Option<Amount>,
    /// Absent when a part does not say it.
    accounts: Option<Sides<u64>>,
    /// Absent when it is too large for an exact decimal.
    long: Option<Amount>,
    short: Option<Amount>,
}

/// How a group stands in a stretch of time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Standing {
    wallets: u64,
    not_valued: u64,
    /// What all wallets hold of the open interest, whatever group it is.
    oi_coverage_pct: Option<Amount>,
    accounts: Moments<u64>,
    notionals: Option<Moments<Amount>>,
}

pub fn fold((minute, _): &mut State, part: &WalletSum, _: &mut Out<MarketRatio>) {
    if part.by == Measure::Size {
        Group::all().for_each(|group| minute.change(&group).add(group, part));
    }
}

/// All parts of a minute have one clock, and come before it.
pub fn tick((minute, groups): &mut State, tick: &Tick, out: &mut Out<MarketRatio>) {
    let oi_coverage_pct = minute.get(&Group::All).and_then(Summed::oi_coverage_pct);
    for group in minute.touched() {
        let Some(summed) = minute.get(&group) else { continue };
        if let Some(standing) = summed.standing(oi_coverage_pct) {
            windows::add(groups, &group, summed.time, &standing);
        }
    }
    windows::tell(groups, tick, |bucket| publish(bucket, tick).into_iter().for_each(|ratio| out.push(ratio)));
}

pub fn gap((_, groups): &mut State, gap: &Gap) {
    windows::gap(groups, gap);
}

impl Summed {
    fn add(&mut self, group: Group, part: &WalletSum) {
        if self.time != part.time {
            let nothing = Some(Amount::ZERO);
            let accounts = Some(Sides::default());
            let open_interest = part.open_interest;
            *self = Self {
                time: part.time,
                wallets: 0,
                not_valued: 0,
                open_interest,
                accounts,
                long: nothing,
                short: nothing,
            };
        }
        self.not_valued += part.not_valued;
        for tier in part.tiers.iter().filter(|tier| group.has(tier)) {
            self.wallets += tier.wallets;
            let net = tier.net_long.zip(tier.net_short).map(|(long, short)| Sides { long, short });
            self.accounts = self.accounts.zip(net).and_then(|(so_far, net)| so_far.plus(net));
            self.long = Amount::sum(self.long, tier.long);
            self.short = Amount::sum(self.short, tier.short);
        }
    }

    /// In per cent, cut to two decimals: both sides are held, and the open interest is of one.
    fn oi_coverage_pct(&self) -> Option<Amount> {
        let held = Amount::sum(self.long, self.short)?.over(self.open_interest?).ok()?;
        let parts = held.times(Amount::from(5_000)).ok()?.floor();
        Some(parts.times(Amount::power_of_ten(-2).ok()?).ok()?.shortest())
    }

    fn standing(&self, oi_coverage_pct: Option<Amount>) -> Option<Standing> {
        let notionals = self.long.zip(self.short).map(|(long, short)| Moments::of(Sides { long, short }));
        let (wallets, not_valued) = (self.wallets, self.not_valued);
        self.accounts.map(|sides| Standing {
            wallets,
            not_valued,
            oi_coverage_pct,
            accounts: Moments::of(sides),
            notionals,
        })
    }
}

impl Value for Standing {
    fn merge(&mut self, later: &Self) {
        (self.wallets, self.not_valued) = (later.wallets, later.not_valued);
        self.oi_coverage_pct = later.oi_coverage_pct;
        self.accounts.merge(&later.accounts);
        self.notionals = self.notionals.zip(later.notionals).map(|(mut notionals, later)| {
            notionals.merge(&later);
            notionals
        });
    }
}

/// The ratio of its wallets, and that of what they hold where these are not all: over all of them it is always one.
fn publish(bucket: &Told<'_, Standing, Group>, tick: &Tick) -> Vec<MarketRatio> {
    let Standing { wallets, not_valued, oi_coverage_pct, accounts, notionals } = *bucket.value;
    let (of_accounts_kind, of_positions_kind) = bucket.series.kinds();
    let of_accounts = MarketRatio {
        kind: of_accounts_kind,
        cohort: bucket.series.size(),
        interval: bucket.interval,
        time: bucket.start,
        accounts: wallets,
        not_valued,
        long_accounts: accounts.close.long,
        short_accounts: accounts.close.short,
        long_notional: None,
        short_notional: None,
        long_ratio: accounts.close.long_share(),
        short_ratio: accounts.close.short_share(),
        open: accounts.open.ratio(),
        high: accounts.high.ratio(),
        low: accounts.low.ratio(),
        close: accounts.close.ratio(),
        oi_coverage_pct,
        complete: bucket.complete,
        r#final: bucket.r#final,
        block: tick.block,
        clock: tick.time,
    };
    let of_positions = of_positions_kind.map(|kind| MarketRatio {
        kind,
        long_notional: notionals.map(|it| it.close.long.shortest()),
        short_notional: notionals.map(|it| it.close.short.shortest()),
        long_ratio: notionals.and_then(|it| it.close.long_share()),
        short_ratio: notionals.and_then(|it| it.close.short_share()),
        open: notionals.and_then(|it| it.open.ratio()),
        high: notionals.and_then(|it| it.high.ratio()),
        low: notionals.and_then(|it| it.low.ratio()),
        close: notionals.and_then(|it| it.close.ratio()),
        ..of_accounts.clone()
    });
    [of_accounts].into_iter().chain(of_positions).collect()
}

impl Group {
    fn all() -> impl Iterator<Item = Self> {
        [Self::All, Self::Top].into_iter().chain(SizeCohort::ALL.map(Self::OfSize))
    }

    fn has(self, tier: &WalletTier) -> bool {
        match self {
            Self::All => true,
            Self::Top => tier.from >= Some(Amount::from(TOP_WALLETS_FROM)),
            Self::OfSize(size) => &*tier.name == size.name(),
        }
    }

    fn size(self) -> Option<SizeCohort> {
        if let Self::OfSize(size) = self { Some(size) } else { None }
    }

    fn kinds(self) -> (RatioKind, Option<RatioKind>) {
        match self {
            Self::All => (RatioKind::Accounts, None),
            Self::Top => (RatioKind::TopAccounts, Some(RatioKind::TopPositions)),
            Self::OfSize(_) => (RatioKind::CohortAccounts, Some(RatioKind::CohortPositions)),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Top => "top",
            Self::OfSize(size) => size.name(),
        }
    }
}

impl TableKey for Group {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.name().as_bytes());
    }

    fn read(text: &str) -> Option<Self> {
        Self::all().find(|group| group.name() == text)
    }
}
