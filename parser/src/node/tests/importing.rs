//! Archives: overlapping formats and hours, ends in the middle, a tape that is there already.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use lz4_flex::frame::FrameEncoder;
use schemas::SourceStatus::GapHealed;
use schemas::{Cursor, FeedStatus, GENERATION, Outbox, topics};
use serde_json::Value;

use super::market::{Block, Node, Reader, START, essences, expected, facts, tape};
use crate::tests::told;
use crate::{Import, Layout, Progress, Taken, look_into};

/// What imports have committed.
#[derive(Default)]
struct Log {
    tape: Cursor,
    progress: Option<Progress>,
    fills: Vec<Value>,
    history: Vec<Value>,
    statuses: Vec<FeedStatus>,
}

impl Log {
    fn import(&mut self, files: &[PathBuf], writes_tape: bool) -> Import {
        self.import_some(files, writes_tape, usize::MAX)
    }

    /// Ends after so many commits.
    fn import_some(&mut self, files: &[PathBuf], writes_tape: bool, commits: usize) -> Import {
        let files: BTreeSet<PathBuf> = files.iter().cloned().collect();
        let files = look_into(&files).unwrap().fills;
        let mut import = Import::open(&files, self.tape.clone(), writes_tape, self.progress.clone(), 1, true).unwrap();
        for _ in 0..commits {
            let mut out = Outbox::new(GENERATION);
            let taken = import.read(START + 10_000, &mut out).unwrap();
            self.fills.extend(facts(&out, &topics::FILLS));
            self.history.extend(facts(&out, &topics::FILLS_HISTORY));
            let statuses = told(&out, &topics::FEED_STATUS);
            self.statuses.extend(statuses.iter().map(|(.., json)| serde_json::from_str::<FeedStatus>(json).unwrap()));
            for (_, partition, batch) in out.filled().filter(|(topic, ..)| topic.name == "state.parser.node-fills") {
                assert_eq!(partition, 0);
                for record in batch.records() {
                    match record.key {
                        Progress::KEY => self.progress = serde_json::from_slice(record.value.unwrap()).unwrap(),
                        Cursor::KEY => self.tape = serde_json::from_slice(record.value.unwrap()).unwrap(),
                        key => panic!("{key:?}"),
                    }
                }
            }
            if taken == Taken::default() {
                break;
            }
        }
        import
    }
}

fn write(folder: &Path, name: &str, layout: Layout, blocks: &[Block]) -> PathBuf {
    let path = folder.join(layout.folder()).join("hourly").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let lines: String = blocks.iter().map(|block| block.lines(layout, 0)).collect();
    if name.ends_with(".lz4") {
        let mut file = FrameEncoder::new(fs::File::create(&path).unwrap());
        file.write_all(lines.as_bytes()).unwrap();
        file.finish().unwrap();
    } else {
        fs::write(&path, lines).unwrap();
    }
    path
}

#[test]
fn what_several_formats_hold_comes_out_once() {
    let folder = tempfile::tempdir().unwrap();
    let tape = tape(&[2, 1, 0, 3, 1, 2, 1, 1, 2, 1]);
    let files = [
        write(folder.path(), "20260628/8", Layout::Trades, &tape[..5]),
        write(folder.path(), "20260628/8", Layout::Fills, &tape[2..8]),
        write(folder.path(), "20260628/8.lz4", Layout::ByBlock, &tape[5..]),
    ];
    let mut log = Log::default();
    let import = log.import(&files, true);
    assert_eq!(essences(&log.fills), expected(&tape));
    assert_eq!((log.history.len(), log.tape.gaps, log.tape.dead_letters), (0, 0, 0), "{:?}", log.statuses);
    let census = import.census();
    assert_eq!((census.fills, census.users.len(), census.coins.len()), (28, 2, 2));
    assert!(log.fills.iter().filter(|fill| fill["fee"].is_null()).count() <= 6, "the format that says most is taken");
}

