//! What a pipeline has made, against the simulator's truth and against what another one has made, row by row.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::path::Path;

use schemas::table::Table;
use schemas::tables::TABLES;
use schemas::{Amount, GENERATION, Topic, Wallet, topics};
use serde_json::Value;

use crate::facts::events_written;
use crate::place::Place;

/// What was compared, for those who want to know how much.
#[derive(Debug)]
pub struct Compared {
    pub positions: usize,
    pub minutes: usize,
    pub orders: usize,
    pub episodes: usize,
    /// Buckets of what was traded.
    pub traded: usize,
    /// Legs of trades, as they were written.
    pub transactions: usize,
    /// Large orders.
    pub whales: usize,
    /// Positions that were closed because their market ended.
    pub settled: usize,
}

/// Every position, every minute's accounts whose bucket is final by the clock, every liquidation order and every episode
/// equal the simulator's truth.
pub fn with_truth(place: &Place, market: &Path) -> Compared {
    let truth = Truth { folder: market.join("truth") };
    let held = truth.positions();
    assert_same("positions", &held, &positions(place));
    let minutes = truth.minutes(clock(place));
    assert_same("accounts per minute", &minutes, &finals(place, "1m"));
    for (interval, length) in [("5m", 300_000), ("1h", 3_600_000)] {
        // A bucket ends with its last minute, and is final with it.
        let ends = |(key, accounts): (&(String, i64), &(String, String))| {
            let start = key.1 + 60_000 - length;
            (start % length == 0).then(|| ((key.0.clone(), start), accounts.clone()))
        };
        assert_same(interval, &minutes.iter().filter_map(ends).collect(), &finals(place, interval));
    }
    let orders = truth.table("liquidation-orders.ndjson", &ORDER_KEY, &ORDER);
    assert_same("liquidation orders", &orders, &table(place, "liquidations", &ORDER_KEY, &ORDER));
    let episodes = truth.table("liquidation-episodes.ndjson", &EPISODE_KEY, &EPISODE);
    assert_same("liquidation episodes", &episodes, &table(place, "liquidation_episodes", &EPISODE_KEY, &EPISODE));
    let traded = crate::traded::equals_the_files(place, market);
    let transactions = crate::transactions::equal_the_files(place, market);
    let whales = crate::whale_orders::equal_the_files(place, market);
    let settled = settled(place, market);
    let (positions, minutes, orders, episodes) = (held.len(), minutes.len(), orders.len(), episodes.len());
    Compared { positions, minutes, orders, episodes, traded, transactions, whales, settled }
}

/// How many positions were closed against the exchange itself, by the node's files; of none of it the exchange is a wallet.
fn settled(place: &Place, market: &Path) -> usize {
    let of_nobody = Wallet::NOBODY.to_string();
    for table in ["positions", "position_risks", "wallet_summaries", "whale_activities"] {
        let rows = place.rows(&format!("select * from {table} where wallet = '{of_nobody}'"));
        assert!(rows.is_empty(), "{table}: {rows:?}");
    }
    let legs = events_written(market).filter(|(user, leg)| leg["dir"] == "Settlement" && *user != of_nobody);
    legs.map(|(user, leg)| (user, leg["coin"].to_string())).collect::<BTreeSet<_>>().len()
}

/// What keeps the rows from being those of the truth, with every stage as far as the others; nothing, when they are.
pub fn missing(place: &Place, market: &Path) -> Option<String> {
    let truth = Truth { folder: market.join("truth") };
    let known = truth.positions();
    let held = positions(place);
    if held != known {
        let right = known.iter().filter(|(key, size)| held.get(key) == Some(size)).count();
        return Some(format!("{right} of {} positions are right, beside {} others", known.len(), held.len() - right));
    }
    let (known, told) = (
        truth.table("liquidation-orders.ndjson", &ORDER_KEY, &ORDER),
        table(place, "liquidations", &ORDER_KEY, &ORDER),
    );
    if told != known {
        return Some(format!("{} rows of {} liquidations, or others than those", told.len(), known.len()));
    }
    if !crate::transactions::have_arrived(place, market) {
        return Some("legs of trades".to_owned());
    }
    one_clock(place).err()
}

