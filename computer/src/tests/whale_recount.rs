//! The whales of one block, counted from the whole history by the definition and the long way.

use alloc::collections::BTreeMap;

use schemas::{Amount, LedgerUpdate, MarketState, PositionChange, Side, Wallet, WhaleRule, WhaleWatch};

use super::whale_tapes::{FLOWS, HLP, LIQUIDATOR, Told};
use super::*;

const HOUR: i64 = 3_600_000;

/// What was told last of each position's risk, and of each account, by key: these have a recount of their own.
pub(super) type Known = BTreeMap<String, Value>;

/// What the last block tells, by key.
pub(super) fn recounted(tape: &[Told], known: &Known, rule: &WhaleRule) -> BTreeMap<String, Value> {
    let now = &tape[tape.len() - 1];
    let trades: Vec<&PositionChange> = now.changes.iter().filter(|it| is_trade(it)).collect();
    let mut orders: BTreeMap<u64, Vec<&PositionChange>> = BTreeMap::new();
    trades.iter().for_each(|change| orders.entry(change.oid).or_default().push(change));
    let around = |fills: &[&PositionChange]| {
        let markets = tape.iter().filter_map(|told| told.market.as_ref());
        let changes = tape.iter().flat_map(|told| &told.changes);
        Around {
            time: now.time,
            market: markets.rev().find(|it| it.coin == fills[0].coin).cloned(),
            all: changes.filter(|it| it.wallet == fills[0].wallet).collect(),
            account: known.get(&account_of(fills[0])).cloned().unwrap_or_default(),
            risk: known.get(&position_of(fills[0])).cloned().unwrap_or_default(),
        }
    };
    let mut rows: Vec<Value> = orders.values().map(|fills| order_row(fills, &around(fills), rule)).collect();
    let clocks = (tape.len() > 1).then(|| tape[tape.len() - 2].time - 1_000);
    let is_due = |flow: &&LedgerUpdate| flow.time <= now.time - 1_000 && clocks.is_none_or(|last| flow.time > last);
    rows.extend(
        tape.iter().filter_map(|told| told.flow.as_ref()).filter(is_due).filter_map(|flow| flow_row(flow, rule)),
    );
    let watches: Vec<&WhaleWatch> = tape.iter().filter_map(|told| told.watch.as_ref()).collect();
    let rows = rows.into_iter().filter_map(|row| {
        let is_vault = is_a_vault(&row, tape);
        told(row, now.time, &watches, is_vault)
    });
    rows.map(|row| (key_of(&row), row)).collect()
}

pub(super) fn key_of(row: &Value) -> String {
    format!("{}|{}", row["wallet"].as_str().unwrap(), row["id"].as_str().unwrap())
}

pub(super) fn position_of(change: &PositionChange) -> String {
    format!("{}|{}", change.coin, change.wallet)
}

pub(super) fn account_of(change: &PositionChange) -> String {
    format!("{}|{}", change.wallet, change.coin.dex())
}

/// With what is said of who did it; nothing when it is neither large nor wanted.
pub(super) fn told(mut row: Value, now: i64, watches: &[&WhaleWatch], is_vault: bool) -> Option<Value> {
    let amount = |value: &Value| value.as_str().unwrap().parse::<Amount>().unwrap();
    // Who watches is known in the order of the times: when money moves, those who watched by then.
    let until = if row["flow"].is_null() { now - 1_000 } else { row["time"].as_i64().unwrap() };
    let mut ours = watches.iter().filter(|watch| watch.time <= until && json!(watch.wallet) == row["wallet"]);
    let watch = ours.next_back().filter(|watch| !watch.removed);
    let notional = amount(&row["notional"]);
    let is_wanted = watch.is_some_and(|watch| watch.min_notional.is_none_or(|least| notional >= least));
    if notional < amount(&row["threshold"]) && !is_wanted {
        return None;
    }
    if watch.is_some() {
        row["watched"] = json!(true);
    }
    let everybody_knows = [(HLP, "HLP"), (LIQUIDATOR, "HLP Liquidator")];
    let known = everybody_knows.iter().find(|(wallet, _)| row["wallet"] == *wallet).map(|(_, label)| *label);
    match watch.filter(|watch| !watch.label.is_empty()) {
        Some(watch) => row["label"] = json!(watch.label),
        None if known.is_some() => row["label"] = json!(known),
        None if is_vault => row["label"] = json!("vault"),
        None => {}
    }
    Some(row)
}

/// Whether anything of before has shown that it is one: money that came in for its followers, or the leader's netting.
/// What flows is told before the changes of its clock.
fn is_a_vault(row: &Value, tape: &[Told]) -> bool {
    let is_its = |wallet: Wallet| json!(wallet) == row["wallet"];
    let (until, blocks) = match row["flow"].is_null() {
        true => (tape[tape.len() - 1].time - 1_000, tape),
        false => (row["time"].as_i64().unwrap(), &tape[..tape.len() - 1]),
    };
    let mut flows = tape.iter().filter_map(|told| told.flow.as_ref()).filter(|flow| flow.time <= until);
    let mut changes = blocks.iter().flat_map(|told| &told.changes);
    flows.any(|flow| is_its(flow.user) && flow.id.ends_with("deposited"))
        || changes.any(|change| is_its(change.wallet) && &*change.dir == "Net Child Vaults")
}

/// What is known when an order is whole.
pub(super) struct Around<'a> {
    pub time: i64,
    /// The latest state of its market.
    pub market: Option<MarketState>,
    /// Everything that its wallet has done so far.
    pub all: Vec<&'a PositionChange>,
    /// What was told last of the account, and of the position's risk.
    pub account: Value,
    pub risk: Value,
}

