//! What was spent within the last minute: amounts go in with their moments, their sum comes out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(crate) struct Minute {
    spent: VecDeque<(Instant, u32)>,
    sum: u32,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Minute {
    /// Spends unless the minute that ends now would then hold more than `most`.
    pub(crate) fn spend_within(&mut self, most: u32, amount: u32, now: Instant) -> bool {
        let fits = self.has_room(most, amount, now);
        if fits && amount > 0 {
            self.spent.push_back((now, amount));
            self.sum += amount;
        }
        fits
    }

    pub(crate) fn has_room(&mut self, most: u32, amount: u32, now: Instant) -> bool {
        self.sum(now).saturating_add(amount) <= most
    }

    pub(crate) fn sum(&mut self, now: Instant) -> u32 {
        while let Some((_, amount)) = self.spent.pop_front_if(|(moment, _)| now.duration_since(*moment) >= MINUTE) {
            self.sum -= amount;
        }
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spent_counts_for_a_minute_and_what_was_refused_never() {
        let (mut minute, begun) = (Minute::default(), Instant::now());
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert!(minute.spend_within(10, 4, at(0)));
        assert!(minute.spend_within(10, 6, at(30)));
        assert!(!minute.spend_within(10, 1, at(59)));
        assert_eq!(minute.sum(at(59)), 10);
        assert!(!minute.spend_within(10, 5, at(60)));
        assert!(minute.spend_within(10, 4, at(60)), "the first four are over");
        assert!(
            minute.spend_within(10, 0, at(61)) && minute.has_room(10, 0, at(61)) && !minute.has_room(10, 1, at(61))
        );
        assert_eq!(minute.sum(at(61)), 10);
        assert_eq!(minute.sum(at(121)), 0);
    }
}
