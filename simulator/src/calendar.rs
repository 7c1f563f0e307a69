//! Which perpetuals come and go: the age of the market goes in; what is listed by then, and what is still traded, comes
//! out. Nothing of it is remembered, so a market that goes on from a snapshot keeps the same dates.

use crate::engine::{Engine, MILLISECOND};
use crate::markets::MARKETS;

/// With the age of the market, in seconds. They are the last of the main dex in this order, so that no index ever moves.
static LISTINGS: [(&str, i64); 2] = [("XPL", 30), ("MON", 30 * 60)];
static DELISTINGS: [(&str, i64); 2] = [("FTM", 60), ("MATIC", 40 * 60)];

const SECOND: i64 = 1_000 * MILLISECOND;

impl Engine {
    /// A delisted market stays in the list.
    pub(crate) fn is_listed(&self, market: usize) -> bool {
        date(&LISTINGS, market).is_none_or(|date| date <= self.age())
    }

    pub(crate) fn is_delisted(&self, market: usize) -> bool {
        date(&DELISTINGS, market).is_some_and(|date| date <= self.age())
    }

    pub(crate) fn is_traded(&self, market: usize) -> bool {
        self.is_listed(market) && !self.is_delisted(market)
    }

    /// The place of a coin, if it is listed by now.
    pub(crate) fn listed(&self, coin: &str) -> Option<usize> {
        (0..MARKETS.len()).find(|market| MARKETS[*market].coin == coin && self.is_listed(*market))
    }

    /// What the last block delisted; `before` is the time of the one before it.
    pub(crate) fn delisted_since(&self, before: i64) -> impl Iterator<Item = usize> + use<> {
        let (before, now) = (before - self.start, self.age());
        let passed = move |market: &usize| date(&DELISTINGS, *market).is_some_and(|date| before < date && date <= now);
        (0..MARKETS.len()).filter(passed)
    }

    /// How many have come and how many have gone by now: a change of it is one of the metadata.
    pub(crate) fn come_and_gone(&self) -> usize {
        LISTINGS.iter().chain(&DELISTINGS).filter(|(_, age)| age * SECOND <= self.age()).count()
    }

    fn age(&self) -> i64 {
        self.time - self.start
    }
}

fn date(dates: &[(&str, i64)], market: usize) -> Option<i64> {
    dates.iter().find(|(coin, _)| *coin == MARKETS[market].coin).map(|(_, age)| age * SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_later_stands_behind_all_others_of_the_main_dex() {
        let of_main = MARKETS.iter().filter(|market| !market.is_spot() && market.dex().is_empty());
        let coins: Vec<&str> = of_main.map(|market| market.coin).collect();
        let later: Vec<&str> = LISTINGS.iter().map(|(coin, _)| *coin).collect();
        assert!(coins.ends_with(&later) && LISTINGS.is_sorted_by_key(|(_, age)| *age), "{later:?} of {coins:?}");
        assert!(DELISTINGS.iter().all(|(coin, _)| coins.contains(coin) && !later.contains(coin)));
    }

    #[test]
    fn a_market_is_traded_from_its_listing_to_its_delisting() {
        let mut engine = Engine::new(1, 20, 1, 1_782_636_100_000);
        let mut traded = |seconds: i64| {
            let before = engine.time;
            engine.time = engine.start + seconds * SECOND;
            let coins = |coin: &&str| engine.listed(coin).is_some_and(|market| engine.is_traded(market));
            let traded: Vec<&str> = ["BTC", "FTM", "XPL"].into_iter().filter(coins).collect();
            (traded, engine.delisted_since(before).map(|market| MARKETS[market].coin).collect::<Vec<_>>())
        };
        assert_eq!(traded(29), (vec!["BTC", "FTM"], vec![]));
        assert_eq!(traded(30), (vec!["BTC", "FTM", "XPL"], vec![]));
        assert_eq!(traded(59), (vec!["BTC", "FTM", "XPL"], vec![]));
        assert_eq!(traded(60), (vec!["BTC", "XPL"], vec!["FTM"]));
        assert_eq!(traded(86_400), (vec!["BTC", "XPL"], vec!["MATIC"]));
        assert_eq!(traded(86_401), (vec!["BTC", "XPL"], vec![]));
    }
}
