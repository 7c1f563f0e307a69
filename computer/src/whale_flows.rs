//! A change of an account → what it moved in or out of the wallet, in USD. What moves nothing between wallets, has no
//! value in USD, or is of a type not known here, is none.

use schemas::{Amount, LedgerUpdate, Text, Wallet, WhaleAction, WhaleFlow};

use crate::known_wallets;

pub(crate) fn of(update: &LedgerUpdate) -> Option<(WhaleAction, WhaleFlow)> {
    let text = |field: &str| update.delta.get(field)?.as_str();
    let usd = |field: &str| text(field)?.parse::<Amount>().ok();
    let wallet = |field: &str| text(field)?.parse::<Wallet>().ok();
    let ledger_type = text("type")?;
    let (action, amount, counterparty) = match ledger_type {
        "deposit" => (WhaleAction::Deposit, usd("usdc")?, None),
        "withdraw" => (WhaleAction::Withdraw, usd("usdc")?.negated(), None),
        "internalTransfer" | "subAccountTransfer" => {
            transfer(update.user, wallet("user"), wallet("destination"), usd("usdc")?)?
        }
        "spotTransfer" | "send" => transfer(update.user, wallet("user"), wallet("destination"), usd("usdcValue")?)?,
        "vaultCreate" | "vaultDeposit" => transfer(update.user, wallet("user"), wallet("vault"), usd("usdc")?)?,
        "vaultWithdraw" => transfer(update.user, wallet("vault"), wallet("user"), usd("netWithdrawnUsd")?)?,
        "vaultDistribution" => transfer(update.user, wallet("vault"), wallet("user"), usd("usdc")?)?,
        _ => return None,
    };
    let a_vault = |wallet| (vault(update) == Some(wallet)).then_some(known_wallets::VAULT);
    let who = counterparty.and_then(|wallet| known_wallets::label(wallet).or_else(|| a_vault(wallet)));
    let counterparty_label = who.map(Text::from);
    let (token, ledger_type) = (Text::from(text("token").unwrap_or("USDC")), Text::from(ledger_type));
    Some((action, WhaleFlow { amount, token, ledger_type, counterparty, counterparty_label }))
}

/// The vault that it is about.
pub(crate) fn vault(update: &LedgerUpdate) -> Option<Wallet> {
    update.delta.get("vault")?.as_str()?.parse().ok()
}

/// As one of the two sees it; when neither is, the one that is not named is.
fn transfer(
    seen_by: Wallet,
    from: Option<Wallet>,
    to: Option<Wallet>,
    amount: Amount,
) -> Option<(WhaleAction, Amount, Option<Wallet>)> {
    let sends = match (from == Some(seen_by), to == Some(seen_by)) {
        // Between what is the wallet's own.
        (true, true) => return None,
        (false, false) if from.is_some() == to.is_some() => return None,
        (false, false) => from.is_none(),
        (sends, _) => sends,
    };
    let (amount, counterparty) = if sends { (amount.negated(), to) } else { (amount, from) };
    Some((WhaleAction::Transfer, amount, counterparty))
}
