//! One trade: two sides go in; what each pays, the booking and the printing of both come out.

use crate::accounts::Booked;
use crate::crowd::{Builder, FEE_COLLECTOR, Style};
use crate::dice::mixed;
use crate::engine::{Engine, MILLISECOND};
use crate::liquidations::{LiquidationOrder, Route};
use crate::markets::Market;
use crate::money::Entry;
use crate::orders::{Order, Piece};
use crate::tape::{Leg, Liquidation, Tape, Trade};

/// Why an order is there: it decides what is paid for it and what is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its sender wanted it.
    Wish,
    /// The exchange sells what its sender can no longer back.
    Liquidation,
    /// The liquidator takes over what the other side can no longer back.
    Backstop { isolated: bool },
    /// Its sender is closed against the other side, who has lost everything.
    Deleveraging { isolated: bool },
}

/// A side's part in a trade.
struct Party {
    wallet: u32,
    buys: bool,
    oid: u64,
    cloid: Option<u128>,
    twap: Option<u64>,
    crossed: bool,
}

/// What a side pays, in the smallest unit of what it is charged in.
struct Charges {
    own_fee: i64,
    builder_fee: i64,
    builder: Option<Builder>,
}

const MILLION: i128 = 1_000_000;
const TID_BITS: u32 = 50;

impl Engine {
    pub(crate) fn trade(&mut self, order: &Order, piece: &Piece, tape: &mut Tape<'_>) {
        let taker = Party {
            wallet: order.taker,
            buys: order.buys,
            oid: order.oid,
            cloid: order.cloid,
            twap: order.twap,
            crossed: true,
        };
        let maker = Party {
            wallet: piece.maker,
            buys: !order.buys,
            oid: piece.oid,
            cloid: piece.cloid,
            twap: None,
            crossed: false,
        };
        let (buyer, seller) = if order.buys { (taker, maker) } else { (maker, taker) };
        let market = order.terms();
        let trade = Trade {
            market,
            price: piece.price,
            amount: piece.lots * market.lot(),
            time: self.time / MILLISECOND,
            hash: order.hash,
            tid: tid(buyer.oid, seller.oid),
            liquidation: self.liquidation(order, piece),
        };
        self.quotes.of[order.market].traded(order.cause, &trade);
        self.settle(order, piece, &trade, &buyer, tape);
        self.settle(order, piece, &trade, &seller, tape);
    }

    fn liquidation(&self, order: &Order, piece: &Piece) -> Option<Liquidation> {
        let victim = order.cause.victim(order, piece)?;
        let method = if order.cause == Cause::Liquidation { "market" } else { "backstop" };
        let mark = self.quotes.of[order.market].mark;
        Some(Liquidation { user: *self.crowd.address(victim), mark, method })
    }

    /// Books one side and prints it: first the one, then the other, from what the booking found.
    fn settle(&mut self, order: &Order, piece: &Piece, trade: &Trade<'_>, party: &Party, tape: &mut Tape<'_>) {
        let charges = self.charges(order.cause, trade, party);
        let booked = self.book(order.market, trade, party, charges.fee());
        let leg = Leg {
            user: self.crowd.address(party.wallet),
            buys: party.buys,
            start: booked.start,
            closed_pnl: booked.closed_pnl,
            oid: party.oid,
            crossed: party.crossed,
            fee: charges.fee(),
            builder_fee: Some(charges.builder_fee).filter(|fee| *fee != 0),
            cloid: party.cloid,
            builder: charges.builder.map(|builder| builder.address),
            deployer_fee: (trade.market.is_builders() && charges.own_fee > 1).then_some(charges.own_fee / 2),
            twap: party.twap,
            direction: order.cause.direction(party),
        };
        tape.leg(trade, &leg);
        if let Some(route) = order.cause.route().filter(|_| order.cause.victim(order, piece) == Some(party.wallet)) {
            self.record(LiquidationOrder {
                market: order.market,
                wallet: party.wallet,
                route,
                long: !party.buys,
                fills: 1,
                amount: trade.amount,
                value: trade.value(),
                mark: self.quotes.of[order.market].mark,
                closed_pnl: booked.closed_pnl,
                remaining: booked.start + party.signed(trade.amount),
            });
        }
    }

