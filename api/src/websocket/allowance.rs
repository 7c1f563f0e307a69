//! How many messages a client may send: so many at once, and then so many a second.

use std::time::Instant;

pub(crate) struct Allowance {
    left: f64,
    counted: Instant,
}

pub(crate) const MESSAGES_PER_SECOND: u32 = 20;
pub(crate) const MESSAGES_AT_ONCE: u32 = 100;

impl Allowance {
    pub(crate) fn full(now: Instant) -> Self {
        Self { left: MESSAGES_AT_ONCE.into(), counted: now }
    }

    /// Counts one more.
    pub(crate) fn lets(&mut self, now: Instant) -> bool {
        let regained = now.duration_since(self.counted).as_secs_f64() * f64::from(MESSAGES_PER_SECOND);
        self.counted = now;
        self.left = (self.left + regained).min(MESSAGES_AT_ONCE.into()) - 1.0;
        self.left >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_so_many_a_second() {
        let begin = Instant::now();
        let mut allowance = Allowance::full(begin);
        assert!((0..MESSAGES_AT_ONCE).all(|_| allowance.lets(begin)));
        assert!(!allowance.lets(begin));
        let later = begin + Duration::from_secs(1);
        let let_through = (0..MESSAGES_AT_ONCE).filter(|_| allowance.lets(later)).count();
        assert_eq!(let_through, MESSAGES_PER_SECOND as usize - 1, "what was too much counts as well");
    }
}
