//! `position-changes`, `accounts`, `position-risks`, `whale-watches`, `ledger-updates` -> `whale-activities`: what large
//! orders did, and what moved in or out, with what is known of who did it.

use alloc::string::{String, ToString};

use schemas::{
    Account, Amount, Coin, Gap, LedgerUpdate, MarketState, PositionChange, PositionRisk, Text, Wallet, WhaleActivity,
    WhaleRule, WhaleWatch,
};
use serde::{Deserialize, Serialize};

use crate::book::TRUSTED_MS;
use crate::given::Given;
use crate::maker_shares::{self, FORGETS_EVERY_MS, Hours};
use crate::processor::{Out, Tick};
use crate::table::Table;
use crate::whale_orders::{Growing, Orders};
use crate::{known_wallets, whale_flows, whale_rule};

/// What has not been told yet, and what is known of markets, accounts and wallets; last the rule. Nested to the right:
/// each pair gives its second one another name in the state.
pub type Remembered =
    (Table<(Coin, Wallet), Orders>, (Table<Coin, Market>, (Accounts, (Hours, (Wallets, Given<WhaleRule>)))));

/// Per wallet and dex.
type Accounts = Table<(Wallet, Text), Stands>;
type Wallets = Table<Wallet, Known>;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Market {
    open_interest: Option<Amount>,
    day_notional: Option<Amount>,
}

/// What the exchange last said that an account is worth.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Stands {
    time: i64,
    account_value: Amount,
}

/// Who a wallet is, as far as that has been told.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Known {
    is_vault: bool,
    watch: Option<Watch>,
}

/// Why somebody watches a wallet.
#[derive(Debug, Serialize, Deserialize)]
pub struct Watch {
    label: String,
    min_notional: Amount,
}

/// What the leader of vaults nets between them.
const BETWEEN_VAULTS: &str = "Net Child Vaults";

pub fn measures_by((_, (_, (_, (_, (_, measure))))): &mut Remembered, rule: WhaleRule) {
    measure.0 = rule;
}

pub fn change((orders, known): &mut Remembered, change: &PositionChange, _: &mut Out<WhaleActivity>) {
    let (_, (_, (hours, (wallets, _)))) = known;
    // A settlement is nothing that the wallet did.
    if change.is_trade() {
        maker_shares::count(hours, change);
        orders.change(&(change.coin.clone(), change.wallet)).add(change);
    } else if *change.dir == *BETWEEN_VAULTS {
        is_a_vault(wallets, change.wallet);
    }
}

pub fn market((_, (markets, _)): &mut Remembered, state: &MarketState, _: &mut Out<WhaleActivity>) {
    let market = markets.change(&state.coin);
    market.open_interest = state.open_interest;
    market.day_notional = state.day_notional;
}

pub fn account((_, (_, (accounts, _))): &mut Remembered, account: &Account, _: &mut Out<WhaleActivity>) {
    let stands = accounts.change(&(account.wallet, Text::from(account.dex.as_str())));
    stands.time = account.time;
    stands.account_value = account.account_value;
}

/// It is told at the end of a block, of all that were traded in it: before the orders are.
pub fn risk((orders, _): &mut Remembered, risk: &PositionRisk, _: &mut Out<WhaleActivity>) {
    let key = (risk.coin.clone(), risk.wallet);
    if orders.get(&key).is_some() {
        orders.change(&key).end_in(risk);
    }
}

pub fn watch((_, (_, (_, (_, (wallets, _))))): &mut Remembered, watch: &WhaleWatch, _: &mut Out<WhaleActivity>) {
    if watch.removed && wallets.get(&watch.wallet).is_none_or(|known| !known.is_vault) {
        wallets.remove(&watch.wallet);
        return;
    }
    let min_notional = watch.min_notional.unwrap_or_default();
    let wanted = (!watch.removed).then(|| Watch { label: watch.label.to_string(), min_notional });
    wallets.change(&watch.wallet).watch = wanted;
}

