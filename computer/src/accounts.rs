//! `position-changes`, `account-states`, `ledger-updates` -> `accounts`, `position-risks`: what backs each position,
//! and the mark at which it would be liquidated.
//!
//! What the exchange says of an account is reconciled with what fills have told, and carried forward until it speaks
//! again. Of accounts of which it says nothing, or of which something was missed, the price is an estimate, and says so.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::num::NonZeroU32;

use schemas::{
    Account, AccountState, Amount, Coin, Gap, LedgerUpdate, MarginTier, MarketState, PositionChange, PositionRisk,
    PositionSource, RiskBasis, Text, Wallet,
};
use serde::{Deserialize, Serialize};

use crate::book::{Backing, Book, REMEMBERED_MS, Recent, TRUSTED_MS};
use crate::processor::{Out, Tick};
use crate::risk::{Risk, assumed, cross, is_the_same_price, isolated, maintenance};
use crate::table::Table;

pub type Accounts = (Holdings, (Books, (Markets, LastHole)));
type Holdings = Table<(Coin, Wallet), Holding>;
/// Of the wallets that the exchange has told of, per dex.
type Books = Table<(Wallet, Text), Book>;
type Markets = Table<Coin, Market>;
/// When it ended: an account may be told of for the first time, of a moment before that.
type LastHole = Table<(), i64>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Holding {
    backing: Backing,
    paid: Paid,
    /// Whose word the size is.
    source: PositionSource,
    changed_at: i64,
    /// Set where the formula does not hold: then the exchange's own price, or none, stands for it.
    pooled: Option<Box<OwnPrice>>,
    told: Option<(Amount, Risk)>,
}

/// What was paid for a position; as long as nobody has said it, the price of the last trade stands for it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Paid {
    Cost(Amount),
    LastPx(Amount),
}

/// The exchange's price of a position of this size, or that it has none.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct OwnPrice {
    size: Amount,
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
    if change.after.is_zero() {
        holding.backing = Backing::default();
        holding.pooled = None;
    }
    holding.source = PositionSource::Fill;
    holding.paid = change.cost.map_or(Paid::LastPx(change.px), Paid::Cost);
    holding.changed_at = change.time;
}

pub fn market((_, (_, (markets, _))): &mut Accounts, state: &MarketState, _: &mut Out<Account>) {
    let market = markets.change(&state.coin);
    market.mark_px = state.mark_px.or(market.mark_px);
    if market.margin_tiers != state.margin_tiers {
        market.margin_tiers.clone_from(&state.margin_tiers);
        market.has_new_terms = true;
    }
}

/// Money that came or went leaves the account other than the exchange told it; how much, it will tell itself.
pub fn ledger((_, (books, _)): &mut Accounts, update: &LedgerUpdate, _: &mut Out<Account>) {
    let is_funding = update.delta.get("type").is_some_and(|kind| kind == "funding");
    for key in books.keys_where(|(wallet, _), book| *wallet == update.user && book.as_of < update.time) {
        let book = books.change(&key);
        let since = if is_funding { &mut book.carried_to } else { &mut book.unclear_to };
        *since = update.time.max(*since);
    }
}

pub fn account((holdings, (books, (markets, hole))): &mut Accounts, state: &AccountState, out: &mut Out<Account>) {
    let key = (state.user, Text::from(state.dex.as_str()));
    let mut before = books.get(&key).cloned().unwrap_or_else(|| begun(holdings, &key));
    before.spoken_of = state.time.max(before.spoken_of);
    if before.as_of >= state.time || before.forgotten_to > state.time {
        // What it says is not the latest, or more has happened since than anybody remembers: the next word will do.
        *books.change(&key) = before;
        return;
    }
    before.recent.retain(|recent| recent.time > state.time);
    let since = core::mem::take(&mut before.recent);
    let (mut drifted, mut pooled) = (Vec::new(), Vec::new());
    let Book { spoken_of, forgotten_to, .. } = before;
    let unclear_to = hole.get(&()).copied().unwrap_or_default().max(before.unclear_to);
    let cash = Some(state.cross_margin_summary.total_raw_usd);
    let mut book = Book { as_of: state.time, spoken_of, cash, unclear_to, forgotten_to, ..Book::default() };
    for coin in everywhere(&before, state) {
        let said = state.asset_positions.iter().map(|it| &it.position).find(|position| position.coin == coin);
        let holding = holdings.change(&(coin.clone(), state.user));
        let backing = said.map(Backing::of).unwrap_or_default();
        let last_px = since.iter().rfind(|change| change.coin == coin).map(|change| change.px);
        let is_drifted = size_then(holding, &since, &coin) != backing.size;
        if is_drifted {
            drifted.push(coin.clone());
            holding.source = PositionSource::Account;
        }
        if is_drifted || last_px.is_none() && holding.paid.cost().is_none() {
            let cost = said.and_then(|said| said.entry_px?.times(said.szi.magnitude()).ok());
            holding.paid = match (last_px, cost) {
                (Some(px), _) => Paid::LastPx(px),
                (None, Some(cost)) => Paid::Cost(cost),
                (None, None) if is_drifted => Paid::default(),
                (None, None) => holding.paid,
            };
        }
        let terms = markets.get(&coin).map_or(&[][..], |market| market.margin_tiers.as_slice());
        let own = said.filter(|said| !is_the_same_price(said, state, terms));
        holding.pooled = own.map(|said| Box::new(OwnPrice { size: said.szi, px: said.liquidation_px }));
        if holding.pooled.is_some() {
            book.is_pooled = true;
            pooled.push(coin.clone());
        }
        holding.backing = backing;
        for change in since.iter().filter(|change| change.coin == coin) {
            book.carry_again(&mut holding.backing, change);
            if holding.backing.size.is_zero() {
                // The next one is another position, also when it is as large.
                holding.pooled = None;
            }
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
    if tick.crosses(MARKS_EVERY_MS) {
        trust_no_more(accounts, tick.time);
    }
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
            cost: holding.paid.cost().filter(|_| !size.is_zero()),
            liquidation_px: risk.px,
            basis: risk.basis,
            leverage: risk.leverage.map(NonZeroU32::get),
            isolated: risk.isolated,
            clock: tick.time,
        });
        let is_over = size.is_zero() && holding.source == PositionSource::Fill;
        holdings.change(&key).told = (!is_over).then_some((size, risk));
    }
    if tick.crosses(MARKS_EVERY_MS) {
        forget(accounts, tick.time);
    }
    let (_, (_, (markets, _))) = accounts;
    for coin in markets.keys_where(|_, market| market.has_new_terms) {
        markets.change(&coin).has_new_terms = false;
    }
}

