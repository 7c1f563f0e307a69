//! What a log keeps, for tests of who hears it again: records in the order of their times, and how far they were read.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use schemas::Topic;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::fixture::{Served, Written, clock, serve_with};
use crate::{Between, Context, Passing, Unread};

#[derive(Clone)]
pub(crate) struct Kept {
    written: Arc<Mutex<Vec<Arc<Written>>>>,
    /// What it says in place of a record, after so many.
    breaks: Option<(u64, Unread)>,
    pub(crate) handed_over: Arc<AtomicU64>,
    /// Has a permit for each reading that is over.
    ended: Arc<Semaphore>,
}

/// Everything has come in up to this time.
pub(crate) const WATERMARK: i64 = 9_000_000;

impl Kept {
    pub(crate) fn new() -> Self {
        let (written, handed_over) = Default::default();
        Self { written, breaks: None, handed_over, ended: Arc::new(Semaphore::new(0)) }
    }

    pub(crate) fn breaking_after(records: u64, unread: Unread) -> Self {
        Self { breaks: Some((records, unread)), ..Self::new() }
    }

    pub(crate) async fn serve(&self, url: &str) -> Served {
        self.serve_with(url, |context| context).await
    }

    pub(crate) async fn serve_with(&self, url: &str, change: impl FnOnce(Context) -> Context) -> Served {
        let kept = self.clone();
        let mut served = serve_with(url, |context| {
            let mut context = change(context);
            context.replay = Arc::new(move |topics, between, each| {
                let read = kept.read(topics, between, each);
                kept.ended.add_permits(1);
                read
            });
            context
        })
        .await;
        let ticked = served.tick(&schemas::topics::POSITIONS, clock(WATERMARK));
        served.publish(&ticked);
        served
    }

    pub(crate) fn keep(&self, written: Written) -> Arc<Written> {
        let written = Arc::new(written);
        self.written.lock().unwrap().push(Arc::clone(&written));
        written
    }

    /// Returns when one more reading is over.
    pub(crate) async fn ended(&self) {
        timeout(PATIENCE, self.ended.acquire()).await.expect("the reading ends").unwrap().forget();
    }

    fn read(
        &self,
        topics: &[&'static Topic],
        between: Between,
        each: &mut dyn FnMut(Passing<'_>) -> bool,
    ) -> Result<(), Unread> {
        let written = self.written.lock().unwrap().clone();
        let mut places = Vec::new();
        let mut reached: BTreeMap<(&'static str, u32), i64> = BTreeMap::new();
        for written in written.iter().filter(|written| topics.iter().any(|topic| topic.name == written.topic.name)) {
            for (partition, (first, batch)) in &written.parts {
                let reached = reached.entry((written.topic.name, *partition)).or_insert(i64::MIN);
                for (offset, record) in (*first..).zip(batch.records()) {
                    *reached = record.time.max(*reached);
                    places.push((*reached, written.topic, *partition, offset, record));
                }
            }
        }
        places.retain(|(reached, ..)| *reached > between.from && *reached <= between.to);
        places.sort_by_key(|(reached, topic, partition, offset, _)| (*reached, topic.name, *partition, *offset));
        let breaks = |after: u64| self.breaks.filter(|(last, _)| *last == after).map(|(_, unread)| unread);
        if let Some(unread) = breaks(0) {
            return Err(unread);
        }
        let mut is_wanted = each(Passing::From(BTreeMap::new()));
        for (time, topic, partition, offset, record) in places {
            if !is_wanted {
                return Ok(());
            }
            let handed_over = self.handed_over.fetch_add(1, Ordering::Relaxed);
            if let Some(unread) = breaks(handed_over + 1) {
                return Err(unread);
            }
            is_wanted = each(Passing::Record { topic, partition, offset, time, record: &record });
        }
        Ok(())
    }
}

/// Longer than anything takes that does not fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A reply line by line, as it comes.
pub(crate) struct Lines {
    pub(crate) status: u16,
    pub(crate) head: String,
    socket: Arc<Mutex<BufReader<TcpStream>>>,
}

impl Lines {
    /// In the earlier version of HTTP a reply without a length comes as it is, and not in pieces.
    pub(crate) async fn ask(address: SocketAddr, query: &str, headers: &str) -> Self {
        let request = format!("GET /api/v1/replay{query} HTTP/1.0\r\nhost: x\r\n{headers}\r\n");
        let begin = move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let (mut socket, mut head) = (BufReader::new(stream), String::new());
            while !head.ends_with("\r\n\r\n") {
                assert!(socket.read_line(&mut head).unwrap() > 0, "{head}");
            }
            (head, Arc::new(Mutex::new(socket)))
        };
        let (head, socket) = spawn_blocking(begin).await.unwrap();
        Self { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, socket }
    }

    /// The next one; nothing at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let socket = Arc::clone(&self.socket);
        let read = move || {
            let mut line = String::new();
            socket.lock().unwrap().read_line(&mut line).unwrap();
            line
        };
        let line = spawn_blocking(read).await.unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    pub(crate) async fn rest(mut self) -> Vec<Value> {
        let mut lines = Vec::new();
        while let Some(line) = self.next().await {
            lines.push(line);
        }
        lines
    }

    /// The code of the error that it is.
    pub(crate) async fn code(self) -> String {
        self.rest().await[0]["error"]["code"].as_str().unwrap().to_owned()
    }
}
