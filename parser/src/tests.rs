//! Lines in, facts out: what is written, where, in which order; and what becomes of bytes that are no lines.
#![allow(clippy::unwrap_used)]

mod recorded_counts;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use proptest::prelude::*;
use schemas::{Cursor, DeadLetter, GENERATION, Outbox, Topic, examples, topics};
use serde_json::Value;

use crate::{Layout, Line, NodeFiles, parse_meta};

const USER: &str = "0x5ef843ccf26810073ee689a954f6d05f5b48fccb";

fn fill(coin: &str, sz: &str) -> String {
    format!(
        r#"["{USER}",{{"coin":"{coin}","px":"10.0","sz":"{sz}","side":"B","time":1782636233257,"startPosition":"0.0","dir":"Open Long","closedPnl":"0.0","hash":"0x{:064x}","oid":1,"crossed":true,"fee":"0.0","tid":2,"feeToken":"USDC","twapId":null,"new":{{"kept":[1.50,"x"]}}}}]"#,
        7
    )
}

fn block(number: u64, time: &str, events: &[String]) -> String {
    format!(
        r#"{{"local_time":"2026-06-28T08:43:53.687645997","block_time":"{time}","block_number":{number},"events":[{}]}}"#,
        events.join(",")
    )
}

/// A time at which every line of these tests may have been received.
const RECEIVED: i64 = 1_782_640_000_000;

fn take_line(bytes: &[u8], position: &str, received: i64, cursor: &mut Cursor, out: &mut Outbox) {
    let line = Line { bytes, layout: Layout::ByBlock, stream: "node", position, received, keeps_raw: true };
    crate::take_line(&line, cursor, out);
}

pub(crate) fn told(out: &Outbox, topic: &Topic) -> Vec<(u32, String, String)> {
    let mut told = Vec::new();
    for (_, partition, batch) in out.filled().filter(|(other, ..)| other.name == topic.name) {
        for record in batch.records() {
            let kind = record.headers.get("kind").unwrap_or_default();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            told.push((partition, text(kind), text(record.value.unwrap())));
        }
    }
    told
}

