//! A reader of the tape that follows streams, and the hands that fill their queues.

use std::path::PathBuf;

use schemas::{Cursor, DeadLetter, FeedStatus, GENERATION, Outbox, SourceStatus, topics};
use serde_json::Value;
use tokio::sync::mpsc::{Sender, channel};

use crate::fill_stream::FillStream;
use crate::fill_stream::event::Event;
use crate::fill_stream::frame::understand;
use crate::fill_stream::path::FramePath;
use crate::node::Layout;
use crate::node::tests::market::{Block, facts};
use crate::tests::told;
use crate::{NodeFiles, Taken};

/// The far end of a queue.
pub struct Vendor {
    pub layout: Layout,
    events: Option<Sender<Event>>,
}

impl Vendor {
    pub fn new(layout: Layout) -> Self {
        Self { layout, events: None }
    }

    pub fn stream(&mut self, name: &str) -> FillStream {
        let (sender, events) = channel(10_000);
        self.events = Some(sender);
        FillStream::of(name.to_owned(), self.layout, events)
    }

    fn tell(&self, event: Event) {
        self.events.as_ref().unwrap().try_send(event).unwrap();
    }

    pub fn connect(&self) {
        self.tell(Event::Opened);
    }

    pub fn lose(&self) {
        self.tell(Event::Lost { status: SourceStatus::Disconnected, reason: "the connection ended".to_owned() });
    }

    /// One frame with whatever is in the data.
    pub fn say(&self, frame: &[u8]) {
        let (bytes, room) = (frame.to_vec(), None);
        match understand(frame, &FramePath::parse("data"), self.layout) {
            Ok(Some(lines)) => self.tell(Event::Lines { bytes, lines, room }),
            Ok(None) => {}
            Err(reject) => self.tell(Event::Odd { bytes, reject, room }),
        }
    }

    /// A frame for all of them.
    pub fn give(&self, blocks: &[Block]) {
        let lines: Vec<String> = blocks.iter().map(|block| block.lines(self.layout, 0)).collect();
        let lines: Vec<&str> = lines.iter().flat_map(|lines| lines.lines()).collect();
        self.say(format!(r#"{{"data":[{}]}}"#, lines.join(",")).as_bytes());
    }
}

/// A parser, and all that it has committed.
pub struct Reader {
    folders: Vec<PathBuf>,
    pub files: NodeFiles,
    pub fills: Vec<Value>,
    pub history: Vec<Value>,
    pub statuses: Vec<FeedStatus>,
    pub letters: Vec<DeadLetter>,
    pub raw: Vec<String>,
    pub runs: Vec<Value>,
    pub now: i64,
}

impl Reader {
    pub fn of(folders: &[PathBuf], vendors: &mut [Vendor], now: i64) -> Self {
        let (folders, files) = (folders.to_vec(), opened(folders, vendors, Cursor::default(), now));
        let (fills, history, statuses, letters, raw, runs) = Default::default();
        Self { folders, files, fills, history, statuses, letters, raw, runs, now }
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

    pub fn end(&mut self) {
        let mut out = Outbox::new(GENERATION);
        self.files.end(self.now, &mut out);
        self.keep(&out);
    }

    /// The process ends between two commits; what is in the queues is lost.
    pub fn begin_again(&mut self, vendors: &mut [Vendor]) {
        let text = serde_json::to_string(self.files.cursor()).unwrap();
        self.files = opened(&self.folders, vendors, serde_json::from_str(&text).unwrap(), self.now);
    }

    fn keep(&mut self, out: &Outbox) {
        self.fills.extend(facts(out, &topics::FILLS));
        self.history.extend(facts(out, &topics::FILLS_HISTORY));
        let of = |topic| told(out, topic).into_iter().map(|(.., json)| json);
        self.statuses.extend(of(&topics::FEED_STATUS).map(|json| serde_json::from_str::<FeedStatus>(&json).unwrap()));
        self.letters.extend(of(&topics::DEAD_LETTERS).map(|json| serde_json::from_str::<DeadLetter>(&json).unwrap()));
        self.raw.extend(raw(out));
        self.runs.extend(of(&topics::SOURCE_RUNS).map(|json| serde_json::from_str::<Value>(&json).unwrap()));
    }

    pub fn gaps(&self) -> Vec<&FeedStatus> {
        self.statuses.iter().filter(|said| said.status == SourceStatus::Gap).collect()
    }

    /// What was said of a stream's connection.
    pub fn said_of(&self, name: &str) -> Vec<SourceStatus> {
        let source = format!("fill-stream.{name}");
        self.statuses.iter().filter(|said| *said.source == *source).map(|said| said.status).collect()
    }
}

fn raw(out: &Outbox) -> Vec<String> {
    let mut all = Vec::new();
    for (_, _, batch) in out.filled().filter(|(topic, ..)| topic.name == topics::RAW_NODE_FILLS.name) {
        all.extend(batch.records().map(|record| String::from_utf8_lossy(record.value.unwrap()).into_owned()));
    }
    all
}

fn opened(folders: &[PathBuf], vendors: &mut [Vendor], cursor: Cursor, now: i64) -> NodeFiles {
    let mut files = NodeFiles::open(folders, cursor, 1, now).unwrap();
    for (number, vendor) in vendors.iter_mut().enumerate() {
        files.follow(vendor.stream(&format!("v{number}")), now);
    }
    files
}
