//! How many rows a second go into an empty table, over rows that are there, and out again.

use std::time::Instant;

use super::place::{on_postgres, on_sqlite};
use super::{ROWS_OF_A_POSITION, batch, part, position};
use crate::connect;

const ROWS: u32 = 20_000;

#[tokio::test]
#[ignore = "tells a figure"]
async fn rows_per_second_in_sqlite() {
    on_sqlite(measure).await;
}

#[tokio::test]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn rows_per_second_in_postgres() {
    on_postgres(measure).await;
}

async fn measure(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let mut from = 0;
    for (what, size) in [("inserted", "1.5"), ("updated", "2.5"), ("updated again", "3.5"), ("deleted", "0")] {
        let rows = batch((0..ROWS).map(|n| position(n, size)));
        let began = Instant::now();
        assert_eq!(sink.write(1, &[part(from, &rows)]).await.unwrap(), u64::from(ROWS) * ROWS_OF_A_POSITION);
        let took = began.elapsed();
        println!("{}: {ROWS} rows {what} in {took:.0?}: {:.0}/s", &url[..8], f64::from(ROWS) / took.as_secs_f64());
        from += u64::from(ROWS);
    }
}
