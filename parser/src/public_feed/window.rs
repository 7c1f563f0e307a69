//! The latest trades of a coin that were published: by them a backlog's are known again, also by the next process.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Time and tid. Whatever was published and is not earlier than the earliest here is here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window(BTreeSet<(i64, u64)>);

/// More than a backlog holds: 30 trades in every recording.
const TRADES: usize = 48;
/// One order can make thousands of trades in one millisecond; of no millisecond are more remembered.
const MOST_TRADES: usize = 2048;

impl Window {
    pub fn holds(&self, trade: (i64, u64)) -> bool {
        self.0.contains(&trade)
    }

    /// The time of the earliest trade in it: what a backlog holds from before that was published, or its loss was said.
    pub fn reaches_back_to(&self) -> Option<i64> {
        self.0.first().map(|(time, _)| *time)
    }

    pub fn latest(&self) -> Option<(i64, u64)> {
        self.0.last().copied()
    }

    pub fn add(&mut self, trade: (i64, u64)) {
        self.0.insert(trade);
        while self.0.len() > MOST_TRADES || self.may_forget() {
            self.0.pop_first();
        }
    }

    /// Milliseconds are forgotten as a whole, so that a trade as early as the earliest here is known for sure.
    fn may_forget(&self) -> bool {
        let (earliest, kept_from) = (self.0.first(), self.0.iter().nth_back(TRADES - 1));
        earliest.zip(kept_from).is_some_and(|((earliest, _), (kept_from, _))| earliest < kept_from)
    }
}
