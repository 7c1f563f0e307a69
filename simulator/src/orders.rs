//! One order: which makers it sweeps, and the booking and printing of each fill.

use crate::crowd::{FEE_COLLECTOR, Style};
use crate::dice::{Dice, mixed};
use crate::engine::{Engine, MILLISECOND};
use crate::markets::{MARKETS, Market, choose};
use crate::print::{Leg, Tape, Trade};
use crate::wishes::BLOCKS_PER_TWAP;

struct Order {
    market: usize,
    taker: u32,
    buys: bool,
    lots: i64,
    price: i64,
    oid: u64,
    hash: [u8; 32],
    cloid: Option<u128>,
    twap: Option<u64>,
}

/// One piece of an order against one maker.
struct Piece {
    maker: u32,
    oid: u64,
    cloid: Option<u128>,
    lots: i64,
    price: i64,
}

/// A side's part in a piece.
struct Party {
    wallet: u32,
    buys: bool,
    oid: u64,
    cloid: Option<u128>,
    twap: Option<u64>,
    crossed: bool,
}

const MOST_MAKERS: usize = 6;
const MILLION: i128 = 1_000_000;
const TID_BITS: u32 = 50;

impl Engine {
    pub(crate) fn order(&mut self, dice: &mut Dice, tape: &mut Tape<'_>) {
        let market = choose(dice);
        let taker = self.crowd.anybody(market, dice);
        let change = if MARKETS[market].is_spot() {
            self.spot_wish(market, taker, dice)
        } else {
            self.perp_wish(market, taker, dice)
        };
        if change == 0 {
            return;
        }
        let order = self.placed(market, taker, change, dice);
        self.sweep(&order, dice, tape);
        self.walk(market, dice);
    }

    fn placed(&mut self, market: usize, taker: u32, change: i64, dice: &mut Dice) -> Order {
        // The makers' orders were there before: their numbers are the ones below the taker's.
        self.next_oid += dice.below(40) + MOST_MAKERS as u64 + 1;
        let buys = change > 0;
        let step = MARKETS[market].step(self.prices[market]);
        let spot = MARKETS[market].is_spot();
        let twap = (self.crowd.style(taker) == Style::Twap && !spot)
            .then(|| 1_700_000 + self.block / BLOCKS_PER_TWAP * 100_000 + u64::from(taker));
        Order {
            market,
            taker,
            buys,
            lots: change.abs(),
            price: self.prices[market] + if buys { step } else { 0 },
            oid: self.next_oid,
            hash: if twap.is_some() { [0; 32] } else { hash(dice) },
            cloid: self.cloid(taker, dice),
            twap,
        }
    }

    fn cloid(&self, wallet: u32, dice: &mut Dice) -> Option<u128> {
        self.crowd.names_orders(wallet).then(|| u128::from(dice.any()) << 32 | u128::from(dice.any() >> 40))
    }

    fn sweep(&mut self, order: &Order, dice: &mut Dice, tape: &mut Tape<'_>) {
        let count = dice.skewed(self.most_makers()) as usize + 1;
        let mut used = [order.taker; MOST_MAKERS];
        let (mut left, mut price) = (order.lots, order.price);
        for place in 0..count {
            let last = place + 1 == count;
            let wanted = if last { left } else { (left * dice.between(20, 70) / 100).max(1) };
            let Some((maker, lots)) = self.maker(order, wanted, last, &used, dice) else { break };
            used[place] = maker;
            let oid = order.oid - 1 - place as u64;
            let piece = Piece { maker, oid, cloid: self.cloid(maker, dice), lots, price };
            self.trade(order, &piece, tape);
            left -= lots;
            if left == 0 {
                break;
            }
            if dice.happens(400) {
                let step = MARKETS[order.market].step(price);
                price = if order.buys { price + step } else { (price - step).max(step) };
            }
        }
    }

    /// Who takes the other side of a piece, and how much of it.
    fn maker(
        &self,
        order: &Order,
        wanted: i64,
        last: bool,
        used: &[u32; MOST_MAKERS],
        dice: &mut Dice,
    ) -> Option<(u32, i64)> {
        let market = &MARKETS[order.market];
        if !last && !market.is_spot() && dice.happens(150) {
            let wallet = self.crowd.anybody(order.market, dice);
            let usual = market.lots_for(self.crowd.usual_size(wallet, dice), order.price);
            if !used.contains(&wallet) {
                return Some((wallet, wanted.min(usual)));
            }
        }
        let (one, other) = (self.crowd.any_maker(dice), self.crowd.any_maker(dice));
        let amount = |wallet| self.accounts.amount(order.market, wallet);
        // Whoever holds more would rather sell: stocks stay within bounds, on both sides of zero.
        let first = if (amount(one) > amount(other)) == order.buys { one } else { other };
        let able = |wallet: u32| !market.is_spot() || !order.buys || amount(wallet) >= wanted * market.lot();
        let makers = self.crowd.makers();
        (0..makers)
            .map(|place| (first + place) % makers)
            .find(|maker| !used.contains(maker) && able(*maker))
            .map(|maker| (maker, wanted))
    }

