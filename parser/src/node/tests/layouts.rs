//! The same tape in every layout.

use std::fs;

use schemas::{GENERATION, Outbox, topics};

use super::market::{Node, Reader, essences, expected, facts, tape};
use crate::Layout;
use crate::tests::told;

#[test]
fn every_layout_gives_each_fill_once_whatever_is_written_again() {
    let tape = tape(&[2, 1, 0, 3, 1, 2]);
    for layout in Layout::OF_FILLS {
        let nodes = [Node::new(layout)];
        nodes[0].write(&tape[..4]);
        // A node that has started again writes what it had written.
        nodes[0].write(&tape[1..5]);
        let mut reader = Reader::of(&nodes);
        reader.read();
        reader.begin_again();
        nodes[0].write(&tape[3..]);
        reader.read();
        assert_eq!(essences(&reader.fills), expected(&tape), "{layout:?}");
        let cursor = reader.files.cursor();
        assert_eq!((cursor.dead_letters, cursor.gaps), (0, 0), "{layout:?}: {cursor:?}");
        assert!(cursor.blocks_repeated + cursor.fills_repeated > 0);
    }
}

#[test]
fn a_process_may_end_within_a_block_that_comes_line_by_line() {
    let tape = tape(&[3, 2]);
    for layout in [Layout::Streaming, Layout::Fills, Layout::Trades] {
        let nodes = [Node::new(layout)];
        let mut reader = Reader::of(&nodes);
        for line in tape.iter().flat_map(|block| block.lines(layout, 0).lines().map(str::to_owned).collect::<Vec<_>>())
        {
            nodes[0].append(format!("{line}\n").as_bytes());
            reader.read();
            reader.begin_again();
        }
        assert_eq!(essences(&reader.fills), expected(&tape), "{layout:?}");
        let first_block = reader.fills[0]["block"].clone();
        let mut indexes: Vec<u64> = reader
            .fills
            .iter()
            .filter(|fill| fill["block"] == first_block)
            .map(|fill| fill["index"].as_u64().unwrap())
            .collect();
        indexes.sort_unstable();
        assert_eq!(indexes, [0, 1, 2, 3, 4, 5], "{layout:?}");
    }
}

#[test]
fn what_a_file_of_trades_does_not_say_is_absent() {
    let tape = tape(&[1]);
    let nodes = [Node::new(Layout::Trades)];
    nodes[0].write(&tape);
    let mut reader = Reader::of(&nodes);
    reader.read();
    for fill in &reader.fills {
        assert!(fill["closedPnl"].is_null() && fill["fee"].is_null() && fill["tid"].is_null(), "{fill}");
    }
    let mut named: Vec<(&str, bool)> =
        reader.fills.iter().map(|fill| (fill["dir"].as_str().unwrap(), fill["crossed"].as_bool().unwrap())).collect();
    named.sort_unstable();
    assert_eq!(named, [("Close Long", false), ("Open Long", true)]);
}

/// Of a settlement the numbers would say that somebody has closed a position.
#[test]
fn what_a_file_of_trades_names_otherwise_is_called_so() {
    let tape = tape(&[1]);
    let nodes = [Node::new(Layout::Trades)];
    let line = tape[0]
        .lines(Layout::Trades, 0)
        .replace(r#""trade_dir_override":"Na""#, r#""trade_dir_override":"Settlement""#);
    nodes[0].append(line.as_bytes());
    let mut reader = Reader::of(&nodes);
    reader.read();
    assert_eq!(reader.fills.len(), 2);
    assert!(reader.fills.iter().all(|fill| fill["dir"] == "Settlement"), "{:?}", reader.fills);
}

#[test]
fn without_numbers_a_long_silence_is_a_gap() {
    let mut tape = tape(&[1, 1, 1]);
    let later = tape[1].time + 61_000;
    for event in &mut tape[2].events {
        event[1]["time"] = serde_json::json!(later);
    }
    let nodes = [Node::new(Layout::Fills)];
    nodes[0].write(&tape);
    let mut reader = Reader::of(&nodes);
    reader.read();
    let [gap] = reader.statuses.as_slice() else { panic!("{:?}", reader.statuses) };
    assert_eq!((gap.from_time, gap.to_time), (Some(tape[1].time), Some(tape[1].time + 61_000)));
    assert_eq!((gap.from_block, reader.files.cursor().blocks_missed), (None, 0));
}

#[test]
fn what_was_taken_before_an_error_has_its_cursor_with_it() {
    let nodes = [Node::new(Layout::ByBlock)];
    nodes[0].write(&tape(&[1, 1]));
    fs::create_dir(nodes[0].folder.path().join("node_fills_by_block/hourly/20260628/9")).unwrap();
    let (mut reader, mut out) = (Reader::of(&nodes), Outbox::new(GENERATION));
    reader.files.read(reader.now, &mut out).unwrap_err();
    assert!(!facts(&out, &topics::FILLS).is_empty());
    let state = told(&out, &topics::STATE_PARSER_NODE_FILLS);
    assert!(state.iter().any(|(.., value)| value.contains(r#""block":2"#)), "{state:?}");
}