pub(super) fn order_row(fills: &[&PositionChange], around: &Around<'_>, rule: &WhaleRule) -> Value {
    let Around { time, market, all, account, risk } = around;
    let (first, last) = (fills[0], fills[fills.len() - 1]);
    let buys = first.side == Side::Buy;
    let size = total(fills.iter().map(|it| it.sz));
    let notional = total(fills.iter().map(|it| it.px.times(it.sz).unwrap()));
    let closed = total(fills.iter().map(|it| closed(it)));
    let opened = size.minus(closed).unwrap();
    let (is_new, is_gone) = (first.before.is_zero(), last.after.is_zero());
    let liquidation = fills.iter().find_map(|it| it.liquidation.as_ref());
    let action = match (closed.is_zero(), opened.is_zero()) {
        _ if liquidation.is_some() => "liquidated",
        _ if &*first.dir == "Auto-Deleveraging" => "deleveraged",
        (false, false) => "flip",
        (true, _) => {
            if is_new {
                "open"
            } else {
                "increase"
            }
        }
        (_, true) => {
            if is_gone {
                "close"
            } else {
                "reduce"
            }
        }
    };
    let is_long = if opened.is_zero() { !buys } else { buys };
    let volume = market.as_ref().and_then(|it| it.day_notional).unwrap_or_default();
    let open_interest = market.as_ref().and_then(|it| it.open_interest).filter(|it| !it.is_zero());
    let tokens: Vec<_> = fills.iter().map(|it| it.fee_token.as_deref()).collect();
    let fee = fills.iter().map(|it| it.fee).collect::<Option<Vec<_>>>();
    let pnl = fills.iter().map(|it| it.closed_pnl).collect::<Option<Vec<_>>>();
    let is_recent = |account: &&Value| account["time"].as_i64().unwrap() + HOUR >= *time;
    let account = Some(account).filter(|it| it.is_object()).filter(is_recent).unwrap_or(&Value::Null);
    let risk = Some(risk).filter(|risk| risk["size"] == json!(last.after) && !is_gone).unwrap_or(&Value::Null);
    let order = json!({
        "coin": first.coin, "oid": first.oid, "block": first.block, "index": first.index, "fills": fills.len(),
        "side": if is_long { "long" } else { "short" }, "size": size, "average_px": notional.over(size).unwrap(),
        "taker_size": total(fills.iter().filter(|it| it.crossed).map(|it| it.sz)),
        "before": first.before, "after": last.after,
        "entry_px": last.cost.filter(|_| !is_gone).map(|cost| cost.over(last.after.magnitude()).unwrap()),
        "closed_pnl": pnl.map(|all| total(all.into_iter())),
        "fee": fee.filter(|_| tokens.iter().all(|it| *it == tokens[0])).map(|all| total(all.into_iter())),
        "fee_token": tokens[0], "method": liquidation,
        "open_interest_share": open_interest.map(|all| last.after.magnitude().over(all).unwrap()),
        "maker_share": maker_share(all, *time),
        "account_time": account["time"], "account_value": account["account_value"], "leverage": risk["leverage"],
        "isolated": risk["isolated"], "liquidation_px": risk["liquidation_px"], "risk_basis": risk["basis"],
    });
    let share = volume.times(rule.share_of_volume).unwrap();
    json!({
        "wallet": first.wallet, "id": format!("{}|{}|{}", first.block, first.index, first.coin), "action": action,
        "time": first.time, "notional": notional, "threshold": share.max(rule.floor), "rule": rule, "order": known(order),
    })
}

pub(super) fn flow_row(update: &LedgerUpdate, rule: &WhaleRule) -> Option<Value> {
    let kind = update.id.rsplit('-').next().unwrap();
    let (_, action, way) = FLOWS.into_iter().find(|(its, ..)| *its == kind)?;
    let usd: Amount = update.delta["usdc"].as_str().unwrap().parse().unwrap();
    let flow = json!({
        "amount": if way < 0 { usd.negated() } else { usd }, "token": "USDC", "ledger_type": update.delta["type"],
        "counterparty": match kind { "paid" => Some(LIQUIDATOR.into()), _ => (action == "transfer").then(|| super::liquidations::wallet(9)) },
        "counterparty_label": (kind == "paid").then_some("HLP Liquidator"),
    });
    (way != 0).then(|| {
        json!({
            "wallet": update.user, "id": update.id, "action": action, "time": update.time, "notional": usd,
            "threshold": rule.floor, "rule": rule, "flow": known(flow),
        })
    })
}

fn closed(change: &PositionChange) -> Amount {
    let is_against = change.before.sign() * change.side.sign() < 0;
    if is_against { change.before.magnitude().min(change.sz) } else { Amount::ZERO }
}

/// Of the day's 24 hours, the one that runs among them.
fn maker_share(all: &[&PositionChange], time: i64) -> Option<Amount> {
    let recent: Vec<_> = all.iter().filter(|it| is_trade(it) && it.time / HOUR > time / HOUR - 24).collect();
    let sum = |only_makers: bool| {
        let counted = recent.iter().filter(|it| !only_makers || !it.crossed);
        total(counted.map(|it| it.px.times(it.sz).unwrap()))
    };
    sum(true).over(sum(false)).ok()
}

pub(super) fn is_trade(change: &PositionChange) -> bool {
    !matches!(&*change.dir, "Settlement" | "Net Child Vaults")
}

fn total(amounts: impl Iterator<Item = Amount>) -> Amount {
    amounts.fold(Amount::ZERO, |sum, amount| sum.plus(amount).unwrap())
}

/// What is not known is not there.
fn known(mut row: Value) -> Value {
    row.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    row
}
