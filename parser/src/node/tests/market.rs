//! A small tape, the files of nodes that write it, and what a reader of them has told.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use schemas::{Cursor, FeedStatus, Fill, GENERATION, Outbox, SourceStatus, Topic, topics};
use serde_json::{Value, json};

use crate::tests::told;
use crate::{FoundLine, Layout, NodeFiles, Taken};

pub const START: i64 = 1_782_636_233_000;

/// A block of the tape and its fills.
#[derive(Debug, Clone)]
pub struct Block {
    pub number: u64,
    pub time: i64,
    pub events: Vec<Value>,
}

/// Blocks 1, 2, … with so many trades each: two legs, one of the buyer and one of the seller.
pub fn tape(trades: &[usize]) -> Vec<Block> {
    let mut oid = 0;
    (1..)
        .zip(trades)
        .map(|(number, &trades)| {
            let time = START + 80 * i64::try_from(number).unwrap();
            let mut trade = |at: usize| {
                oid += 2;
                [("B", 1, oid), ("A", 2, oid + 1)].map(|(side, user, oid)| {
                    let user = format!("0x{user:040x}");
                    let crossed = side == "B";
                    json!([user, {"coin": if at.is_multiple_of(2) { "BTC" } else { "@107" }, "px": "10.5", "sz": "1.0", "side": side,
                        "time": time, "startPosition": format!("{}.0", oid * 3), "dir": "Open Long", "closedPnl": "0.0",
                        "hash": format!("0x{oid:064x}"), "oid": oid, "crossed": crossed, "fee": "0.1", "tid": oid / 2 + 7,
                        "feeToken": "USDC", "twapId": null}])
                })
            };
            Block { number, time, events: (0..trades).flat_map(&mut trade).collect() }
        })
        .collect()
}

impl Block {
    /// As a node writes it; each node at a time of its own.
    pub fn lines(&self, layout: Layout, node: u32) -> String {
        let moment = |time: i64| {
            chrono::DateTime::from_timestamp_millis(time)
                .unwrap()
                .naive_utc()
                .format("%Y-%m-%dT%H:%M:%S%.f")
                .to_string()
        };
        let envelope = |events: &[Value]| {
            let local_time = moment(self.time + 300 + i64::from(node) * 11);
            format!(
                "{}\n",
                json!({"local_time": local_time, "block_time": moment(self.time), "block_number": self.number, "events": events})
            )
        };
        match layout {
            Layout::ByBlock => envelope(&self.events),
            Layout::Streaming => self.events.iter().map(|event| envelope(std::slice::from_ref(event))).collect(),
            Layout::Fills => self.events.iter().map(|event| format!("{event}\n")).collect(),
            Layout::EventsByBlock | Layout::Events => panic!("a market of fills"),
            Layout::Trades => self.events.chunks(2).map(|legs| trade(legs, &moment(self.time))).collect(),
        }
    }
}

fn trade(legs: &[Value], time: &str) -> String {
    let party = |leg: &Value| json!({"user": leg[0], "start_pos": leg[1]["startPosition"], "oid": leg[1]["oid"], "twap_id": null, "cloid": null});
    let fill = &legs[0][1];
    let trade = json!({"coin": fill["coin"], "side": "B", "time": time, "px": fill["px"], "sz": fill["sz"],
        "hash": fill["hash"], "trade_dir_override": "Na", "side_info": [party(&legs[0]), party(&legs[1])]});
    format!("{trade}\n")
}

pub struct Node {
    pub folder: tempfile::TempDir,
    pub layout: Layout,
}

impl Node {
    pub fn new(layout: Layout) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), layout }
    }

    pub fn append(&self, bytes: &[u8]) {
        let path = self.folder.path().join(self.layout.folder()).join("hourly/20260628/8");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(bytes).unwrap();
    }

    pub fn write(&self, blocks: &[Block]) {
        blocks.iter().for_each(|block| self.append(block.lines(self.layout, 0).as_bytes()));
    }
}

