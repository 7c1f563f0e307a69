//! Events as nodes write them, from one node and from two.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod importing;

use std::fs;
use std::path::PathBuf;

use schemas::{GENERATION, LedgerUpdate, Outbox, topics};
use serde_json::{Value, json};

use super::{EventProgress, MiscCursor, MiscEvents};
use crate::tests::told;

const ALICE: &str = "0x1111111111111111111111111111111111111111";
const BOB: &str = "0x2222222222222222222222222222222222222222";

fn event(second: u32, inner: Value) -> Value {
    let hash = format!("0x{:064x}", second + 1);
    json!({"time": format!("2026-06-28T13:00:{second:02}.123456789"), "hash": hash, "inner": inner})
}

fn withdrawal(second: u32, users: &[&str]) -> Value {
    let delta = json!({"type": "withdraw", "usdc": "2010.0", "nonce": second, "fee": "1.0"});
    event(second, json!({"LedgerUpdate": {"users": users, "delta": delta}}))
}

fn block(number: u64, second: u32, events: &[Value]) -> String {
    let time = format!("2026-06-28T13:00:{second:02}.123456789");
    json!({"local_time": time, "block_time": time, "block_number": number, "events": events}).to_string() + "\n"
}

struct Nodes {
    folders: Vec<tempfile::TempDir>,
    layout: &'static str,
}

impl Nodes {
    fn new(nodes: usize, layout: &'static str) -> Self {
        Self { folders: (0..nodes).map(|_| tempfile::tempdir().unwrap()).collect(), layout }
    }

    fn write(&self, node: usize, hour: &str, text: &str) {
        let path = self.folders[node].path().join(self.layout).join("hourly").join(hour);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let before = fs::read(&path).unwrap_or_default();
        fs::write(path, [&before, text.as_bytes()].concat()).unwrap();
    }

    fn open(&self, cursor: MiscCursor) -> MiscEvents {
        let folders: Vec<PathBuf> = self.folders.iter().map(|folder| folder.path().to_owned()).collect();
        MiscEvents::open(&folders, cursor, EventProgress::default(), GENERATION.number, 0).unwrap()
    }
}

fn read(events: &mut MiscEvents, now: i64) -> Vec<LedgerUpdate> {
    let mut out = Outbox::new(GENERATION);
    events.read(now, &mut out).unwrap();
    updates(&out)
}

fn updates(out: &Outbox) -> Vec<LedgerUpdate> {
    let mut updates: Vec<LedgerUpdate> = told(out, &topics::LEDGER_UPDATES)
        .into_iter()
        .map(|(.., value)| serde_json::from_str(&value).unwrap())
        .collect();
    updates.sort_by(|one, other| (one.time, &one.id).cmp(&(other.time, &other.id)));
    updates
}

fn types(updates: &[LedgerUpdate]) -> Vec<&str> {
    updates.iter().map(|update| update.delta["type"].as_str().unwrap()).collect()
}

#[test]
fn each_account_that_an_event_changes_is_told_of_it_once() {
    let nodes = Nodes::new(1, "misc_events_by_block");
    let funding = json!({"Funding": {"deltas": [
        {"user": ALICE, "coin": "ETH", "funding_amount": "-3.625312", "szi": "49.1477", "fundingRate": "0.0000417", "nSamples": null},
        {"user": BOB, "coin": "BTC", "funding_amount": "1.5", "szi": "-1.0", "fundingRate": "0.0000417", "nSamples": 3},
    ]}});
    let rewards = json!({"ValidatorRewards": {"validator_to_reward": [[ALICE, "1.0"]]}});
    let deposit = json!({"CDeposit": {"user": ALICE, "amount": "632.97"}});
    let events = [withdrawal(1, &[ALICE, BOB, ALICE]), event(1, funding), event(1, deposit), event(1, rewards)];
    nodes.write(0, "20260628/13", &block(5, 1, &events));
    let updates = read(&mut nodes.open(MiscCursor::default()), 0);
    let mut kinds = types(&updates);
    kinds.sort_unstable();
    assert_eq!(kinds, ["CDeposit", "funding", "funding", "withdraw", "withdraw"]);
    let funding = updates.iter().find(|update| update.delta["coin"] == "ETH").unwrap();
    // As the info endpoint tells it, in which the id is the same.
    let recorded = json!({"coin": "ETH", "fundingRate": "0.0000417", "szi": "49.1477", "type": "funding", "usdc": "-3.625312", "nSamples": null});
    assert_eq!((&funding.delta, funding.hash), (&recorded, schemas::Hash([0; 32])));
    assert!(updates.iter().all(|update| update.time % 1_000 == 123));
}

