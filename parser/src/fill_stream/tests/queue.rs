//! What streams give, beside each other, beside a node and alone.

use schemas::SourceStatus::{Connected, Disconnected, Stale};

use super::tape::{Reader, Vendor};
use crate::node::Layout::{ByBlock, Fills};
use crate::node::tests::market::{Node, START, essences, expected, tape};

const NOW: i64 = START + 10_000;

#[test]
fn a_stream_alone_is_a_tape_and_what_it_missed_is_a_hole_of_exactly_those_blocks() {
    let tape = tape(&[1, 2, 0, 1, 1, 1, 2]);
    let mut vendors = [Vendor::new(ByBlock)];
    let mut reader = Reader::of(&[], &mut vendors, NOW);
    vendors[0].connect();
    vendors[0].give(&tape[..1]);
    vendors[0].give(&tape[..3]);
    reader.read();
    vendors[0].lose();
    vendors[0].connect();
    vendors[0].say(br#"{"channel":"subscribed"}"#);
    vendors[0].give(&tape[5..]);
    reader.read();
    assert_eq!(essences(&reader.fills), expected(tape[..3].iter().chain(&tape[5..])));
    let gaps = reader.gaps();
    assert_eq!((gaps.len(), gaps[0].from_block, gaps[0].to_block), (1, Some(4), Some(5)));
    assert_eq!(reader.said_of("v0"), [Connected, Disconnected, Connected]);
    assert_eq!((reader.files.cursor().blocks_repeated, reader.letters.len()), (1, 0));
    assert_eq!(
        reader.raw,
        [&tape[..3], &tape[5..]].concat().iter().map(|it| it.lines(ByBlock, 0).trim().to_owned()).collect::<Vec<_>>()
    );
    reader.end();
    let run = reader.runs.last().unwrap();
    assert_eq!((run["source"].as_str(), run["stream"].as_str()), (Some("fill-stream.v0"), Some("v0")));
    assert_eq!((run["facts"].as_u64(), run["duplicates"].as_u64(), run["gaps"].as_u64()), (Some(12), Some(1), Some(1)));
    assert_eq!(reader.said_of("v0").last(), Some(&Disconnected));
}

#[test]
fn what_a_stream_missed_another_one_or_a_node_gives() {
    let tape = tape(&[1, 2, 1, 1, 2, 1]);
    let node = Node::new(ByBlock);
    let mut vendors = [Vendor::new(ByBlock), Vendor::new(ByBlock)];
    let mut reader = Reader::of(&[node.folder.path().to_owned()], &mut vendors, NOW);
    vendors.iter().for_each(Vendor::connect);
    vendors[0].give(&tape[..2]);
    vendors[0].lose();
    vendors[0].connect();
    vendors[0].give(&tape[4..]);
    vendors[1].give(&tape[..1]);
    node.write(&tape[..4]);
    reader.read();
    assert_eq!(essences(&reader.fills), expected(&tape));
    assert_eq!((reader.gaps().len(), reader.files.cursor().blocks_missed), (0, 0));
}

#[test]
fn a_hole_that_was_said_is_healed_by_whoever_has_it_later() {
    let tape = tape(&[1, 2, 1, 1, 2]);
    let node = Node::new(ByBlock);
    let mut vendors = [Vendor::new(ByBlock)];
    let mut reader = Reader::of(&[node.folder.path().to_owned()], &mut vendors, NOW);
    vendors[0].connect();
    vendors[0].give(&tape[..1]);
    vendors[0].give(&tape[3..]);
    reader.read();
    reader.now += 1_000;
    reader.read();
    assert_eq!(reader.files.cursor().blocks_missed, 2);
    node.write(&tape);
    reader.read();
    assert_eq!((reader.files.cursor().blocks_missed, reader.files.cursor().blocks_healed), (0, 2));
    assert_eq!(essences(&reader.history), expected(&tape[1..3]));
}

#[test]
fn without_numbers_the_time_between_two_connections_is_a_hole() {
    let tape = tape(&[2, 2, 1, 1, 2, 1]);
    let mut vendors = [Vendor::new(Fills)];
    let mut reader = Reader::of(&[], &mut vendors, NOW);
    vendors[0].connect();
    vendors[0].give(&tape[..2]);
    reader.read();
    assert_eq!(reader.gaps().len(), 0);
    vendors[0].lose();
    vendors[0].connect();
    vendors[0].give(&tape[1..2]);
    vendors[0].give(&tape[4..]);
    reader.read();
    let times: Vec<_> = reader.gaps().iter().map(|gap| (gap.from_time, gap.to_time)).collect();
    assert_eq!(times, [(Some(tape[1].time), Some(tape[4].time))]);
    assert_eq!(essences(&reader.fills), expected(tape[..2].iter().chain(&tape[4..])));
    reader.begin_again(&mut vendors);
    vendors[0].connect();
    vendors[0].give(&tape[5..]);
    reader.read();
    assert_eq!(reader.gaps().len(), 1, "nothing that is new came since");
}

#[test]
fn without_numbers_nothing_is_missing_while_another_one_was_heard() {
    let tape = tape(&[2, 2, 1, 1, 2, 1]);
    let mut vendors = [Vendor::new(Fills), Vendor::new(Fills)];
    let mut reader = Reader::of(&[], &mut vendors, NOW);
    vendors.iter().for_each(Vendor::connect);
    vendors[0].give(&tape[..2]);
    vendors[1].give(&tape[..2]);
    reader.read();
    vendors[0].lose();
    vendors[1].give(&tape[2..4]);
    reader.now += 200;
    reader.read();
    vendors[0].connect();
    vendors[0].give(&tape[4..]);
    vendors[1].give(&tape[4..]);
    reader.read();
    assert_eq!(reader.gaps().len(), 0);
    assert_eq!(essences(&reader.fills), expected(&tape));
}

#[test]
fn whoever_has_no_numbers_goes_on_only_where_nobody_with_numbers_is_heard() {
    let tape = tape(&[1, 2, 1, 1, 2, 1, 1]);
    let mut vendors = [Vendor::new(ByBlock), Vendor::new(Fills)];
    let mut reader = Reader::of(&[], &mut vendors, NOW);
    vendors.iter().for_each(Vendor::connect);
    vendors[0].give(&tape[..2]);
    reader.read();
    vendors[1].give(&tape[..5]);
    reader.read();
    assert_eq!(reader.files.cursor().block, 2);
    vendors[0].give(&tape[2..4]);
    reader.read();
    assert_eq!((reader.files.cursor().block, reader.files.cursor().gaps), (4, 0));
    reader.now += 5_000;
    reader.read();
    assert_eq!(essences(&reader.fills), expected(&tape[..5]));
    vendors[0].give(&tape[4..]);
    reader.now += 1;
    reader.read();
    reader.now += 1_000;
    reader.read();
    assert_eq!((essences(&reader.fills), reader.files.cursor().gaps), (expected(&tape), 0));
}

#[test]
fn a_number_behind_a_cut_that_nobody_could_count_ends_a_hole_in_time() {
    let tape = tape(&[1, 2, 1, 1, 2]);
    let mut vendors = [Vendor::new(Fills), Vendor::new(ByBlock)];
    let mut reader = Reader::of(&[], &mut vendors, NOW);
    vendors[0].connect();
    vendors[0].give(&tape[..2]);
    reader.read();
    vendors[0].lose();
    reader.now += 3_000;
    vendors[1].connect();
    vendors[1].give(&tape[3..]);
    reader.read();
    let times: Vec<_> = reader.gaps().iter().map(|gap| (gap.from_time, gap.to_time)).collect();
    assert_eq!(times, [(Some(tape[1].time), Some(tape[3].time))]);
}

#[test]
fn what_is_not_understood_is_kept_to_the_byte_and_what_follows_is_taken() {
    let tape = tape(&[1, 1]);
    let mut vendors = [Vendor::new(ByBlock)];
    let mut reader = Reader::of(&[], &mut vendors, NOW);
    vendors[0].connect();
    vendors[0].give(&tape[..1]);
    vendors[0].say(b"\xff{]");
    vendors[0].say(br#"{"data": 7}"#);
    vendors[0].say(br#"{"data":{"block_number": "x"}}"#);
    vendors[0].give(&tape[1..]);
    reader.read();
    assert_eq!(essences(&reader.fills), expected(&tape));
    assert_eq!(reader.letters[0].base64.as_deref(), Some("/3td"));
    let texts: Vec<_> = reader.letters[1..].iter().map(|letter| letter.text.as_deref().unwrap()).collect();
    assert_eq!(texts, [r#"{"data": 7}"#, r#"{"block_number": "x"}"#]);
    let sources: Vec<_> = reader.letters.iter().map(|letter| letter.source.as_str()).collect();
    assert_eq!(sources, ["fill-stream.v0", "fill-stream.v0", "node-fills"], "a frame is no line of a node");
    let positions: Vec<_> = reader.letters.iter().map(|letter| letter.position.clone()).collect();
    assert_eq!(positions, [1, 2, 3].map(|frame| format!("v0:{NOW}-{frame}/0")));
}

#[test]
fn a_stream_from_which_nothing_comes_is_said_by_its_name() {
    let mut vendors = [Vendor::new(ByBlock)];
    let mut reader = Reader::of(&[], &mut vendors, NOW);
    vendors[0].lose();
    vendors[0].lose();
    reader.now += 5_000;
    reader.read();
    assert_eq!(reader.said_of("v0"), [Disconnected]);
    let stale = reader.statuses.iter().find(|said| said.status == Stale).unwrap();
    assert_eq!(stale.reason, "no block for 5 s from v0: is the node running?");
}
