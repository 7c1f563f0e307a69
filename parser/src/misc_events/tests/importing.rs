//! Archives of events beside a node that is followed: whatever comes first, each event's updates come out once.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use lz4_flex::frame::FrameEncoder;
use proptest::prelude::*;
use schemas::{GENERATION, Outbox, topics};
use serde_json::json;

use super::ALICE;
use crate::tests::told;
use crate::{EventImport, EventProgress, Layout, MiscCursor, MiscEvents, Taken, look_into};

/// 2026-06-28T08:00:00
const START: i64 = 1_782_633_600_000;

/// An event of a tape: its moment, and what makes it another than the others of that moment.
#[derive(Debug, Clone, Copy)]
struct Event {
    time: i64,
    nonce: usize,
}

impl Event {
    fn moment(self) -> String {
        chrono::DateTime::from_timestamp_millis(self.time).unwrap().format("%Y-%m-%dT%H:%M:%S%.9f").to_string()
    }

    fn text(self, memo: &str) -> String {
        let delta = json!({"type": "withdraw", "usdc": "1.0", "nonce": self.nonce, "fee": "1.0", "memo": memo});
        let inner = json!({"LedgerUpdate": {"users": [ALICE], "delta": delta}});
        json!({"time": self.moment(), "hash": format!("0x{:064x}", self.nonce / 2), "inner": inner}).to_string()
    }
}

/// After so many milliseconds each.
fn tape(after: &[i64]) -> Vec<Event> {
    let times = after.iter().scan(START, |time, after| {
        *time += after;
        Some(*time)
    });
    times.enumerate().map(|(nonce, time)| Event { time, nonce }).collect()
}

/// By block, the events of one moment are a block, and a block is never cut.
fn lines(tape: &[Event], from: usize, to: usize, layout: Layout, memo: &str) -> String {
    if layout == Layout::Events {
        return tape[from..to].iter().map(|event| event.text(memo) + "\n").collect();
    }
    let is_in = |block: &&[Event]| (from..to).any(|at| tape[at].time == block[0].time);
    let line = |block: &[Event]| {
        let (moment, number) = (block[0].moment(), block[0].nonce + 1);
        let events: Vec<String> = block.iter().map(|event| event.text(memo)).collect();
        format!(
            r#"{{"local_time":"{moment}","block_time":"{moment}","block_number":{number},"events":[{}]}}"#,
            events.join(",")
        ) + "\n"
    };
    tape.chunk_by(|one, next| one.time == next.time).filter(is_in).map(line).collect()
}

fn write(path: &Path, text: &str) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    if path.extension().is_some_and(|extension| extension == "lz4") {
        let mut file = FrameEncoder::new(fs::File::create(path).unwrap());
        file.write_all(text.as_bytes()).unwrap();
        file.finish().unwrap();
    } else {
        fs::write(path, text).unwrap();
    }
    path.to_owned()
}

/// What imports and whoever follows a node have committed.
#[derive(Default)]
struct Log {
    cursor: MiscCursor,
    progress: EventProgress,
    nonces: Vec<usize>,
    raw: usize,
    letters: Vec<serde_json::Value>,
}

impl Log {
    fn commit(&mut self, out: &Outbox) {
        let values = |topic| told(out, topic).into_iter().map(|(.., value)| serde_json::from_str(&value).unwrap());
        let nonce = |update: serde_json::Value| update["delta"]["nonce"].as_u64().unwrap() as usize;
        self.nonces.extend(values(&topics::LEDGER_UPDATES).map(nonce));
        self.letters.extend(values(&topics::DEAD_LETTERS));
        self.raw += told(out, &topics::RAW_MISC_EVENTS).len();
        for (_, partition, batch) in out.filled().filter(|(topic, ..)| topic.name == "state.parser.misc-events") {
            assert_eq!(partition, 0);
            for record in batch.records() {
                match record.key {
                    MiscCursor::KEY => self.cursor = serde_json::from_slice(record.value.unwrap()).unwrap(),
                    EventProgress::KEY => self.progress = serde_json::from_slice(record.value.unwrap()).unwrap(),
                    key => panic!("{key:?}"),
                }
            }
        }
    }

    fn open(&self, files: &[PathBuf], is_followed: bool) -> EventImport {
        let contents = look_into(&files.iter().cloned().collect::<BTreeSet<_>>()).unwrap();
        assert!(contents.neither.is_empty() && contents.fills.is_empty());
        let (cursor, progress) = (self.cursor.clone(), self.progress.clone());
        EventImport::open(&contents.events, cursor, is_followed, progress, GENERATION.number, false).unwrap()
    }

    /// How many updates it has made.
    fn import(&mut self, files: &[PathBuf], is_followed: bool) -> u64 {
        let mut import = self.open(files, is_followed);
        while self.read(&mut import) {}
        import.updates()
    }

    fn read(&mut self, import: &mut EventImport) -> bool {
        let mut out = Outbox::new(GENERATION);
        let taken = import.read(START, &mut out).unwrap();
        self.commit(&out);
        taken != Taken::default()
    }