#[test]
fn a_fill_goes_on_with_every_field_it_came_with() {
    let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
    let line = block(5, "2026-06-28T08:43:53.25702882", &[fill("xyz:CL", "0.50")]);
    take_line(line.as_bytes(), "20260628/8:0", RECEIVED, &mut cursor, &mut out);
    let fills: Vec<_> = told(&out, &topics::FILLS).into_iter().filter(|(_, kind, _)| kind == "fill").collect();
    let [(_, _, fact)] = fills.as_slice() else { panic!("{fills:?}") };
    let rest = fill("xyz:CL", "0.50");
    let rest = rest.strip_prefix(&format!(r#"["{USER}",{{"#)).unwrap().strip_suffix(']').unwrap();
    assert_eq!(*fact, format!(r#"{{"block":5,"index":0,"user":"{USER}",{rest}"#));
    assert_eq!(told(&out, &topics::RAW_NODE_FILLS), [(0, String::new(), line)]);
}

#[test]
fn every_example_of_the_contract_passes() {
    for (case, fact) in examples::of(&topics::FILLS) {
        if !case.starts_with("fill-") || case == "fill-of-a-trades-file" {
            continue;
        }
        let mut object: Value = serde_json::from_slice(&fact).unwrap();
        let user = object["user"].clone();
        for ours in ["block", "index", "user"] {
            object.as_object_mut().unwrap().remove(ours);
        }
        let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
        let line = block(5, "2026-06-28T08:43:53", &[serde_json::json!([user, object]).to_string()]);
        take_line(line.as_bytes(), "p", RECEIVED, &mut cursor, &mut out);
        assert_eq!(cursor.dead_letters, 0, "{case}: {:?}", told(&out, &topics::DEAD_LETTERS));
    }
}

#[test]
fn a_clock_follows_each_block_and_a_hole_stands_before_the_block_behind_it() {
    let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
    let blocks = [(5, "53.2", "233200"), (6, "53.9", "233900"), (9, "55.1", "235100")];
    for (number, second, time) in blocks {
        let fill = fill("BTC", "1.0").replace("233257", time);
        let line = block(number, &format!("2026-06-28T08:43:{second}"), &[fill]);
        take_line(line.as_bytes(), "p", RECEIVED, &mut cursor, &mut out);
    }
    let all = told(&out, &topics::FILLS);
    for partition in 0..GENERATION.partitions {
        let kinds: Vec<&str> =
            all.iter().filter(|(at, ..)| *at == partition).map(|(_, kind, _)| kind.as_str()).collect();
        let idle = ["gap", "clock", "clock", "gap", "clock"];
        let busy = ["gap", "fill", "clock", "fill", "clock", "gap", "fill", "clock"];
        assert!(kinds == idle || kinds == busy, "partition {partition}: {kinds:?}");
    }
    let gap = all.iter().rfind(|(_, kind, _)| kind == "gap").unwrap();
    assert_eq!(gap.2, r#"{"from_block":7,"to_block":8,"from_time":1782636233900,"to_time":1782636235100}"#);
    assert_eq!(all.iter().filter(|(_, kind, _)| kind == "gap").count(), 2 * GENERATION.partitions as usize);
    assert_eq!(cursor.blocks_missed, 2);
}

#[test]
fn a_block_that_was_taken_before_is_left() {
    let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
    for number in [1, 2, 1, 2, 3] {
        let line = block(number, "2026-06-28T08:43:53", &[fill("BTC", "1.0")]);
        take_line(line.as_bytes(), "p", RECEIVED, &mut cursor, &mut out);
    }
    assert_eq!(told(&out, &topics::FILLS).iter().filter(|(_, kind, _)| kind == "fill").count(), 3);
    assert_eq!((cursor.block, cursor.blocks_repeated, cursor.blocks_missed), (3, 2, 0));
}

#[test]
fn one_bad_fill_is_set_aside_and_the_rest_of_its_block_goes_on() {
    let bad = r#"["0xnobody",{"coin":"BTC"}]"#.to_owned();
    let huge =
        fill("BTC", "1.0").replace(r#""startPosition":"0.0""#, r#""startPosition":"0.0000000000000000000000000001""#);
    let huge = huge.replace(r#""sz":"1.0""#, r#""sz":"99999999""#);
    let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
    let line = block(1, "2026-06-28T08:43:53", &[fill("BTC", "1.0"), bad.clone(), huge.clone(), fill("BTC", "2.0")]);
    take_line(line.as_bytes(), "20260628/8:7", RECEIVED, &mut cursor, &mut out);
    assert_eq!(told(&out, &topics::FILLS).iter().filter(|(_, kind, _)| kind == "fill").count(), 2);
    let letters: Vec<DeadLetter> =
        told(&out, &topics::DEAD_LETTERS).iter().map(|(_, _, json)| serde_json::from_str(json).unwrap()).collect();
    assert_eq!(letters[0].text.as_deref(), Some(bad.as_str()));
    assert_eq!(letters[0].position, "20260628/8:7#1");
    assert_eq!(letters[1].text.as_deref(), Some(huge.as_str()));
    assert_eq!(letters[1].reason, "the position after the fill has more than 28 digits");
}

#[test]
fn a_block_number_that_cannot_be_does_not_hide_those_that_follow() {
    let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
    for number in [1, u64::MAX, 10_000_000_000, 2] {
        let line = block(number, "2026-06-28T08:43:53", &[fill("BTC", "1.0")]);
        take_line(line.as_bytes(), "p", RECEIVED, &mut cursor, &mut out);
    }
    assert_eq!((cursor.block, cursor.blocks_missed, cursor.blocks_repeated, cursor.dead_letters), (2, 0, 0, 2));
}

#[test]
fn a_fill_has_the_time_of_its_block_and_a_block_that_of_its_node() {
    let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
    for time in [i64::MIN, i64::MAX, 1_782_636_233_257_000] {
        let odd = fill("BTC", "1.0").replace("1782636233257", &time.to_string());
        let line = block(1, "2026-06-28T08:43:53", &[odd]);
        take_line(line.as_bytes(), "p", RECEIVED, &mut Cursor::default(), &mut out);
    }
    take_line(block(2, "2027-06-28T08:43:53", &[]).as_bytes(), "p", RECEIVED, &mut cursor, &mut out);
    assert_eq!((cursor.block, told(&out, &topics::DEAD_LETTERS).len()), (0, 4));
}

#[test]
fn nothing_is_known_of_what_was_before_the_first_block() {
    let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
    take_line(block(7, "2026-06-28T08:43:53", &[]).as_bytes(), "p", RECEIVED, &mut cursor, &mut out);
    let gap = r#"{"from_block":1,"to_block":6,"from_time":0,"to_time":1782636233000}"#;
    assert_eq!(told(&out, &topics::FILLS)[0], (0, "gap".to_owned(), gap.to_owned()));
    assert_eq!((cursor.first_block, cursor.blocks_missed), (7, 0));
}

#[test]
fn a_size_below_zero_is_no_fill() {
    let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
    let line = block(1, "2026-06-28T08:43:53", &[fill("BTC", "-1.0")]);
    take_line(line.as_bytes(), "p", RECEIVED, &mut cursor, &mut out);
    assert_eq!((cursor.block, cursor.dead_letters), (1, 1));
}

proptest! {
    /// Whatever bytes a line holds: no panic, and either facts or a dead letter with exactly these bytes.
    #[test]
    fn garbage_keeps_its_exact_bytes(line in prop::collection::vec(any::<u8>().prop_filter("no line feed", |b| *b != b'\n'), 1..200)) {
        let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
        take_line(&line, "p", RECEIVED, &mut cursor, &mut out);
        let letters = told(&out, &topics::DEAD_LETTERS);
        prop_assert_eq!(letters.len(), 1);
        let letter: DeadLetter = serde_json::from_str(&letters[0].2).unwrap();
        let bytes = letter.text.map(String::into_bytes).or(letter.base64.map(|text| base64::engine::general_purpose::STANDARD.decode(text).unwrap()));
        prop_assert_eq!(bytes, Some(line));
    }

    /// A block with some of its bytes changed: no panic, nothing lost silently.
    #[test]
    fn a_damaged_block_becomes_facts_or_a_dead_letter(at in 0usize..400, byte in any::<u8>()) {
        let mut line = block(5, "2026-06-28T08:43:53.257", &[fill("BTC", "1.0")]).into_bytes();
        let at = at % line.len();
        line[at] = byte;
        let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
        take_line(&line, "p", RECEIVED, &mut cursor, &mut out);
        let fills = told(&out, &topics::FILLS).iter().filter(|(_, kind, _)| kind == "fill").count() as u64;
        prop_assert_eq!(fills + cursor.dead_letters, 1);
    }
}

struct Node {
    folder: tempfile::TempDir,
}

impl Node {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, hour: &str, text: &str) {
        let path = self.folder.path().join("node_fills_by_block/hourly").join(hour);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn files(&self, cursor: Cursor) -> NodeFiles {
        NodeFiles::open(&[self.folder.path().to_owned()], cursor, 1, RECEIVED).unwrap()
    }
}

fn numbers(files: &mut NodeFiles) -> Vec<u64> {
    let mut out = Outbox::new(GENERATION);
    while files.read(RECEIVED, &mut out).unwrap() != crate::Taken::default() {}
    let mut numbers: Vec<u64> = told(&out, &topics::FILLS)
        .iter()
        .filter(|(_, kind, _)| kind == "fill")
        .map(|(_, _, json)| serde_json::from_str::<Value>(json).unwrap()["block"].as_u64().unwrap())
        .collect();
    numbers.sort_unstable();
    numbers
}

fn line(number: u64) -> String {
    block(number, "2026-06-28T08:43:53", &[fill("BTC", "1.0")]) + "\n"
}

#[test]
fn hours_are_numbers_and_days_follow_each_other() {
    let node = Node::new();
    for (hour, number) in [("20260628/9", 1), ("20260628/10", 2), ("20260629/0", 3)] {
        node.write(hour, &line(number));
    }
    let mut files = node.files(Cursor::default());
    assert_eq!(numbers(&mut files), [1, 2, 3]);
    let place = files.cursor().places.values().next().unwrap();
    assert_eq!((place.hour.as_str(), files.bytes_behind().unwrap()), ("20260629/0", 0));
}

#[test]
fn a_line_is_taken_when_its_line_feed_is_there_and_not_before() {
    let node = Node::new();
    node.write("20260628/8", &line(1));
    let half = line(2);
    let (first, second) = half.split_at(100);
    node.write("20260628/8", first);
    let mut files = node.files(Cursor::default());
    assert_eq!(numbers(&mut files), [1]);
    assert_eq!(files.bytes_behind().unwrap(), 100);
    node.write("20260628/8", second);
    assert_eq!(numbers(&mut files), [2]);
    assert_eq!(files.cursor().dead_letters, 0);
}

#[test]
fn another_parser_goes_on_behind_the_cursor_of_the_first() {
    let node = Node::new();
    node.write("20260628/8", &(line(1) + &line(2)));
    let mut files = node.files(Cursor::default());
    assert_eq!(numbers(&mut files), [1, 2]);
    node.write("20260628/8", &line(3));
    node.write("20260628/9", &line(4));
    assert_eq!(numbers(&mut node.files(files.cursor().clone())), [3, 4]);
}

#[test]
fn half_a_line_at_the_end_of_an_hour_that_is_over_is_set_aside() {
    let node = Node::new();
    node.write("20260628/8", &(line(1) + "{\"half"));
    node.write("20260628/9", &line(2));
    let mut files = node.files(Cursor::default());
    let mut out = Outbox::new(GENERATION);
    while files.read(RECEIVED, &mut out).unwrap() != crate::Taken::default() {}
    let letters = told(&out, &topics::DEAD_LETTERS);
    assert_eq!(serde_json::from_str::<DeadLetter>(&letters[0].2).unwrap().text.as_deref(), Some("{\"half"));
    assert_eq!(files.cursor().block, 2);
}

#[test]
fn an_hour_that_was_cleared_away_is_a_gap_and_no_end() {
    let node = Node::new();
    node.write("20260628/8", &line(1));
    let mut files = node.files(Cursor::default());
    assert_eq!(numbers(&mut files), [1]);
    let cursor = files.cursor().clone();
    fs::remove_file(node.folder.path().join("node_fills_by_block/hourly/20260628/8")).unwrap();
    node.write("20260628/9", &line(5));
    let mut files = node.files(cursor);
    assert_eq!((numbers(&mut files), files.cursor().blocks_missed), (vec![5], 3));
}

#[test]
fn a_file_that_is_not_as_it_was_is_read_anew_and_nothing_of_it_counts_twice() {
    let node = Node::new();
    node.write("20260628/8", &(line(1) + &line(2) + &line(3)));
    let mut files = node.files(Cursor::default());
    assert_eq!(numbers(&mut files), [1, 2, 3]);
    let cursor = files.cursor().clone();
    let path = node.folder.path().join("node_fills_by_block/hourly/20260628/8");
    fs::write(&path, line(1) + &line(2)).unwrap();
    let mut files = node.files(cursor.clone());
    assert_eq!(numbers(&mut files), [0; 0], "shorter than before");
    fs::write(&path, "x".to_owned() + &line(1) + &line(2) + &line(3) + &line(4)).unwrap();
    let mut files = node.files(cursor);
    assert_eq!((numbers(&mut files), files.cursor().blocks_missed), (vec![4], 0), "the cursor stands within a line");
}

#[test]
fn a_long_line_is_kept_in_parts_that_give_it_back() {
    let events: Vec<String> = (0..6000).map(|at| fill("BTC", &format!("{at}.5"))).collect();
    let line = block(1, "2026-06-28T08:43:53", &events);
    let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
    take_line(line.as_bytes(), "p", RECEIVED, &mut cursor, &mut out);
    let parts = told(&out, &topics::RAW_NODE_FILLS);
    assert!(parts.len() > 2);
    assert_eq!(parts.iter().map(|(_, _, part)| part.as_str()).collect::<String>(), line);
}

#[test]
fn metadata_names_every_market_with_its_tiers() {
    let meta = r#"{"universe":[{"szDecimals":5,"name":"BTC","maxLeverage":40,"marginTableId":56},{"szDecimals":1,"name":"MATIC","maxLeverage":20,"marginTableId":20,"isDelisted":true}],"marginTables":[[56,{"description":"tiered 40x","marginTiers":[{"lowerBound":"0.0","maxLeverage":40},{"lowerBound":"150000000.0","maxLeverage":20}]}]],"collateralToken":0}"#;
    let markets = parse_meta(meta.as_bytes(), "", 1).unwrap();
    let tiers: Vec<Vec<u32>> =
        markets.iter().map(|market| market.margin_tiers.iter().map(|tier| tier.max_leverage).collect()).collect();
    assert_eq!(tiers, [vec![40, 20], vec![20]]);
    assert!(markets[1].delisted && !markets[0].delisted);
    assert!(parse_meta(b"null", "", 1).is_err());
}

/// Recordings of the real exchange, where they are at hand (see the README).
#[test]
#[ignore = "needs FATHOM_RECORDINGS"]
fn recorded_fills_all_pass() {
    let recordings =
        std::env::var_os("FATHOM_RECORDINGS").expect("FATHOM_RECORDINGS names the folder of the recordings");
    let path = Path::new(&recordings);
    let (mut taken, mut refused) = (0, Vec::new());
    for fill in recorded(path) {
        let (mut cursor, mut out) = (Cursor::default(), Outbox::new(GENERATION));
        // The recordings are of users, not of blocks: each fill gets a block of its time.
        let time = chrono::DateTime::from_timestamp_millis(fill["time"].as_i64().unwrap()).unwrap();
        let time = time.naive_utc().format("%Y-%m-%dT%H:%M:%S%.f").to_string();
        let line =
            serde_json::json!({ "local_time": time, "block_time": time, "block_number": 5, "events": [[USER, fill]] });
        take_line(line.to_string().as_bytes(), "p", RECEIVED, &mut cursor, &mut out);
        taken += 1;
        refused.extend(told(&out, &topics::DEAD_LETTERS));
    }
    println!("{taken} recorded fills, {} refused", refused.len());
    assert!(taken > 3_000, "only {taken} fills were found under {}", path.display());
    assert!(refused.is_empty(), "{:?}", refused.first());
}

/// Every object that looks like a fill, in whatever file and depth.
fn recorded(folder: &Path) -> Vec<Value> {
    let mut fills = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            fills.extend(recorded(&path));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for value in serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>().map_while(Result::ok) {
            collect(value, &mut fills);
        }
    }
    fills
}

fn collect(value: Value, fills: &mut Vec<Value>) {
    match value {
        Value::Object(fields) if fields.contains_key("startPosition") && fields.contains_key("closedPnl") => {
            fills.push(Value::Object(fields));
        }
        Value::Object(fields) => fields.into_iter().for_each(|(_, value)| collect(value, fills)),
        Value::Array(values) => values.into_iter().for_each(|value| collect(value, fills)),
        _ => {}
    }
}
