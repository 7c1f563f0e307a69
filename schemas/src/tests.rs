//! One test ties the type, the hand-written schema and the examples of a topic together.
#![allow(clippy::unwrap_used)]

extern crate std;

use alloc::string::String;
use alloc::vec::Vec;
use std::format;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Account, AccountState, AssetContext, Candle, CandleCheck, Checkpoint, Clock, Coin, Cursor, DeadLetter,
    ExchangeCandle, FeedStatus, Fill, Gap, Generations, HeatmapCell, LateEvent, LateJoin, LedgerUpdate,
    LiquidationCascade, LiquidationEpisode, LiquidationMap, LiquidationOrder, LiquidationStats, LongShortRatio, Market,
    MarketMark, MarketRatio, MarketState, MarketTakerFlow, Mid, Position, PositionChange, PositionRisk, Price,
    ResultClock, Snapshot, SourceRun, TOPICS, TakerFlow, TakerSum, TapeMark, Topic, Trade, WalletDistribution,
    WalletSum, WalletSummary, WhaleActivity, WhaleWatch,
};

/// What the type makes of an example: the value that it would write again, or why it refuses.
type Reading = fn(&str) -> Result<Value, String>;

fn reading_of(topic: &Topic, case: &str) -> Reading {
    match (topic.name, case.split('-').next().unwrap()) {
        ("fills" | "fills-history", "fill") => again::<Fill>,
        ("fills" | "fills-history", "clock") => again::<Clock>,
        ("fills" | "fills-history", "gap") => again::<Gap>,
        ("trades", _) => again::<Trade>,
        ("asset-contexts", _) => again::<AssetContext>,
        ("mids", _) => again::<Mid>,
        ("account-states", _) => again::<AccountState>,
        ("ledger-updates", _) => again::<LedgerUpdate>,
        ("exchange-candles", _) => again::<ExchangeCandle>,
        ("source-runs", _) => again::<SourceRun>,
        ("feed-status", _) => again::<FeedStatus>,
        ("state.parser.meta", "listing") => again::<Vec<Coin>>,
        ("markets" | "state.parser.meta", _) => again::<Market>,
        ("dead-letters", _) => again::<DeadLetter>,
        ("position-changes", "market") => again::<MarketState>,
        ("position-changes", "gap") => again::<Gap>,
        (
            "position-changes"
            | "positions"
            | "long-short-ratios"
            | "liquidations"
            | "liquidation-stats"
            | "liquidation-cascades"
            | "liquidation-heatmap"
            | "liquidation-map"
            | "candles"
            | "candle-checks"
            | "taker-flow"
            | "wallet-summaries"
            | "wallet-sums"
            | "wallet-distribution"
            | "market-ratios"
            | "market-taker-flow"
            | "taker-sums"
            | "whale-activities",
            "clock",
        ) => again::<ResultClock>,
        ("position-changes", _) => again::<PositionChange>,
        ("accounts", "clock") => again::<ResultClock>,
        ("accounts", _) => again::<Account>,
        ("position-risks", "clock") => again::<ResultClock>,
        ("position-risks", "gap") => again::<Gap>,
        ("position-risks", _) => again::<PositionRisk>,
        ("positions", _) => again::<Position>,
        ("long-short-ratios", _) => again::<LongShortRatio>,
        ("liquidation-stats", _) => again::<LiquidationStats>,
        ("liquidation-cascades", _) => again::<LiquidationCascade>,
        ("liquidation-heatmap", _) => again::<HeatmapCell>,
        ("liquidation-map", _) => again::<LiquidationMap>,
        ("candles", _) => again::<Candle>,
        ("candle-checks", _) => again::<CandleCheck>,
        ("taker-flow", _) => again::<TakerFlow>,
        ("taker-sums", "gap") => again::<Gap>,
        ("taker-sums", _) => again::<TakerSum>,
        ("market-taker-flow", _) => again::<MarketTakerFlow>,
        ("wallet-summaries", _) => again::<WalletSummary>,
        ("wallet-sums", "gap") => again::<Gap>,
        ("wallet-sums", _) => again::<WalletSum>,
        ("market-ratios", _) => again::<MarketRatio>,
        ("wallet-distribution", _) => again::<WalletDistribution>,
        ("liquidations", "order") => again::<LiquidationOrder>,
        ("liquidations", "episode") => again::<LiquidationEpisode>,
        ("whale-activities", _) => again::<WhaleActivity>,
        ("whale-watches", _) => again::<WhaleWatch>,
        ("prices", _) => again::<Price>,
        ("late-events", _) => again::<LateEvent>,
        ("late-joins", _) => again::<LateJoin>,
        ("snapshots", "snapshot") => again::<Snapshot>,
        ("snapshots", "checkpoint") => again::<Checkpoint>,
        ("snapshots", "entry") => again::<(u64, Value)>,
        ("state.parser", _) => again::<MarketMark>,
        ("state.generations", _) => again::<Generations>,
        ("state.tape", _) => again::<TapeMark>,
        ("state.parser.node-fills", _) => again::<Cursor>,
        ("state.coin" | "state.price" | "state.wallet" | "state.market" | "state.whole", "checkpoint") => {
            again::<Checkpoint>
        }
        ("state.coin" | "state.price" | "state.wallet" | "state.market" | "state.whole", "entry") => {
            again::<(u64, Value)>
        }
        (name, _) if is_opaque(name) => again::<Value>,
        (topic, case) => panic!("no type is tied to {topic}/{case}"),
    }
}

