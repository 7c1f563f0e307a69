//! The market itself, without files: from the seed, the number of a block and the accounts so far comes the next
//! block, as the line that a node writes.

use crate::accounts::Accounts;
use crate::crowd::{Crowd, FEWEST_WALLETS, MOST_WALLETS};
use crate::dice::{Dice, Stream, named};
use crate::habits::Habits;
use crate::liquidations::LiquidationOrder;
use crate::markets::MARKETS;
use crate::misc_events::MiscEvents;
use crate::money::Money;
use crate::quotes::Quotes;
use crate::tape::Tape;

/// The engine without files, for benches: lines of blocks in memory.
#[derive(Clone)]
pub struct Engine {
    pub(crate) seed: u64,
    pub(crate) rate: u32,
    pub(crate) start: i64,
    /// No block lies before this time: how a market that stood still finds back to the clock.
    pub(crate) not_before: i64,
    pub(crate) block: u64,
    /// Of the last block, in nanoseconds.
    pub(crate) time: i64,
    /// When the node wrote it.
    pub(crate) local_time: i64,
    /// Fills that are due, in billionths; below zero when orders were larger than what was due.
    pub(crate) credit: i64,
    pub(crate) next_oid: u64,
    pub(crate) prices: Vec<i64>,
    pub(crate) crowd: Crowd,
    pub(crate) accounts: Accounts,
    pub(crate) habits: Habits,
    pub(crate) quotes: Quotes,
    pub(crate) money: Money,
    /// Of the last block.
    pub(crate) misc: MiscEvents,
    pub(crate) liquidated: Vec<LiquidationOrder>,
}

/// When a block happens and when the node has written it, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moments {
    pub(crate) block: i64,
    pub(crate) local: i64,
}

pub(crate) const LOWEST_RATE: u32 = 1;
pub(crate) const HIGHEST_RATE: u32 = 50_000;
pub(crate) const MILLISECOND: i64 = 1_000_000;
const FILL: i64 = 1_000_000_000;
pub(crate) const DAY: i64 = 86_400 * 1000 * MILLISECOND;

/// No gap between blocks is longer; after a standstill no more than this is made up for.
const LONGEST_GAP: i64 = 216 * MILLISECOND;
const FIRST_OID: u64 = 481_702_553_903;
/// Beside midnight, so that a short run has one too.
const BLOCKS_PER_DUST: u64 = 5_000;
/// The pace changes in stretches of so many blocks.
const BLOCKS_PER_WEATHER: u64 = 32;

impl Engine {
    /// Values outside the market's limits become the nearest limit.
    pub fn new(seed: u64, wallets: u32, rate: u32, start_ms: i64) -> Self {
        let crowd = Crowd::new(seed, wallets.clamp(FEWEST_WALLETS, MOST_WALLETS));
        let start = start_ms * MILLISECOND;
        Self {
            seed,
            rate: rate.clamp(LOWEST_RATE, HIGHEST_RATE),
            start,
            not_before: start,
            block: 0,
            time: start,
            local_time: start,
            credit: 0,
            next_oid: FIRST_OID,
            prices: MARKETS.iter().map(|market| market.anchor).collect(),
            accounts: Accounts::new(seed, &crowd),
            habits: Habits::new(seed, &crowd),
            quotes: Quotes::new(start),
            money: Money::new(crowd.accounts()),
            misc: MiscEvents::default(),
            liquidated: Vec::new(),
            crowd,
        }
    }

    /// Makes the next block: its line, without a line feed, replaces what `line` held. Returns how many fills it has.
    pub fn next_block(&mut self, line: &mut Vec<u8>) -> usize {
        let moments = self.next_moments();
        let before = self.time;
        self.block += 1;
        self.time = moments.block;
        self.local_time = moments.local;
        self.misc.clear();
        self.liquidated.clear();
        let mut dice = Dice::new(self.seed, Stream::Orders, self.block);
        let mut tape = Tape::open(line, moments.local, moments.block, self.block);
        let due = i64::from(self.rate) * (self.time - before).min(LONGEST_GAP);
        self.credit += due;
        self.keep_the_clock(before, &mut dice, &mut tape);
        if self.is_another_day(before) || self.block.is_multiple_of(BLOCKS_PER_DUST) {
            self.convert_dust(&mut dice, &mut tape);
        }
        let end = tape.fills() as i64 * FILL + self.allowance(due, &mut dice);
        let mut refused = 0;
        while (tape.fills() as i64) * FILL < end && refused < 8 {
            let before = tape.fills();
            self.order(&mut dice, &mut tape);
            refused += usize::from(tape.fills() == before);
        }
        self.credit -= tape.fills() as i64 * FILL;
        tape.close()
    }

    /// A copy becomes what its market is now, as far as the books go: no block can be made from it.
    pub(crate) fn follow(&mut self, market: &Self) {
        (self.block, self.time) = (market.block, market.time);
        self.prices.clone_from(&market.prices);
        self.quotes.clone_from(&market.quotes);
        self.accounts.follow(&market.accounts);
        self.money.follow(&market.money);
    }

    /// The line of the last block in `misc_events_by_block`, without a line feed.
    pub(crate) fn misc_line(&self, line: &mut Vec<u8>) {
        self.misc.write(line, self.local_time, self.time, self.block);
    }

    /// What happens by the clock, before anybody's orders: markets that end, funding, marks, and what follows from them.
    fn keep_the_clock(&mut self, before: i64, dice: &mut Dice, tape: &mut Tape<'_>) {
        let (charges, publishes) = (self.is_another_hour(before), self.time >= self.quotes.next);
        self.close_delisted(before, tape);
        if self.is_another_day(before) {
            self.begin_day();
        }
        if charges {
            self.charge_funding(dice);
        }
        if publishes {
            self.publish();
            self.fund_makers(dice);
        }
        if charges || publishes {
            self.liquidate(dice, tape);
            self.work_off(dice, tape);
        }
    }

    pub(crate) fn next_moments(&self) -> Moments {
        let mut dice = Dice::new(self.seed, Stream::Time, self.block + 1);
        let gap = match dice.below(1000) {
            0..900 => dice.between(54 * MILLISECOND, 94 * MILLISECOND),
            900..974 => dice.between(MILLISECOND, 72 * MILLISECOND),
            _ => dice.between(130 * MILLISECOND, LONGEST_GAP),
        };
        let exact = self.time + gap;
        let cut = match dice.below(100) {
            0 => exact - exact % MILLISECOND,
            1..4 => exact - exact % 1000,
            _ => exact,
        };
        let block = if self.block == 0 { self.start } else { cut.max(self.not_before) };
        Moments { block, local: block + dice.between(MILLISECOND, 12 * MILLISECOND) }
    }

    /// How much of the due fills this block takes: nothing, a trickle, or all there is up to a burst.
    fn allowance(&self, due: i64, dice: &mut Dice) -> i64 {
        let empty = if self.rate <= 2_000 { 270 } else { 30 };
        if dice.happens(empty) {
            return 0;
        }
        let calm = named(self.seed, Stream::Weather, self.block / BLOCKS_PER_WEATHER).is_multiple_of(4);
        let most = if calm { due / 3 } else { (5 * due).max(12 * FILL) };
        self.credit.min(most)
    }

    /// Dust counts towards the rate, and a slow market has less of it.
    pub(crate) fn most_dust(&self) -> usize {
        self.rate.clamp(10, 400) as usize
    }

    /// A slow market is one of small orders, or one sweep would be the fills of many seconds.
    pub(crate) fn most_makers(&self) -> u64 {
        u64::from(self.rate / 4).clamp(1, 6)
    }
}
