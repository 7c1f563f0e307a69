//! How evenly a minute's worth is spent → whether it is too early for more. Knows no clock.

/// A vessel that fills a little slower than may be spent, so that the limit itself is hardly ever met, and holds a
/// second's worth.
#[derive(Debug)]
pub struct Pace {
    per_minute: i64,
    /// In thousandths; below zero after something dear.
    level: i64,
    time: i64,
}

const HELD_MS: i64 = 1_000;
/// What is spent is counted to the second behind its reply, and for a minute from there on.
const COUNTED_SECONDS: i64 = 62;

impl Pace {
    pub fn per_minute(weight: u32) -> Self {
        Self { per_minute: i64::from(weight) * 60 / COUNTED_SECONDS, level: 0, time: i64::MIN }
    }

    /// Now, or when it will not be too early.
    pub fn possible_at(&mut self, now: i64) -> i64 {
        let most = self.per_minute * HELD_MS / 60;
        let since = now.saturating_sub(self.time).clamp(0, HELD_MS + 60_000);
        (self.level, self.time) = ((self.level + self.per_minute * since / 60).min(most), now);
        if self.level > 0 { now } else { now + 60 * -self.level / self.per_minute + 1 }
    }

    pub fn spend(&mut self, weight: u32) {
        self.level -= 1_000 * i64::from(weight);
    }

    pub fn give_back(&mut self, weight: u32) {
        self.level += 1_000 * i64::from(weight);
    }
}
