//! What went wrong, by what was asked → until when it is left alone. Said once, until it works again.

use std::collections::BTreeMap;

use tracing::{info, warn};

use super::job::Kind;

#[derive(Debug, Default)]
pub struct Setbacks {
    of: BTreeMap<Kind, Setback>,
}

#[derive(Debug, Clone, Copy)]
struct Setback {
    since: i64,
    pause: i64,
}

const FIRST_PAUSE_MS: i64 = 1_000;
const LONGEST_PAUSE_MS: i64 = 60_000;
/// An endpoint that does not know a question will not soon.
const NOT_KNOWN_PAUSE_MS: i64 = 600_000;

impl Setbacks {
    pub fn not_before(&self, kind: Kind) -> i64 {
        self.of.get(&kind).map_or(i64::MIN, |setback| setback.since + setback.pause)
    }

    /// What was asked at `begun` has failed. Of several that fail at once the first counts.
    pub fn fail(&mut self, kind: Kind, is_known: bool, begun: i64, now: i64, reason: &str) {
        let before = self.of.get(&kind).copied();
        if before.is_some_and(|before| begun < before.since + before.pause) {
            return;
        }
        if before.is_none() {
            warn!("{reason}: trying again");
        }
        let longer = before.map_or(FIRST_PAUSE_MS, |before| (before.pause * 2).min(LONGEST_PAUSE_MS));
        let pause = if is_known { longer } else { NOT_KNOWN_PAUSE_MS };
        self.of.insert(kind, Setback { since: now, pause });
    }

    pub fn succeed(&mut self, kind: Kind) {
        if self.of.remove(&kind).is_some() {
            info!("the info endpoint answers again: {kind:?}");
        }
    }
}