/// Of results that different stages make: who is behind has told an earlier clock, or none. What another stage reads is
/// told each clock, everything else one a second.
fn one_clock(place: &Place) -> Result<(), String> {
    let each = tables_of_stages().into_iter().map(|table| table.topic);
    let topics: BTreeMap<&str, &Topic> = each.map(|topic| (topic.name, topic)).collect();
    let told = "select topic, partition, coalesce(clock, 0) from sink_positions where clock is not null";
    let rows = place.rows(told).into_iter().filter_map(|row| {
        let topic = *topics.get(row[0].as_str())?;
        Some((topic, row[1].clone(), row[2].parse().unwrap()))
    });
    let rows: Vec<(&Topic, String, i64)> = rows.collect();
    let wanted: u32 = topics.values().map(|topic| GENERATION.partitions(topic)).sum();
    let first = rows.iter().map(|row| row.2).min().unwrap_or_default();
    let is_behind = |row: &&(&Topic, String, i64)| row.0.partitioned_by.len() < 2 && row.2 > first;
    let ahead = rows.iter().filter(is_behind).map(|(topic, partition, clock)| (topic.name, partition, clock - first));
    let ahead: Vec<_> = ahead.collect();
    if rows.len() == wanted as usize && ahead.is_empty() {
        return Ok(());
    }
    Err(format!("{} of {wanted} partitions have a clock; beyond the first one at {first}: {ahead:?}", rows.len()))
}

/// Those of results that are told the time. Prices come as they come.
fn tables_of_stages() -> Vec<&'static Table> {
    let is_told = |table: &&Table| table.topic != &topics::PRICES && computed().contains(&table.topic);
    TABLES.into_iter().filter(is_told).collect()
}

/// The topics of all results.
fn computed() -> Vec<&'static Topic> {
    let mut topics: Vec<_> = computer::processors().iter().flat_map(|processor| processor.writes).collect();
    topics.sort_unstable_by_key(|topic| topic.name);
    topics.dedup();
    topics
}

/// Which share of the positions of the truth is known as it is.
pub fn share_of_true_positions(place: &Place, market: &Path) -> f64 {
    let (truth, found) = (Truth { folder: market.join("truth") }.positions(), positions(place));
    let known = truth.iter().filter(|(key, size)| found.get(key) == Some(size)).count();
    known as f64 / truth.len().max(1) as f64
}

/// Columns of the truth and of the table, where they have other names.
const ORDER_KEY: [(&str, &str); 4] = [("coin", "coin"), ("user", "wallet"), ("block", "block"), ("route", "method")];
const ORDER: [(&str, &str); 8] = [
    ("time", "time"),
    ("side", "side"),
    ("fills", "fills"),
    ("size", "size"),
    ("notional", "notional"),
    ("mark_px", "mark_px"),
    ("closed_pnl", "closed_pnl"),
    ("remaining", "remaining"),
];
const EPISODE_KEY: [(&str, &str); 4] =
    [("coin", "coin"), ("user", "wallet"), ("first_block", "first_block"), ("side", "side")];
const EPISODE: [(&str, &str); 12] = [
    ("last_block", "last_block"),
    ("first_time", "first_time"),
    ("last_time", "last_time"),
    ("orders", "orders"),
    ("fills", "fills"),
    ("size", "size"),
    ("notional", "notional"),
    ("backstop_notional", "backstop_notional"),
    ("adl_size", "adl_size"),
    ("adl_notional", "adl_notional"),
    ("closed_pnl", "closed_pnl"),
    ("remaining", "remaining"),
];

struct Truth {
    folder: std::path::PathBuf,
}

type Accounts = BTreeMap<(String, i64), (String, String)>;
type Rows = BTreeMap<Vec<String>, Vec<String>>;

