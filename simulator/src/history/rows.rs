//! What happened to each user, as it will be told: rows go in, pages of the newest come out.

use std::collections::{HashMap, VecDeque};

use crate::crowd::Address;

#[derive(Default)]
pub(crate) struct Rows {
    of_users: HashMap<Address, VecDeque<Row>>,
    /// Whose the rows are, the oldest first.
    order: VecDeque<Address>,
}

struct Row {
    time: i64,
    text: Box<str>,
}

/// Older rows of a user do not exist for whoever asks.
const MOST_OF_USER: usize = 10_000;
/// Of all users together; the oldest are forgotten first.
const MOST_OF_ALL: usize = 200_000;

impl Rows {
    /// Times in milliseconds, none before the last one.
    pub(crate) fn push(&mut self, user: Address, time: i64, text: String) {
        if self.order.len() == MOST_OF_ALL {
            self.forget_the_oldest();
        }
        self.order.push_back(user);
        self.of_users.entry(user).or_default().push_back(Row { time, text: text.into() });
    }

    pub(crate) fn newest_first(&self, user: &Address, most: usize) -> Vec<&str> {
        let rows = self.of_users.get(user).into_iter().flatten().rev();
        rows.take(most.min(MOST_OF_USER)).map(|row| &*row.text).collect()
    }

    /// The oldest first, both ends included.
    pub(crate) fn between(&self, user: &Address, start: i64, end: i64, most: usize) -> Vec<&str> {
        let Some(rows) = self.of_users.get(user) else { return Vec::new() };
        let exists = rows.len().saturating_sub(MOST_OF_USER);
        let first = rows.partition_point(|row| row.time < start).max(exists);
        let asked_for = rows.range(first..).take_while(|row| row.time <= end);
        asked_for.take(most).map(|row| &*row.text).collect()
    }

    fn forget_the_oldest(&mut self) {
        let Some(user) = self.order.pop_front() else { return };
        let rows = self.of_users.entry(user).or_default();
        rows.pop_front();
        if rows.is_empty() {
            self.of_users.remove(&user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Address = [b'1'; 42];
    const OTHER: Address = [b'2'; 42];

    #[test]
    fn pages_include_both_ends_and_no_more_than_asked_for() {
        let mut rows = Rows::default();
        for time in [3, 5, 5, 8] {
            rows.push(ONE, time, format!("at {time}"));
        }
        rows.push(OTHER, 9, "another's".to_owned());
        assert_eq!(rows.between(&ONE, 3, 5, 9), ["at 3", "at 5", "at 5"]);
        assert_eq!(rows.between(&ONE, 4, i64::MAX, 2), ["at 5", "at 5"]);
        assert_eq!(rows.newest_first(&ONE, 2), ["at 8", "at 5"]);
        assert!(rows.newest_first(&[b'3'; 42], 9).is_empty() && rows.between(&OTHER, 0, 8, 9).is_empty());
    }

    #[test]
    fn the_newest_of_a_user_and_of_all_stay() {
        let mut rows = Rows::default();
        rows.push(OTHER, 0, String::new());
        for time in 0..MOST_OF_ALL {
            rows.push(ONE, time as i64, time.to_string());
        }
        assert_eq!(rows.order.len(), MOST_OF_ALL);
        assert!(!rows.of_users.contains_key(&OTHER), "the oldest went");
        let oldest = (MOST_OF_ALL - MOST_OF_USER).to_string();
        assert_eq!(rows.between(&ONE, 0, i64::MAX, 1), [oldest.as_str()]);
        assert_eq!(rows.newest_first(&ONE, usize::MAX).last(), Some(&oldest.as_str()));
    }
}
