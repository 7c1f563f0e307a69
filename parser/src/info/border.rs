//! Pages of a list that can only be asked for from a millisecond on → each item once, and what cannot be reached.
//!
//! The next page is asked for from the last millisecond that was read, not from the one behind it: the page may have
//! ended in the middle of it. What is there twice is known by its id.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// How far a list has been read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Border {
    pub time: i64,
    /// What was read of this millisecond.
    seen: BTreeSet<String>,
}

#[derive(Debug)]
pub struct Item<T> {
    pub time: i64,
    /// Tells items of one millisecond apart.
    pub id: String,
    pub value: T,
}

#[derive(Debug)]
pub struct News<T> {
    /// In the order of their times.
    pub items: Vec<Item<T>>,
    pub duplicates: u64,
    /// Whether something on the page was known: what was read and what is new have nothing between them.
    pub is_joined: bool,
    /// A millisecond that fills a page alone: what else it holds nobody can ask for.
    pub unreachable: Option<i64>,
}

impl Border {
    pub fn at(time: i64) -> Self {
        Self { time, seen: BTreeSet::new() }
    }

    /// Its time, and how much was read of it.
    pub fn place(&self) -> (i64, u32) {
        (self.time, u32::try_from(self.seen.len()).unwrap_or(u32::MAX))
    }

    /// Takes a page that was asked for from this border on. As many items as `full` may have others behind them.
    pub fn pass<T>(&mut self, mut page: Vec<Item<T>>, full: usize) -> News<T> {
        page.sort_by_key(|item| item.time);
        let asked_from = self.time;
        let is_stuck = page.len() >= full && page.last().is_some_and(|last| last.time <= asked_from);
        let is_joined = page.iter().any(|item| item.time == asked_from && self.seen.contains(&item.id));
        let all = page.len();
        page.retain(|item| self.is_news(item));
        if is_stuck {
            *self = Self::at(asked_from + 1);
        }
        let duplicates = (all - page.len()) as u64;
        News { items: page, duplicates, is_joined, unreachable: is_stuck.then_some(asked_from) }
    }

    fn is_news<T>(&mut self, item: &Item<T>) -> bool {
        if item.time > self.time {
            *self = Self::at(item.time);
        }
        item.time == self.time && self.seen.insert(item.id.clone())
    }
}

impl<T> News<T> {
    /// Nothing was new, and nothing was in the way of what may be.
    pub fn is_end(&self) -> bool {
        self.items.is_empty() && self.unreachable.is_none()
    }
}
