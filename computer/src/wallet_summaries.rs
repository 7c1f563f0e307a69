//! `position-changes` -> `wallet-summaries`: what each wallet has made, paid and traded, over rolling windows and in all.
//!
//! What happens goes into the wallet's hour and its day; a window is the sum of those that are in it. So of a wallet there
//! are at most 25 hours and 31 days, those in which it traded, and what it holds. Of one that has held nothing and traded
//! nothing for so long one entry stays: its sums since it was first seen.

use alloc::collections::BTreeMap;

use schemas::{Amount, Coin, Gap, MakerShare, PositionChange, Rolling, RoundTrips, Text, Wallet, WalletSummary};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::realised::{Realised, fee_in_usdc};
use crate::table::Table;

/// Each wallet since it was first seen; its hours and its days by their beginnings; its round trips that have not ended.
pub type Known = (Table<Wallet, Seen>, (Buckets, (Buckets, Table<(Wallet, Coin), Trip>)));
type Buckets = Table<(Wallet, i64), Sums>;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    first_seen: i64,
    last_fill: i64,
    positions: u64,
    sums: Sums,
    fees_other: BTreeMap<Text, Option<Amount>>,
    round_trips: RoundTrips,
    /// Something is not as it was told last.
    has_news: bool,
}

/// Each absent when it is not known, or too large for an exact decimal.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Sums {
    realised_pnl: Option<Amount>,
    fees: Option<Amount>,
    volume: Option<Amount>,
    volume_as_maker: Option<Amount>,
}

/// What is held in a coin, and what it has realised since it was opened: absent when that is not known.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Trip {
    size: Amount,
    realised: Option<Amount>,
}

/// So many whole buckets, and the running one.
struct Window {
    bucket_ms: i64,
    whole: i64,
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

const DAY: Window = Window { bucket_ms: HOUR_MS, whole: 24 };
const WEEK: Window = Window { bucket_ms: DAY_MS, whole: 7 };
/// What is older than this is only in the sums since a wallet was first seen.
const MONTH: Window = Window { bucket_ms: DAY_MS, whole: 30 };

pub fn fold((wallets, (hours, (days, trips))): &mut Known, change: &PositionChange, _: &mut Out<WalletSummary>) {
    let wallet = change.wallet;
    let sums = Sums::of(change);
    hours.change(&(wallet, DAY.bucket(change.time))).add(&sums);
    days.change(&(wallet, MONTH.bucket(change.time))).add(&sums);
    let is_new = wallets.get(&wallet).is_none();
    let seen = wallets.change(&wallet);
    seen.first_seen = if is_new { change.time } else { seen.first_seen.min(change.time) };
    seen.last_fill = seen.last_fill.max(change.time);
    seen.sums.add(&sums);
    seen.pay_in_another_token(change);
    seen.follow(trips, change);
    seen.has_news = true;
}

/// Once a minute those that have changed, also because something is no longer in a window.
pub fn tick((wallets, (hours, (days, _))): &mut Known, tick: &Tick, out: &mut Out<WalletSummary>) {
    if !tick.crosses(MINUTE_MS) {
        return;
    }
    notice_what_left(&DAY, hours, wallets, tick);
    notice_what_left(&WEEK, days, wallets, tick);
    notice_what_left(&MONTH, days, wallets, tick);
    forget(&DAY, hours, tick);
    forget(&MONTH, days, tick);
    for wallet in wallets.keys_where(|_, seen| seen.has_news) {
        let seen = wallets.change(&wallet);
        seen.has_news = false;
        let within = |window: &Window, buckets| window.sum(buckets, wallet, tick.time);
        let (d1, d7, d30) = (within(&DAY, hours), within(&WEEK, days), within(&MONTH, days));
        let rolling =
            |of: fn(&Sums) -> Option<Amount>| Rolling { d1: of(&d1), d7: of(&d7), d30: of(&d30), all: of(&seen.sums) };
        let RoundTrips { closed, won } = seen.round_trips;
        out.push(WalletSummary {
            wallet,
            time: tick.time,
            first_seen: seen.first_seen,
            last_fill: seen.last_fill,
            positions: seen.positions,
            realised_pnl: rolling(|sums| sums.realised_pnl),
            fees: rolling(|sums| sums.fees),
            volume: rolling(|sums| sums.volume),
            fees_other: seen.fees_other.clone(),
            maker_share: MakerShare { d30: d30.maker_share(), all: seen.sums.maker_share() },
            round_trips: seen.round_trips,
            win_rate: count(won).over(count(closed)).ok(),
            block: tick.block,
        });
    }
}

/// What happened in a hole is in no sum; positions heal with the next fill.
pub fn gap(_: &mut Known, _: &Gap) {}

fn notice_what_left(window: &Window, buckets: &Buckets, wallets: &mut Table<Wallet, Seen>, tick: &Tick) {
    let (was, is) = (window.start(tick.previous), window.start(tick.time));
    if was == is {
        return;
    }
    for (wallet, _) in buckets.keys_where(|(_, start), _| (was..is).contains(start)) {
        wallets.change(&wallet).has_news = true;
    }
}

fn forget(longest: &Window, buckets: &mut Buckets, tick: &Tick) {
    if !tick.crosses(longest.bucket_ms) {
        return;
    }
    for key in buckets.keys_where(|(_, start), _| *start < longest.start(tick.time)) {
        buckets.remove(&key);
    }
}

/// A number of trips.
fn count(trips: u64) -> Amount {
    Amount::from(trips.cast_signed())
}

impl Window {
    fn bucket(&self, time: i64) -> i64 {
        time - time.rem_euclid(self.bucket_ms)
    }

