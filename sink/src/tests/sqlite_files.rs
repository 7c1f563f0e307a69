//! What is SQLite's own: locks, folders, the planner, and files that an earlier version made.

use std::borrow::Cow;

use sqlx::migrate::{Migration, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Row, SqlitePool};
use tempfile::TempDir;

use super::place::on_sqlite;
use super::{ROWS_OF_A_POSITION, batch, next, part, position, sizes};
use crate::database::Database;
use crate::{SinkError, connect};

#[tokio::test]
async fn a_locked_database_is_worth_another_try() {
    on_sqlite(locked).await;
}

async fn locked(url: String) {
    let (mut sink, other) = (connect(&url).await.unwrap(), connect(&url).await.unwrap());
    let lock = other.database.begin().await.unwrap();
    let rows = batch([position(1, "1")]);
    let error = sink.write(1, &[part(0, &rows)]).await.unwrap_err();
    assert!(error.retry(), "{error:?}");
    drop(lock);
    assert_eq!(sink.write(1, &[part(0, &rows)]).await.unwrap(), ROWS_OF_A_POSITION);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_said() {
    let error = connect("sqlite:///nowhere/at/all/fathom.sqlite").await.err().unwrap();
    assert!(matches!(&error, SinkError::Open { url, .. } if url.contains("nowhere")), "{error:?}");
    assert!(!error.retry());
}

#[tokio::test]
async fn an_address_of_something_else_is_refused() {
    let error = connect("mysql://me:hidden@localhost/fathom").await.err().unwrap();
    assert!(!error.retry() && !error.to_string().contains("hidden"), "{error}");
}

/// The tables as they were before there were clocks, with rows in them.
#[tokio::test]
async fn a_file_of_the_first_format_goes_on() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("fathom.sqlite");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let now = sqlx::migrate!("migrations/sqlite");
    let first: Vec<Migration> = now.iter().take(5).cloned().collect();
    let first_format = Migrator { migrations: Cow::Owned(first), ..Migrator::DEFAULT };
    first_format.run(&pool).await.unwrap();
    for written in [
        "INSERT INTO sink_positions VALUES (1, 'positions', 3, 4)",
        "INSERT INTO positions VALUES (1, 'BTC', '0x', 'long', '2.0', NULL, 1, '66653.0', 7, 0, 1000)",
    ] {
        sqlx::query(written).execute(&pool).await.unwrap();
    }
    pool.close().await;

    let mut sink = connect(&format!("sqlite://{}", path.display())).await.unwrap();
    assert_eq!((next(&sink).await, sizes(&sink).await), (Some(4), vec!["2.0".to_owned()]));
    sink.write(1, &[part(4, &batch([position(1, "3")]))]).await.unwrap();
    assert_eq!(next(&sink).await, Some(5));
}

/// Without the shapes that the migrations tell, the planner would walk through all rows.
#[tokio::test]
async fn lookups_go_by_the_keys_they_were_made_for() {
    on_sqlite(looked_up).await;
}

