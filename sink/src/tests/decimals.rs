//! Text that sorts where decimals do: what the sink writes beside them, and what a migration makes of rows that were there.

use std::borrow::Cow;

use schemas::Amount;
use sqlx::SqlitePool;
use sqlx::migrate::{Migration, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use crate::connect;

/// The last version without such keys.
const BEFORE: i64 = 54;
const NOTIONALS: [&str; 9] = ["100.50", "0.05", "0.0", "0", "7", "1200", "0.000000001", "99999999999999.99", "010.10"];

#[tokio::test]
async fn keys_of_rows_that_were_there_are_those_of_rows_that_come() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("fathom.sqlite");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let pool = SqlitePool::connect_with(options.clone()).await.unwrap();
    let before: Vec<Migration> =
        sqlx::migrate!("migrations/sqlite").iter().filter(|it| it.version <= BEFORE).cloned().collect();
    Migrator { migrations: Cow::Owned(before), ..Migrator::DEFAULT }.run(&pool).await.unwrap();
    let stored = NOTIONALS.map(Some).into_iter().chain([None]);
    for (block, notional) in (0..).zip(stored) {
        let row = "INSERT INTO liquidation_orders VALUES (1, 'A', '0x', $1, 'adl', 'long', 5, 1, '1', $2, '1', '1', '1', '1')";
        sqlx::query(row).bind(block).bind(notional).execute(&pool).await.unwrap();
    }
    pool.close().await;

    drop(connect(&format!("sqlite://{}", path.display())).await.unwrap());
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let rows: Vec<(Option<String>, String)> =
        sqlx::query_as("SELECT notional, notional_key FROM liquidations").fetch_all(&pool).await.unwrap();
    assert_eq!(rows.len(), NOTIONALS.len() + 1);
    for (notional, key) in rows {
        let amount = notional.as_deref().map(|text| text.parse().unwrap());
        assert_eq!(key, Amount::sort_key(amount), "{notional:?}");
    }
}
