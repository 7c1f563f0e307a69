//! One order: who sends it and why, and which makers it sweeps, piece by piece.

use crate::crowd::Style;
use crate::dice::Dice;
use crate::engine::Engine;
use crate::markets::{MARKETS, Market, choose};
use crate::tape::Tape;
use crate::trades::Cause;
use crate::wishes::BLOCKS_PER_TWAP;

pub(crate) struct Order {
    pub(crate) market: usize,
    pub(crate) taker: u32,
    pub(crate) buys: bool,
    lots: i64,
    price: i64,
    pub(crate) oid: u64,
    pub(crate) hash: [u8; 32],
    pub(crate) cloid: Option<u128>,
    pub(crate) twap: Option<u64>,
    pub(crate) cause: Cause,
}

/// One piece of an order against one maker.
pub(crate) struct Piece {
    pub(crate) maker: u32,
    pub(crate) oid: u64,
    pub(crate) cloid: Option<u128>,
    pub(crate) lots: i64,
    pub(crate) price: i64,
}

impl Order {
    pub(crate) fn terms(&self) -> &'static Market {
        &MARKETS[self.market]
    }
}

/// What is handed over, in signed lots, and at which price.
pub(crate) struct HandOver {
    pub(crate) market: usize,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) lots: i64,
    pub(crate) price: i64,
}

const MOST_MAKERS: usize = 6;

impl Engine {
    pub(crate) fn order(&mut self, dice: &mut Dice, tape: &mut Tape<'_>) {
        let market = self.any_traded(dice);
        let taker = self.crowd.anybody(market, dice);
        let (market, change) = if MARKETS[market].is_spot() {
            (market, self.spot_wish(market, taker, dice))
        } else {
            let wish = self.perp_wish(market, taker, dice);
            self.backed(market, taker, wish, dice)
        };
        if change == 0 {
            return;
        }
        let order = self.placed(market, taker, change, dice);
        self.sweep(&order, dice, tape);
        self.walk(market, dice);
    }

    fn any_traded(&self, dice: &mut Dice) -> usize {
        loop {
            let market = choose(dice);
            if self.is_traded(market) {
                return market;
            }
        }
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
            hash: if twap.is_some() { [0; 32] } else { dice.hash() },
            cloid: self.cloid(taker, dice),
            twap,
            cause: Cause::Wish,
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
            let lots = self.taken(order.market, wallet, wanted.min(usual), !order.buys);
            if !used.contains(&wallet) && lots > 0 {
                return Some((wallet, lots));
            }
        }
        let (one, other) = (self.crowd.any_maker(dice), self.crowd.any_maker(dice));
        let amount = |wallet| self.accounts.amount(order.market, wallet);
        // Whoever holds more would rather sell: stocks stay within bounds, on both sides of zero.
        let first = if (amount(one) > amount(other)) == order.buys { one } else { other };
        let able = |wallet: u32| match market.is_spot() {
            true => !order.buys || amount(wallet) >= wanted * market.lot(),
            false => self.taken(order.market, wallet, wanted, !order.buys) == wanted,
        };
        let makers = self.crowd.makers();
        (0..makers)
            .map(|place| (first + place) % makers)
            .find(|maker| !used.contains(maker) && able(*maker))
            .map(|maker| (maker, wanted))
    }

    /// An order that is sent whatever its sender wants.
    pub(crate) fn force(
        &mut self,
        market: usize,
        wallet: u32,
        change: i64,
        cause: Cause,
        dice: &mut Dice,
        tape: &mut Tape<'_>,
    ) {
        let placed = self.placed(market, wallet, change, dice);
        let order = Order { hash: dice.hash(), cloid: None, twap: None, cause, ..placed };
        self.sweep(&order, dice, tape);
    }

    /// Lots of a position go from one wallet to another, past the book.
    pub(crate) fn hand_over(&mut self, position: &HandOver, cause: Cause, dice: &mut Dice, tape: &mut Tape<'_>) {
        let HandOver { market, from, to, lots, price } = *position;
        let placed = self.placed(market, to, lots, dice);
        let order = Order { hash: dice.hash(), cloid: None, twap: None, cause, ..placed };
        let piece = Piece { maker: from, oid: order.oid - 1, cloid: None, lots: lots.abs(), price };
        self.trade(&order, &piece, tape);
    }

    /// The price wanders, and the further it is from home the more it is drawn back.
    fn walk(&mut self, market: usize, dice: &mut Dice) {
        if !dice.happens(330) {
            return;
        }
        let (home, price) = (self.quotes.of[market].home(), self.prices[market]);
        let up = (500 + (home - price) * 20_000 / home).clamp(50, 950) as u64;
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
