//! Two sinks that write the same partition: one wins, the other is told so.

use schemas::Batch;

use super::place::on_both;
use super::{ROWS_OF_A_POSITION, batch, next, part, position, sizes};
use crate::{Sink, SinkError, connect};

on_both! {
    a_stale_sink_is_refused,
    of_two_at_the_same_time_one_wins,
}

async fn a_stale_sink_is_refused(url: String) {
    let mut live = connect(&url).await.unwrap();
    let mut stale = connect(&url).await.unwrap();
    let stood_at = stale.positions(1).await.unwrap();
    assert!(stood_at.is_empty());
    live.write(1, &[part(0, &batch([position(1, "1")]))]).await.unwrap();
    let error = stale.write(1, &[part(0, &batch([position(1, "9")]))]).await.unwrap_err();
    assert!(matches!(error, SinkError::Position { expected: None, found: Some(1), .. }), "{error:?}");
    assert_eq!(sizes(&live).await, ["1"]);
}

/// What each writes is told apart by its wallets: were a position moved twice, there would be rows of both.
async fn of_two_at_the_same_time_one_wins(url: String) {
    let (mut one, mut other) = (connect(&url).await.unwrap(), connect(&url).await.unwrap());
    let mut rows_of = Vec::new();
    for round in 0..ROUNDS {
        let [ours, theirs] = [0, ROUNDS as u32].map(|from| batch([position(from + round as u32, "1")]));
        let (ours, theirs) = tokio::join!(take(&mut one, round, &ours), take(&mut other, round, &theirs));
        assert_eq!(u32::from(ours) + u32::from(theirs), 1, "in round {round}");
        rows_of.push(ours);
        assert_eq!(next(&one).await, Some(round + 1));
    }
    assert_eq!(sizes(&one).await.len(), rows_of.len());
    println!(
        "{} of {ROUNDS} rounds were won by the one, the rest by the other",
        rows_of.iter().filter(|won| **won).count()
    );
}

const ROUNDS: u64 = 60;

/// Whether it was this sink's to write.
async fn take(sink: &mut Sink, from: u64, rows: &[Batch]) -> bool {
    match sink.write(1, &[part(from, rows)]).await {
        Ok(ROWS_OF_A_POSITION) => true,
        Err(SinkError::Position { found: Some(found), .. }) if found == from + 1 => false,
        other => panic!("{other:?}"),
    }
}
