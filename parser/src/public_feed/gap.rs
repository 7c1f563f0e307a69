//! Holes that have ended → what is said of them: from when to when, on which connection, of which coins.

use std::collections::BTreeMap;

use schemas::{Coin, FeedStatus, SourceStatus, Text};

use super::facts::SOURCE;
use super::memory::Memory;

/// A stretch of time in which trades of these coins may be missing.
#[derive(Debug, PartialEq, Eq)]
pub struct Gap {
    pub on: Option<usize>,
    pub from: i64,
    pub to: i64,
    pub coins: Vec<Coin>,
}

impl Gap {
    /// Takes the coins' holes from them. One gap of those that begin together; a hole without an end ends now.
    pub fn of_holes(on: Option<usize>, coins: &[Coin], now: i64, memory: &mut Memory) -> Vec<Self> {
        let mut gaps = BTreeMap::<i64, Self>::new();
        for coin in coins {
            let Some(hole) = memory.change(coin).hole.take() else { continue };
            let to = hole.until.unwrap_or(now).max(hole.from);
            let gap = gaps.entry(hole.from).or_insert(Self { on, from: hole.from, to, coins: Vec::new() });
            gap.to = gap.to.max(to);
            gap.coins.push(coin.clone());
        }
        gaps.into_values().collect()
    }

    pub fn status(&self, time: i64) -> FeedStatus {
        let names = self.coins.iter().map(Coin::as_str).collect::<Vec<_>>().join(", ");
        let on = self.on.map_or_else(|| "not followed any more, or elsewhere".to_owned(), name);
        let reason = format!("{on}, {}: trades may be missing of {names}", count(self.coins.len()));
        let (from_time, to_time) = (Some(self.from), Some(self.to));
        FeedStatus { part: self.part(), from_time, to_time, ..FeedStatus::of(SOURCE, SourceStatus::Gap, time, reason) }
    }

    /// Told from all others that begin at the same time: a coin is in one of them.
    fn part(&self) -> Option<Text> {
        let first = self.coins.first()?.as_str();
        Some(match self.coins.len() - 1 {
            0 => first.into(),
            more => format!("{first} and {more} more").as_str().into(),
        })
    }
}

/// Of one of the connections that are kept side by side.
pub fn name(on: usize) -> String {
    format!("connection {}", on + 1)
}

pub fn count(coins: usize) -> String {
    if coins == 1 { "1 coin".to_owned() } else { format!("{coins} coins") }
}
