//! A node's hourly files → lines, from where the cursor stands, as they grow. A line is taken when its line feed is
//! there; an hour is left when a later one has begun.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use schemas::{Cursor, Outbox, topics};
use tracing::warn;

use crate::dead_letter::{Reject, dead_letter};
use crate::node_block::take_line;
use crate::source_error::SourceError;

#[derive(Debug)]
pub struct NodeFiles {
    /// `…/node_fills_by_block/hourly`
    hourly: PathBuf,
    cursor: Cursor,
    file: Option<File>,
    buffer: Vec<u8>,
}

/// What one reading gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    pub lines: u64,
    pub bytes: u64,
}

/// So much is read before what was read is committed.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// A line longer than this is cut: no memory is enough for a file that never ends its line.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

impl NodeFiles {
    /// `data` is the node's data folder: the one that holds `node_fills_by_block`.
    pub fn open(data: &Path, cursor: Cursor, generation: u32) -> Result<Self, SourceError> {
        if cursor.generation != 0 && cursor.generation != generation {
            return Err(SourceError::Generation { found: cursor.generation });
        }
        let hourly = data.join("node_fills_by_block").join("hourly");
        Ok(Self { hourly, cursor: Cursor { generation, ..cursor }, file: None, buffer: Vec::new() })
    }

    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Reads complete lines from the cursor on, as many as there are up to a bound; adds their facts and the cursor
    /// behind them to the outbox. Nothing taken means caught up.
    pub fn read(&mut self, received: i64, out: &mut Outbox) -> Result<Taken, SourceError> {
        let taken = self.take(received, out)?;
        if taken != Taken::default() {
            let Ok(value) = serde_json::to_vec(&self.cursor) else { return Ok(taken) };
            out.batch(&topics::STATE_PARSER_NODE_FILLS, 0).push(self.cursor.time, Cursor::KEY, Some(&value), &[]);
        }
        Ok(taken)
    }

    fn take(&mut self, received: i64, out: &mut Outbox) -> Result<Taken, SourceError> {
        loop {
            if self.cursor.hour.is_empty() {
                match self.hour_after("")? {
                    Some(hour) => self.turn_to(hour),
                    None => return Ok(Taken::default()),
                }
            }
            let taken = self.take_lines(received, out)?;
            if taken.lines > 0 {
                return Ok(taken);
            }
            let current = self.cursor.hour.clone();
            let Some(next) = self.hour_after(&current)? else { return Ok(Taken::default()) };
            // The node begins an hour only when the one before is written; so one more look finds its last lines.
            let taken = self.take_lines(received, out)?;
            if taken.lines > 0 {
                return Ok(taken);
            }
            let rest = self.set_rest_aside(received, out);
            self.turn_to(next);
            if rest > 0 {
                return Ok(Taken { lines: 0, bytes: rest });
            }
        }
    }

    fn turn_to(&mut self, hour: String) {
        self.cursor.hour = hour;
        self.cursor.offset = 0;
        self.file = None;
        self.buffer.clear();
    }

    fn take_lines(&mut self, received: i64, out: &mut Outbox) -> Result<Taken, SourceError> {
        self.fill_buffer()?;
        let Some(end) = end_of_lines(&self.buffer) else { return Ok(Taken::default()) };
        let mut taken = Taken::default();
        for line in self.buffer[..end].split_inclusive(|&byte| byte == b'\n') {
            let position = format!("{}:{}", self.cursor.hour, self.cursor.offset);
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            if !text.trim_ascii().is_empty() {
                take_line(text, &position, received, &mut self.cursor, out);
            }
            self.cursor.offset += line.len() as u64;
            taken.lines += 1;
            taken.bytes += line.len() as u64;
        }
        Ok(taken)
    }

