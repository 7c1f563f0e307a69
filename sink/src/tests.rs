//! Records in, rows and positions out, on a database of each test's own.
#![allow(clippy::unwrap_used)]

mod decimals;
mod declarations;
mod earlier_formats;
mod encrypted;
mod generations;
mod keeping;
mod lost_connections;
mod partitions;
mod place;
mod races;
mod servers;
mod sources;
mod speed;
mod sqlite_files;
mod writing;

use schemas::{Batch, Headers, Message, Position, PositionSide, ResultClock, Wallet, kind, topics};
use sqlx::AssertSqlSafe;

use crate::database::Database;
use crate::{Part, Sink};

/// Itself, and what it tells in its history.
const ROWS_OF_A_POSITION: u64 = 2;

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
        entry_px: None,
        realised_pnl: None,
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

/// Everything up to `time` is in, since block 3.
fn tick(batch: &mut Batch, time: i64) {
    let clock = ResultClock { time, block: time.unsigned_abs() / 10, since_time: 30, since_block: 3 };
    let mut headers = Vec::new();
    Headers::write(&mut headers, kind::HEADER, kind::CLOCK);
    batch.push(time, ResultClock::KEY, Some(&serde_json::to_vec(&clock).unwrap()), &headers);
}

/// What was read from `from` on; at the beginning nothing was stored.
fn part(from: u64, batch: &[Batch]) -> Part<'_> {
    let count: u64 = batch.iter().map(|batch| u64::from(batch.count())).sum();
    let expected = (from > 0).then_some(from);
    Part { topic: &topics::POSITIONS, partition: 3, expected, next: from + count, batch }
}

/// The only column of each row.
async fn texts(sink: &Sink, statement: &'static str) -> Vec<String> {
    match &sink.database {
        Database::Sqlite(pool) => sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(pool).await,
        Database::Postgres(pool) => sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(pool).await,
    }
    .unwrap()
}

async fn sizes(sink: &Sink) -> Vec<String> {
    texts(sink, "SELECT CAST(size AS TEXT) FROM positions ORDER BY coin, wallet").await
}

async fn next(sink: &Sink) -> Option<u64> {
    sink.positions(1).await.unwrap().get(&("positions".to_owned(), 3)).copied()
}