impl Truth {
    fn rows(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn positions(&self) -> BTreeMap<(String, String), Amount> {
        let row = |row: &Value| ((text(&row["coin"]), text(&row["wallet"])), text(&row["size"]).parse().unwrap());
        self.rows("positions.ndjson").iter().map(row).collect()
    }

    fn minutes(&self, clock: i64) -> Accounts {
        let minute_and_grace = 70_000;
        let rows = self.rows("accounts.ndjson");
        let time = |row: &Value| row["time"].as_i64().unwrap();
        let final_ones = rows.iter().filter(|row| time(row) + minute_and_grace <= clock);
        final_ones
            .map(|row| ((text(&row["coin"]), time(row)), (row["long"].to_string(), row["short"].to_string())))
            .collect()
    }

    fn table(&self, name: &str, key: &[(&str, &str)], columns: &[(&str, &str)]) -> Rows {
        let cells =
            |row: &Value, names: &[(&str, &str)]| names.iter().map(|(name, _)| plain(&text(&row[name]))).collect();
        self.rows(name).iter().map(|row| (cells(row, key), cells(row, columns))).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One way to write a number.
fn plain(text: &str) -> String {
    text.parse::<Amount>().map_or_else(
        |_| text.to_owned(),
        |amount| {
            let digits = amount.to_string();
            if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.').to_owned() } else { digits }
        },
    )
}

fn positions(place: &Place) -> BTreeMap<(String, String), Amount> {
    let rows = place.rows("select coin, wallet, size from positions");
    rows.into_iter().map(|row| ((row[0].clone(), row[1].clone()), row[2].parse().unwrap())).collect()
}

fn finals(place: &Place, interval: &str) -> Accounts {
    let query = format!(
        "select coin, time, long_accounts, short_accounts, complete, final from long_short_ratios where kind = 'accounts' and interval = '{interval}'"
    );
    let rows: Vec<_> = place.rows(&query).into_iter().filter(|row| row[5] == "1").collect();
    assert!(rows.iter().all(|row| row[4] == "1"), "no block is missing, but a bucket says so");
    rows.into_iter().map(|row| ((row[0].clone(), row[1].parse().unwrap()), (row[2].clone(), row[3].clone()))).collect()
}

/// Up to where every bucket has its rows.
pub fn clock(place: &Place) -> i64 {
    let rows = place
        .rows("select min(clock) from sink_positions where topic in ('long-short-ratios', 'candles', 'taker-flow')");
    rows[0][0].parse().unwrap_or_default()
}

fn table(place: &Place, name: &str, key: &[(&str, &str)], columns: &[(&str, &str)]) -> Rows {
    let names: Vec<&str> = key.iter().chain(columns).map(|(_, name)| *name).collect();
    let rows = place.rows(&format!("select {} from {name}", names.join(", ")));
    let split = |row: Vec<String>| {
        let mut cells: Vec<String> = row.iter().map(|cell| plain(cell)).collect();
        let rest = cells.split_off(key.len());
        (cells, rest)
    };
    rows.into_iter().map(split).collect()
}

/// What stands for the same facts, in every topic and table, in the same order per key.
pub fn with_another(one: &Place, other: &Place) -> usize {
    let mut compared = 0;
    // When and how often sources told of themselves is not of the facts.
    let of_sources = ["source_states", "source_gaps", "source_runs"];
    for table in TABLES.into_iter().filter(|table| !of_sources.contains(&table.name)) {
        let (name, columns) =
            (table.name, table.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", "));
        let all = |place: &Place| {
            let mut rows = place.rows(&format!("select {columns} from {name}"));
            rows.iter_mut().flatten().for_each(|cell| *cell = one_way(cell));
            rows.sort();
            rows
        };
        let (these, those) = (all(one), all(other));
        assert_rows(name, &these, &those);
        compared += these.len();
    }
    let facts = [&topics::FILLS, &topics::TRADES, &topics::RAW_NODE_FILLS];
    let aside = [&topics::LATE_EVENTS, &topics::DEAD_LETTERS];
    for topic in facts.into_iter().chain(computed()).chain(aside) {
        let (these, those) = (one.records(topic.name), other.records(topic.name));
        assert_same(topic.name, &these, &those);
        compared += these.values().map(Vec::len).sum::<usize>();
    }
    compared
}

/// Each database writes JSON in its own way.
fn one_way(cell: &str) -> String {
    match serde_json::from_str(cell) {
        Ok(json @ (Value::Object(_) | Value::Array(_))) => json.to_string(),
        _ => cell.to_owned(),
    }
}

/// The stored positions of two pipelines that have the same offsets.
pub fn with_the_offsets_of(one: &Place, other: &Place) {
    // How often metadata was polled and sources told of themselves has nothing to do with the fills.
    let others = "('markets', 'prices', 'feed-status', 'source-runs')";
    let query = &format!("select * from sink_positions where topic not in {others} order by topic, partition");
    assert_rows("sink_positions", &one.rows(query), &other.rows(query));
}

pub fn assert_same<K: Ord + Debug, V: PartialEq + Debug>(
    what: &str,
    expected: &BTreeMap<K, V>,
    found: &BTreeMap<K, V>,
) {
    for (key, value) in expected {
        assert_eq!(Some(value), found.get(key), "{what}: {key:?}");
    }
    let extra: Vec<&K> = found.keys().filter(|key| !expected.contains_key(key)).take(5).collect();
    assert!(extra.is_empty(), "{what}: more than there should be: {extra:?}");
}

fn assert_rows(what: &str, these: &[Vec<String>], those: &[Vec<String>]) {
    if let Some((this, that)) = these.iter().zip(those).find(|(this, that)| this != that) {
        panic!("{what}: rows differ:\n{this:?}\n{that:?}");
    }
    assert_eq!(these.len(), those.len(), "{what}: rows");
}
