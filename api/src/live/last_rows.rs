//! Of each group of a channel the last row: how things are.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use schemas::{Coin, Record, Wallet};

use super::shelf::{Item, Row};
use crate::channel::{Channel, Kept, Key, Subject, Value};

pub(crate) struct LastRows {
    channel: &'static Channel,
    keep: fn(&Record<'_>) -> serde_json::Result<Kept>,
    /// By their groups: what is of one coin lies together.
    rows: BTreeMap<Box<[u8]>, Arc<Row>>,
    /// The coins in which a wallet holds something.
    coins_of: HashMap<Wallet, Vec<Coin>>,
}

impl LastRows {
    pub(crate) fn new(channel: &'static Channel, keep: fn(&Record<'_>) -> serde_json::Result<Kept>) -> Self {
        Self { channel, keep, rows: BTreeMap::new(), coins_of: HashMap::new() }
    }

    pub(crate) fn put(&mut self, record: &Record<'_>) -> serde_json::Result<()> {
        let Kept { group, rank, value, is_the_end } = (self.keep)(record)?;
        if self.rows.get(&*group).is_some_and(|kept| kept.rank > rank) {
            return Ok(());
        }
        self.index(&value, is_the_end);
        // What may be told again after its end is remembered; of a position the log remembers it.
        match value {
            Value::Position(_) if is_the_end => drop(self.rows.remove(&*group)),
            value => {
                let row = Row { time: record.time, rank, value, is_the_end };
                self.rows.insert(group.into(), Arc::new(row));
            }
        }
        Ok(())
    }

    pub(crate) fn of(&self, subject: &Subject) -> Vec<Item> {
        let mut rows: Vec<Item> = match &subject.key {
            Key::Wallet(wallet) => self.of_wallet(wallet),
            Key::Coin(name) | Key::Name(name) => self.of_first_part(name, subject),
            Key::All => self.rows.iter().filter(|(group, _)| self.is_of(subject, group)).map(told).collect(),
        };
        rows.retain(|item| matches!(item, Item::Row(row) if !row.is_the_end));
        if self.channel.by_name {
            rows.sort_by_key(|item| if let Item::Row(row) = item { row.time } else { 0 });
        }
        rows
    }

    pub(crate) fn all_and_ended(&self) -> Vec<Item> {
        self.rows.iter().map(told).collect()
    }

    pub(crate) fn begins_with(&self, coin: &str) -> bool {
        !self.channel.by_name
            && !self.channel.is_of_everything()
            && self.from(coin.as_bytes()).next().is_some_and(|(group, _)| first_part(group) == coin.as_bytes())
    }

    /// From one to the next: the many rows between them are not walked.
    pub(crate) fn first_parts(&self) -> Vec<String> {
        let mut parts: Vec<String> = Vec::new();
        if self.channel.by_name || self.channel.is_of_everything() {
            return parts;
        }
        let mut next = self.rows.keys().next();
        while let Some(group) = next {
            let first = first_part(group);
            parts.push(String::from_utf8_lossy(first).into_owned());
            // Behind everything that begins with it; where a group is nothing else, behind that.
            let rest = [first, &[b'|' + 1]].concat();
            let behind = if group.len() == first.len() { Bound::Excluded(&**group) } else { Bound::Included(&*rest) };
            next = self.rows.range::<[u8], _>((behind, Bound::Unbounded)).map(|(group, _)| group).next();
        }
        parts
    }

    fn of_first_part(&self, name: &str, subject: &Subject) -> Vec<Item> {
        let begins = |group: &[u8]| group.starts_with(name.as_bytes());
        let near = self.from(name.as_bytes()).take_while(|(group, _)| begins(group));
        near.filter(|(group, _)| self.is_of(subject, group)).map(told).collect()
    }

    fn of_wallet(&self, wallet: &str) -> Vec<Item> {
        let coins = wallet.parse().ok().and_then(|wallet: Wallet| self.coins_of.get(&wallet));
        let group = |coin: &Coin| format!("{coin}|{wallet}").into_bytes();
        let rows = coins.into_iter().flatten().filter_map(|coin| self.rows.get(&*group(coin)));
        rows.map(|row| Item::Row(Arc::clone(row))).collect()
    }

    fn from(&self, first: &[u8]) -> impl Iterator<Item = (&[u8], &Arc<Row>)> {
        let from = self.rows.range::<[u8], _>((Bound::Included(first), Bound::Unbounded));
        from.map(|(group, row)| (&**group, row))
    }

    fn is_of(&self, subject: &Subject, group: &[u8]) -> bool {
        subject.is_of(group, self.channel)
    }

    fn index(&mut self, value: &Value, is_the_end: bool) {
        let Value::Position(position) = value else { return };
        let coins = self.coins_of.entry(position.wallet).or_default();
        coins.retain(|coin| *coin != position.coin);
        if !is_the_end {
            coins.push(position.coin.clone());
        } else if coins.is_empty() {
            self.coins_of.remove(&position.wallet);
        }
    }
}

fn told<G>((_, row): (G, &Arc<Row>)) -> Item {
    Item::Row(Arc::clone(row))
}

fn first_part(group: &[u8]) -> &[u8] {
    group.split(|byte| *byte == b'|').next().unwrap_or_default()
}
