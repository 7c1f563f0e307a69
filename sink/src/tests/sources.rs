//! What sources say of themselves: gaps that are noticed and healed in any order, states, and runs that go on.

use schemas::{Batch, FeedStatus, Message, SourceRun, SourceStatus};
use serde_json::json;

use super::place::{on_both, on_sqlite};
use super::{part, texts};
use crate::{Part, Sink, connect};

on_both! {
    a_gap_is_noticed_and_healed_in_either_order,
    a_gap_that_was_healed_is_not_opened_again,
    a_gap_that_grows_is_told_to_its_end,
    what_is_not_numbered_or_not_known_has_a_row,
    gaps_of_two_parts_that_begin_together_are_two,
    a_state_is_what_was_said_last,
    a_run_keeps_how_it_began_and_says_how_far_it_is,
    the_same_records_again_change_nothing,
}

const GAPS: &str = "SELECT source || ' ' || CAST(from_time AS TEXT) || '-' || coalesce(CAST(to_time AS TEXT), '?') || ' ' || \
     CAST(from_block AS TEXT) || '-' || coalesce(CAST(to_block AS TEXT), '?') || part || ', noticed ' || \
     coalesce(CAST(noticed AS TEXT), '?') || ': ' || coalesce(reason, '?') || ', healed ' || \
     coalesce(CAST(healed AS TEXT), '?') || ' by ' || coalesce(healed_by, '?') || ': ' || coalesce(healed_reason, '?') \
     FROM source_gaps ORDER BY generation, source, from_time, from_block, part";

const STATES: &str = "SELECT source || ' ' || status || ' ' || CAST(time AS TEXT) || ' ' || reason FROM source_states \
     ORDER BY generation, source";

const RUNS: &str = "SELECT source || ' ' || stream || ' ' || CAST(started AS TEXT) || '-' || \
     coalesce(CAST(ended AS TEXT), '') || ': ' || CAST(frames AS TEXT) || ' frames, blocks ' || \
     coalesce(CAST(first_block AS TEXT), '?') || '-' || coalesce(CAST(last_block AS TEXT), '?') || ', times ' || \
     coalesce(CAST(first_time AS TEXT), '?') || '-' || coalesce(CAST(last_time AS TEXT), '?') || ', at ' || cursor \
     FROM source_runs ORDER BY generation, source, stream, started";

/// A gap of the blocks from `block` on, noticed or healed at `time`.
fn gap(status: SourceStatus, block: u64, time: i64) -> FeedStatus {
    let is_healed = status == SourceStatus::GapHealed;
    FeedStatus {
        from_time: Some(10 * block.cast_signed()),
        to_time: Some(10 * block.cast_signed() + 20),
        from_block: Some(block),
        to_block: Some(block + 2),
        healed_by: is_healed.then(|| "archive".into()),
        ..FeedStatus::of("node-fills", status, time, if is_healed { "found" } else { "missing" })
    }
}

fn noticed(block: u64, time: i64) -> FeedStatus {
    gap(SourceStatus::Gap, block, time)
}

fn healed(block: u64, time: i64) -> FeedStatus {
    gap(SourceStatus::GapHealed, block, time)
}

fn state(source: &str, status: SourceStatus, time: i64) -> FeedStatus {
    FeedStatus::of(source, status, time, "so it was said")
}

fn run(started: i64, said: &str, frames: u64, last: Option<u64>) -> SourceRun {
    serde_json::from_value(json!({
        "source": "node-fills", "stream": "/hl", "started": started, "time": started + frames as i64,
        "frames": frames, "bytes": 1000 * frames, "facts": 7 * frames, "duplicates": 1, "gaps": 0, "dead_letters": 2,
        "last_block": last, "last_time": last.map(|block| 10 * block), "cursor": said,
    }))
    .unwrap()
}

/// Writes each group in a transaction of its own.
async fn write<M: Message>(sink: &mut Sink, groups: &[&[M]]) {
    for group in groups {
        let mut batch = Batch::default();
        group.iter().for_each(|message| message.append_to(&mut batch, &[]));
        let stood_at = sink.positions(1).await.unwrap().get(&(M::TOPIC.name.to_owned(), 0)).copied();
        let batch = [batch];
        let from = stood_at.unwrap_or_default();
        let part = Part { topic: M::TOPIC, partition: 0, expected: stood_at, ..part(from, &batch) };
        sink.write(1, &[part]).await.unwrap();
    }
}

