//! How much each caller has asked lately → whether it may ask more, and when. What a caller may ask in a minute it may ask
//! at once; it comes back little by little.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue};

/// Who asks: whoever has a key is counted by it, wherever it is used from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    Key(String),
    Address(IpAddr),
}

/// What callers may ask, and what they have.
#[derive(Debug)]
pub struct Rates {
    a_minute: u32,
    /// Until when each one's requests are paid for. Whoever has nothing to pay is not in it.
    paid_at: Mutex<HashMap<Caller, Instant>>,
}

/// What is left to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    limit: u32,
    remaining: u32,
    /// When all of it is there again.
    full_in: Duration,
    /// When what was refused may be asked.
    pub(super) refused_for: Option<Duration>,
}

const MINUTE: Duration = Duration::from_secs(60);
/// Beyond so many callers those are looked for who have nothing to pay.
const CALLERS: usize = 10_000;

impl Rates {
    pub fn new(a_minute: u32) -> Self {
        Self { a_minute: a_minute.max(1), paid_at: Mutex::default() }
    }

    pub(super) fn ask(&self, caller: Caller, weight: u32, now: Instant) -> Allowance {
        let one = MINUTE / self.a_minute;
        let weight = weight.min(self.a_minute);
        // Nothing can fail half-way while it is held.
        let mut paid_at = self.paid_at.lock().unwrap_or_else(PoisonError::into_inner);
        if paid_at.len() > CALLERS {
            paid_at.retain(|_, at| *at > now);
        }
        let before = paid_at.get(&caller).map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        let after = before + one * weight;
        let refused_for = after.checked_sub(one * self.a_minute).filter(|wait| !wait.is_zero());
        let owed = if refused_for.is_some() { before } else { after };
        if refused_for.is_none() {
            paid_at.insert(caller, now + after);
        }
        let remaining = (one * self.a_minute).saturating_sub(owed).as_nanos() / one.as_nanos();
        Allowance { limit: self.a_minute, remaining: remaining as u32, full_in: owed, refused_for }
    }
}

impl Allowance {
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        let numbers = [
            ("x-ratelimit-limit", u64::from(self.limit)),
            ("x-ratelimit-remaining", u64::from(self.remaining)),
            ("x-ratelimit-reset", seconds(self.full_in)),
        ];
        headers.extend(numbers.map(|(name, number)| (name.parse().ok(), HeaderValue::from(number))));
    }
}

/// Whole ones, and none too few.
pub(super) fn seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1000) as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn caller(last: u8) -> Caller {
        Caller::Address(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn a_minute_may_be_asked_at_once_and_comes_back() {
        let (rates, now) = (Rates::new(60), Instant::now());
        for remaining in (0..60).rev() {
            let allowance = rates.ask(caller(1), 1, now);
            assert_eq!((allowance.remaining, allowance.refused_for), (remaining, None));
        }
        let refused = rates.ask(caller(1), 1, now);
        assert_eq!((refused.remaining, refused.refused_for), (0, Some(Duration::from_secs(1))));
        assert_eq!(refused.full_in, MINUTE);
        assert_eq!(rates.ask(caller(2), 1, now).remaining, 59, "others have their own");
        let later = now + Duration::from_secs(10);
        assert_eq!(rates.ask(caller(1), 5, later).remaining, 5);
        assert_eq!(rates.ask(caller(1), 8, later).refused_for, Some(Duration::from_secs(3)));
        assert_eq!(rates.ask(caller(1), 5, later).refused_for, None, "what was refused costs nothing");
        assert_eq!(rates.ask(caller(1), 60, now + 3 * MINUTE).refused_for, None);
    }

    #[test]
    fn who_has_nothing_to_pay_is_forgotten() {
        let (rates, now) = (Rates::new(60), Instant::now());
        for number in 0..=CALLERS {
            rates.ask(Caller::Key(number.to_string()), 1, now);
        }
        rates.ask(caller(1), 1, now + MINUTE);
        assert_eq!(rates.paid_at.lock().unwrap().len(), 1);
    }
}
