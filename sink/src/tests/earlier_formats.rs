//! Tables as earlier versions made them, with rows in them.

use std::borrow::Cow;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::place::{on_both, on_postgres};
use super::texts;
use crate::connect;

on_both! {
    ratios_from_before_there_were_kinds_are_those_of_all_accounts,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn legs_from_before_there_were_days_are_there() {
    on_postgres(legs).await;
}

/// Those of three days, as they were in one table.
async fn legs(url: String) {
    let legs = "INSERT INTO transactions (generation, time, block, idx, wallet, coin, side, px, size, start_position, dir, crossed, \
         hash, oid) SELECT 1, day * 86400000 + 5, day, 0, 'w', 'BTC', 'buy', 1, 1, 0, 'Open Long', TRUE, 'h', 7 \
         FROM (SELECT 3 AS day UNION SELECT 4 UNION SELECT 5) AS days";
    make_with(&url, "partitions", legs).await;
    let sink = connect(&url).await.unwrap();
    let rows = "SELECT CAST(block AS TEXT) FROM transactions ORDER BY time";
    assert_eq!(texts(&sink, rows).await, ["3", "4", "5"]);
}

/// A bucket as it was written before the tables of that name were made anew.
async fn ratios_from_before_there_were_kinds_are_those_of_all_accounts(url: String) {
    let bucket = "INSERT INTO long_short_ratios VALUES \
         (1, 'BTC', '1m', 60000, 3, 2, '0.6', '0.4', '1', '2', NULL, '1.5', TRUE, TRUE, 7, 130000)";
    make_with(&url, "kinds of ratios", bucket).await;
    let sink = connect(&url).await.unwrap();
    let row = "SELECT kind || ' ' || cohort || ' ' || accounts || ' ' || coalesce(CAST(of_accounts AS TEXT), 'unknown') || ' ' \
         || long_accounts || ' ' || short_accounts || ' ' || CAST(close AS TEXT) || ' ' || clock FROM long_short_ratios";
    assert_eq!(texts(&sink, row).await, ["accounts  5 unknown 3 2 1.5 130000"]);
}

/// Tables as they were before the migration of this name, and rows.
async fn make_with(url: &str, name: &str, rows: &'static str) {
    if url.starts_with("sqlite") {
        let options: SqliteConnectOptions = url.parse().unwrap();
        let pool = SqlitePool::connect_with(options.create_if_missing(true)).await.unwrap();
        before(name, sqlx::migrate!("migrations/sqlite")).run(&pool).await.unwrap();
        sqlx::query(rows).execute(&pool).await.unwrap();
        pool.close().await;
    } else {
        let pool = PgPool::connect(url).await.unwrap();
        before(name, sqlx::migrate!("migrations/postgres")).run(&pool).await.unwrap();
        sqlx::query(rows).execute(&pool).await.unwrap();
        pool.close().await;
    }
}

/// The migrations up to the one of this name.
fn before(name: &str, all: Migrator) -> Migrator {
    let earlier = all.iter().take_while(|migration| migration.description != name).cloned().collect();
    Migrator { migrations: Cow::Owned(earlier), ..Migrator::DEFAULT }
}
