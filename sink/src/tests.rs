//! Records in, rows and positions out, on a database file of each test's own.
#![allow(clippy::unwrap_used)]

use std::error::Error;

use schemas::{Batch, Message, Position, PositionSide, Wallet, examples, topics};
use sqlx::{AssertSqlSafe, Row};
use tempfile::TempDir;

use crate::{Change, Kind, Part, Sink, SinkError, Value, connect, tables};

async fn sink() -> (TempDir, Sink) {
    let folder = TempDir::new().unwrap();
    let sink = connect(&url(&folder)).await.unwrap();
    (folder, sink)
}

fn url(folder: &TempDir) -> String {
    format!("sqlite://{}/fathom.sqlite", folder.path().display())
}

/// The position of the `n`th wallet.
fn position(n: u32, size: &str) -> Position {
    let mut wallet = [0; 20];
    wallet[16..].copy_from_slice(&n.to_be_bytes());
    let size = size.parse().unwrap();
    Position {
        coin: serde_json::from_str(r#""BTC""#).unwrap(),
        wallet: Wallet(wallet),
        side: PositionSide::of(size),
        size,
        opened_at: None,
        changed_at: 1,
        last_px: "66653.0".parse().unwrap(),
        block: 7,
        index: 0,
        clock: 1000,
    }
}

fn batch(positions: impl IntoIterator<Item = Position>) -> [Batch; 1] {
    let mut batch = Batch::default();
    for position in positions {
        position.append_to(&mut batch, &[]);
    }
    [batch]
}

fn part(from: u64, batch: &[Batch]) -> Part<'_> {
    let count: u64 = batch.iter().map(|batch| u64::from(batch.count())).sum();
    Part { topic: &topics::POSITIONS, partition: 3, from, next: from + count, batch }
}

async fn sizes(sink: &Sink) -> Vec<String> {
    sqlx::query_scalar("SELECT size FROM positions ORDER BY coin, wallet").fetch_all(&sink.database).await.unwrap()
}

async fn next(sink: &Sink) -> Option<u64> {
    sink.positions(1).await.unwrap().get(&("positions".to_owned(), 3)).copied()
}

#[tokio::test]
async fn rows_and_position_are_written_together() {
    let (_folder, mut sink) = sink().await;
    assert_eq!(sink.positions(1).await.unwrap().len(), 0);
    assert_eq!(sink.write(1, &[part(0, &batch([position(1, "1"), position(2, "-2")]))]).await.unwrap(), 2);
    assert_eq!(sizes(&sink).await, ["1", "-2"]);
    assert_eq!(next(&sink).await, Some(2));
    assert_eq!(sink.positions(2).await.unwrap().len(), 0, "another generation starts at the beginning");
}

#[tokio::test]
async fn a_part_that_does_not_follow_leaves_nothing() {
    let (_folder, mut sink) = sink().await;
    sink.write(1, &[part(0, &batch([position(1, "1")]))]).await.unwrap();
    let good = batch([position(2, "2")]);
    let good = Part { partition: 0, ..part(0, &good) };
    let ahead = batch([position(3, "3")]);
    let error = sink.write(1, &[good, part(5, &ahead)]).await.unwrap_err();
    assert!(
        matches!(error, SinkError::Position { topic: "positions", partition: 3, expected: 5, found: 1 }),
        "{error:?}"
    );
    assert!(!error.retry());
    assert_eq!(sizes(&sink).await, ["1"]);
    assert_eq!(sink.positions(1).await.unwrap().len(), 1, "the part that fitted went back as well");
}

#[tokio::test]
async fn the_same_part_again_is_refused_and_changes_nothing() {
    let (_folder, mut sink) = sink().await;
    let first = batch([position(1, "1")]);
    sink.write(1, &[part(0, &first)]).await.unwrap();
    sink.write(1, &[part(1, &batch([position(1, "2")]))]).await.unwrap();
    let error = sink.write(1, &[part(0, &first)]).await.unwrap_err();
    assert!(matches!(error, SinkError::Position { expected: 0, found: 2, .. }), "{error:?}");
    assert_eq!(sizes(&sink).await, ["2"]);
    assert_eq!(next(&sink).await, Some(2));
}

