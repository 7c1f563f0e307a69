//! The whales of one block, counted from the whole history by the definition and the long way.

use alloc::collections::BTreeMap;

use schemas::{Amount, LedgerUpdate, PositionChange, Side, Wallet, WhaleRule};

use super::whale_tapes::{FLOWS, LIQUIDATOR, Told};
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
    let mut rows: Vec<Value> = orders.values().map(|fills| order_row(tape, fills, known, rule)).collect();
    let clocks = (tape.len() > 1).then(|| tape[tape.len() - 2].time - 1_000);
    let is_due = |flow: &&LedgerUpdate| flow.time <= now.time - 1_000 && clocks.is_none_or(|last| flow.time > last);
    rows.extend(
        tape.iter().filter_map(|told| told.flow.as_ref()).filter(is_due).filter_map(|flow| flow_row(flow, rule)),
    );
    let rows = rows.into_iter().filter_map(|row| told(row, tape));
    rows.map(|row| (format!("{}|{}", row["wallet"].as_str().unwrap(), row["id"].as_str().unwrap()), row)).collect()
}

/// With what is said of who did it; nothing when it is neither large nor wanted.
fn told(mut row: Value, tape: &[Told]) -> Option<Value> {
    let amount = |value: &Value| value.as_str().unwrap().parse::<Amount>().unwrap();
    // Who watches is known in the order of the times: when money moves, those who watched by then.
    let now = tape[tape.len() - 1].time - 1_000;
    let until = if row["flow"].is_null() { now } else { row["time"].as_i64().unwrap() };
    let watches = tape.iter().filter_map(|told| told.watch.as_ref()).filter(|watch| watch.time <= until);
    let mut ours = watches.filter(|watch| json!(watch.wallet) == row["wallet"]);
    let watch = ours.next_back().filter(|watch| !watch.removed);
    let notional = amount(&row["notional"]);
    let is_wanted = watch.is_some_and(|watch| watch.min_notional.is_none_or(|least| notional >= least));
    if notional < amount(&row["threshold"]) && !is_wanted {
        return None;
    }
    if watch.is_some() {
        row["watched"] = json!(true);
    }
    match watch.filter(|watch| &*watch.label == "the fund") {
        Some(_) => row["label"] = json!("the fund"),
        None if row["wallet"].as_str().unwrap().starts_with("0xdfc24b") => row["label"] = json!("HLP"),
        None if is_a_vault(&row, tape) => row["label"] = json!("vault"),
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

fn order_row(tape: &[Told], fills: &[&PositionChange], said: &Known, rule: &WhaleRule) -> Value {
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
    let market = tape.iter().filter_map(|told| told.market.as_ref()).rfind(|it| it.coin == first.coin);
    let volume = market.and_then(|it| it.day_notional).unwrap_or_default();
    let open_interest = market.and_then(|it| it.open_interest).filter(|it| !it.is_zero());
    let tokens: Vec<_> = fills.iter().map(|it| it.fee_token.as_deref()).collect();
    let fee = fills.iter().map(|it| it.fee).collect::<Option<Vec<_>>>();
    let pnl = fills.iter().map(|it| it.closed_pnl).collect::<Option<Vec<_>>>();
    let account = said.get(&format!("{}|{}", first.wallet, first.coin.dex()));
    let is_recent = |account: &&Value| account["time"].as_i64().unwrap() + HOUR >= tape[tape.len() - 1].time;
    let account = account.filter(is_recent).unwrap_or(&Value::Null);
    let risk = said.get(&format!("{}|{}", first.coin, first.wallet)).filter(|risk| risk["size"] == json!(last.after));
    let risk = risk.filter(|_| !is_gone).unwrap_or(&Value::Null);
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
        "maker_share": maker_share(tape, first.wallet),
        "account_time": account["time"], "account_value": account["account_value"], "leverage": risk["leverage"],
        "isolated": risk["isolated"], "liquidation_px": risk["liquidation_px"], "risk_basis": risk["basis"],
    });
    let share = volume.times(rule.share_of_volume).unwrap();
    json!({
        "wallet": first.wallet, "id": format!("{}|{}|{}", first.block, first.index, first.coin), "action": action,
        "time": first.time, "notional": notional, "threshold": share.max(rule.floor), "rule": rule, "order": known(order),
    })
}

fn flow_row(update: &LedgerUpdate, rule: &WhaleRule) -> Option<Value> {
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
fn maker_share(tape: &[Told], wallet: Wallet) -> Option<Amount> {
    let hour = tape[tape.len() - 1].time / HOUR;
    let all = tape.iter().flat_map(|told| &told.changes).filter(|it| it.wallet == wallet && is_trade(it));
    let recent: Vec<_> = all.filter(|it| it.time / HOUR > hour - 24).collect();
    let sum = |only_makers: bool| {
        let counted = recent.iter().filter(|it| !only_makers || !it.crossed);
        total(counted.map(|it| it.px.times(it.sz).unwrap()))
    };
    sum(true).over(sum(false)).ok()
}

fn is_trade(change: &PositionChange) -> bool {
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