    fn follow(&mut self, node: &Path) {
        let (cursor, imported) = (self.cursor.clone(), self.progress.clone());
        let mut events = MiscEvents::open(&[node.to_owned()], cursor, imported, GENERATION.number, START).unwrap();
        loop {
            let mut out = Outbox::new(GENERATION);
            let taken = events.read(START, &mut out).unwrap();
            self.commit(&out);
            if taken == Taken::default() {
                break;
            }
        }
    }

    fn has_each_of(&self, tape: &[Event]) {
        let mut nonces = self.nonces.clone();
        nonces.sort_unstable();
        assert_eq!(nonces, (0..tape.len()).collect::<Vec<_>>());
    }
}

const BOTH: [Layout; 2] = Layout::OF_EVENTS;

#[test]
fn both_layouts_of_the_same_hours_in_several_folders_come_out_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let tape = tape(&[0, 0, 5, 0, 7, 3_600_000, 0, 1, 1, 0]);
    let path = |name: &str| folder.path().join(name);
    let files = [
        write(&path("a/hourly/20260628/8.lz4"), &lines(&tape, 0, 5, BOTH[0], "")),
        write(&path("b/20260628/8"), &lines(&tape, 1, 5, BOTH[1], "")),
        write(&path("b/20260628/9"), &lines(&tape, 5, 8, BOTH[1], "")),
        write(&path("whatever"), &lines(&tape, 4, 10, BOTH[1], "")),
    ];
    let mut log = Log::default();
    assert_eq!(log.import(&files, false), 10);
    assert_eq!(log.nonces, (0..10).collect::<Vec<_>>());
    assert_eq!((log.raw, log.progress.made.repeated), (0, 8));
    assert_eq!(log.import(&files, false), 0, "done is done");
}

#[test]
fn an_import_and_a_node_that_is_followed_tell_each_event_once_whichever_comes_first() {
    for layout in BOTH {
        let folder = tempfile::tempdir().unwrap();
        let tape = tape(&[1, 0, 5, 0, 7, 9, 0, 1, 1, 0]);
        let archive = write(&folder.path().join("archive"), &lines(&tape, 0, 7, BOTH[1], ""));
        let hour = folder.path().join(layout.folder()).join("hourly/20260628/8");
        write(&hour, &lines(&tape, 3, 10, layout, ""));
        let mut imported_first = Log::default();
        imported_first.import(std::slice::from_ref(&archive), false);
        imported_first.follow(folder.path());
        imported_first.has_each_of(&tape);
        let mut followed_first = Log::default();
        followed_first.follow(folder.path());
        followed_first.import(std::slice::from_ref(&archive), true);
        followed_first.has_each_of(&tape);
        assert_eq!(followed_first.progress.beyond, 0);
    }
}

#[test]
fn what_a_node_that_is_followed_has_still_to_tell_is_left_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let tape = tape(&[1; 10]);
    let archive = [write(&folder.path().join("archive"), &lines(&tape, 0, 10, BOTH[0], ""))];
    let mut log = Log::default();
    assert_eq!((log.import(&archive, true), log.progress.beyond), (0, 10), "nobody knows where it begins");
    write(&folder.path().join("misc_events/hourly/20260628/8"), &lines(&tape, 4, 6, BOTH[1], ""));
    log.follow(folder.path());
    let other = [write(&folder.path().join("other"), &lines(&tape, 0, 10, BOTH[0], ""))];
    assert_eq!((log.import(&other, true), log.progress.beyond), (4, 4));
    // It has ended: now they are anybody's, and a hole behind what was brought is open to the node.
    let last = [write(&folder.path().join("last"), &lines(&tape, 8, 10, BOTH[0], ""))];
    assert_eq!(log.import(&last, false), 2);
    assert_eq!((log.import(&other, true), log.progress.beyond), (0, 2));
    write(&folder.path().join("misc_events/hourly/20260628/8"), &lines(&tape, 4, 10, BOTH[1], ""));
    log.follow(folder.path());
    log.has_each_of(&tape);
}

#[test]
fn an_hour_that_was_missing_is_filled_later() {
    let folder = tempfile::tempdir().unwrap();
    let hour = 3_600_000;
    let tape = tape(&[1, 1, hour, 1, hour, 1, hour, 1]);
    let part = |name: &str, from, to| write(&folder.path().join(name), &lines(&tape, from, to, BOTH[0], ""));
    let mut log = Log::default();
    log.import(&[part("first", 0, 2), part("third", 4, 6)], false);
    write(&folder.path().join("misc_events/hourly/20260628/11"), &lines(&tape, 6, 8, BOTH[1], ""));
    log.follow(folder.path());
    assert_eq!(log.nonces, [0, 1, 4, 5, 6, 7]);
    log.import(&[part("all", 0, 8)], true);
    log.has_each_of(&tape);
}

