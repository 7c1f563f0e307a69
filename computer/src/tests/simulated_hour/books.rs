//! One account of the hour, on one dex: what the exchange has said of it and what changed go in, in the order in which
//! they were known; what it holds, what backs that and who has said so comes out.

use alloc::collections::{BTreeMap, BTreeSet};

use schemas::{Amount, Coin, PositionSource};

use super::super::accounts::isolated_after;
use super::*;

/// All that is ever known of it.
#[derive(Default)]
pub(super) struct History {
    pub changes: Vec<&'static PositionChange>,
    pub words: Vec<&'static AccountState>,
    pub ledger: Vec<&'static LedgerUpdate>,
}

/// As it is at a clock.
#[derive(Default)]
pub(super) struct Books {
    pub held: BTreeMap<Coin, Held>,
    /// Without the value of the positions; nothing while that is not known.
    pub cash: Option<Amount>,
    /// The last word that counts, and where fills had told otherwise.
    pub word: Option<(&'static AccountState, Vec<Coin>)>,
    /// Since when everything that happens is noted: since the first word, taken or not.
    noted_from: Option<i64>,
    changes: Vec<&'static PositionChange>,
}

#[derive(Default, Clone)]
pub(super) struct Held {
    pub size: Amount,
    pub source: PositionSource,
    /// What was paid for it; where that is not known, the last price.
    pub cost: Option<Amount>,
    px: Amount,
    /// As the exchange has told: the leverage, and of an isolated position the money behind it.
    pub own: Option<(u32, Option<Amount>)>,
}

impl History {
    /// Of every account, by wallet and dex.
    pub fn all() -> BTreeMap<String, Self> {
        let mut all: BTreeMap<String, Self> = BTreeMap::new();
        for word in &HOUR.facts.accounts {
            all.entry(format!("{}|{}", word.user, word.dex)).or_default().words.push(word);
        }
        for change in &HOUR.changes {
            all.entry(format!("{}|{}", change.wallet, change.coin.dex())).or_default().changes.push(change);
        }
        for (key, history) in &mut all {
            let wallet = key.split('|').next().unwrap();
            history.ledger = HOUR.facts.ledger.iter().filter(|update| update.user.to_string() == wallet).collect();
        }
        all
    }

    /// A word is known with the first clock that is a second after it, before what that block changes.
    pub fn books_at(&self, time: i64) -> Books {
        let mut books = Books::default();
        let mut words = self.words.iter().filter(|word| word.time <= time - 1_000).peekable();
        for change in self.changes.iter().filter(|change| change.time <= time) {
            while let Some(word) = words.next_if(|word| word.time <= change.time - 1_000) {
                books.hear(word);
            }
            books.apply(change);
        }
        words.for_each(|word| books.hear(word));
        books
    }
}

impl Books {
    fn apply(&mut self, change: &'static PositionChange) {
        self.changes.push(change);
        self.carry(change);
        let held = self.held.entry(change.coin.clone()).or_default();
        held.source = PositionSource::Fill;
        (held.cost, held.px) = (change.cost, change.px);
    }

    /// Money against size. Where another size was known, something was missed, and nobody knows what it did to the money.
    fn carry(&mut self, change: &PositionChange) {
        let held = self.held.entry(change.coin.clone()).or_default();
        let by = change.after.minus(change.before).unwrap();
        let fee = change.fee.filter(|_| change.fee_token.is_none()).unwrap_or(Amount::ZERO);
        let mut given = by.times(change.px).unwrap().negated();
        if let Some((leverage, Some(raw))) = &mut held.own {
            (*raw, given) = isolated_after(*raw, change.before, by, change.px, i64::from(*leverage));
        }
        let is_known = held.size == change.before;
        self.cash = self.cash.filter(|_| is_known).map(|cash| cash.plus(given).unwrap().minus(fee).unwrap());
        held.size = change.after;
        if change.after.is_zero() {
            // How the next one is backed is not said yet.
            held.own = None;
        }
    }

    /// The first word counts when nothing had been seen by then that happened later.
    fn hear(&mut self, word: &'static AccountState) {
        let last = self.changes.last().map_or(0, |change| change.time);
        if *self.noted_from.get_or_insert(last) > word.time {
            return;
        }
        let since: Vec<&PositionChange> = self.changes.iter().copied().filter(|it| it.time > word.time).collect();
        let told = word.asset_positions.iter().map(|it| it.position.coin.clone());
        let coins: BTreeSet<Coin> = self.held.keys().cloned().chain(told).collect();
        let mut drifted = Vec::new();
        for coin in coins {
            if self.reconcile(&coin, word, &since) {
                drifted.push(coin);
            }
        }
        self.cash = Some(word.cross_margin_summary.total_raw_usd);
        self.word = Some((word, drifted));
        since.into_iter().for_each(|change| self.carry(change));
    }

    /// Whether another size had been known then.
    fn reconcile(&mut self, coin: &Coin, word: &AccountState, since: &[&PositionChange]) -> bool {
        let held = self.held.entry(coin.clone()).or_default();
        let said = word.asset_positions.iter().map(|it| &it.position).find(|it| it.coin == *coin);
        let mut since = since.iter().filter(|change| change.coin == *coin);
        let known = since.clone().next().map_or(held.size, |first| first.before);
        let size = said.map_or(Amount::ZERO, |said| said.szi);
        let is_drifted = known != size;
        let last = since.next_back();
        if is_drifted {
            held.source = PositionSource::Account;
        }
        if is_drifted || last.is_none() && held.cost.is_none() {
            let cost = said.map(|said| said.entry_px.unwrap().times(said.szi.magnitude()).unwrap());
            held.cost = cost.filter(|_| last.is_none());
            held.px = last.map_or(if is_drifted { Amount::ZERO } else { held.px }, |last| last.px);
        }
        let raw = |said: &schemas::HeldPosition| said.leverage.raw_usd.filter(|_| &*said.leverage.kind == "isolated");
        held.own = said.map(|said| (said.leverage.value, raw(said)));
        held.size = size;
        is_drifted
    }
}

impl Held {
    /// About what was paid.
    pub fn about(&self) -> Amount {
        self.cost.unwrap_or_else(|| self.px.times(self.size.magnitude()).unwrap())
    }
}