/// What only its source understands: it has no fields of the contract.
fn is_opaque(topic: &str) -> bool {
    let states = ["state.parser.public-feed", "state.parser.misc-events", "state.parser.info"];
    topic.starts_with("raw.") || states.contains(&topic)
}

fn again<T: Serialize + DeserializeOwned>(text: &str) -> Result<Value, String> {
    serde_json::from_str::<T>(text).map_err(say).map(|it| serde_json::to_value(it).unwrap())
}

fn say(error: serde_json::Error) -> String {
    format!("{error}")
}

#[test]
fn type_schema_and_examples_agree() {
    for topic in TOPICS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("topics").join(topic.name);
        let schema: Value = serde_json::from_slice(&fs::read(folder.join("schema.json")).unwrap()).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let files: Vec<_> = fs::read_dir(folder.join("examples")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!files.is_empty(), "{} has no example", topic.name);
        for path in files {
            let case = path.file_stem().unwrap().to_str().unwrap();
            let text = fs::read_to_string(&path).unwrap();
            let example: Value = serde_json::from_str(&text).unwrap();
            let read = reading_of(topic, case);
            assert!(schema.is_valid(&example), "{}/{case} does not fit its schema", topic.name);
            let written = read(&text).unwrap_or_else(|why| panic!("{}/{case}: {why}", topic.name));
            agree(&format!("{}/{case}", topic.name), &example, &written);
            if !is_opaque(topic.name) {
                both_refuse_what_is_missing(&format!("{}/{case}", topic.name), &schema, read, &example, &written);
            }
        }
    }
}

/// Fields of facts that are kept on the topic and that no fold reads.
const UNREAD: [&str; 9] =
    ["priorityGas", "newThing", "cloid", "builder", "builderFee", "deployerFee", "impactPxs", "dayBaseVlm", "T"];

/// What is written again is what was read; only fields that the type does not know, or that are null, may be left out.
fn agree(case: &str, example: &Value, written: &Value) {
    let (Some(example), Some(written)) = (example.as_object(), written.as_object()) else {
        assert_eq!(example, written, "{case}");
        return;
    };
    for (name, value) in written {
        match (name.as_str(), value) {
            // Documented as a number, recorded as a string: the type writes the string.
            ("liquidation", _) => assert!(example[name]["method"] == value["method"], "{case}"),
            _ => assert_eq!(Some(value), example.get(name), "{case}: {name}"),
        }
    }
    for (name, value) in example {
        let is_lost = !written.contains_key(name) && !value.is_null();
        assert!(!is_lost || UNREAD.contains(&name.as_str()), "{case}: {name} was lost");
    }
}

/// A field that the schema requires, the type requires too, and the other way round.
fn both_refuse_what_is_missing(
    case: &str,
    schema: &jsonschema::Validator,
    read: Reading,
    example: &Value,
    written: &Value,
) {
    for name in written.as_object().into_iter().flat_map(|fields| fields.keys()) {
        let mut less = example.clone();
        less.as_object_mut().unwrap().remove(name);
        let by_type = read(&format!("{less}")).is_ok();
        // Which of `text` and `base64` there is, only the schema can say.
        if !["text", "base64"].contains(&name.as_str()) {
            assert_eq!(by_type, schema.is_valid(&less), "{case} without {name}: type {by_type}, schema {}", !by_type);
        }
        let mut wrong = example.clone();
        wrong[name] = Value::Array(Vec::new());
        let by_type = read(&format!("{wrong}")).is_ok();
        if ![
            "margin_tiers",
            "assetPositions",
            "delta",
            "open_gaps",
            "holes",
            "drifted",
            "pooled",
            "bins",
            "tiers",
            "kept",
            "dropped",
        ]
        .contains(&name.as_str())
        {
            assert!(!by_type, "{case}: the type takes an array as {name}");
            assert!(!schema.is_valid(&wrong), "{case}: the schema takes an array as {name}");
        }
    }
}

#[test]
fn topic_names_are_unique() {
    let mut names: Vec<_> = TOPICS.iter().map(|topic| topic.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TOPICS.len());
}
