//! Whales of the hour: each order that was large, or whose wallet was watched, and what was moved in and out.

use alloc::collections::BTreeMap;

use schemas::{Coin, Wallet, WhaleRule};

use super::super::whale_recount::{Around, account_of, flow_row, is_trade, key_of, order_row, position_of, told};
use super::*;

#[test]
fn whales_of_the_hour_are_those_of_all_changes() {
    let last = &HOUR.checkpoints[HOUR.checkpoints.len() - 1];
    let rule = Rules::default().whales;
    let watches: Vec<&WhaleWatch> = HOUR.facts.watches.iter().collect();
    let mut rows = Vec::new();
    let mut all: BTreeMap<Wallet, Vec<&PositionChange>> = BTreeMap::new();
    for block in HOUR.changes_by(last).chunk_by(|one, other| one.block == other.block) {
        let time = HOUR.time_of(block[0].block);
        block.iter().for_each(|change| all.entry(change.wallet).or_default().push(change));
        for fills in orders(block).into_values().filter(|fills| may_be_told(fills, &rule)) {
            let row = order_row(&fills, &around(&fills, &all[&fills[0].wallet], time), &rule);
            let is_vault = is_a_vault(&row, time - 1_000);
            rows.extend(told(row, time, &watches, is_vault));
        }
    }
    for flow in flows().filter(|update| update.time <= last.clock.time - 1_000) {
        let row = flow_row(flow, &rule);
        rows.extend(row.and_then(|row| {
            let is_vault = is_a_vault(&row, flow.time);
            told(row, flow.time, &watches, is_vault)
        }));
    }
    let watched = rows.iter().filter(|row| row["watched"] == json!(true)).count();
    assert!(watched > 10 && watched < rows.len() && rows.iter().any(|row| row["flow"].is_object()), "{watched}");
    last.says("whale-activities", rows.into_iter().map(|row| (key_of(&row), row)).collect());
}

/// By wallet, coin and number.
fn orders(block: &[PositionChange]) -> BTreeMap<(Wallet, &Coin, u64), Vec<&PositionChange>> {
    let mut orders: BTreeMap<_, Vec<&PositionChange>> = BTreeMap::new();
    for change in block.iter().filter(|change| is_trade(change)) {
        orders.entry((change.wallet, &change.coin, change.oid)).or_default().push(change);
    }
    orders
}

/// Most are neither large nor of anybody who is ever watched.
fn may_be_told(fills: &[&PositionChange], rule: &WhaleRule) -> bool {
    let notional = fills.iter().map(|fill| fill.px.times(fill.sz).unwrap());
    let notional = notional.reduce(|sum, fill| sum.plus(fill).unwrap()).unwrap();
    notional >= rule.floor || HOUR.facts.watches.iter().any(|watch| watch.wallet == fills[0].wallet)
}

fn around<'a>(fills: &[&PositionChange], all: &[&'a PositionChange], time: i64) -> Around<'a> {
    let states = &HOUR.states[..HOUR.states.partition_point(|state| state.time <= time)];
    let read = |row: Option<&(i64, Vec<u8>)>| row.map(|(_, row)| serde_json::from_slice::<Value>(row).unwrap());
    // What the exchange says of an account is known a second later; of the risk there is news at the clock itself.
    let accounts = HOUR.accounts.get(&account_of(fills[0]));
    let account = read(accounts.and_then(|said| said.iter().rfind(|(its, _)| *its <= time - 1_000)));
    let risk = read(HOUR.risks[&position_of(fills[0])].iter().rfind(|(its, _)| *its == time));
    Around {
        time,
        market: states.iter().rfind(|state| state.coin == fills[0].coin).cloned(),
        all: all.to_vec(),
        account: account.unwrap_or_default(),
        risk: risk.unwrap_or_default(),
    }
}

/// What moved beside what the simulator does itself.
fn flows() -> impl Iterator<Item = &'static LedgerUpdate> {
    HOUR.facts.ledger.iter().filter(|update| update.id.starts_with("flow-"))
}

/// Money came into it for its followers.
fn is_a_vault(row: &Value, until: i64) -> bool {
    flows().any(|it| it.id.ends_with("-deposited") && it.time <= until && json!(it.user) == row["wallet"])
}
