//! `position-changes`, `account-states`, `ledger-updates` -> `accounts`, `position-risks`: what backs each position,
//! and the mark at which it would be liquidated.
//!
//! What the exchange says of an account is reconciled with what fills have told, and carried forward until it speaks
//! again. Of accounts of which it says nothing, the price is an estimate, and says so.

use alloc::string::String;
use alloc::vec::Vec;

use schemas::{
    Account, AccountState, Amount, Coin, Gap, LedgerUpdate, MarginTier, MarketState, PositionChange, PositionRisk,
    PositionSource, Text, Wallet,
};
use serde::{Deserialize, Serialize};

use crate::book::{Backing, Book, REMEMBERED_MS, Recent};
use crate::processor::{Out, Tick};
use crate::risk::{Risk, assumed, cross, is_the_same_price, isolated, maintenance};
use crate::table::Table;

pub type Accounts = (Holdings, (Books, Markets));
type Holdings = Table<(Coin, Wallet), Holding>;
/// Of the wallets that the exchange has told of, per dex.
type Books = Table<(Wallet, Text), Book>;
type Markets = Table<Coin, Market>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Holding {
    backing: Backing,
    cost: Option<Amount>,
    /// Whose word the size is.
    source: PositionSource,
    last_px: Amount,
    changed_at: i64,
    /// Set where the formula does not hold: then the exchange's own price, or none, stands for it.
    pooled: Option<OwnPrice>,
    told: Option<(Amount, Risk)>,
}

/// The exchange's price of a position, or that it has none: by itself that would be saved as if nothing were known.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct OwnPrice {
    px: Option<Amount>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Market {
    mark_px: Option<Amount>,
    margin_tiers: Vec<MarginTier>,
    has_new_terms: bool,
}

/// How often the marks of an account's other positions are looked at.
const MARKS_EVERY_MS: i64 = 60_000;

pub fn change((holdings, (books, _)): &mut Accounts, change: &PositionChange, _: &mut Out<Account>) {
    let holding = holdings.change(&(change.coin.clone(), change.wallet));
    let key = (change.wallet, Text::from(change.coin.dex()));
    if books.get(&key).is_some() {
        let book = books.change(&key);
        book.carry(&mut holding.backing, &Recent::of(change));
        book.note(&change.coin);
    }
    // The source says what is held, whatever was missed before.
    holding.backing.size = change.after;
    holding.source = PositionSource::Fill;
    holding.cost = change.cost;
    holding.last_px = change.px;
    holding.changed_at = change.time;
}

pub fn market((_, (_, markets)): &mut Accounts, state: &MarketState, _: &mut Out<Account>) {
    let market = markets.change(&state.coin);
    market.mark_px = state.mark_px.or(market.mark_px);
    if market.margin_tiers != state.margin_tiers {
        market.margin_tiers.clone_from(&state.margin_tiers);
        market.has_new_terms = true;
    }
}

/// Money that came or went leaves the account other than the exchange told it; how much, it will tell itself.
pub fn ledger((_, (books, _)): &mut Accounts, update: &LedgerUpdate, _: &mut Out<Account>) {
    let key = (update.user, Text::from(""));
    if books.get(&key).is_some_and(|book| book.as_of < update.time && !book.is_carried) {
        books.change(&key).is_carried = true;
    }
}

