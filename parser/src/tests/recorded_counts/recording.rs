//! A recorded file → what of it our readers read: lines of a node, frames of the public feed, replies of the info
//! endpoint. A reply is known by the request that stands before it, or by its shape, wherever in a file it stands.

use schemas::Wallet;
use serde_json::{Value, json};

use super::super::RECEIVED;
use crate::Layout;

pub enum Piece {
    Fills(Layout, String),
    MiscEvents(String),
    /// Those of one connection, each with when it was received.
    Frames(Vec<(i64, String)>),
    Reply(Reply),
}

pub struct Reply {
    pub question: String,
    pub user: Option<Wallet>,
    pub dex: String,
    pub text: String,
}

/// What is asked of the endpoint, by whatever part of us.
const ASKED: [&str; 9] = [
    "meta",
    "spotMeta",
    "perpDexs",
    "metaAndAssetCtxs",
    "clearinghouseState",
    "userNonFundingLedgerUpdates",
    "userFunding",
    "userFills",
    "userFillsByTime",
];

/// Channels that are subscribed.
const HEARD: [&str; 4] = ["trades", "allMids", "allDexsAssetCtxs", "activeAssetCtx"];

/// What the recorders made of frames and replies: not what the exchange sent.
const REDUCED: [&str; 6] = [
    "/dataFromMultiClient/",
    "/6-webData2-",
    "/7-webData2-",
    "/9-webData2-",
    "/10-shortPosition-",
    "/GetSubAccounts2.txt",
];

pub fn pieces(file: &str, text: &str) -> Vec<Piece> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let ending = name.rsplit('.').next().unwrap_or(name);
    match (name, ending) {
        _ if REDUCED.iter().any(|reduced| file.contains(reduced)) => Vec::new(),
        ("node_fills", _) => vec![Piece::Fills(Layout::Fills, text.to_owned())],
        ("node_trades", _) => vec![Piece::Fills(Layout::Trades, text.to_owned())],
        ("misc_events", _) => vec![Piece::MiscEvents(text.to_owned())],
        (_, "yaml") => of_cassette(text),
        (_, "jsonl") => vec![Piece::Frames(text.lines().map(|line| (received(line), line.to_owned())).collect())],
        (_, "txt") => of_fixture(text),
        (_, "json") => serde_json::from_str(text).map_or_else(|_| Vec::new(), |value| by_shape(&value)),
        _ => Vec::new(),
    }
}

fn received(frame: &str) -> i64 {
    let frame: Value = serde_json::from_str(frame).unwrap();
    frame["received_wall_ns"].as_i64().unwrap() / 1_000_000
}

/// Behind three lines the reply; or behind `= ` the frame that follows a subscription.
fn of_fixture(text: &str) -> Vec<Piece> {
    if let Some((_, reply)) = text.split_once("\nfalse\n") {
        return serde_json::from_str(reply).map_or_else(|_| Vec::new(), |value| by_shape(&value));
    }
    let Some((_, frame)) = text.split_once("\n= ") else { return Vec::new() };
    let read: Value = serde_json::from_str(frame).unwrap();
    let is_heard = read["channel"].as_str().is_some_and(|channel| HEARD.contains(&channel));
    if is_heard { vec![Piece::Frames(vec![(RECEIVED, frame.to_owned())])] } else { Vec::new() }
}

/// Requests and replies take turns.
fn of_cassette(text: &str) -> Vec<Piece> {
    let bodies = scalars(text);
    let mut found = Vec::new();
    for (request, reply) in bodies.iter().step_by(2).zip(bodies.iter().skip(1).step_by(2)) {
        let request: Value = serde_json::from_str(request).unwrap();
        let question = request["type"].as_str().unwrap_or_default().to_owned();
        if ASKED.contains(&question.as_str()) {
            let user = request["user"].as_str().map(|user| user.parse().unwrap());
            let dex = request["dex"].as_str().unwrap_or_default().to_owned();
            found.push(Piece::Reply(Reply { question, user, dex, text: reply.clone() }));
        } else if let Ok(value) = serde_json::from_str(reply) {
            found.extend(by_shape(&value));
        }
    }
    found
}

