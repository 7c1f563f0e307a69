//! How often one may connect and send: what the exchange allows per minute, and growing pauses after failures.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio::time::Instant;

/// So many in any minute.
#[derive(Debug)]
pub struct Allowance {
    most: usize,
    spent: VecDeque<Instant>,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Allowance {
    pub fn per_minute(most: usize) -> Self {
        Self { most, spent: VecDeque::new() }
    }

    /// When so many more may be spent: now, or when enough of what was spent is a minute old.
    pub fn when(&self, count: usize, now: Instant) -> Instant {
        let too_many = (self.spent.len() + count).saturating_sub(self.most);
        let last_of_them = too_many.checked_sub(1).and_then(|at| self.spent.get(at).or(self.spent.back()));
        last_of_them.map_or(now, |spent| (*spent + MINUTE).max(now))
    }

    pub fn spend(&mut self, count: usize, now: Instant) {
        while self.spent.front().is_some_and(|spent| *spent + MINUTE <= now) {
            self.spent.pop_front();
        }
        self.spent.extend(std::iter::repeat_n(now, count));
    }
}

/// Pauses between connections: each twice the one before, up to a longest.
#[derive(Debug)]
pub struct Pauses {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Pauses {
    pub fn from_to(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// The next pause; somewhere in its second half, so that not everybody comes back at once.
    pub fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        // The seeds of the standard library's hashes are random: reason enough for no generator.
        let thousandths = u32::try_from(RandomState::new().hash_one(()) % 1000).unwrap_or_default();
        pause / 2 + pause / 2000 * thousandths
    }

    pub fn start_anew(&mut self) {
        self.next = self.first;
    }
}