    /// Of the oldest bucket that is in it at this time.
    fn start(&self, time: i64) -> i64 {
        self.bucket(time) - self.whole * self.bucket_ms
    }

    fn sum(&self, buckets: &Buckets, wallet: Wallet, time: i64) -> Sums {
        let mut sums = Sums::default();
        let starts = (0..=self.whole).map(|back| self.bucket(time) - back * self.bucket_ms);
        starts.filter_map(|start| buckets.get(&(wallet, start))).for_each(|bucket| sums.add(bucket));
        sums
    }
}

impl Seen {
    fn pay_in_another_token(&mut self, change: &PositionChange) {
        let (Some(token), Some(fee)) = (&change.fee_token, change.fee) else { return };
        let paid = self.fees_other.entry(token.clone()).or_insert(Some(Amount::ZERO));
        *paid = Amount::sum(*paid, Some(fee));
    }

    fn follow(&mut self, trips: &mut Table<(Wallet, Coin), Trip>, change: &PositionChange) {
        let key = (change.wallet, change.coin.clone());
        let trip = trips.change(&key);
        let was_held = !trip.size.is_zero();
        if let Some(realised) = trip.goes_on(change) {
            self.round_trips.closed += 1;
            self.round_trips.won += u64::from(realised.sign() > 0);
        }
        let is_held = !trip.size.is_zero();
        if !is_held {
            trips.remove(&key);
        }
        self.positions = self.positions + u64::from(is_held) - u64::from(was_held);
    }
}

impl Trip {
    /// What it has realised when the change ends it, as far as that is known.
    fn goes_on(&mut self, change: &PositionChange) -> Option<Amount> {
        let Realised { closed, opened, .. } = Realised::by(change);
        let is_turned = change.before.sign() != change.after.sign();
        let is_known = self.size == change.before && !pays_in_another_token(change);
        let realised = if is_known { Amount::sum(self.realised, closed) } else { None };
        let ended = if is_turned && change.before.sign() != 0 { realised } else { None };
        let so_far = if is_turned { Some(Amount::ZERO) } else { realised };
        self.realised = if pays_in_another_token(change) { None } else { Amount::sum(so_far, opened) };
        self.size = change.after;
        ended
    }
}

/// What is earned in one token and paid in another has no sum.
fn pays_in_another_token(change: &PositionChange) -> bool {
    change.fee_token.is_some() && change.fee.is_none_or(|fee| !fee.is_zero())
}

impl Sums {
    fn of(change: &PositionChange) -> Self {
        // A settlement is nothing that was traded.
        let volume = if change.is_trade() { change.px.times(change.sz).ok() } else { Some(Amount::ZERO) };
        Self {
            realised_pnl: Realised::by(change).both,
            fees: fee_in_usdc(change),
            volume,
            volume_as_maker: if change.crossed { Some(Amount::ZERO) } else { volume },
        }
    }

    fn add(&mut self, more: &Self) {
        self.realised_pnl = Amount::sum(self.realised_pnl, more.realised_pnl);
        self.fees = Amount::sum(self.fees, more.fees);
        self.volume = Amount::sum(self.volume, more.volume);
        self.volume_as_maker = Amount::sum(self.volume_as_maker, more.volume_as_maker);
    }

    fn maker_share(&self) -> Option<Amount> {
        self.volume_as_maker?.over(self.volume?).ok()
    }
}

impl Default for Sums {
    fn default() -> Self {
        let nothing = Some(Amount::ZERO);
        Self { realised_pnl: nothing, fees: nothing, volume: nothing, volume_as_maker: nothing }
    }
}
