//! An event beside the fills → the changes of accounts that it tells of.

use schemas::{Hash, LedgerUpdate, Wallet};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::dead_letter::Reject;
use crate::ledger::LedgerId;
use crate::node::moment;

/// One for each account that is changed; none, when it is about none.
pub fn understand(event: &str) -> Result<Vec<LedgerUpdate>, Reject> {
    let event: Event = serde_json::from_str(event).map_err(|error| rejected(error.to_string()))?;
    let time = moment("time", event.time)?;
    let Some((name, inner)) = event.inner.into_iter().next() else { return Ok(Vec::new()) };
    match name.as_str() {
        "LedgerUpdate" => ledger_updates(time, event.hash, inner),
        "Funding" => fundings(time, inner),
        _ => Ok(of_one_user(time, event.hash, &name, inner)),
    }
}

#[derive(Deserialize)]
struct Event<'a> {
    time: &'a str,
    hash: Hash,
    /// One field, whose name says what happened: an open set.
    inner: Map<String, Value>,
}

fn ledger_updates(time: i64, hash: Hash, inner: Value) -> Result<Vec<LedgerUpdate>, Reject> {
    #[derive(Deserialize)]
    struct Inner {
        users: Vec<Wallet>,
        delta: Value,
    }
    let Inner { mut users, delta } = serde_json::from_value(inner).map_err(|error| rejected(error.to_string()))?;
    if !delta["type"].is_string() {
        return Err(rejected("a change without a type".to_owned()));
    }
    users.sort_unstable();
    users.dedup();
    Ok(users.into_iter().map(|user| update(time, user, hash, delta.clone())).collect())
}

/// One event for everybody who pays or receives. Told as the info endpoint does, which knows of no transaction.
fn fundings(time: i64, inner: Value) -> Result<Vec<LedgerUpdate>, Reject> {
    #[derive(Deserialize)]
    struct Inner {
        deltas: Vec<Delta>,
    }
    #[derive(Deserialize)]
    struct Delta {
        user: Wallet,
        funding_amount: Value,
        #[serde(flatten)]
        more: Map<String, Value>,
    }
    let Inner { deltas } = serde_json::from_value(inner).map_err(|error| rejected(error.to_string()))?;
    let funding = |Delta { user, funding_amount, mut more }: Delta| {
        more.insert("type".to_owned(), Value::from("funding"));
        more.insert("usdc".to_owned(), funding_amount);
        update(time, user, Hash([0; 32]), Value::Object(more))
    };
    Ok(deltas.into_iter().map(funding).collect())
}

/// What else happens to a user, under the name that the node gives it.
fn of_one_user(time: i64, hash: Hash, name: &str, inner: Value) -> Vec<LedgerUpdate> {
    let Value::Object(mut delta) = inner else { return Vec::new() };
    let Some(user) = delta.get("user").and_then(|user| Wallet::deserialize(user).ok()) else { return Vec::new() };
    delta.insert("type".to_owned(), Value::from(name));
    vec![update(time, user, hash, Value::Object(delta))]
}

fn update(time: i64, user: Wallet, hash: Hash, delta: Value) -> LedgerUpdate {
    let id = LedgerId { time, user, hash, delta: &delta }.to_string();
    LedgerUpdate { id, user, time, hash, delta }
}

fn rejected(reason: String) -> Reject {
    Reject::Event { reason }
}
