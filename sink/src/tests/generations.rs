//! Rows of two generations beside each other: one goes, a few rows at a time, and the other stays as it is.

use schemas::Position;

use super::place::on_both;
use super::{batch, part, position, texts};
use crate::{Sink, connect};

on_both! {
    one_goes_and_the_other_stays,
}

/// More than go at once.
const POSITIONS: u32 = 3_000;
const ROWS: &str = "SELECT CAST(generation AS TEXT) || ' ' || wallet || ' ' || CAST(size AS TEXT) FROM positions \
     ORDER BY generation, wallet";
const HISTORY: &str = "SELECT CAST(generation AS TEXT) || ' ' || CAST(count(*) AS TEXT) FROM position_history \
     GROUP BY generation ORDER BY generation";

async fn one_goes_and_the_other_stays(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let positions: Vec<Position> = (0..POSITIONS).map(|n| position(n, "1")).collect();
    for generation in [1, 2] {
        write(&mut sink, generation, &positions).await;
    }
    let stood_at = sink.positions(1).await.unwrap();
    let mut gone = Vec::new();
    loop {
        match sink.forget_some(2).await.unwrap() {
            0 => break,
            some => gone.push(some),
        }
        let others = texts(&sink, ROWS).await.into_iter().filter(|row| row.starts_with("1 "));
        assert_eq!(others.count(), POSITIONS as usize);
    }
    gone.sort_unstable();
    assert_eq!(gone, [1_000, 1_000, 2_000, 2_000]);
    assert!(texts(&sink, ROWS).await.iter().all(|row| row.starts_with("1 ")));
    assert_eq!(texts(&sink, HISTORY).await, [format!("1 {POSITIONS}")]);
    assert_eq!(sink.positions(2).await.unwrap(), [].into());
    assert_eq!(sink.positions(1).await.unwrap(), stood_at);
    assert_eq!(sink.forget_some(2).await.unwrap(), 0, "once more takes nothing away");
    // Its number may come back, and begins anew.
    write(&mut sink, 2, &positions[..1]).await;
}

async fn write(sink: &mut Sink, generation: u32, positions: &[Position]) {
    let batch = batch(positions.iter().cloned());
    sink.write(generation, &[part(0, &batch)]).await.unwrap();
}