    fn trade(&mut self, order: &Order, piece: &Piece, tape: &mut Tape<'_>) {
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
        let market = &MARKETS[order.market];
        let trade = Trade {
            market,
            price: piece.price,
            amount: piece.lots * market.lot(),
            time: self.time / MILLISECOND,
            hash: order.hash,
            tid: tid(buyer.oid, seller.oid),
        };
        self.settle(order.market, &trade, &buyer, tape);
        self.settle(order.market, &trade, &seller, tape);
    }

    /// Books one side and prints it: first the one, then the other, from what the booking found.
    fn settle(&mut self, place: usize, trade: &Trade<'_>, party: &Party, tape: &mut Tape<'_>) {
        let market = trade.market;
        let value = market.value(trade.amount, trade.price);
        let change = if party.buys { trade.amount } else { -trade.amount };
        let booked = self.accounts.book(place, party.wallet, change, value);
        let in_token = market.is_spot() && party.buys;
        let charged_on = if in_token { trade.amount } else { value };
        let builder = if party.twap.is_none() { self.crowd.builder(party.wallet) } else { None };
        // Spot orders name their builder, who takes nothing.
        let builder_fee = builder.filter(|_| !market.is_spot()).map(|builder| millionths(charged_on, builder.fee));
        let own_fee = millionths(charged_on, fee_rate(market, self.crowd.style(party.wallet), party.crossed));
        let fee = own_fee + builder_fee.unwrap_or(0);
        if in_token {
            self.accounts.move_tokens(place, party.wallet, FEE_COLLECTOR, fee);
        }
        let leg = Leg {
            user: self.crowd.address(party.wallet),
            buys: party.buys,
            start: booked.start,
            closed_pnl: booked.closed_pnl,
            oid: party.oid,
            crossed: party.crossed,
            fee,
            builder_fee: builder_fee.filter(|fee| *fee != 0),
            cloid: party.cloid,
            builder: builder.map(|builder| builder.address),
            deployer_fee: (market.is_builders() && own_fee > 1).then_some(own_fee / 2),
            twap: party.twap,
            dust: false,
        };
        tape.leg(trade, &leg);
    }

    /// The price wanders, and the further it is from home the more it is drawn back.
    fn walk(&mut self, market: usize, dice: &mut Dice) {
        if !dice.happens(330) {
            return;
        }
        let (anchor, price) = (MARKETS[market].anchor, self.prices[market]);
        let up = (500 + (anchor - price) * 1_500 / anchor).clamp(50, 950) as u64;
        let step = MARKETS[market].step(price);
        // Where a step is small against the price, it takes several to be seen.
        let distance = step * dice.between(1, 1 + price / step / 15_000);
        let moved = if dice.happens(up) { price + distance } else { (price - distance).max(step) };
        self.prices[market] = moved - moved % MARKETS[market].step(moved);
    }

    /// A trade in which the dust pool takes part: the buyer is a maker, the pool crosses.
    pub(crate) fn sell_for_pool(
        &mut self,
        market: usize,
        buyer: u32,
        lots: i64,
        dice: &mut Dice,
        tape: &mut Tape<'_>,
    ) -> u64 {
        let order = self.placed(market, self.crowd.pool(), -lots, dice);
        let piece =
            Piece { maker: buyer, oid: order.oid - 1, cloid: self.cloid(buyer, dice), lots, price: order.price };
        self.trade(&order, &piece, tape);
        order.oid
    }
}

/// In millionths of the value.
fn fee_rate(market: &Market, style: Style, crossed: bool) -> i64 {
    let rate = match (market.is_spot(), crossed, style) {
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

fn millionths(value: i64, rate: i64) -> i64 {
    (i128::from(value) * i128::from(rate) / MILLION) as i64
}

fn hash(dice: &mut Dice) -> [u8; 32] {
    let mut hash = [0; 32];
    for word in hash.chunks_exact_mut(8) {
        word.copy_from_slice(&dice.any().to_be_bytes());
    }
    hash
}

/// Fifty bits of both orders' numbers; 0 is kept for dust.
fn tid(buyer_oid: u64, seller_oid: u64) -> u64 {
    let both = mixed(mixed(buyer_oid) ^ seller_oid);
    (both >> (u64::BITS - TID_BITS)).max(1)
}
