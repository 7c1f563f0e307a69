//! Which stretches of time have been read, by whoever it was: what is in them is known and is not told again.
//!
//! An event is what its text is: of the same moment and the same text there is one, in both layouts, in whichever file or
//! block. Inside a stretch everything is known by its time alone; at both ends, where a file may have been cut in the
//! middle of a moment, by its text. A silence ends a stretch, so that what is missing may still come later.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretches {
    /// The one that is read on.
    #[serde(flatten)]
    current: Stretch,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<Stretch>,
}

/// Both ends belong to it; none of it, when it ends at 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch {
    /// Older records do not say where they began: everything before their end is theirs.
    #[serde(default)]
    first_time: i64,
    /// Hashes of the events of that moment.
    #[serde(default)]
    first_lines: Vec<u64>,
    time: i64,
    /// Hashes of the events of that moment.
    lines: Vec<u64>,
}

/// No minute passes without an event on a busy exchange.
const SILENCE_MS: i64 = 60_000;
/// More are not remembered: then the shortest of the holes between them is forgotten.
const MOST: usize = 128;

impl Stretches {
    /// The end of the one that is read on; 0, when nothing was read.
    pub fn time(&self) -> i64 {
        self.current.time
    }

    pub fn holds(&self, time: i64, event: u64) -> bool {
        self.current.holds(time, event) || self.others.iter().any(|stretch| stretch.holds(time, event))
    }

    /// These events of a moment were read, and all that the same files have before it.
    pub fn reach(&mut self, time: i64, events: &[u64]) {
        if self.current.goes_on_to(time) {
            self.current.reach(time, events);
        } else {
            self.leave();
            let (first_lines, lines) = (events.to_vec(), events.to_vec());
            self.current = Stretch { first_time: time, first_lines, time, lines };
        }
        self.join_what_was_met();
    }

    /// What is read next has nothing to do with what was read last.
    pub fn leave(&mut self) {
        if self.current.time > 0 {
            self.others.push(std::mem::take(&mut self.current));
        }
        if self.others.len() > MOST {
            self.close_shortest_hole();
        }
    }

    /// Those that merely touch stay apart: more of that moment may come.
    fn join_what_was_met(&mut self) {
        let is_met =
            |current: &Stretch, other: &Stretch| other.first_time < current.time && current.first_time < other.time;
        while let Some(at) = self.others.iter().position(|other| is_met(&self.current, other)) {
            let other = self.others.swap_remove(at);
            self.current.join(other);
        }
    }

    fn close_shortest_hole(&mut self) {
        self.others.sort_unstable_by_key(|stretch| stretch.first_time);
        let hole = |at: &usize| self.others[at + 1].first_time - self.others[*at].time;
        if let Some(at) = (0..self.others.len() - 1).min_by_key(hole) {
            let next = self.others.remove(at + 1);
            self.others[at].join(next);
        }
    }
}

impl Stretch {
    fn holds(&self, time: i64, event: u64) -> bool {
        self.first_time < time && time < self.time
            || self.first_time == time && self.first_lines.contains(&event)
            || self.time == time && self.lines.contains(&event)
    }

    fn goes_on_to(&self, time: i64) -> bool {
        self.time > 0 && (self.first_time..=self.time + SILENCE_MS).contains(&time)
    }

    fn reach(&mut self, time: i64, events: &[u64]) {
        if time > self.time {
            (self.time, self.lines) = (time, Vec::new());
        }
        if time == self.time {
            add(&mut self.lines, events);
        }
        if time == self.first_time {
            add(&mut self.first_lines, events);
        }
    }

    fn join(&mut self, other: Self) {
        if other.first_time < self.first_time {
            (self.first_time, self.first_lines) = (other.first_time, other.first_lines);
        } else if other.first_time == self.first_time {
            add(&mut self.first_lines, &other.first_lines);
        }
        if other.time > self.time {
            (self.time, self.lines) = (other.time, other.lines);
        } else if other.time == self.time {
            add(&mut self.lines, &other.lines);
        }
    }
}

fn add(lines: &mut Vec<u64>, more: &[u64]) {
    for line in more {
        if !lines.contains(line) {
            lines.push(*line);
        }
    }
}
