//! What a node writes and the exchange answers → facts, in the plainest way: the parser's own tests are elsewhere.

use schemas::{Amount, Clock, Hash, MarginTier, Market, Wallet};
use serde::Deserialize;

use super::facts::Facts;
use super::*;

#[derive(Deserialize)]
struct Line {
    block_time: String,
    block_number: u64,
    events: Vec<Value>,
}

/// The first moment of the month in which the hour lies.
const MONTH: i64 = 1_780_272_000_000;
const DAY: i64 = 86_400_000;

/// A line of `node_fills_by_block`: its clock, and its fills.
pub(super) fn block(line: &[u8]) -> (Clock, Vec<Fill>) {
    let Line { block_time, block_number: block, events } = serde_json::from_slice(line).unwrap();
    let fill = |(index, event): (usize, Value)| {
        let Value::Array(leg) = event else { panic!("{event}") };
        let [user, mut fill]: [Value; 2] = leg.try_into().unwrap();
        (fill["block"], fill["index"], fill["user"]) = (json!(block), json!(index), user);
        serde_json::from_value(fill).unwrap()
    };
    (Clock { time: moment(&block_time), block }, events.into_iter().enumerate().map(fill).collect())
}

/// `2026-06-28T23:30:00.123456789`, in whole milliseconds.
fn moment(text: &str) -> i64 {
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().unwrap();
    let of_second = text.get(20..23).map_or(0, |digits| digits.parse().unwrap());
    MONTH
        + (number(8, 10) - 1) * DAY
        + (number(11, 13) * 60 + number(14, 16)) * 60_000
        + number(17, 19) * 1_000
        + of_second
}

/// A line of `misc_events_by_block`: what changed accounts beside the fills.
pub(super) fn ledger(line: &[u8]) -> Vec<LedgerUpdate> {
    let Line { block_number, events, .. } = serde_json::from_slice(line).unwrap();
    let mut updates = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let time = moment(event["time"].as_str().unwrap());
        let hash: Hash = serde_json::from_value(event["hash"].clone()).unwrap();
        for (user, delta) in deltas(&event["inner"]) {
            let id = format!("{block_number}-{at}-{}", updates.len());
            updates.push(LedgerUpdate { id, user, time, hash, delta });
        }
    }
    updates
}

/// Of each wallet that an event concerns, what it says.
fn deltas(inner: &Value) -> Vec<(Wallet, Value)> {
    let wallet = |value: &Value| value.as_str().unwrap().parse::<Wallet>().unwrap();
    let fields = inner.as_object().unwrap();
    let (name, what) = fields.iter().next().unwrap();
    match name.as_str() {
        "LedgerUpdate" => {
            let users = what["users"].as_array().unwrap();
            users.iter().map(|user| (wallet(user), what["delta"].clone())).collect()
        }
        "Funding" => {
            let all = what["deltas"].as_array().unwrap();
            let funding = |it: &Value| json!({ "type": "funding", "coin": it["coin"], "usdc": it["funding_amount"] });
            all.iter().map(|it| (wallet(&it["user"]), funding(it))).collect()
        }
        name => [(wallet(&what["user"]), json!({ "type": name, "amount": what["amount"] }))].into(),
    }
}

/// The answer to `metaAndAssetCtxs`: what the markets of a dex are like, and how they stand.
pub(super) fn markets(dex: &str, answer: &str, time: i64, facts: &mut Facts) {
    let (meta, contexts): (Value, Vec<Value>) = serde_json::from_str(answer).unwrap();
    for (listing, mut context) in meta["universe"].as_array().unwrap().iter().zip(contexts) {
        (context["coin"], context["time"]) = (listing["name"].clone(), json!(time));
        facts.contexts.push(serde_json::from_value(context).unwrap());
        facts.markets.push(market(dex, listing, &meta["marginTables"], time));
    }
}

fn market(dex: &str, listing: &Value, tables: &Value, time: i64) -> Market {
    let whole = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    let id = &listing["marginTableId"];
    let table = tables.as_array().unwrap().iter().find(|table| table[0] == *id);
    // A table that is not listed has one tier: its number is the leverage.
    let only = [MarginTier { lower_bound: Amount::ZERO, max_leverage: whole(id) }];
    let tier = |tier: &Value| MarginTier {
        lower_bound: tier["lowerBound"].as_str().unwrap().parse().unwrap(),
        max_leverage: whole(&tier["maxLeverage"]),
    };
    Market {
        coin: schemas::Coin::new(listing["name"].as_str().unwrap()),
        dex: dex.into(),
        size_decimals: whole(&listing["szDecimals"]),
        max_leverage: whole(&listing["maxLeverage"]),
        margin_tiers: table
            .map_or(only.into(), |table| table[1]["marginTiers"].as_array().unwrap().iter().map(tier).collect()),
        isolated_only: listing["onlyIsolated"] == json!(true),
        delisted: listing["isDelisted"] == json!(true),
        time,
    }
}

/// The answer to `clearinghouseState`.
pub(super) fn account(user: &str, dex: &str, answer: &str) -> AccountState {
    let mut state: Value = serde_json::from_str(answer).unwrap();
    (state["user"], state["dex"]) = (json!(user), json!(dex));
    serde_json::from_value(state).unwrap()
}

/// The answer to `candleSnapshot`.
pub(super) fn candles(answer: &str, asked_at: i64) -> Vec<ExchangeCandle> {
    let candles: Vec<Value> = serde_json::from_str(answer).unwrap();
    let told = |mut candle: Value| {
        candle["asked_at"] = json!(asked_at);
        serde_json::from_value(candle).unwrap()
    };
    candles.into_iter().map(told).collect()
}