#[test]
fn an_import_that_is_killed_anywhere_goes_on_there() {
    let folder = tempfile::tempdir().unwrap();
    let tape = tape(&[3; 600]);
    let memo = "m".repeat(40_000);
    let files = [
        write(&folder.path().join("a.lz4"), &lines(&tape, 0, 400, BOTH[0], &memo)),
        write(&folder.path().join("b"), &lines(&tape, 300, 600, BOTH[1], &memo)),
    ];
    let (mut log, mut runs) = (Log::default(), 0);
    loop {
        runs += 1;
        let mut import = log.open(&files, false);
        let goes_on = log.read(&mut import);
        // What was made and not committed is as if it had never been.
        import.read(START, &mut Outbox::new(GENERATION)).unwrap();
        if !goes_on {
            break;
        }
    }
    assert!(runs > 5, "{runs} runs");
    log.has_each_of(&tape);
}

#[test]
fn bad_lines_are_set_aside_with_their_exact_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let tape = tape(&[1; 3]);
    let bad = tape[1].text("").replace(ALICE, "0x1");
    let text =
        format!("{{\"time\n{}{bad}\n{}half a l", lines(&tape, 0, 1, BOTH[1], ""), lines(&tape, 2, 3, BOTH[1], ""));
    let mut log = Log::default();
    log.import(&[write(&folder.path().join("a"), &text)], false);
    let letters: Vec<_> =
        log.letters.iter().map(|letter| (&letter["source"], letter["text"].as_str().unwrap())).collect();
    let source = json!("misc-events");
    assert_eq!(letters, [(&source, "{\"time"), (&source, bad.as_str()), (&source, "half a l")]);
    assert_eq!((log.nonces.as_slice(), log.progress.made.dead_letters), ([0, 2].as_slice(), 3));
}

#[test]
fn a_cursor_that_does_not_say_where_it_began_has_everything_before_its_end() {
    let older = json!({"generation": 1, "stream": "node", "place": {"hour": "20260628/8", "offset": 7}, "block": 5,
        "time": START + 2, "lines": [], "updates": 9, "repeated": 1, "dead_letters": 0});
    let cursor: MiscCursor = serde_json::from_value(older).unwrap();
    assert_eq!((cursor.block, cursor.read.time(), cursor.made.updates), (5, START + 2, 9));
    let folder = tempfile::tempdir().unwrap();
    let files = [write(&folder.path().join("a"), &lines(&tape(&[1; 5]), 0, 5, BOTH[1], ""))];
    let mut log = Log { cursor, ..Log::default() };
    log.import(&files, false);
    assert_eq!(log.nonces, [1, 2, 3, 4]);
}

/// Something that happens to a log.
#[derive(Debug, Clone)]
enum Step {
    /// Files of what is between the first and the last of these, each with something of the one before.
    Import { cuts: Vec<(usize, bool)>, overlap: usize, is_followed: bool },
    /// The node has written up to here.
    Follow { to: usize },
}

const TAPE: usize = 24;

fn step() -> impl Strategy<Value = Step> {
    let cuts = prop::collection::vec((0..=TAPE, any::<bool>()), 2..5);
    let import = (cuts, 0..4_usize, any::<bool>()).prop_map(|(cuts, overlap, is_followed)| Step::Import {
        cuts,
        overlap,
        is_followed,
    });
    prop_oneof![3 => import, 2 => (0..=TAPE).prop_map(|to| Step::Follow { to })]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn in_whatever_order_and_layout_events_come_each_comes_out_once(
        after in prop::collection::vec(prop_oneof![Just(0), 1..40_i64, Just(70_000)], TAPE),
        steps in prop::collection::vec(step(), 1..9),
        (node_from, node_is_by_block) in (0..TAPE, any::<bool>()),
    ) {
        let (tape, folder) = (tape(&after), tempfile::tempdir().unwrap());
        let layout = |is_by_block: bool| if is_by_block { BOTH[0] } else { BOTH[1] };
        let node_layout = layout(node_is_by_block);
        let hour = folder.path().join(node_layout.folder()).join("hourly/20260628/8");
        let (mut log, mut node_to) = (Log::default(), node_from);
        let everything = Step::Import { cuts: vec![(0, true), (TAPE, false)], overlap: 0, is_followed: false };
        for (number, step) in steps.into_iter().chain([everything]).enumerate() {
            match step {
                Step::Import { mut cuts, overlap, is_followed } => {
                    cuts.sort_unstable();
                    let file = |(at, ends): (usize, &[(usize, bool)])| {
                        let from = ends[0].0.saturating_sub(if at > 0 { overlap } else { 0 });
                        let text = lines(&tape, from, ends[1].0, layout(ends[0].1), "");
                        write(&folder.path().join(format!("{number}-{at}")), &text)
                    };
                    let mut files: Vec<PathBuf> = cuts.windows(2).enumerate().map(file).collect();
                    files.retain(|path| fs::metadata(path).unwrap().len() > 0);
                    log.import(&files, is_followed);
                }
                Step::Follow { to } => {
                    // A block is written at once.
                    let is_cut = |to: usize| node_is_by_block && to > 0 && to < TAPE && tape[to].time == tape[to - 1].time;
                    node_to = (to.max(node_to)..=TAPE).find(|to| !is_cut(*to)).unwrap();
                    write(&hour, &lines(&tape, node_from, node_to, node_layout, ""));
                    log.follow(folder.path());
                }
            }
        }
        log.has_each_of(&tape);
    }
}
