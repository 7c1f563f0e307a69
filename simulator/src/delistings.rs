//! A market that ends: at the last oracle price every position goes to nobody, who is the exchange itself and holds
//! nothing; two legs of each come out, and no position is left.

use crate::crowd::{Address, NOBODY};
use crate::engine::{Engine, MILLISECOND};
use crate::markets::MARKETS;
use crate::money::Entry;
use crate::tape::{Leg, Tape, Trade};
use crate::trades::tid;

impl Engine {
    pub(crate) fn close_delisted(&mut self, before: i64, tape: &mut Tape<'_>) {
        for market in self.delisted_since(before) {
            for wallet in 0..self.crowd.accounts() {
                let lots = self.accounts.amount(market, wallet);
                if lots != 0 {
                    self.close_out(market, wallet, lots, tape);
                }
            }
        }
    }

    fn close_out(&mut self, market: usize, wallet: u32, lots: i64, tape: &mut Tape<'_>) {
        self.next_oid += 2;
        let (oid, nobodys) = (self.next_oid, self.next_oid - 1);
        let buys = lots < 0;
        let trade = Trade {
            market: &MARKETS[market],
            price: self.quotes.of[market].oracle,
            amount: lots.abs(),
            time: self.time / MILLISECOND,
            hash: [0; 32],
            tid: if buys { tid(oid, nobodys) } else { tid(nobodys, oid) },
            liquidation: None,
        };
        let booked = self.book_perp(market, wallet, Entry { change: -lots, value: trade.value(), fee: 0 });
        let holder = settled(self.crowd.address(wallet), buys, oid);
        let holder = Leg { start: booked.start, closed_pnl: booked.closed_pnl, crossed: true, ..holder };
        let nobody = settled(NOBODY, !buys, nobodys);
        let (bought, sold) = if buys { (holder, nobody) } else { (nobody, holder) };
        tape.leg(&trade, &bought);
        tape.leg(&trade, &sold);
    }
}

/// Of who holds nothing before it.
fn settled(user: &Address, buys: bool, oid: u64) -> Leg<'_> {
    Leg {
        user,
        buys,
        start: 0,
        closed_pnl: 0,
        oid,
        crossed: false,
        fee: 0,
        builder_fee: None,
        cloid: None,
        builder: None,
        deployer_fee: None,
        twap: None,
        direction: Some(SETTLEMENT),
    }
}

/// What the exchange calls it.
pub(crate) const SETTLEMENT: &str = "Settlement";