const HEALED: &str = "node-fills 70-90 7-9, noticed 100: missing, healed 500 by archive: found";

async fn a_gap_is_noticed_and_healed_in_either_order(url: String) {
    let mut sink = connect(&url).await.unwrap();
    write(&mut sink, &[&[noticed(7, 100)]]).await;
    let open = "node-fills 70-90 7-9, noticed 100: missing, healed ? by ?: ?";
    assert_eq!(texts(&sink, GAPS).await, [open]);
    write(&mut sink, &[&[healed(7, 500)]]).await;
    assert_eq!(texts(&sink, GAPS).await, [HEALED]);

    write(&mut sink, &[&[healed(8, 500)]]).await;
    let found = "node-fills 80-100 8-10, noticed ?: ?, healed 500 by archive: found";
    assert_eq!(texts(&sink, GAPS).await, [HEALED, found]);
    write(&mut sink, &[&[noticed(8, 100)]]).await;
    let both = "node-fills 80-100 8-10, noticed 100: missing, healed 500 by archive: found";
    assert_eq!(texts(&sink, GAPS).await, [HEALED, both]);
}

/// Whether what comes again comes with the first, in a transaction of its own, or all together.
async fn a_gap_that_was_healed_is_not_opened_again(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let [first, found, again] = [noticed(7, 100), healed(7, 500), noticed(7, 900)];
    for groups in [
        [vec![first.clone(), found.clone(), again.clone()], vec![]],
        [vec![first.clone(), found.clone()], vec![again.clone()]],
        [vec![first.clone()], vec![found.clone(), again.clone()]],
        [vec![first.clone()], vec![again.clone(), found.clone(), healed(7, 1000), again.clone()]],
    ] {
        write(&mut sink, &[&groups[0], &groups[1]]).await;
        assert_eq!(texts(&sink, GAPS).await, [HEALED], "{groups:?}");
        forget(&mut sink).await;
    }
}