#[tokio::test]
async fn a_stale_sink_is_refused() {
    let (folder, mut live) = sink().await;
    let mut stale = connect(&url(&folder)).await.unwrap();
    let stood_at = stale.positions(1).await.unwrap();
    assert!(stood_at.is_empty());
    live.write(1, &[part(0, &batch([position(1, "1")]))]).await.unwrap();
    let error = stale.write(1, &[part(0, &batch([position(1, "9")]))]).await.unwrap_err();
    assert!(matches!(error, SinkError::Position { expected: 0, found: 1, .. }), "{error:?}");
    assert_eq!(sizes(&live).await, ["1"]);
}

#[tokio::test]
async fn a_flat_position_takes_its_row_away() {
    let (_folder, mut sink) = sink().await;
    sink.write(1, &[part(0, &batch([position(1, "1"), position(2, "2"), position(3, "3")]))]).await.unwrap();
    let flat = batch([position(1, "0.0"), position(3, "0"), position(4, "0")]);
    assert_eq!(sink.write(1, &[part(3, &flat)]).await.unwrap(), 2);
    assert_eq!(sizes(&sink).await, ["2"]);
}

#[tokio::test]
async fn the_last_value_of_a_key_wins() {
    let (_folder, mut sink) = sink().await;
    let sequence = ["1", "0", "2", "3.0"].map(|size| position(1, size));
    let ends_flat = ["1", "0"].map(|size| position(2, size));
    let [all] = batch(sequence.into_iter().chain(ends_flat));
    assert_eq!(sink.write(1, &[part(0, &[all])]).await.unwrap(), 1);
    assert_eq!(sizes(&sink).await, ["3.0"]);
}

#[tokio::test]
async fn a_key_that_the_log_forgot_keeps_its_row() {
    let (_folder, mut sink) = sink().await;
    let [mut all] = batch([position(1, "1")]);
    all.push(2, b"BTC|0x", None, &[]);
    sink.write(1, &[part(0, &[all])]).await.unwrap();
    assert_eq!((sizes(&sink).await, next(&sink).await), (vec!["1".to_owned()], Some(2)));
}

#[tokio::test]
async fn more_rows_than_a_statement_can_hold() {
    let (_folder, mut sink) = sink().await;
    let many = 12_000;
    let rows = batch((0..many).map(|n| position(n, "1.5")));
    assert_eq!(sink.write(1, &[part(0, &rows)]).await.unwrap(), u64::from(many));
    let flat = batch((0..many).map(|n| position(n, "0")));
    assert_eq!(sink.write(1, &[part(u64::from(many), &flat)]).await.unwrap(), u64::from(many));
    assert!(sizes(&sink).await.is_empty());
}

#[tokio::test]
async fn decimals_stay_as_they_are() {
    let (_folder, mut sink) = sink().await;
    let exact = ["28.0", "-0.00000001", "1234567890123456789.123456789"];
    let rows = batch((1..).zip(exact).map(|(n, size)| position(n, size)));
    sink.write(1, &[part(0, &rows)]).await.unwrap();
    assert_eq!(sizes(&sink).await, exact);
}

