//! What happens beside the trades, as the node writes it: deposits, funding and liquidations go in, the line of
//! `misc_events_by_block` comes out.

use crate::crowd::Address;
use crate::dice::Dice;
use crate::markets::Market;
use crate::print::{self, hex, moment, push};
use crate::quotes::TEN_BILLION;

/// The events of one block.
#[derive(Clone, Default)]
pub(crate) struct MiscEvents {
    events: Vec<u8>,
}

/// What one holder of a perp pays, or receives when it is below zero.
pub(crate) struct FundingDelta<'a> {
    pub(crate) user: &'a Address,
    pub(crate) market: &'a Market,
    pub(crate) payment: i64,
    pub(crate) position: i64,
    /// In ten-billionths per hour.
    pub(crate) rate: i64,
    pub(crate) samples: u32,
}

/// A liquidation as the ledger of its victim has it.
pub(crate) struct LiquidationEvent<'a> {
    pub(crate) user: &'a Address,
    pub(crate) notional: i64,
    pub(crate) account_value: i64,
    pub(crate) isolated: bool,
    /// What was to be liquidated, in signed lots.
    pub(crate) positions: &'a [(&'a Market, i64)],
}

const MONEY_DECIMALS: u32 = 6;

impl MiscEvents {
    pub(crate) fn clear(&mut self) {
        self.events.clear();
    }

    /// Times in nanoseconds; a line without its line feed replaces what `line` held.
    pub(crate) fn write(&self, line: &mut Vec<u8>, local_time: i64, block_time: i64, block: u64) {
        print::open_line(line, local_time, block_time, block);
        push(line, &self.events, b"]}");
    }

    pub(crate) fn deposit(&mut self, time: i64, user: &Address, amount: i64, dice: &mut Dice) {
        self.open(time, dice);
        push(&mut self.events, b"\"CDeposit\":{\"user\":\"", user);
        self.money(b"\",\"amount\":\"", amount);
        self.events.extend_from_slice(b"\"}}}");
    }

    /// One event for all who are charged.
    pub(crate) fn funding<'a>(&mut self, time: i64, deltas: impl Iterator<Item = FundingDelta<'a>>, dice: &mut Dice) {
        self.open(time, dice);
        self.events.extend_from_slice(b"\"Funding\":{\"deltas\":[");
        for (place, delta) in deltas.enumerate() {
            push(&mut self.events, if place == 0 { b"{\"user\":\"" } else { b",{\"user\":\"" }, delta.user);
            push(&mut self.events, b"\",\"coin\":\"", delta.market.coin.as_bytes());
            self.money(b"\",\"funding_amount\":\"", -delta.payment);
            self.decimal(b"\",\"szi\":\"", delta.position, delta.market.size_decimals);
            self.decimal(b"\",\"fundingRate\":\"", delta.rate, TEN_BILLION.ilog10());
            self.events.extend_from_slice(b"\",\"nSamples\":");
            print::whole(&mut self.events, u64::from(delta.samples));
            self.events.push(b'}');
        }
        self.events.extend_from_slice(b"]}}}");
    }

    pub(crate) fn liquidation(&mut self, time: i64, event: &LiquidationEvent<'_>, dice: &mut Dice) {
        self.open(time, dice);
        push(&mut self.events, b"\"LedgerUpdate\":{\"users\":[\"", event.user);
        self.money(b"\"],\"delta\":{\"type\":\"liquidation\",\"liquidatedNtlPos\":\"", event.notional);
        self.money(b"\",\"accountValue\":\"", event.account_value);
        let mode: &[u8] = if event.isolated { b"Isolated" } else { b"Cross" };
        push(&mut self.events, b"\",\"leverageType\":\"", mode);
        self.events.extend_from_slice(b"\",\"liquidatedPositions\":[");
        for (place, (market, lots)) in event.positions.iter().enumerate() {
            let opening: &[u8] = if place == 0 { b"{\"coin\":\"" } else { b",{\"coin\":\"" };
            push(&mut self.events, opening, market.coin.as_bytes());
            self.decimal(b"\",\"szi\":\"", *lots, market.size_decimals);
            self.events.extend_from_slice(b"\"}");
        }
        self.events.extend_from_slice(b"]}}}}");
    }

    fn open(&mut self, time: i64, dice: &mut Dice) {
        let opening: &[u8] = if self.events.is_empty() { b"{\"time\":\"" } else { b",{\"time\":\"" };
        self.events.extend_from_slice(opening);
        moment(&mut self.events, time);
        self.events.extend_from_slice(b"\",\"hash\":\"0x");
        hex(&mut self.events, &dice.hash());
        self.events.extend_from_slice(b"\",\"inner\":{");
    }

    fn money(&mut self, before: &[u8], amount: i64) {
        self.decimal(before, amount, MONEY_DECIMALS);
    }

    fn decimal(&mut self, before: &[u8], value: i64, decimals: u32) {
        self.events.extend_from_slice(before);
        print::decimal(&mut self.events, value, decimals);
    }
}
