//! Somebody's stream of fills over WebSocket, as a file describes it → lines as a node writes them, for the tape, and
//! word of the connection. A task keeps the connection and queues what comes on it; the reader of the tape takes it
//! from there, as it takes lines of a node's files.

mod config;
mod connection;
mod event;
mod frame;
mod lost;
mod path;
mod secrets;

pub use config::{StreamConfig, StreamConfigError};

use std::collections::VecDeque;
use std::ops::Range;

use schemas::SourceStatus;
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::JoinHandle;

use self::connection::Connection;
use self::event::Event;
use crate::dead_letter::Reject;
use crate::node::Layout;
use crate::public_feed::Patience;

/// What is queued of a stream, and the line that comes next.
#[derive(Debug)]
pub struct FillStream {
    name: String,
    layout: Layout,
    events: Receiver<Event>,
    connection: Option<JoinHandle<()>>,
    frame: Option<Frame>,
    /// When this connection was noticed, and how many frames have come on it.
    opened: i64,
    frames: u64,
}

/// The frame whose lines are being taken, with what room it takes in the queue.
#[derive(Debug)]
struct Frame {
    bytes: Vec<u8>,
    lines: VecDeque<Range<usize>>,
    taken: usize,
    #[expect(dead_code, reason = "makes room when it is dropped")]
    room: Option<tokio::sync::OwnedSemaphorePermit>,
}

/// What a stream tells besides lines.
#[derive(Debug)]
pub(crate) enum News {
    Lost {
        status: SourceStatus,
        reason: String,
    },
    /// A frame that is not understood, and where it stood.
    Odd {
        bytes: Vec<u8>,
        reject: Reject,
        position: String,
    },
}

impl News {
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Lost { .. } => 0,
            Self::Odd { bytes, .. } => bytes.len() as u64,
        }
    }
}

/// So many frames are queued, if they are not long, before the socket is read no further.
const MOST_EVENTS: usize = 256;

impl FillStream {
    /// A connection of its own that is kept up from here on; to be called in a runtime.
    pub fn open(config: StreamConfig, patience: Patience) -> Self {
        // Another part of the process may have chosen already; either choice serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (sender, events) = mpsc::channel(MOST_EVENTS);
        let (name, layout) = (config.name.clone(), config.layout);
        let mut stream = Self::of(name, layout, events);
        stream.connection = Some(tokio::spawn(Connection::new(config, patience, sender).keep()));
        stream
    }

    fn of(name: String, layout: Layout, events: Receiver<Event>) -> Self {
        Self { name, layout, events, connection: None, frame: None, opened: 0, frames: 0 }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Takes from the queue until a line is there, or word of something else, or nothing.
    pub(crate) fn look(&mut self, now: i64) -> Option<News> {
        while self.line().is_none() {
            match self.events.try_recv().ok()? {
                Event::Opened => (self.opened, self.frames) = (now.max(self.opened + 1), 0),
                Event::Lost { status, reason } => return Some(News::Lost { status, reason }),
                Event::Odd { bytes, reject, room } => {
                    drop(room);
                    let position = self.place(self.frames, 0);
                    self.frames += 1;
                    return Some(News::Odd { bytes, reject, position });
                }
                Event::Lines { bytes, lines, room } => {
                    self.frames += 1;
                    self.frame = (!lines.is_empty()).then(|| Frame { bytes, lines: lines.into(), taken: 0, room });
                }
            }
        }
        None
    }

    /// The next line, when it was looked for already.
    pub(crate) fn line(&self) -> Option<&[u8]> {
        let frame = self.frame.as_ref()?;
        Some(&frame.bytes[frame.lines.front()?.clone()])
    }

    /// Goes behind the line; how many bytes that was.
    pub(crate) fn pass_line(&mut self) -> u64 {
        let Some(frame) = &mut self.frame else { return 0 };
        frame.taken += 1;
        let bytes = frame.lines.pop_front().map_or(0, |line| line.len() as u64);
        if frame.lines.is_empty() {
            self.frame = None;
        }
        bytes
    }

    /// Where the next line stands: in which frame of which connection, and there.
    pub(crate) fn position(&self) -> String {
        let frame = self.frame.as_ref();
        self.place(if frame.is_some() { self.frames - 1 } else { self.frames }, frame.map_or(0, |frame| frame.taken))
    }

    fn place(&self, frame: u64, line: usize) -> String {
        format!("{}:{}-{frame}/{line}", self.name, self.opened)
    }
}

impl Drop for FillStream {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.abort();
        }
    }
}

#[cfg(test)]
mod tests;
