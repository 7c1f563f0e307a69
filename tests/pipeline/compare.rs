//! What is in a data directory, against the simulator's truth and against another directory, row by row.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use schemas::Amount;
use serde_json::Value;
use sqlx::{Connection as _, Row as _};

use crate::process::{path, run};

/// What was compared, for those who want to know how much.
#[derive(Debug)]
pub struct Compared {
    pub positions: usize,
    pub minutes: usize,
}

/// Every position, and every minute's accounts whose bucket is final by the clock, equal the simulator's truth.
pub fn with_truth(data: &Path, market: &Path) -> Compared {
    let clock = crate::process::ask(&["status", "--data", path(data), "--json"])["clock"].as_i64().unwrap();
    let truth = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(market.join("truth").join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();

    let held: BTreeMap<(String, String), Amount> = truth("positions.ndjson")
        .iter()
        .map(|row| ((text(&row["coin"]), text(&row["wallet"])), text(&row["size"]).parse().unwrap()))
        .collect();
    let stored: BTreeMap<(String, String), Amount> = rows(data, "select coin, wallet, size from positions")
        .into_iter()
        .map(|row| ((row[0].clone(), row[1].clone()), row[2].parse().unwrap()))
        .collect();
    assert_same("positions", &held, &stored);

    let sixty_and_grace = 70_000;
    let minutes: BTreeMap<(String, i64), (String, String)> = truth("accounts.ndjson")
        .iter()
        .filter(|row| row["time"].as_i64().unwrap() + sixty_and_grace <= clock)
        .map(|row| {
            ((text(&row["coin"]), row["time"].as_i64().unwrap()), (row["long"].to_string(), row["short"].to_string()))
        })
        .collect();
    let finals = |interval: &str| -> BTreeMap<(String, i64), (String, String)> {
        let query = format!(
            "select coin, time, long_accounts, short_accounts, complete from long_short_ratios where interval = '{interval}' and final = 1"
        );
        let rows = rows(data, &query);
        assert!(rows.iter().all(|row| row[4] == "1"), "no block is missing, but a bucket says so");
        rows.into_iter()
            .map(|row| ((row[0].clone(), row[1].parse().unwrap()), (row[2].clone(), row[3].clone())))
            .collect()
    };
    assert_same("accounts per minute", &minutes, &finals("1m"));
    for (interval, length) in [("5m", 300_000), ("1h", 3_600_000)] {
        // A bucket ends with its last minute, and is final with it.
        let ends = |(key, accounts): (&(String, i64), &(String, String))| {
            let start = key.1 + 60_000 - length;
            (start % length == 0).then(|| ((key.0.clone(), start), accounts.clone()))
        };
        assert_same(interval, &minutes.iter().filter_map(ends).collect(), &finals(interval));
    }
    Compared { positions: held.len(), minutes: minutes.len() }
}

/// Two directories hold the same rows, and the same results, in the same order per key.
pub fn with_another(one: &Path, other: &Path) -> usize {
    let mut compared = 0;
    for table in ["positions", "long_short_ratios", "sink_positions"] {
        let all = |data: &Path| {
            let mut rows = rows(data, &format!("select * from {table}"));
            rows.sort();
            rows
        };
        let (these, those) = (all(one), all(other));
        if table != "sink_positions" {
            assert_rows(table, &these, &those);
        } else {
            assert_rows(table, &without_markets(these), &without_markets(those));
        }
        compared += all(one).len();
    }
    for topic in
        ["fills", "position-changes", "positions", "long-short-ratios", "late-events", "dead-letters", "raw.node-fills"]
    {
        let (these, those) = (records(one, topic), records(other, topic));
        assert_same(topic, &these, &those);
        compared += these.values().map(Vec::len).sum::<usize>();
    }
    compared
}

/// Metadata is polled: how often it came has nothing to do with the fills.
fn without_markets(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    rows.into_iter().filter(|row| !row.contains(&"markets".to_owned())).collect()
}

/// The values of each key of a topic, in their order.
pub fn records(data: &Path, topic: &str) -> BTreeMap<(u64, String), Vec<String>> {
    let (status, out, error) = run(&["topics", topic, "--data", path(data)]);
    assert_eq!(status, 0, "{error}");
    let mut records: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for line in out.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let key = (record["partition"].as_u64().unwrap(), record["key"].as_str().unwrap().to_owned());
        records.entry(key).or_default().push(record["value"].to_string());
    }
    records
}

pub fn rows(data: &Path, query: &str) -> Vec<Vec<String>> {
    let url = format!("sqlite://{}?mode=ro", data.join("fathom.sqlite").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&mut database).await.unwrap();
        rows.iter().map(|row| (0..row.len()).map(|at| column(row, at)).collect()).collect()
    })
}

fn column(row: &sqlx::sqlite::SqliteRow, at: usize) -> String {
    let text = row.try_get_unchecked::<Option<String>, _>(at).unwrap();
    text.unwrap_or_else(|| "null".to_owned())
}

fn assert_same<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
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
