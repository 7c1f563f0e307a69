//! What a change of a position realises, of the side that it closes and of the one that it opens.

use schemas::{Amount, PositionChange};

use crate::positions::share;

/// Fees in USDC taken off; absent where the source does not say.
pub(crate) struct Realised {
    pub closed: Option<Amount>,
    pub opened: Option<Amount>,
    /// Not their sum, which is rounded where a fee is shared.
    pub both: Option<Amount>,
}

impl Realised {
    pub fn by(change: &PositionChange) -> Self {
        let fee = fee_in_usdc(change);
        let (closes, opens) = (change.before.sign() == -change.side.sign(), change.after.sign() == change.side.sign());
        let nothing = Some(Amount::ZERO);
        let (of_closed, of_opened) = match (closes, opens) {
            (true, true) => (
                share(fee, Some(change.before.magnitude()), change.sz),
                share(fee, Some(change.after.magnitude()), change.sz),
            ),
            (true, false) => (fee, nothing),
            (false, _) => (nothing, fee),
        };
        let paid = |fee: Option<Amount>| fee.map(Amount::negated);
        let gained = gained(change);
        Self {
            closed: Amount::sum(gained, paid(of_closed)),
            opened: paid(of_opened),
            both: Amount::sum(gained, paid(fee)),
        }
    }
}

/// What was paid in USDC: nothing by those who paid in another token.
pub(crate) fn fee_in_usdc(change: &PositionChange) -> Option<Amount> {
    if change.fee_token.is_some() { Some(Amount::ZERO) } else { change.fee }
}

/// Before fees. What only opens has realised nothing, whether it is said or not.
fn gained(change: &PositionChange) -> Option<Amount> {
    let closes = change.before.sign() == -change.side.sign();
    change.closed_pnl.or((!closes).then_some(Amount::ZERO))
}