/// A parser, and all that it has committed.
pub struct Reader {
    folders: Vec<PathBuf>,
    pub files: NodeFiles,
    pub fills: Vec<Value>,
    pub history: Vec<Value>,
    pub statuses: Vec<FeedStatus>,
    pub now: i64,
}

impl Reader {
    pub fn of(nodes: &[Node]) -> Self {
        Self::from(nodes, Cursor::default())
    }

    pub fn from(nodes: &[Node], cursor: Cursor) -> Self {
        let folders: Vec<PathBuf> = nodes.iter().map(|node| node.folder.path().to_owned()).collect();
        let now = START + 10_000;
        let files = NodeFiles::open(&folders, cursor, 1, now).unwrap();
        Self { folders, files, fills: Vec::new(), history: Vec::new(), statuses: Vec::new(), now }
    }

    /// Everything that can be taken now.
    pub fn read(&mut self) {
        loop {
            let mut out = Outbox::new(GENERATION);
            let taken = self.files.read(self.now, &mut out).unwrap();
            self.keep(&out);
            if taken == Taken::default() {
                return;
            }
        }
    }

    pub fn take_found(&mut self, line: &FoundLine) {
        let mut out = Outbox::new(GENERATION);
        self.files.take_found(line, self.now, &mut out);
        self.keep(&out);
    }

    fn keep(&mut self, out: &Outbox) {
        self.fills.extend(facts(out, &topics::FILLS));
        self.history.extend(facts(out, &topics::FILLS_HISTORY));
        // Whether blocks come is looked at elsewhere.
        let statuses = told(out, &topics::FEED_STATUS);
        let statuses = statuses.iter().filter(|(.., json)| json.contains("gap"));
        self.statuses.extend(statuses.map(|(.., json)| serde_json::from_str::<FeedStatus>(json).unwrap()));
    }

    /// The process ends between two commits, and another one goes on from what was committed.
    pub fn begin_again(&mut self) {
        let text = serde_json::to_string(self.files.cursor()).unwrap();
        self.files = NodeFiles::open(&self.folders, serde_json::from_str(&text).unwrap(), 1, self.now).unwrap();
    }

    /// First and last block of each hole that was said, or of each that was healed.
    pub fn holes(&self, status: SourceStatus) -> Vec<(u64, u64)> {
        let of = self.statuses.iter().filter(|told| told.status == status);
        of.map(|told| (told.from_block.unwrap(), told.to_block.unwrap())).collect()
    }
}

/// The fills on a topic.
pub fn facts(out: &Outbox, topic: &Topic) -> Vec<Value> {
    let all = told(out, topic).into_iter().filter(|(_, kind, _)| kind == "fill");
    all.map(|(.., json)| serde_json::from_str(&json).unwrap()).collect()
}

/// What every layout says of a fill, in one order: partitions have an order each.
pub fn essence(fact: &Value) -> String {
    let fill: Fill = serde_json::from_value(fact.clone()).unwrap();
    format!("{} {} {} {:?} {} {}", fill.time, fill.coin.as_str(), fill.user, fill.side, fill.oid, fill.sz)
}

pub fn essences(facts: &[Value]) -> Vec<String> {
    let mut all: Vec<String> = facts.iter().map(essence).collect();
    all.sort();
    all
}

/// The same of the tape itself.
pub fn expected<'a>(blocks: impl IntoIterator<Item = &'a Block>) -> Vec<String> {
    let legs = blocks.into_iter().flat_map(|block| block.events.iter().map(move |event| (block, event)));
    let facts = legs.map(|(block, event)| {
        let mut fact = event[1].clone();
        fact["user"] = event[0].clone();
        fact["block"] = json!(block.number);
        fact["index"] = json!(0);
        fact
    });
    essences(&facts.collect::<Vec<_>>())
}