#[test]
fn an_import_that_ends_anywhere_goes_on_there() {
    let folder = tempfile::tempdir().unwrap();
    let tape = tape(&[40; 900]);
    let files = [
        write(folder.path(), "20260628/8.lz4", Layout::ByBlock, &tape[..700]),
        write(folder.path(), "20260628/9", Layout::ByBlock, &tape[500..]),
        write(folder.path(), "20260628/8", Layout::Fills, &tape[..800]),
    ];
    let mut log = Log::default();
    let mut runs = 0;
    while runs == 0 || log.import_some(&files, true, 1).bytes_left() > 0 {
        runs += 1;
        assert!(runs < 200);
    }
    log.import(&files, true);
    assert!(runs > 5, "{runs} runs");
    assert_eq!(essences(&log.fills), expected(&tape));
    let lines = log.progress.as_ref().unwrap().places.lines;
    let import = log.import(&files, true);
    assert_eq!((import.progress().places.lines, import.census().fills), (lines, 0), "done is done");
}

#[test]
fn an_earlier_month_goes_beside_the_tape_and_overlaps_count_once() {
    let folder = tempfile::tempdir().unwrap();
    let tape = tape(&[1; 40]);
    let part = |name: &str, from: usize, to: usize| [write(folder.path(), name, Layout::ByBlock, &tape[from..to])];
    let mut log = Log::default();
    log.import(&part("a", 20, 30), true);
    log.import(&part("b", 8, 24), true);
    log.import(&part("c", 0, 12), true);
    log.import(&part("d", 26, 40), true);
    assert_eq!(essences(&log.fills), expected(&tape[20..]));
    assert_eq!(essences(&log.history), expected(&tape[..20]));
    assert_eq!(log.tape.gaps, 0);
}

#[test]
fn a_tape_that_somebody_else_writes_is_left_but_for_its_holes() {
    let folder = tempfile::tempdir().unwrap();
    let tape = tape(&[1; 12]);
    let nodes = [Node::new(Layout::ByBlock)];
    nodes[0].write(&tape[3..5]);
    nodes[0].write(&tape[7..10]);
    let mut reader = Reader::of(&nodes);
    reader.read();
    let mut log = Log { tape: reader.files.cursor().clone(), ..Log::default() };
    let import = log.import(&[write(folder.path(), "20260628/8", Layout::ByBlock, &tape)], false);
    assert_eq!(log.fills.len(), 0);
    assert_eq!(essences(&log.history), expected(tape[..3].iter().chain(&tape[5..7])));
    let healed = log.statuses.iter().find(|told| told.status == GapHealed).unwrap();
    assert_eq!((healed.from_block, healed.to_block), (Some(6), Some(7)));
    assert_eq!(import.progress().beyond, 2);
}

#[test]
fn files_are_told_apart_by_what_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let event = r#"{"time":"2026-06-28T08:00:00","hash":"0x00","inner":{"CDeposit":{}}}"#;
    let block = |events: &str| {
        let time = r#""local_time":"2026-06-28T08:00:01","block_time":"2026-06-28T08:00:00""#;
        format!("{{{time},\"block_number\":3,\"events\":[{events}]}}\n")
    };
    let status = r#"{"time":"2026-06-28T08:00:00","user":"0x1","status":"open","order":{}}"#;
    let files = [
        ("a", "nothing of a node\n".to_owned(), None),
        ("b", String::new(), None),
        ("c", format!("half a line\n{event}\n"), Some(Layout::Events)),
        ("d", block(&format!("{event},{event}")), Some(Layout::EventsByBlock)),
        ("e", block("").repeat(200) + &block(event), Some(Layout::EventsByBlock)),
        ("f", block(""), Some(Layout::ByBlock)),
        ("misc_events_by_block", block(""), Some(Layout::EventsByBlock)),
        ("g", block(status), None),
        ("h", block("").repeat(200) + &tape(&[2])[0].lines(Layout::ByBlock, 0), Some(Layout::ByBlock)),
        ("i", tape(&[2])[0].lines(Layout::Fills, 0), Some(Layout::Fills)),
        ("j", tape(&[2])[0].lines(Layout::Trades, 0), Some(Layout::Trades)),
    ];
    for (name, text, layout) in files {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let contents = look_into(&BTreeSet::from([path.clone()])).unwrap();
        assert_eq!(contents.fills.get(&path).or(contents.events.get(&path)).copied(), layout, "{name}");
        assert_eq!(contents.neither.len(), usize::from(layout.is_none()), "{name}");
        assert_eq!(contents.events.len(), usize::from(layout.is_some_and(|it| Layout::OF_EVENTS.contains(&it))));
    }
}