    fn charges(&self, cause: Cause, trade: &Trade<'_>, party: &Party) -> Charges {
        let charged_on = if party.is_charged_in_tokens(trade) { trade.amount } else { trade.value() };
        let builder = if cause.has_builder(party) { self.crowd.builder(party.wallet) } else { None };
        // Spot orders name their builder, who takes nothing.
        let paid = builder.filter(|_| !trade.market.is_spot());
        Charges {
            own_fee: millionths(charged_on, self.fee_rate(cause, trade.market, party)),
            builder_fee: paid.map_or(0, |builder| millionths(charged_on, builder.fee)),
            builder,
        }
    }

    fn book(&mut self, market: usize, trade: &Trade<'_>, party: &Party, fee: i64) -> Booked {
        let (change, value) = (party.signed(trade.amount), trade.value());
        if !trade.market.is_spot() {
            return self.book_perp(market, party.wallet, Entry { change, value, fee });
        }
        let booked = self.accounts.book(market, party.wallet, change, value);
        if party.is_charged_in_tokens(trade) {
            self.accounts.move_tokens(market, party.wallet, FEE_COLLECTOR, fee);
        }
        booked
    }

    /// In millionths of the value. Nothing is charged for what nobody wanted, nor to the liquidator.
    fn fee_rate(&self, cause: Cause, market: &Market, party: &Party) -> i64 {
        let style = self.crowd.style(party.wallet);
        let free = matches!(cause, Cause::Backstop { .. } | Cause::Deleveraging { .. }) || style == Style::Liquidator;
        let rate = match (market.is_spot(), party.crossed, style) {
            _ if free => 0,
            (true, true, _) => 700,
            (true, false, Style::Maker) => 0,
            (true, false, _) => 400,
            (false, true, Style::Maker) => 240,
            (false, true, Style::Whale) => 350,
            (false, true, _) => 450,
            (false, false, Style::Maker) => -30,
            (false, false, _) => 150,
        };
        if market.is_builders() && rate > 0 { 2 * rate } else { rate }
    }
}

impl Cause {
    fn victim(self, order: &Order, piece: &Piece) -> Option<u32> {
        match self {
            Self::Wish => None,
            Self::Liquidation => Some(order.taker),
            Self::Backstop { .. } | Self::Deleveraging { .. } => Some(piece.maker),
        }
    }

    fn route(self) -> Option<Route> {
        match self {
            Self::Wish => None,
            Self::Liquidation => Some(Route::Market),
            Self::Backstop { .. } => Some(Route::Backstop),
            Self::Deleveraging { .. } => Some(Route::Deleveraging),
        }
    }

    /// No front end routed what the exchange itself does, nor the slices of a TWAP.
    fn has_builder(self, party: &Party) -> bool {
        match self {
            Self::Wish => party.twap.is_none(),
            Self::Liquidation => !party.crossed,
            Self::Backstop { .. } | Self::Deleveraging { .. } => false,
        }
    }

    /// The words for a direction that the numbers do not tell.
    fn direction(self, party: &Party) -> Option<&'static str> {
        let (Self::Backstop { isolated } | Self::Deleveraging { isolated }) = self else { return None };
        // Of the two sides, the one that crosses gets the position: it buys what was a long.
        let long = party.buys == party.crossed;
        match (self, party.crossed, isolated, long) {
            (Self::Deleveraging { .. }, true, ..) => Some("Auto-Deleveraging"),
            (_, _, false, true) => Some("Liquidated Cross Long"),
            (_, _, false, false) => Some("Liquidated Cross Short"),
            (_, _, true, true) => Some("Liquidated Isolated Long"),
            (_, _, true, false) => Some("Liquidated Isolated Short"),
        }
    }
}

impl Party {
    fn signed(&self, amount: i64) -> i64 {
        if self.buys { amount } else { -amount }
    }

    /// The fee of a purchase of tokens is taken from them.
    fn is_charged_in_tokens(&self, trade: &Trade<'_>) -> bool {
        trade.market.is_spot() && self.buys
    }
}

impl Charges {
    fn fee(&self) -> i64 {
        self.own_fee + self.builder_fee
    }
}

fn millionths(value: i64, rate: i64) -> i64 {
    (i128::from(value) * i128::from(rate) / MILLION) as i64
}

/// Fifty bits of both orders' numbers; 0 is kept for dust.
pub(crate) fn tid(buyer_oid: u64, seller_oid: u64) -> u64 {
    let both = mixed(mixed(buyer_oid) ^ seller_oid);
    (both >> (u64::BITS - TID_BITS)).max(1)
}
