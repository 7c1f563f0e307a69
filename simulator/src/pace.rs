//! Event time against the clock: a speed and a first moment go in; each later moment is waited for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a stop may go unseen.
const NAP: Duration = Duration::from_millis(20);

pub(crate) struct Pace {
    speed: u32,
    begun: Instant,
    first: i64,
}

impl Pace {
    pub(crate) fn new(speed: u32, first: i64) -> Self {
        Self { speed, begun: Instant::now(), first }
    }

    /// Waits for an event time, given in nanoseconds; false when told to stop.
    pub(crate) fn wait(&self, time: i64, stop: &AtomicBool) -> bool {
        let due = u64::try_from(time - self.first).unwrap_or(0).checked_div(u64::from(self.speed));
        while !stop.load(Ordering::Relaxed) {
            let left = due.map_or(Duration::ZERO, Duration::from_nanos).saturating_sub(self.begun.elapsed());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(NAP));
        }
        false
    }
}
