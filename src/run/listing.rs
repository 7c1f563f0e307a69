//! The state of the metadata: the terms of each coin, and which coins there are. Records in, markets out; what has
//! changed of the listings goes back.

use std::collections::BTreeMap;

use parser::{Follow, Markets};
use schemas::{Coin, Market, Outbox, topics};

use super::now_ms;
use crate::failure::Failure;
use crate::log::Log;

#[derive(Default)]
pub struct Published {
    pub terms: BTreeMap<Coin, Market>,
    listings: Listings,
}

/// Each dex's coins in the order in which the exchange lists them: contexts come in that order and without a name. And
/// the spot pairs, where they are wanted.
pub type Listings = BTreeMap<String, Vec<Coin>>;

const DEX: &str = "dex|";
const SPOT: &str = "spot|";

/// The listings of what the exchange has told.
pub fn of(markets: &[Market], spot: Option<Vec<Coin>>) -> Listings {
    let mut listings = Listings::new();
    for market in markets {
        listings.entry(format!("{DEX}{}", market.dex)).or_default().push(market.coin.clone());
    }
    listings.extend(spot.map(|pairs| (SPOT.to_owned(), pairs)));
    listings
}

impl Published {
    pub fn read(log: &dyn Log) -> Result<Self, Failure> {
        let mut published = Self::default();
        log.last_values(&topics::STATE_PARSER_META, 0, &mut |key, value| {
            let key = String::from_utf8_lossy(key);
            if key.starts_with(DEX) || key == SPOT {
                published.listings.insert(key.into_owned(), serde_json::from_slice(value).unwrap_or_default());
            } else if let Ok(market) = serde_json::from_slice::<Market>(value) {
                published.terms.insert(market.coin.clone(), market);
            }
        })?;
        Ok(published)
    }

    /// What is to be followed; nothing, as long as the exchange has not told anything.
    pub fn markets(mut self) -> Option<Markets> {
        let spot = self.listings.remove(SPOT).unwrap_or_default();
        let coins = self.listings.values().flatten();
        let markets: Vec<Market> = coins.filter_map(|coin| self.terms.remove(coin)).collect();
        let follow = Follow { spot: !spot.is_empty(), ..Follow::default() };
        (!markets.is_empty()).then(|| Markets::chosen(&markets, &spot, follow))
    }

    /// These are the listings now.
    pub fn list(&mut self, listings: Listings, out: &mut Outbox) {
        let state = out.batch(&topics::STATE_PARSER_META, 0);
        for (key, coins) in listings.iter().filter(|(key, coins)| self.listings.get(*key) != Some(*coins)) {
            // Names always have a JSON form.
            state.push(now_ms(), key.as_bytes(), Some(&serde_json::to_vec(coins).unwrap_or_default()), &[]);
        }
        for key in self.listings.keys().filter(|key| !listings.contains_key(*key)) {
            state.push(now_ms(), key.as_bytes(), None, &[]);
        }
        self.listings = listings;
    }
}