#[tokio::test]
async fn a_record_that_is_not_what_its_schema_says_stops_the_sink() {
    let (_folder, mut sink) = sink().await;
    let mut bad = Batch::default();
    bad.push(1, b"BTC|0x1", Some(br#"{"coin":"BTC"}"#), &[]);
    let error = sink.write(1, &[part(0, &[bad])]).await.unwrap_err();
    assert!(matches!(&error, SinkError::Row { topic: "positions", key, .. } if key == "BTC|0x1"), "{error:?}");
    assert!(!error.to_string().contains("missing field"), "the cause is told by source() alone");
    assert!(error.source().unwrap().to_string().contains("missing field"));
    assert_eq!(next(&sink).await, None);
}

#[tokio::test]
async fn a_locked_database_is_worth_another_try() {
    let (folder, mut sink) = sink().await;
    let other = connect(&url(&folder)).await.unwrap();
    let lock = other.database.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let rows = batch([position(1, "1")]);
    let error = sink.write(1, &[part(0, &rows)]).await.unwrap_err();
    assert!(error.retry(), "{error:?}");
    lock.rollback().await.unwrap();
    assert_eq!(sink.write(1, &[part(0, &rows)]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_said() {
    let error = connect("sqlite:///nowhere/at/all/fathom.sqlite").await.err().unwrap();
    assert!(matches!(&error, SinkError::Open { url, .. } if url.contains("nowhere")), "{error:?}");
}

#[tokio::test]
async fn every_example_becomes_the_row_its_table_declares() {
    let (_folder, mut sink) = sink().await;
    for table in tables() {
        let mut all = Batch::default();
        for (case, value) in examples::of(table.topic) {
            all.push(1, case.as_bytes(), Some(&value), &[]);
        }
        for record in all.records() {
            match (table.row)(1, &record).unwrap() {
                Change::Put(row) => {
                    assert_eq!(row.len(), table.columns.len(), "{}", table.name);
                    for (column, value) in table.columns.iter().zip(&row) {
                        assert!(fits(column.kind, value), "{}.{}: {value:?}", table.name, column.name);
                    }
                }
                Change::Delete(key) => assert_eq!(key.len(), table.key.len(), "{}", table.name),
            }
        }
        let next = u64::from(all.count());
        let written =
            sink.write(1, &[Part { topic: table.topic, partition: 0, from: 0, next, batch: &[all] }]).await.unwrap();
        assert!(written > 0, "{}", table.name);
    }
}

fn fits(kind: Kind, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Boolean(_) => kind == Kind::Boolean,
        Value::Integer(_) => kind == Kind::Integer,
        Value::Text(_) => matches!(kind, Kind::Text | Kind::Decimal | Kind::Json),
    }
}

#[tokio::test]
async fn migrations_and_declarations_agree() {
    let (_folder, sink) = sink().await;
    for table in tables() {
        let statement = format!("SELECT name, type, pk FROM pragma_table_info('{}') ORDER BY cid", table.name);
        let found = sqlx::query(AssertSqlSafe(statement)).fetch_all(&sink.database).await.unwrap();
        let declared: Vec<(&str, &str)> =
            table.columns.iter().map(|column| (column.name, stored_as(column.kind))).collect();
        let made: Vec<(&str, &str)> = found.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(made, declared, "{}", table.name);
        let mut key: Vec<(i64, &str)> =
            found.iter().map(|row| (row.get(2), row.get(0))).filter(|(place, _)| *place > 0).collect();
        key.sort_unstable();
        let key: Vec<&str> = key.into_iter().map(|(_, name)| name).collect();
        assert_eq!(key, table.key, "{}", table.name);
    }
}

fn stored_as(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Decimal | Kind::Json => "TEXT",
        Kind::Integer | Kind::Boolean => "INTEGER",
    }
}

/// Without the shapes of the last migration the planner would walk through all positions.
#[tokio::test]
async fn lookups_go_by_the_keys_they_were_made_for() {
    let (_folder, sink) = sink().await;
    for (statement, way) in [
        ("SELECT * FROM positions WHERE generation = 1 AND wallet = '0x' ORDER BY coin, wallet", "positions_by_wallet"),
        ("SELECT * FROM positions WHERE generation = 1 AND coin = 'BTC' AND wallet > '0x'", "coin=? AND wallet>?"),
        (
            "SELECT * FROM long_short_ratios WHERE generation = 1 AND coin = 'A' AND interval = '1m' AND time < 9",
            "time<?",
        ),
        (
            "DELETE FROM positions WHERE (generation = 1 AND coin = 'A' AND wallet = '0') OR (generation = 1 AND coin = 'B' AND wallet = '1')",
            "coin=?",
        ),
    ] {
        let plan =
            sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"))).fetch_all(&sink.database).await;
        let steps: Vec<String> = plan.unwrap().iter().map(|step| step.get("detail")).collect();
        assert!(steps.iter().any(|step| step.contains(way)), "{statement}: {steps:?}");
        assert!(!steps.iter().any(|step| step.contains("SCAN positions")), "{statement}: {steps:?}");
    }
}
