//! `position-changes` -> `wallet-sums`: once a minute, how the wallets of a task are spread by size and by profit.
//!
//! It is counted anew each minute, in one pass over what is held: every mark may have moved.

use schemas::{Amount, Coin, Gap, MarketState, PositionChange, Wallet, WalletSum};
use serde::{Deserialize, Serialize};

use crate::processor::{Out, Tick};
use crate::realised::Realised;
use crate::table::Table;
use crate::wallet_tiers::{PNL, SIZE, Spread};

/// What is held, and the markets.
pub type Known = (Table<(Wallet, Coin), Held>, Table<Coin, Market>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Market {
    mark_px: Option<Amount>,
    open_interest: Option<Amount>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Held {
    size: Amount,
    /// What was paid for it; absent while it is not known.
    cost: Option<Amount>,
    /// Of the side that is held, since it was seen.
    realised: Option<Amount>,
}

/// What a wallet has in all coins together; absent where a mark or a cost is not known.
pub(crate) struct Worth {
    pub long: Option<Amount>,
    pub short: Option<Amount>,
    pub unrealised: Option<Amount>,
    pub realised: Option<Amount>,
}

const TOLD_EVERY_MS: i64 = 60_000;
pub fn fold((positions, _): &mut Known, change: &PositionChange, _: &mut Out<WalletSum>) {
    let key = (change.wallet, change.coin.clone());
    if change.after.is_zero() {
        positions.remove(&key);
        return;
    }
    let realised = Realised::by(change);
    let held = positions.change(&key);
    if change.before.sign() != change.after.sign() {
        held.realised = realised.opened;
    } else {
        let so_far = if held.size == change.before { held.realised } else { Some(Amount::ZERO) };
        held.realised = Amount::sum(so_far, realised.both);
    }
    held.size = change.after;
    held.cost = change.cost;
}

pub fn market((_, markets): &mut Known, state: &MarketState, _: &mut Out<WalletSum>) {
    let known = markets.get(&state.coin).copied().unwrap_or_default();
    let now =
        Market { mark_px: state.mark_px.or(known.mark_px), open_interest: state.open_interest.or(known.open_interest) };
    if now != known {
        *markets.change(&state.coin) = now;
    }
}

pub fn tick((positions, markets): &mut Known, tick: &Tick, out: &mut Out<WalletSum>) {
    if !tick.crosses(TOLD_EVERY_MS) {
        return;
    }
    let holdings = positions.in_order();
    let Some(((first_wallet, _), _)) = holdings.first() else { return };
    let (mut by_size, mut by_pnl) = (Spread::over(&SIZE), Spread::over(&PNL));
    for of_wallet in holdings.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
        let mut worth = Worth::NOTHING;
        for ((_, coin), held) in of_wallet {
            worth.add(held, markets.get(coin).and_then(|market| market.mark_px));
        }
        by_size.add(Amount::sum(worth.long, worth.short), &worth);
        by_pnl.add(Amount::sum(worth.realised, worth.unrealised), &worth);
    }
    let open_interest = open_interest(markets);
    for Spread { scale, tiers, not_valued } in [by_size, by_pnl] {
        out.push(WalletSum {
            by: scale.by,
            time: tick.time - tick.time.rem_euclid(TOLD_EVERY_MS),
            first_wallet: *first_wallet,
            tiers,
            not_valued,
            open_interest,
            block: tick.block,
            clock: tick.time,
        });
    }
}

/// Of all markets of which it is known what is open, and at which mark.
fn open_interest(markets: &Table<Coin, Market>) -> Option<Amount> {
    let values = markets.in_order().into_iter().filter_map(|(_, market)| {
        let value = market.open_interest?.times(market.mark_px?);
        Some(value.ok().map(|value| value.in_millionths()))
    });
    values.reduce(Amount::sum).flatten()
}

/// Positions heal with the next fill; until then they are what was last known.
pub fn gap(_: &mut Known, _: &Gap) {}

impl Worth {
    const NOTHING: Self = {
        let nothing = Some(Amount::ZERO);
        Self { long: nothing, short: nothing, unrealised: nothing, realised: nothing }
    };

    fn add(&mut self, held: &Held, mark: Option<Amount>) {
        let is_long = held.size.sign() > 0;
        let value = mark.and_then(|mark| held.size.magnitude().times(mark).ok());
        let gain = value.zip(held.cost).and_then(|(value, cost)| value.minus(cost).ok());
        let side = if is_long { &mut self.long } else { &mut self.short };
        *side = Amount::sum(*side, value);
        self.unrealised = Amount::sum(self.unrealised, if is_long { gain } else { gain.map(Amount::negated) });
        self.realised = Amount::sum(self.realised, held.realised);
    }
}