/// Accounts of which the exchange has said nothing for long are not known any more.
fn trust_no_more((holdings, (books, _)): &mut Accounts, clock: i64) {
    for key in books.keys_where(|_, book| book.spoken_of + TRUSTED_MS < clock) {
        let coins = books.remove(&key).map(|book| book.coins).unwrap_or_default();
        for coin in coins {
            holdings.change(&(coin, key.0)).pooled = None;
        }
    }
}

/// What is flat is remembered as long as the exchange may still speak of the time before.
fn forget((holdings, _): &mut Accounts, clock: i64) {
    let is_over = |holding: &Holding| holding.backing.size.is_zero() && holding.changed_at + REMEMBERED_MS < clock;
    for key in holdings.keys_where(|_, holding| is_over(holding)) {
        holdings.remove(&key);
    }
}

/// What was missed in a hole nobody knows: it may have been of any account.
pub fn gap((_, (books, (_, hole))): &mut Accounts, gap: &Gap) {
    *hole.change(&()) = gap.to_time;
    for key in books.keys_where(|_, book| book.unclear_to < gap.to_time) {
        books.change(&key).unclear_to = gap.to_time;
    }
}

/// Of an account of which the exchange speaks for the first time: what happened before, nobody has noted.
fn begun(holdings: &Holdings, (wallet, dex): &(Wallet, Text)) -> Book {
    let coins = holdings.keys_where(|(coin, its), _| its == wallet && coin.dex() == &**dex);
    let coins: Vec<Coin> = coins.into_iter().map(|(coin, _)| coin).collect();
    let changed_at = |coin: &Coin| holdings.get(&(coin.clone(), *wallet)).map(|holding| holding.changed_at);
    Book { forgotten_to: coins.iter().filter_map(changed_at).max().unwrap_or_default(), coins, ..Book::default() }
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
fn size_then(holding: &Holding, since: &[Recent], coin: &Coin) -> Amount {
    let first = since.iter().find(|change| change.coin == *coin);
    first.map_or(holding.backing.size, |change| change.before)
}

/// What has changed, all of an account when its money has, and now and then all whose other positions have marks.
fn due((holdings, (books, (markets, _))): &Accounts, tick: &Tick) -> Vec<(Coin, Wallet)> {
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

fn risk_of((holdings, (books, (markets, _))): &Accounts, (coin, wallet): &(Coin, Wallet)) -> Option<Risk> {
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
        return Some(assumed(backing.size, holding.paid.about(backing.size), tiers));
    };
    match holding.pooled.as_deref().copied() {
        Some(OwnPrice { size, px }) if size == backing.size => return Some(Risk::of_the_exchange(px, backing)),
        Some(_) => return Some(Risk::not_known(backing)),
        None if book.is_pooled && book.basis() != RiskBasis::Account => return Some(Risk::not_known(backing)),
        None => {}
    }
    if backing.raw_usd.is_some() {
        return Some(isolated(backing, book.basis(), market.mark_px, tiers));
    }
    let (mut value, mut asked, mut basis) = (Some(cash), Some(Amount::ZERO), book.basis());
    for other in &book.coins {
        let Some(held) = holdings.get(&(other.clone(), *wallet)) else { continue };
        if held.backing.raw_usd.is_some() || held.backing.size.is_zero() {
            continue;
        }
        if held.backing.leverage.is_none() {
            // It was opened since: that its margin is not its own is likely, but nobody has said so.
            basis = RiskBasis::Assumed;
        }
        let market = markets.get(other);
        let worth = market.and_then(|market| held.backing.size.times(market.mark_px?).ok());
        value = value.zip(worth).and_then(|(value, worth)| value.plus(worth).ok());
        if other != coin {
            let margin = worth.zip(market).and_then(|(worth, market)| maintenance(worth, &market.margin_tiers));
            asked = asked.zip(margin).and_then(|(asked, margin)| asked.plus(margin).ok());
        }
    }
    Some(cross(backing, basis, value, asked, market.mark_px, tiers))
}

impl Book {
    fn note(&mut self, coin: &Coin) {
        if let Err(place) = self.coins.binary_search(coin) {
            self.coins.insert(place, coin.clone());
        }
    }
}

impl Paid {
    fn cost(self) -> Option<Amount> {
        if let Self::Cost(cost) = self { Some(cost) } else { None }
    }

    /// For so much; none while nothing was traded.
    fn about(self, size: Amount) -> Option<Amount> {
        match self {
            Self::Cost(cost) => Some(cost),
            Self::LastPx(px) => px.times(size.magnitude()).ok().filter(|about| !about.is_zero()),
        }
    }
}

impl Default for Paid {
    fn default() -> Self {
        Self::LastPx(Amount::ZERO)
    }
}