    /// Reads from the cursor on until a line is complete. What was read of an unterminated line is forgotten: a node
    /// that was killed may write it anew.
    fn fill_buffer(&mut self) -> Result<(), SourceError> {
        let path = self.path();
        let failed = |source: io::Error| SourceError::Read { path: path.clone(), source };
        if self.file.is_none() {
            match File::open(&path) {
                Ok(file) => self.file = Some(file),
                // An hour that was cleared away before it was read: the next one shows which blocks are missing.
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.buffer.clear(),
                Err(error) => return Err(failed(error)),
            }
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        if !ends_a_line(file, self.cursor.offset).map_err(failed)? {
            // After a power cut a file can be shorter than what was read of it. Blocks that were taken are known by
            // their numbers.
            warn!(
                "{} is not as it was when it was read up to byte {}: reading it anew",
                path.display(),
                self.cursor.offset
            );
            self.cursor.offset = 0;
        }
        file.seek(SeekFrom::Start(self.cursor.offset)).map_err(failed)?;
        self.buffer.clear();
        loop {
            let read = file.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut self.buffer).map_err(failed)?;
            if read < CHUNK_BYTES || end_of_lines(&self.buffer).is_some() {
                return Ok(());
            }
        }
    }

    /// Half a line at the end of an hour that is over: its exact bytes become a dead letter.
    fn set_rest_aside(&mut self, received: i64, out: &mut Outbox) -> u64 {
        if self.buffer.is_empty() {
            return 0;
        }
        let position = format!("{}:{}", self.cursor.hour, self.cursor.offset);
        out.send(&dead_letter("node-fills", &position, &self.buffer, &Reject::Unterminated, received));
        self.cursor.dead_letters += 1;
        self.buffer.len() as u64
    }

    fn path(&self) -> PathBuf {
        self.hourly.join(&self.cursor.hour)
    }

    /// The earliest hour behind this one. Hours are numbers without leading zeros: 9 comes before 10.
    fn hour_after(&self, hour: &str) -> Result<Option<String>, SourceError> {
        let after = in_order(hour);
        let mut days = self.names(&self.hourly)?;
        days.retain(|day| is_number(day) && after.as_ref().is_none_or(|(at, _)| day >= at));
        days.sort_unstable();
        for day in days {
            let mut hours: Vec<(String, u8)> = Vec::new();
            for name in self.names(&self.hourly.join(&day))? {
                hours.extend(in_order(&format!("{day}/{name}")));
            }
            hours.sort_unstable();
            if let Some((day, hour)) = hours.into_iter().find(|hour| after.as_ref().is_none_or(|after| hour > after)) {
                return Ok(Some(format!("{day}/{hour}")));
            }
        }
        Ok(None)
    }

    fn names(&self, folder: &Path) -> Result<Vec<String>, SourceError> {
        let failed = |source: io::Error| SourceError::Read { path: folder.to_owned(), source };
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            // The node has not written anything yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let name = |entry: io::Result<std::fs::DirEntry>| entry.map(|entry| entry.file_name().into_string().ok());
        Ok(entries.map(name).collect::<io::Result<Vec<_>>>().map_err(failed)?.into_iter().flatten().collect())
    }

    /// Bytes of the files that have not been read yet: how far behind the source is.
    pub fn bytes_behind(&self) -> Result<u64, SourceError> {
        let mut behind = 0;
        let mut hour = self.cursor.hour.clone();
        if !hour.is_empty() {
            behind += self.length(&hour)?.saturating_sub(self.cursor.offset);
        }
        while let Some(next) = self.hour_after(&hour)? {
            behind += self.length(&next)?;
            hour = next;
        }
        Ok(behind)
    }

    fn length(&self, hour: &str) -> Result<u64, SourceError> {
        let path = self.hourly.join(hour);
        match std::fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(source) => Err(SourceError::Read { path, source }),
        }
    }
}

/// Whether a line of the file ends right before this byte.
fn ends_a_line(file: &mut File, offset: u64) -> io::Result<bool> {
    let Some(last) = offset.checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    file.seek(SeekFrom::Start(last))?;
    match file.read_exact(&mut byte) {
        Ok(()) => Ok(byte == *b"\n"),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Behind the last line feed; a line that is too long ends where the buffer does.
fn end_of_lines(buffer: &[u8]) -> Option<usize> {
    let line_feed = buffer.iter().rposition(|&byte| byte == b'\n').map(|at| at + 1);
    line_feed.or((buffer.len() >= MAX_LINE_BYTES).then_some(buffer.len()))
}

/// `20260628/8` as what it is ordered by.
fn in_order(hour: &str) -> Option<(String, u8)> {
    let (day, hour) = hour.split_once('/')?;
    let hour = hour.parse().ok().filter(|hour| *hour < 24)?;
    is_number(day).then(|| (day.to_owned(), hour))
}

fn is_number(day: &str) -> bool {
    day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit())
}
