//! The days of Postgres: each made once whoever comes first, dropped in one piece, and waited for by nobody.

use std::time::{Duration, Instant};

use schemas::{Batch, Fill, Headers, Message, kind, topics};
use sqlx::postgres::PgPool;

use super::keeping::{DAY, fill};
use super::place::on_postgres;
use super::{part, texts};
use crate::{Part, Sink, connect};

const DAYS: &str = "SELECT relname::TEXT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
     WHERE inhparent = 'transactions'::regclass ORDER BY relname";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn of_two_who_come_to_a_new_day_both_write_it() {
    on_postgres(two_at_once).await;
}

async fn two_at_once(url: String) {
    let (mut one, mut other) = (connect(&url).await.unwrap(), connect(&url).await.unwrap());
    for day in 0..30 {
        let next = day as u64;
        tokio::join!(
            write(&mut one, 0, next, [fill(day, day * DAY)]),
            write(&mut other, 1, next, [fill(1_000 + day, day * DAY)])
        );
    }
    assert_eq!(texts(&one, DAYS).await.len(), 4, "the newest, and three before it");
    assert_eq!(texts(&one, "SELECT CAST(count(*) AS TEXT) FROM transactions").await, ["8"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn a_day_that_is_read_goes_later() {
    on_postgres(while_somebody_reads).await;
}

async fn while_somebody_reads(url: String) {
    let mut sink = connect(&url).await.unwrap();
    write(&mut sink, 0, 0, [fill(1, DAY)]).await;
    let reader = PgPool::connect(&url).await.unwrap();
    let mut reads = reader.begin().await.unwrap();
    sqlx::query("SELECT * FROM transactions").fetch_all(&mut *reads).await.unwrap();
    let began = Instant::now();
    write(&mut sink, 0, 1, [fill(2, 9 * DAY)]).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(texts(&sink, DAYS).await, ["transactions_1", "transactions_9"]);
    reads.rollback().await.unwrap();
    write(&mut sink, 0, 2, [fill(3, 9 * DAY)]).await;
    assert_eq!(texts(&sink, DAYS).await, ["transactions_9"]);
}

async fn write(sink: &mut Sink, partition: u32, next: u64, fills: impl IntoIterator<Item = Fill>) {
    let mut batch = Batch::default();
    let mut headers = Vec::new();
    Headers::write(&mut headers, kind::HEADER, kind::FILL);
    fills.into_iter().for_each(|fill| fill.append_to(&mut batch, &headers));
    let batch = [batch];
    let expected = (next > 0).then_some(next);
    let part = Part { topic: &topics::FILLS, partition, expected, ..part(next, &batch) };
    sink.write(1, &[part]).await.unwrap();
}
