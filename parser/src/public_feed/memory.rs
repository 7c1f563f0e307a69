//! What is known of each coin, and which of it has to be written.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{Batch, Coin};
use serde_json::value::RawValue;

use super::state::{Latest, LatestMid, MID};

#[derive(Debug, Default)]
pub struct Memory {
    coins: BTreeMap<Coin, Latest>,
    mids: BTreeMap<Coin, LatestMid>,
    changed_coins: BTreeSet<Coin>,
    changed_mids: BTreeSet<Coin>,
}

impl Memory {
    pub fn remember(&mut self, coin: Coin, latest: Latest) {
        self.coins.insert(coin, latest);
    }

    pub fn remember_mid(&mut self, coin: Coin, mid: LatestMid) {
        self.mids.insert(coin, mid);
    }

    pub fn of(&self, coin: &Coin) -> Option<&Latest> {
        self.coins.get(coin)
    }

    /// Of a coin, to be written when this has changed it.
    pub fn change(&mut self, coin: &Coin) -> &mut Latest {
        self.changed_coins.insert(coin.clone());
        self.coins.entry(coin.clone()).or_default()
    }

    pub fn coins_where(&self, is_meant: impl Fn(&Coin, &Latest) -> bool) -> Vec<Coin> {
        self.coins.iter().filter(|(coin, latest)| is_meant(coin, latest)).map(|(coin, _)| coin.clone()).collect()
    }

    /// Whether the mid of a coin is another than the last one, which it is from here on.
    pub fn is_news(&mut self, coin: &Coin, mid: &RawValue) -> bool {
        if self.mids.get(coin).is_some_and(|latest| latest.mid.get() == mid.get()) {
            return false;
        }
        self.mids.insert(coin.clone(), LatestMid { mid: mid.to_owned() });
        self.changed_mids.insert(coin.clone());
        true
    }

    /// What has changed since it was written last.
    pub fn write(&mut self, time: i64, batch: &mut Batch) {
        for coin in std::mem::take(&mut self.changed_coins) {
            let Ok(value) = serde_json::to_vec(&self.coins[&coin]) else { continue };
            batch.push(time, coin.as_str().as_bytes(), Some(&value), &[]);
        }
        for coin in std::mem::take(&mut self.changed_mids) {
            let Ok(value) = serde_json::to_vec(&self.mids[&coin]) else { continue };
            batch.push(time, format!("{MID}{coin}").as_bytes(), Some(&value), &[]);
        }
    }
}
