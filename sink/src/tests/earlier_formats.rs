//! Tables as earlier versions made them, with rows in them.

use std::borrow::Cow;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::place::on_both;
use super::texts;
use crate::connect;

on_both! {
    ratios_from_before_there_were_kinds_are_those_of_all_accounts,
}

/// A bucket as it was written before the tables of that name were made anew.
async fn ratios_from_before_there_were_kinds_are_those_of_all_accounts(url: String) {
    let bucket = "INSERT INTO long_short_ratios VALUES \
         (1, 'BTC', '1m', 60000, 3, 2, '0.6', '0.4', '1', '2', NULL, '1.5', TRUE, TRUE, 7, 130000)";
    if url.starts_with("sqlite") {
        let options: SqliteConnectOptions = url.parse().unwrap();
        let pool = SqlitePool::connect_with(options.create_if_missing(true)).await.unwrap();
        before("kinds of ratios", sqlx::migrate!("migrations/sqlite")).run(&pool).await.unwrap();
        sqlx::query(bucket).execute(&pool).await.unwrap();
        pool.close().await;
    } else {
        let pool = PgPool::connect(&url).await.unwrap();
        before("kinds of ratios", sqlx::migrate!("migrations/postgres")).run(&pool).await.unwrap();
        sqlx::query(bucket).execute(&pool).await.unwrap();
        pool.close().await;
    }
    let sink = connect(&url).await.unwrap();
    let row = "SELECT kind || ' ' || cohort || ' ' || accounts || ' ' || coalesce(CAST(of_accounts AS TEXT), 'unknown') || ' ' \
         || long_accounts || ' ' || short_accounts || ' ' || CAST(close AS TEXT) || ' ' || clock FROM long_short_ratios";
    assert_eq!(texts(&sink, row).await, ["accounts  5 unknown 3 2 1.5 130000"]);
}

/// The migrations up to the one of this name.
fn before(name: &str, all: Migrator) -> Migrator {
    let earlier = all.iter().take_while(|migration| migration.description != name).cloned().collect();
    Migrator { migrations: Cow::Owned(earlier), ..Migrator::DEFAULT }
}