async fn looked_up(url: String) {
    let sink = connect(&url).await.unwrap();
    let Database::Sqlite(pool) = &sink.database else { panic!("not SQLite") };
    for (statement, way) in [
        ("SELECT * FROM positions WHERE generation = 1 AND wallet = '0x' ORDER BY coin, wallet", "positions_by_wallet"),
        ("SELECT * FROM positions WHERE generation = 1 AND coin = 'BTC' AND wallet > '0x'", "coin=? AND wallet>?"),
        (
            "SELECT * FROM long_short_ratios WHERE generation = 1 AND coin = 'A' AND kind = 'top_accounts' AND cohort = '' \
             AND interval = '1m' AND time < 9",
            "time<?",
        ),
        (
            "DELETE FROM positions WHERE (generation = 1 AND coin = 'A' AND wallet = '0') OR (generation = 1 AND coin = 'B' AND wallet = '1')",
            "coin=?",
        ),
        (
            "SELECT * FROM liquidations WHERE generation = 1 AND time < 9 \
             ORDER BY time DESC, coin DESC, wallet DESC, block DESC, method DESC",
            "liquidations_by_time (generation=? AND time<?)",
        ),
        (
            "SELECT * FROM liquidations WHERE generation = 1 AND coin = 'A' \
             AND (time, coin, wallet, block, method) < (9, 'A', '0x', 7, 'adl') \
             ORDER BY time DESC, coin DESC, wallet DESC, block DESC, method DESC",
            "liquidations_by_coin (generation=? AND coin=? AND time<?)",
        ),
        (
            "SELECT * FROM liquidations WHERE generation = 1 AND wallet = '0x' ORDER BY time, coin, wallet",
            "liquidations_by_wallet (generation=? AND wallet=?)",
        ),
        (
            "SELECT * FROM liquidation_episodes WHERE generation = 1 AND coin = 'A' AND final = 1 \
             ORDER BY first_time, coin, wallet, first_block, side",
            "liquidation_episodes_by_coin (generation=? AND coin=?)",
        ),
        (
            "SELECT * FROM source_gaps WHERE generation = 1 AND healed IS NULL AND from_time < 9 \
             ORDER BY from_time DESC, source DESC, from_block DESC, part DESC",
            "source_gaps_by_time (generation=? AND from_time<?)",
        ),
        (
            "SELECT * FROM source_gaps WHERE generation = 1 AND source = 'meta' AND (from_time, source, from_block, part) < (9, 'meta', 0, '') \
             ORDER BY from_time DESC, source DESC, from_block DESC, part DESC",
            "source_gaps USING PRIMARY KEY (generation=? AND source=? AND from_time<?)",
        ),
        (
            "SELECT * FROM source_runs WHERE generation = 1 ORDER BY started DESC, source DESC, stream DESC",
            "source_runs_by_time (generation=?)",
        ),
        (
            "SELECT * FROM source_runs WHERE generation = 1 AND source = 'meta' AND (started, source, stream) < (9, 'meta', '') \
             ORDER BY started DESC, source DESC, stream DESC",
            "source_runs_by_source (generation=? AND source=? AND started<?)",
        ),
        (
            "SELECT * FROM source_runs WHERE generation = 1 AND source = 'meta' AND stream = '' \
             ORDER BY started DESC, source DESC, stream DESC",
            "source_runs USING PRIMARY KEY (generation=? AND source=? AND stream=?)",
        ),
        (
            "SELECT * FROM wallet_summaries WHERE generation = 1 AND rank_pnl_7d IS NOT NULL AND closed >= 3 \
             AND (rank_pnl_7d, wallet) < (9, '0x') ORDER BY rank_pnl_7d DESC, wallet DESC",
            "wallet_summaries_by_pnl_7d (generation=? AND rank_pnl_7d>? AND (rank_pnl_7d,wallet)<(?,?))",
        ),
        (
            "SELECT * FROM wallet_summaries WHERE generation = 1 AND rank_win_rate IS NOT NULL AND closed >= 3 \
             ORDER BY rank_win_rate, wallet",
            "wallet_summaries_by_win_rate (generation=?",
        ),
        (
            "SELECT from_time FROM source_gaps WHERE generation = 1 AND source = 'node-fills' AND (to_time IS NULL OR to_time > 5) \
             AND from_time < 9 ORDER BY from_time DESC LIMIT 1",
            "source_gaps USING PRIMARY KEY (generation=? AND source=? AND from_time<?)",
        ),
        (
            "SELECT * FROM whale_activities WHERE generation = 1 AND time >= 5 AND (time, wallet, id) < (9, '0x', '1') \
             ORDER BY time DESC, wallet DESC, id DESC LIMIT 101",
            "whale_activities_by_time (generation=? AND time>? AND (time,wallet,id)<(?,?,?))",
        ),
        (
            "SELECT * FROM whale_activities WHERE generation = 1 AND coin = 'A' AND action = 'open' \
             ORDER BY time DESC, wallet DESC, id DESC LIMIT 101",
            "whale_activities_by_coin (generation=? AND coin=?)",
        ),
        (
            "SELECT * FROM whale_activities WHERE generation = 1 AND wallet = '0x' AND time < 9 \
             ORDER BY time, wallet, id LIMIT 101",
            "whale_activities_by_wallet (generation=? AND wallet=? AND time<?)",
        ),
        (
            "SELECT * FROM market_ratios AS bucket WHERE generation = 1 AND bucket.interval = '1m' AND kind = 'accounts' \
             AND cohort = '' AND time < 9 ORDER BY time DESC LIMIT 101",
            "bucket USING PRIMARY KEY (generation=? AND kind=? AND cohort=? AND interval=? AND time<?)",
        ),
        (
            "SELECT * FROM liquidation_map AS bucket WHERE generation = 1 AND coin = 'A' AND bucket.interval = '15m' \
             AND time >= 5 ORDER BY time LIMIT 101",
            "bucket USING INDEX sqlite_autoindex_liquidation_map_1 (generation=? AND coin=? AND interval=? AND time>?)",
        ),
        (
            "SELECT * FROM wallet_distribution WHERE generation = 1 AND measure = 'pnl' AND time <= 9 ORDER BY time DESC LIMIT 1",
            "wallet_distribution USING PRIMARY KEY (generation=? AND measure=? AND time<?)",
        ),
    ] {
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"))).fetch_all(pool).await;
        let steps: Vec<String> = plan.unwrap().iter().map(|step| step.get("detail")).collect();
        assert!(steps.iter().any(|step| step.contains(way)), "{statement}: {steps:?}");
        assert!(
            !steps.iter().any(|step| step.contains("SCAN") || step.contains("TEMP B-TREE")),
            "{statement}: {steps:?}"
        );
    }
}
