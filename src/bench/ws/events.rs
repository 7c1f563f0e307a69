//! The events that each client has heard → how many there were, and how many somebody missed or heard twice.

use std::collections::BTreeSet;
use std::ops::Range;

use super::listener::{Event, Heard};

#[derive(Debug, PartialEq, Eq)]
pub struct Events {
    /// Those that anybody has heard: all clients listen to the same.
    pub all: usize,
    pub missed: usize,
    pub repeated: usize,
}

impl Events {
    /// Of these event times.
    pub fn of(heard: &[Heard], times: &Range<i64>) -> Self {
        let of_one = |heard: &Heard| -> Vec<Event> {
            heard.events.iter().filter(|event| times.contains(&event.time)).copied().collect()
        };
        let all: BTreeSet<Event> = heard.iter().flat_map(of_one).collect();
        let (mut missed, mut repeated) = (0, 0);
        for own in heard.iter().map(of_one) {
            let each: BTreeSet<&Event> = own.iter().collect();
            missed += all.len() - each.len();
            repeated += own.len() - each.len();
        }
        Self { all: all.len(), missed, repeated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_one_has_heard_all_are_to_hear_once() {
        let event = |offset| Event { time: 10, channel: 0, partition: 1, offset };
        let heard = |events: &[Event]| Heard { events: events.to_vec(), ..Heard::default() };
        let late = Event { time: 20, ..event(9) };
        let two = [heard(&[event(1), event(2)]), heard(&[event(2), event(1), late])];
        assert_eq!(Events::of(&two, &(0..20)), Events { all: 2, missed: 0, repeated: 0 });
        let two = [heard(&[event(1), event(1)]), heard(&[event(1), event(2)])];
        assert_eq!(Events::of(&two, &(0..20)), Events { all: 2, missed: 1, repeated: 1 });
    }
}