pub fn account((holdings, (books, markets)): &mut Accounts, state: &AccountState, out: &mut Out<Account>) {
    let key = (state.user, Text::from(state.dex.as_str()));
    let Some(mut before) = before(holdings, books, &key, state.time) else { return };
    before.recent.retain(|recent| recent.time > state.time);
    let since = core::mem::take(&mut before.recent);
    let (mut drifted, mut pooled) = (Vec::new(), Vec::new());
    let mut book = Book { as_of: state.time, cash: Some(state.cross_margin_summary.total_raw_usd), ..Book::default() };
    for coin in everywhere(&before, state) {
        let said = state.asset_positions.iter().map(|it| &it.position).find(|position| position.coin == coin);
        let holding = holdings.change(&(coin.clone(), state.user));
        let backing = said.map(Backing::of).unwrap_or_default();
        if size_then(holding, &since, &coin) != Some(backing.size) {
            drifted.push(coin.clone());
            holding.source = PositionSource::Account;
            holding.cost = said.and_then(|said| said.entry_px?.times(said.szi.magnitude()).ok());
        }
        let terms = markets.get(&coin).map_or(&[][..], |market| market.margin_tiers.as_slice());
        let own = said.filter(|said| !is_the_same_price(said, state, terms));
        holding.pooled = own.map(|said| OwnPrice { px: said.liquidation_px });
        if holding.pooled.is_some() {
            pooled.push(coin.clone());
        }
        holding.backing = backing;
        for change in since.iter().filter(|change| change.coin == coin) {
            book.carry_again(&mut holding.backing, change);
        }
        if !holding.backing.size.is_zero() {
            book.note(&coin);
        }
    }
    book.recent = since;
    *books.change(&key) = book;
    out.push(Account {
        wallet: state.user,
        dex: String::from(state.dex.as_str()),
        time: state.time,
        account_value: state.margin_summary.account_value,
        cross_value: state.cross_margin_summary.account_value,
        cross_maintenance_margin: state.cross_maintenance_margin_used,
        notional: state.margin_summary.total_ntl_pos,
        positions: state.asset_positions.len() as u64,
        drifted,
        pooled,
    });
}

/// Each position that was traded, and each whose risk is another one than was told last.
pub fn tick(accounts: &mut Accounts, tick: &Tick, out: &mut Out<PositionRisk>) {
    for key in due(accounts, tick) {
        let Some(risk) = risk_of(accounts, &key) else { continue };
        let (holdings, _) = accounts;
        let Some(holding) = holdings.get(&key) else { continue };
        let size = holding.backing.size;
        let is_told = |(told, before): &(Amount, Risk)| *told == size && !risk.is_news_after(before);
        if holding.changed_at < tick.time && holding.told.as_ref().is_some_and(is_told) {
            continue;
        }
        if size.is_zero() && holding.told.is_none() {
            continue;
        }
        out.push(PositionRisk {
            coin: key.0.clone(),
            wallet: key.1,
            side: holding.backing.side(),
            size,
            source: holding.source,
            cost: holding.cost.filter(|_| !size.is_zero()),
            liquidation_px: risk.px,
            basis: risk.basis,
            leverage: risk.leverage,
            isolated: risk.isolated,
            clock: tick.time,
        });
        holdings.change(&key).told = (!size.is_zero()).then_some((size, risk));
    }
    if tick.crosses(MARKS_EVERY_MS) {
        forget(accounts, tick.time);
    }
    let (_, (_, markets)) = accounts;
    for coin in markets.keys_where(|_, market| market.has_new_terms) {
        markets.change(&coin).has_new_terms = false;
    }
}

/// What is flat is remembered as long as the exchange may still speak of the time before.
fn forget((holdings, _): &mut Accounts, clock: i64) {
    let is_over = |holding: &Holding| holding.backing.size.is_zero() && holding.changed_at + REMEMBERED_MS < clock;
    for key in holdings.keys_where(|_, holding| is_over(holding)) {
        holdings.remove(&key);
    }
}

/// Accounts are healed by what the exchange says next.
pub fn gap(_: &mut Accounts, _: &Gap) {}

/// What was known of an account before the exchange spoke; nothing, when it has spoken of a later moment, or when it
/// speaks for the first time and something has happened since that nobody has noted.
fn before(holdings: &Holdings, books: &Books, key: &(Wallet, Text), time: i64) -> Option<Book> {
    if let Some(book) = books.get(key) {
        return (book.as_of < time).then(|| book.clone());
    }
    let held = holdings.keys_where(|(coin, wallet), _| *wallet == key.0 && coin.dex() == &*key.1);
    let coins: Vec<Coin> = held.iter().map(|(coin, _)| coin.clone()).collect();
    let has_changed_since = |key| holdings.get(key).is_some_and(|holding: &Holding| holding.changed_at > time);
    (!held.iter().any(has_changed_since)).then(|| Book { coins, ..Book::default() })
}

