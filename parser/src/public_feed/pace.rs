//! How often one may connect and send: what the exchange allows per minute to all connections together, and growing
//! pauses after the failures of one.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// What all connections share.
#[derive(Debug)]
pub struct Pace {
    attempts: Mutex<Allowance>,
    between_attempts: Duration,
    messages: Mutex<Allowance>,
}

/// The exchange allows 30 connections and 2000 messages in a minute.
const ATTEMPTS: usize = 25;
const MESSAGES: usize = 1_800;

impl Pace {
    pub fn new(between_attempts: Duration) -> Self {
        let (attempts, messages) = (Allowance::per_minute(ATTEMPTS), Allowance::per_minute(MESSAGES));
        Self { attempts: Mutex::new(attempts), between_attempts, messages: Mutex::new(messages) }
    }

    /// Waits for a turn: whoever asks first is first.
    pub async fn turn_to_connect(&self) {
        let turn = locked(&self.attempts).book(Instant::now(), self.between_attempts);
        sleep_until(turn).await;
    }

    /// Either so many messages may be sent now and are counted, or this is when to ask again.
    pub fn claim_messages(&self, count: usize, now: Instant) -> Result<(), Instant> {
        let mut messages = locked(&self.messages);
        let when = messages.when(count, now);
        if when > now {
            return Err(when);
        }
        messages.spend(count, now);
        Ok(())
    }

    /// What has to be sent in any case: the allowance is less than what the exchange allows.
    pub fn count_messages(&self, count: usize) {
        locked(&self.messages).spend(count, Instant::now());
    }
}

/// Whoever held it last cannot have left it half changed.
fn locked(allowance: &Mutex<Allowance>) -> MutexGuard<'_, Allowance> {
    allowance.lock().unwrap_or_else(PoisonError::into_inner)
}

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

    /// The next turn, which is spent with that: some time after the one before it.
    pub fn book(&mut self, now: Instant, apart: Duration) -> Instant {
        let after_the_last = self.spent.back().map_or(now, |last| *last + apart);
        let turn = self.when(1, now).max(after_the_last);
        self.spend(1, turn);
        turn
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