async fn forget(sink: &mut Sink) {
    let mut transaction = sink.database.begin().await.unwrap();
    transaction.execute("DELETE FROM source_gaps", &[]).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn a_gap_that_grows_is_told_to_its_end(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let grown = FeedStatus { to_time: Some(200), to_block: Some(20), ..noticed(7, 300) };
    write(&mut sink, &[&[noticed(7, 100)], &[grown]]).await;
    assert_eq!(texts(&sink, GAPS).await, ["node-fills 70-200 7-20, noticed 100: missing, healed ? by ?: ?"]);
}

async fn what_is_not_numbered_or_not_known_has_a_row(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let by_time = FeedStatus { from_block: None, to_block: None, ..noticed(7, 100) };
    let by_block = FeedStatus { from_time: None, to_time: None, ..noticed(7, 100) };
    write(&mut sink, &[&[by_time, by_block]]).await;
    let rows = [
        "node-fills 0-? 7-9, noticed 100: missing, healed ? by ?: ?",
        "node-fills 70-90 0-?, noticed 100: missing, healed ? by ?: ?",
    ];
    assert_eq!(texts(&sink, GAPS).await, rows);
}

async fn gaps_of_two_parts_that_begin_together_are_two(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let of = |part: &str| FeedStatus { part: Some(part.into()), ..noticed(7, 100) };
    write(&mut sink, &[&[of(" of BTC"), of(" of ETH"), FeedStatus { part: Some(" of ETH".into()), ..healed(7, 500) }]])
        .await;
    let rows = [
        "node-fills 70-90 7-9 of BTC, noticed 100: missing, healed ? by ?: ?",
        "node-fills 70-90 7-9 of ETH, noticed 100: missing, healed 500 by archive: found",
    ];
    assert_eq!(texts(&sink, GAPS).await, rows);
}

async fn a_state_is_what_was_said_last(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let [connected, lost] = [SourceStatus::Connected, SourceStatus::Disconnected];
    write(&mut sink, &[&[state("a", connected, 1), state("b", connected, 2), noticed(7, 3)], &[state("a", lost, 4)]])
        .await;
    assert_eq!(texts(&sink, STATES).await, ["a disconnected 4 so it was said", "b connected 2 so it was said"]);
    // The clock of a machine may be set back: what comes last is what holds.
    write(&mut sink, &[&[state("a", SourceStatus::Stale, 3), healed(7, 5)]]).await;
    assert_eq!(texts(&sink, STATES).await[0], "a stale 3 so it was said");
}

async fn a_run_keeps_how_it_began_and_says_how_far_it_is(url: String) {
    let mut sink = connect(&url).await.unwrap();
    write(&mut sink, &[&[run(100, "", 0, None)], &[run(100, "a", 3, Some(5)), run(100, "b", 4, Some(6))]]).await;
    assert_eq!(texts(&sink, RUNS).await, ["node-fills /hl 100-: 4 frames, blocks 5-6, times 50-60, at b"]);
    let ended = SourceRun { ended: Some(200), ..run(100, "c", 9, Some(9)) };
    write(&mut sink, &[&[ended, run(300, "c", 0, None)]]).await;
    let rows = [
        "node-fills /hl 100-200: 9 frames, blocks 5-9, times 50-90, at c",
        "node-fills /hl 300-: 0 frames, blocks ?-?, times ?-?, at c",
    ];
    assert_eq!(texts(&sink, RUNS).await, rows);
}

async fn the_same_records_again_change_nothing(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let said = [
        state("node-fills", SourceStatus::Connected, 1),
        noticed(7, 100),
        state("node-fills", SourceStatus::Stale, 110),
        healed(8, 120),
        healed(7, 130),
        state("node-fills", SourceStatus::Connected, 140),
        noticed(9, 150),
        noticed(8, 160),
    ];
    let runs = [run(100, "a", 3, Some(5)), run(100, "b", 4, Some(6)), run(300, "c", 0, None)];
    write(&mut sink, &[&said]).await;
    write(&mut sink, &[&runs]).await;
    let written = everything(&sink).await;
    assert_eq!(written.len(), 3 + 1 + 2, "{written:?}");
    let one_by_one: Vec<&[FeedStatus]> = said.chunks(1).collect();
    write(&mut sink, &one_by_one).await;
    write(&mut sink, &runs.chunks(1).collect::<Vec<_>>()).await;
    assert_eq!(everything(&sink).await, written, "one by one");
    write(&mut sink, &[&said]).await;
    write(&mut sink, &[&runs]).await;
    assert_eq!(everything(&sink).await, written, "all together");
}

async fn everything(sink: &Sink) -> Vec<String> {
    let mut rows = texts(sink, GAPS).await;
    rows.extend(texts(sink, STATES).await);
    rows.extend(texts(sink, RUNS).await);
    rows
}

#[tokio::test]
async fn rows_do_not_depend_on_the_order_or_on_what_is_written_together() {
    on_sqlite(in_any_order).await;
}

/// What notices and what heals a gap, each once or twice, shuffled and cut in any way.
async fn in_any_order(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let mut random: u32 = 7;
    let mut next = |below: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % below
    };
    let expected: Vec<String> = (1..=6)
        .map(|block: u64| {
            let (from, heals) = (10 * block, block.is_multiple_of(2));
            let healed = if heals { "500 by archive: found" } else { "? by ?: ?" };
            format!("node-fills {from}-{} {block}-{}, noticed 100: missing, healed {healed}", from + 20, block + 2)
        })
        .collect();
    for round in 0..200 {
        let mut said: Vec<FeedStatus> = Vec::new();
        for block in 1..=6 {
            let kinds =
                if block % 2 == 0 { vec![noticed(block, 100), healed(block, 500)] } else { vec![noticed(block, 100)] };
            for record in kinds {
                said.extend(vec![record; 1 + next(2)]);
            }
        }
        for place in (1..said.len()).rev() {
            said.swap(place, next(place + 1));
        }
        let cut = next(said.len());
        write(&mut sink, &[&said[..cut], &said[cut..]]).await;
        assert_eq!(texts(&sink, GAPS).await, expected, "round {round}: {said:?}");
        forget(&mut sink).await;
    }
}