/// Where something is held or was.
fn everywhere(before: &Book, state: &AccountState) -> Vec<Coin> {
    let said = state.asset_positions.iter().map(|it| it.position.coin.clone());
    let mut coins: Vec<Coin> = before.coins.iter().cloned().chain(said).collect();
    coins.sort_unstable();
    coins.dedup();
    coins
}

/// What had been known of the size at the moment of which the exchange speaks.
fn size_then(holding: &Holding, since: &[Recent], coin: &Coin) -> Option<Amount> {
    since
        .iter()
        .filter(|change| change.coin == *coin)
        .try_fold(holding.backing.size, |size, change| size.minus(change.size).ok())
}

/// What has changed, all of an account when its money has, and now and then all whose other positions have marks.
fn due((holdings, (books, markets)): &Accounts, tick: &Tick) -> Vec<(Coin, Wallet)> {
    let mut due = holdings.touched();
    let looks_at_marks = tick.crosses(MARKS_EVERY_MS);
    let accounts = if looks_at_marks { books.keys_where(|_, book| book.coins.len() > 1) } else { Vec::new() };
    for key in books.touched().iter().chain(&accounts) {
        let coins = books.get(key).map_or(&[][..], |book| book.coins.as_slice());
        due.extend(coins.iter().map(|coin| (coin.clone(), key.0)));
    }
    let new_terms = markets.keys_where(|_, market| market.has_new_terms);
    if !new_terms.is_empty() {
        due.extend(holdings.keys_where(|(coin, _), _| new_terms.binary_search(coin).is_ok()));
    }
    due.sort_unstable();
    due.dedup();
    due
}

fn risk_of((holdings, (books, markets)): &Accounts, (coin, wallet): &(Coin, Wallet)) -> Option<Risk> {
    let holding = holdings.get(&(coin.clone(), *wallet))?;
    let backing = &holding.backing;
    let book = books.get(&(*wallet, Text::from(coin.dex())));
    if backing.size.is_zero() {
        return Some(Risk::default());
    }
    let Some(market) = markets.get(coin).filter(|market| !market.margin_tiers.is_empty()) else {
        return Some(Risk::default());
    };
    let tiers = market.margin_tiers.as_slice();
    let Some((book, cash)) = book.and_then(|book| Some((book, book.cash?))) else {
        let cost = holding.cost.or_else(|| holding.last_px.times(backing.size.magnitude()).ok());
        return Some(assumed(backing.size, cost, tiers));
    };
    if let Some(OwnPrice { px }) = holding.pooled {
        return Some(Risk::of_the_exchange(px, backing));
    }
    if backing.raw_usd.is_some() {
        return Some(isolated(backing, book.is_carried, market.mark_px.unwrap_or(holding.last_px), tiers));
    }
    let (mut value, mut asked) = (Some(cash), Some(Amount::ZERO));
    for other in &book.coins {
        let Some(held) = holdings.get(&(other.clone(), *wallet)) else { continue };
        if held.backing.raw_usd.is_some() || held.backing.size.is_zero() {
            continue;
        }
        let market = markets.get(other);
        let worth = market.and_then(|market| held.backing.size.times(market.mark_px?).ok());
        value = value.zip(worth).and_then(|(value, worth)| value.plus(worth).ok());
        if other != coin {
            let margin = worth.zip(market).and_then(|(worth, market)| maintenance(worth, &market.margin_tiers));
            asked = asked.zip(margin).and_then(|(asked, margin)| asked.plus(margin).ok());
        }
    }
    Some(cross(backing, book.is_carried, value, asked, market.mark_px, tiers))
}

impl Book {
    fn note(&mut self, coin: &Coin) {
        if let Err(place) = self.coins.binary_search(coin) {
            self.coins.insert(place, coin.clone());
        }
    }
}