/// The quoted text behind each `body:` and `string:`.
fn scalars(text: &str) -> Vec<String> {
    let begins = ["body: ", "string: "].iter().flat_map(|name| text.match_indices(name));
    let mut begins: Vec<usize> = begins.map(|(at, name)| at + name.len()).collect();
    begins.sort_unstable();
    let scalar = |at: usize| match text.as_bytes()[at] {
        b'\'' => Some(single_quoted(&text[at + 1..])),
        b'"' => Some(double_quoted(&text[at..])),
        _ => None,
    };
    begins.into_iter().filter_map(scalar).collect()
}

/// Two quotes stand for one, and the end of a line for a space.
fn single_quoted(rest: &str) -> String {
    let mut scalar = String::new();
    for (part, next) in rest.split('\'').zip(rest.split('\'').skip(1)) {
        scalar.push_str(part);
        if !next.is_empty() {
            break;
        }
        scalar.push('\'');
    }
    scalar.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// As in JSON, but for characters that stand there by eight hexadecimal digits.
fn double_quoted(rest: &str) -> String {
    let mut parts = rest.split("\\U");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, more) = part.split_at(8);
        text.push(char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap());
        text.push_str(more);
    }
    serde_json::Deserializer::from_str(&text).into_iter().next().unwrap().unwrap()
}

/// The replies that a value holds; the mids of a dex are those of a frame.
fn by_shape(value: &Value) -> Vec<Piece> {
    let reply = |question: &str| {
        let (question, text) = (question.to_owned(), value.to_string());
        vec![Piece::Reply(Reply { question, user: None, dex: String::new(), text })]
    };
    if let Some(question) = question_of(value) {
        return reply(question);
    }
    if value["mids"].is_object() {
        return vec![Piece::Frames(vec![(RECEIVED, json!({"channel": "allMids", "data": value}).to_string())])];
    }
    match value {
        // Metadata and contexts apart, as a page of the exchange's own receives them.
        Value::Object(fields) if is_perps(&value["meta"]) && value["assetCtxs"].is_array() => {
            let rest = fields.iter().filter(|(name, _)| !["meta", "assetCtxs"].contains(&name.as_str()));
            let rest = rest.flat_map(|(_, field)| by_shape(field));
            by_shape(&json!([value["meta"], value["assetCtxs"]])).into_iter().chain(rest).collect()
        }
        Value::Object(fields) => fields.values().flat_map(by_shape).collect(),
        Value::Array(values) => values.iter().flat_map(by_shape).collect(),
        _ => Vec::new(),
    }
}

fn question_of(value: &Value) -> Option<&'static str> {
    let has = |value: &Value, names: &[&str]| names.iter().all(|name| value.get(name).is_some());
    let is_list = |names: &[&str]| {
        value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(|element| has(element, names)))
    };
    match value {
        _ if is_list(&["startPosition", "closedPnl"]) => Some("userFills"),
        _ if is_list(&["time", "hash", "delta"]) => match value[0]["delta"]["type"].as_str() {
            Some("funding") => Some("userFunding"),
            Some(_) => Some("userNonFundingLedgerUpdates"),
            None => None,
        },
        _ if has(value, &["marginSummary", "assetPositions"]) => Some("clearinghouseState"),
        _ if is_perps(&value[0]) && value[1].is_array() => Some("metaAndAssetCtxs"),
        _ if is_perps(value) => Some("meta"),
        _ if has(value, &["universe", "tokens"]) => Some("spotMeta"),
        Value::Array(dexs) if dexs.len() > 1 && dexs[0].is_null() && has(&dexs[1], &["deployer"]) => Some("perpDexs"),
        _ => None,
    }
}

/// Metadata of perpetuals.
fn is_perps(value: &Value) -> bool {
    value["universe"][0].get("maxLeverage").is_some()
}
