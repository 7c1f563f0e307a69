//! How large an order has to be to be told of: by what its coin trades in a day, and never less than a floor. The rule is
//! given to a task, not remembered by it: what is said tells by which one.

use schemas::{Amount, Batch, WhaleRule};

use crate::table::State;

/// The floor, where it is not known what the coin trades.
pub(crate) fn threshold(rule: &WhaleRule, day_notional: Option<Amount>) -> Amount {
    let share = day_notional.and_then(|volume| volume.times(rule.share_of_volume).ok());
    share.map_or(rule.floor, |share| share.max(rule.floor))
}

/// Nothing of it is saved.
impl State for WhaleRule {
    fn begin_tick(&mut self, _: u64) {}

    fn save(&mut self, _: &str, _: &mut Batch) {}

    fn restore(&mut self, _: &str, _: &str, _: &[u8]) -> Option<()> {
        None
    }

    fn restored(&mut self, _: u64) {}

    fn len(&self) -> usize {
        0
    }
}