#[test]
fn what_a_node_writes_again_after_a_restart_counts_once() {
    for (layout, is_by_block) in [("misc_events_by_block", true), ("misc_events", false)] {
        let nodes = Nodes::new(1, layout);
        let line = |second: u32| {
            let event = withdrawal(second, &[ALICE]);
            if is_by_block { block(u64::from(second), second, &[event]) } else { event.to_string() + "\n" }
        };
        nodes.write(0, "20260628/9", &(line(1) + &line(2)));
        let mut events = nodes.open(MiscCursor::default());
        assert_eq!(read(&mut events, 0).len(), 2, "{layout}");
        nodes.write(0, "20260628/10", &(line(1) + &line(2) + &line(3)));
        let mut events = nodes.open(events.cursor().clone());
        assert_eq!(read(&mut events, 0).len(), 1, "{layout}");
        assert_eq!((events.cursor().made.repeated, events.cursor().made.updates), (2, 3), "{layout}");
    }
}

#[test]
fn what_was_taken_before_an_error_has_its_cursor_with_it() {
    let nodes = Nodes::new(1, "misc_events_by_block");
    nodes.write(0, "20260628/13", &block(1, 1, &[withdrawal(1, &[ALICE])]));
    fs::create_dir(nodes.folders[0].path().join("misc_events_by_block/hourly/20260628/14")).unwrap();
    let (mut events, mut out) = (nodes.open(MiscCursor::default()), Outbox::new(GENERATION));
    events.read(0, &mut out).unwrap_err();
    assert_eq!(updates(&out).len(), 1);
    let state = told(&out, &topics::STATE_PARSER_MISC_EVENTS);
    assert!(state.iter().any(|(.., value)| value.contains(r#""block":1"#)), "{state:?}");
}

#[test]
fn another_node_goes_on_where_one_falls_silent() {
    let nodes = Nodes::new(2, "misc_events_by_block");
    let line = |number: u32| block(number.into(), number, &[withdrawal(number, &[ALICE])]);
    nodes.write(0, "20260628/13", &(line(1) + &line(2)));
    nodes.write(1, "20260628/13", &(line(1) + &line(2) + &line(3) + &line(4)));
    let mut events = nodes.open(MiscCursor::default());
    assert_eq!(read(&mut events, 0).len(), 2);
    assert_eq!(read(&mut events, 4_999).len(), 0);
    assert_eq!(read(&mut events, 5_000).len(), 0);
    assert_eq!(read(&mut events, 5_001).len(), 2);
    assert_eq!((events.cursor().block, events.cursor().made.repeated), (4, 0));
}

#[test]
fn bad_events_are_set_aside_with_their_exact_bytes_and_the_rest_goes_on() {
    let nodes = Nodes::new(1, "misc_events_by_block");
    let bad = event(1, json!({"LedgerUpdate": {"users": ["0x1"], "delta": {"type": "withdraw"}}}));
    nodes.write(0, "20260628/13", &(block(1, 1, &[bad.clone(), withdrawal(1, &[ALICE])]) + "{\"local\n" + "half a l"));
    nodes.write(0, "20260628/14", &block(2, 2, &[withdrawal(2, &[BOB])]));
    let (mut events, mut out) = (nodes.open(MiscCursor::default()), Outbox::new(GENERATION));
    events.read(0, &mut out).unwrap();
    assert_eq!(updates(&out).len(), 2);
    let letters = told(&out, &topics::DEAD_LETTERS);
    let texts: Vec<Value> =
        letters.iter().map(|(.., value)| serde_json::from_str::<Value>(value).unwrap()["text"].clone()).collect();
    assert_eq!(texts, [json!(bad.to_string()), json!("{\"local"), json!("half a l")]);
}

#[test]
#[ignore = "needs FATHOM_RECORDINGS"]
fn recorded_events_all_pass() {
    let folder = std::env::var_os("FATHOM_RECORDINGS").expect("FATHOM_RECORDINGS names the folder of the recordings");
    // The second is the same, printed for people: no line of it is an event.
    let files = [("hyperliquidNodeDataSample/20250716/misc_events", 39, 0), ("nodeDataSample/misc_events", 0, 221)];
    for (file, wanted, letters) in files {
        let path = PathBuf::from(&folder).join("gareth0712__hyperliquid-client/data").join(file);
        let nodes = Nodes::new(1, "misc_events");
        nodes.write(0, "20250716/16", &fs::read_to_string(path).unwrap());
        let mut events = nodes.open(MiscCursor::default());
        let updates = read(&mut events, 0);
        assert_eq!((updates.len(), events.cursor().made.dead_letters), (wanted, letters), "{file}");
    }
}
