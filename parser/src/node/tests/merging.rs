//! Several nodes that see the same blocks.

use std::fs;

use schemas::SourceStatus::{Connected, Gap, GapHealed, Stale};
use schemas::{FeedStatus, GENERATION, Outbox, topics};

use super::market::{Block, Node, Reader, essences, expected, tape};
use crate::Layout::ByBlock;
use crate::find_missing;
use crate::tests::told;

fn two_nodes() -> [Node; 2] {
    [Node::new(ByBlock), Node::new(ByBlock)]
}

fn lines(blocks: &[Block], node: u32) -> Vec<u8> {
    blocks.iter().flat_map(|block| block.lines(ByBlock, node).into_bytes()).collect()
}

#[test]
fn what_one_node_lacks_or_garbles_another_one_fills_at_its_place() {
    let tape = tape(&[1, 2, 1, 1, 2]);
    let nodes = two_nodes();
    nodes[0].append(&lines(&tape[..1], 0));
    nodes[0].append(b"{\"local_time\":\"2026-06\n");
    nodes[0].append(&lines(&tape[3..], 0));
    let mut reader = Reader::of(&nodes);
    reader.read();
    assert_eq!(reader.files.cursor().block, 1, "the other one may still bring what is missing");
    nodes[1].append(&lines(&tape, 1));
    reader.read();
    assert_eq!(essences(&reader.fills), expected(&tape));
    let cursor = reader.files.cursor();
    assert_eq!((cursor.block, cursor.blocks_missed, cursor.gaps, cursor.dead_letters), (5, 0, 0, 1));
    let blocks: Vec<u64> =
        reader.fills.iter().filter(|fill| fill["coin"] == "BTC").map(|fill| fill["block"].as_u64().unwrap()).collect();
    assert!(blocks.is_sorted(), "{blocks:?}");
}

#[test]
fn a_hole_is_said_after_a_second_and_healed_beside_the_tape() {
    let tape = tape(&[1, 2, 1, 1, 1]);
    let nodes = two_nodes();
    nodes[0].append(&lines(&tape[..1], 0));
    nodes[0].append(&lines(&tape[3..], 0));
    nodes[1].append(&lines(&tape[..1], 1));
    let mut reader = Reader::of(&nodes);
    reader.read();
    reader.now += 999;
    reader.read();
    assert_eq!(reader.holes(Gap), []);
    reader.now += 1;
    reader.read();
    assert_eq!(reader.holes(Gap), [(2, 3)]);
    assert_eq!((reader.files.cursor().block, reader.files.cursor().blocks_missed), (5, 2));
    reader.begin_again();
    nodes[1].append(&lines(&tape[1..2], 1));
    reader.read();
    assert_eq!(reader.holes(GapHealed), []);
    nodes[1].append(&lines(&tape[2..], 1));
    reader.read();
    assert_eq!(reader.holes(GapHealed), [(2, 3)]);
    assert_eq!(essences(&reader.history), expected(&tape[1..3]));
    let cursor = reader.files.cursor();
    assert_eq!((cursor.blocks_missed, cursor.blocks_healed, cursor.open_gaps.len()), (0, 2, 0));
}

#[test]
fn another_node_s_files_are_taken_over_where_those_of_the_first_ended() {
    let tape = tape(&[1; 3_000]);
    let nodes = two_nodes();
    nodes[0].append(&lines(&tape[..2_000], 0));
    let mut first = Reader::of(&nodes[..1]);
    first.read();
    nodes[1].append(&lines(&tape, 1));
    let mut cursor = first.files.cursor().clone();
    let mut second = Reader::from(&nodes[1..], cursor.clone());
    second.read();
    assert_eq!(essences(&second.fills), expected(&tape[2_000..]));
    assert!(second.files.cursor().blocks_repeated < 2_000, "what was taken is not read again from the beginning");
    assert_eq!(second.files.cursor().gaps, 0);

    // The same path on another machine: the place is of somebody else's file.
    let place = cursor.places.values().next().unwrap().clone();
    cursor.places.insert(nodes[1].folder.path().display().to_string(), place);
    let mut third = Reader::from(&nodes[1..], cursor);
    third.read();
    assert_eq!((essences(&third.fills), third.files.cursor().gaps), (expected(&tape[2_000..]), 0));
}

#[test]
fn a_node_that_writes_nothing_holds_nobody_up() {
    let tape = tape(&[1; 4]);
    let nodes = two_nodes();
    let mut reader = Reader::of(&nodes);
    nodes[0].append(&lines(&tape, 0));
    reader.read();
    assert_eq!(essences(&reader.fills), expected(&tape));
}

#[test]
fn a_silence_of_five_seconds_is_said_once_and_so_is_its_end() {
    let tape = tape(&[1; 4]);
    let nodes = [Node::new(ByBlock)];
    let mut reader = Reader::of(&nodes);
    let mut heard = Vec::new();
    let mut read = |reader: &mut Reader, passed: i64| {
        reader.now += passed;
        let mut out = Outbox::new(GENERATION);
        reader.files.read(reader.now, &mut out).unwrap();
        let told = told(&out, &topics::FEED_STATUS);
        heard.extend(told.iter().map(|(.., json)| serde_json::from_str::<FeedStatus>(json).unwrap().status));
    };
    read(&mut reader, 4_999);
    read(&mut reader, 1);
    read(&mut reader, 9_000);
    nodes[0].write(&tape[..2]);
    read(&mut reader, 1);
    read(&mut reader, 4_999);
    nodes[0].write(&tape[2..]);
    read(&mut reader, 1);
    read(&mut reader, 5_000);
    assert_eq!(heard, [Stale, Connected, Stale]);
}

#[test]
fn a_node_whose_files_cannot_be_read_holds_nobody_up() {
    let tape = tape(&[1; 4]);
    let nodes = two_nodes();
    nodes[0].append(&lines(&tape, 0));
    // A file where a folder of hours should be.
    let hourly = nodes[1].folder.path().join(ByBlock.folder()).join("hourly/20260628/8");
    fs::create_dir_all(hourly.join("is a folder")).unwrap();
    let mut reader = Reader::of(&nodes);
    reader.read();
    assert_eq!(essences(&reader.fills), expected(&tape));
    assert_eq!(reader.files.cursor().block, 4);
}

#[test]
fn an_archive_heals_what_no_node_has_given() {
    let tape = tape(&[1, 2, 1, 1, 1, 2]);
    let nodes = [Node::new(ByBlock)];
    nodes[0].append(&lines(&[&tape[..1], &tape[2..3], &tape[5..]].concat(), 0));
    let mut reader = Reader::of(&nodes);
    reader.read();
    assert_eq!(reader.holes(Gap), [(2, 2), (4, 5)]);
    let archive = Node::new(ByBlock);
    archive.append(&lines(&tape[..4], 1));
    for has in [4, 5] {
        let (gaps, mut found) = (reader.files.cursor().open_gaps.clone(), Vec::new());
        find_missing(archive.folder.path(), &gaps, &mut |line| {
            found.push(line);
            true
        })
        .unwrap();
        found.iter().for_each(|line| reader.take_found(line));
        assert_eq!(essences(&reader.history), expected([&tape[1..2], &tape[3..has]].concat().iter()));
        archive.append(&lines(&tape[4..], 1));
    }
    assert_eq!(reader.holes(GapHealed), [(2, 2), (4, 5)]);
    assert_eq!((reader.files.cursor().blocks_missed, reader.files.cursor().blocks_healed), (0, 3));
}