pub fn ledger(
    (_, (_, (_, (_, (wallets, Given(rule)))))): &mut Remembered,
    update: &LedgerUpdate,
    out: &mut Out<WhaleActivity>,
) {
    if whale_flows::vault(update) == Some(update.user) {
        is_a_vault(wallets, update.user);
    }
    let Some((action, flow)) = whale_flows::of(update) else { return };
    let activity = WhaleActivity {
        wallet: update.user,
        id: update.id.clone(),
        action,
        time: update.time,
        notional: Some(flow.amount.magnitude()),
        threshold: rule.floor,
        rule: *rule,
        watched: false,
        label: None,
        order: None,
        flow: Some(flow),
    };
    tell(activity, wallets, out);
}

/// The block is whole, and with it the orders that had fills in it.
pub fn tick((orders, known): &mut Remembered, tick: &Tick, out: &mut Out<WhaleActivity>) {
    let (markets, (accounts, (hours, (wallets, Given(rule))))) = known;
    for key in orders.touched() {
        let (coin, wallet) = &key;
        let market = markets.get(coin);
        let account = accounts.get(&(*wallet, Text::from(coin.dex()))).filter(|stands| stands.is_trusted(tick));
        for growing in orders.remove(&key).unwrap_or_default().whole() {
            let mut activity = of_order(*wallet, growing, rule, market.and_then(|market| market.day_notional));
            if let Some(order) = &mut activity.order {
                order.maker_share = maker_shares::of(hours, *wallet, tick.time);
                order.open_interest_share = market.and_then(|market| market.share_of(order.after));
                order.account_time = account.map(|account| account.time);
                order.account_value = account.map(|account| account.account_value);
            }
            tell(activity, wallets, out);
        }
    }
    if tick.crosses(FORGETS_EVERY_MS) {
        maker_shares::forget(hours, tick.time);
        for key in accounts.keys_where(|_, stands| !stands.is_trusted(tick)) {
            accounts.remove(&key);
        }
    }
}

/// A block is whole or not there at all.
pub fn gap(_: &mut Remembered, _: &Gap) {}

fn of_order(wallet: Wallet, growing: Growing, rule: &WhaleRule, day_notional: Option<Amount>) -> WhaleActivity {
    WhaleActivity {
        wallet,
        id: growing.id(),
        action: growing.action(),
        time: growing.time,
        notional: growing.notional,
        threshold: whale_rule::threshold(rule, day_notional),
        rule: *rule,
        watched: false,
        label: None,
        order: Some(growing.order),
        flow: None,
    }
}

/// If it is large, or as large as whoever watches the wallet wants it.
fn tell(activity: WhaleActivity, wallets: &Wallets, out: &mut Out<WhaleActivity>) {
    let known = wallets.get(&activity.wallet);
    let watch = known.and_then(|known| known.watch.as_ref());
    // What is too large for an exact decimal is large.
    let reaches = |least: Amount| activity.notional.is_none_or(|notional| notional >= least);
    if !reaches(activity.threshold) && !watch.is_some_and(|watch| reaches(watch.min_notional)) {
        return;
    }
    let theirs = watch.map(|watch| watch.label.as_str()).filter(|label| !label.is_empty());
    let seen = known.filter(|known| known.is_vault).map(|_| known_wallets::VAULT);
    let label = theirs.or_else(|| known_wallets::label(activity.wallet)).or(seen).map(Text::from);
    out.push(WhaleActivity { watched: watch.is_some(), label, ..activity });
}

fn is_a_vault(wallets: &mut Wallets, wallet: Wallet) {
    if wallets.get(&wallet).is_none_or(|known| !known.is_vault) {
        wallets.change(&wallet).is_vault = true;
    }
}

impl Stands {
    fn is_trusted(&self, tick: &Tick) -> bool {
        self.time + TRUSTED_MS >= tick.time
    }
}

impl Market {
    fn share_of(&self, size: Amount) -> Option<Amount> {
        size.magnitude().over(self.open_interest?).ok()
    }
}
