//! The hourly files of one folder → lines, from a place on, as they grow. A line is there when its line feed is; an
//! hour is left when a later one has begun.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use schemas::Place;
use tracing::warn;

use super::hours;
use super::layout::Layout;
use super::legs::fnv;
use super::search::behind_block;
use crate::source_error::SourceError;

#[derive(Debug)]
pub struct Tail {
    layout: Layout,
    /// `…/node_fills_by_block/hourly`
    hourly: PathBuf,
    place: Place,
    file: Option<File>,
    /// What was read and not taken yet begins at `taken`.
    buffer: Vec<u8>,
    taken: usize,
    /// Behind the line feed of the next line.
    line_end: Option<usize>,
    /// Where the line that was taken last begins.
    last_line: Option<usize>,
    /// Known as soon as the rest of this one is.
    next_hour: Option<String>,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    Line(&'a [u8]),
    /// Half a line at the end of an hour that is over.
    Rest(&'a [u8]),
    Nothing,
}

/// So much is read before what was read is committed.
pub const CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// A line longer than this is cut: no memory is enough for a file that never ends its line.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

impl Tail {
    /// Goes on at the place; without one, behind the block that was taken last, of whatever node it was.
    pub fn open(
        hourly: PathBuf,
        layout: Layout,
        place: Option<Place>,
        block: u64,
        time: i64,
    ) -> Result<Self, SourceError> {
        let is_known = place.is_some();
        let place = place.unwrap_or_else(|| Place {
            hour: if time > 0 { hours::of(time) } else { String::new() },
            ..Place::default()
        });
        let (file, buffer, taken, line_end, last_line, next_hour) = Default::default();
        let mut tail = Self { layout, hourly, place, file, buffer, taken, line_end, last_line, next_hour };
        if is_known && !tail.stands_where_it_was().map_err(|source| tail.failed(source))? {
            warn!("{} is not as it was when it was read up to byte {}", tail.path().display(), tail.place.offset);
            tail.look_for(block)?;
        } else if !is_known {
            tail.look_for(block)?;
        }
        Ok(tail)
    }

    pub fn place(&mut self) -> &Place {
        self.note_last_line();
        &self.place
    }

    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Where the next line stands.
    pub fn position(&self) -> String {
        format!("{}:{}", self.place.hour, self.place.offset)
    }

    /// Reads on until something is there, if there is something.
    pub fn look(&mut self) -> Result<Next<'_>, SourceError> {
        while self.line_end.is_none() {
            if self.place.hour.is_empty() {
                let Some(first) = hours::after(&self.hourly, "")? else { return Ok(Next::Nothing) };
                self.turn_to(first);
            }
            if self.read_on()? {
                break;
            }
            let Some(next) = hours::after(&self.hourly, &self.place.hour)? else { return Ok(Next::Nothing) };
            // The node begins an hour only when the one before is written; so one more look finds its last lines.
            if self.read_on()? {
                break;
            }
            if !self.buffer.is_empty() {
                self.next_hour = Some(next);
                return Ok(Next::Rest(&self.buffer));
            }
            self.turn_to(next);
        }
        Ok(self.line().map_or(Next::Nothing, Next::Line))
    }

    /// The next line without its line feed, when it was read already.
    pub fn line(&self) -> Option<&[u8]> {
        let line = &self.buffer[self.taken..self.line_end?];
        Some(line.strip_suffix(b"\n").unwrap_or(line))
    }

    /// Goes behind the line; how many bytes that was.
    pub fn pass_line(&mut self) -> u64 {
        let Some(end) = self.line_end else { return 0 };
        let bytes = (end - self.taken) as u64;
        self.place.offset += bytes;
        self.last_line = Some(self.taken);
        self.taken = end;
        self.find_line_end();
        bytes
    }

    /// Leaves the hour with what it ended in the middle of.
    pub fn pass_rest(&mut self) -> u64 {
        let bytes = self.buffer.len() as u64;
        if let Some(next) = self.next_hour.take() {
            self.turn_to(next);
        }
        bytes
    }

    /// Bytes of the files that have not been taken yet: how far behind it is.
    pub fn bytes_behind(&self) -> Result<u64, SourceError> {
        let mut behind = 0;
        let mut hour = self.place.hour.clone();
        if !hour.is_empty() {
            behind += self.length(&hour)?.saturating_sub(self.place.offset);
        }
        while let Some(next) = hours::after(&self.hourly, &hour)? {
            behind += self.length(&next)?;
            hour = next;
        }
        Ok(behind)
    }

    fn turn_to(&mut self, hour: String) {
        self.forget_buffer();
        self.place = Place { hour, ..Place::default() };
        self.file = None;
    }

    fn forget_buffer(&mut self) {
        self.note_last_line();
        self.buffer.clear();
        (self.taken, self.line_end) = (0, None);
    }

    /// Notes what the place stands behind, while it is still at hand.
    fn note_last_line(&mut self) {
        if let Some(from) = self.last_line.take() {
            let line = &self.buffer[from..self.taken];
            self.place.last_line = Some((line.len() as u64, fnv(line)));
        }
    }

    /// A line that is too long ends where the buffer does.
    fn find_line_end(&mut self) {
        let rest = &self.buffer[self.taken..];
        let line_feed = memchr::memchr(b'\n', rest).map(|at| self.taken + at + 1);
        self.line_end = line_feed.or((rest.len() >= MAX_LINE_BYTES).then_some(self.buffer.len()));
    }

    /// Reads from the place on until a line is complete; whether one is. What was read of an unterminated line is
    /// forgotten: a node that was killed may write it anew.
    fn read_on(&mut self) -> Result<bool, SourceError> {
        self.forget_buffer();
        if !self.is_open()? {
            return Ok(false);
        }
        if !self.ends_a_line().map_err(|source| self.failed(source))? {
            // After a power cut a file can be shorter than what was read of it. What was taken is known.
            warn!(
                "{} is not as it was when it was read up to byte {}: reading it anew",
                self.path().display(),
                self.place.offset
            );
            self.place = Place { hour: std::mem::take(&mut self.place.hour), ..Place::default() };
        }
        self.fill_buffer().map_err(|source| self.failed(source))?;
        self.find_line_end();
        Ok(self.line_end.is_some())
    }

    fn fill_buffer(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.seek(SeekFrom::Start(self.place.offset))?;
        loop {
            let from = self.buffer.len();
            let read = file.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut self.buffer)?;
            let is_complete =
                memchr::memchr(b'\n', &self.buffer[from..]).is_some() || self.buffer.len() >= MAX_LINE_BYTES;
            if read < CHUNK_BYTES || is_complete {
                return Ok(());
            }
        }
    }

    /// An hour that was cleared away before it was read: the next one shows which blocks are missing.
    fn is_open(&mut self) -> Result<bool, SourceError> {
        if self.file.is_none() {
            self.file = match File::open(self.path()) {
                Ok(file) => Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(source) => return Err(self.failed(source)),
            };
        }
        Ok(self.file.is_some())
    }

    /// Whether a line of the file ends right before the place.
    fn ends_a_line(&mut self) -> io::Result<bool> {
        let (Some(last), Some(file)) = (self.place.offset.checked_sub(1), &mut self.file) else { return Ok(true) };
        let mut byte = [0];
        file.seek(SeekFrom::Start(last))?;
        match file.read_exact(&mut byte) {
            Ok(()) => Ok(byte == *b"\n"),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the line that was taken last still stands right before the place.
    fn stands_where_it_was(&mut self) -> io::Result<bool> {
        if self.place.offset == 0 {
            return Ok(true);
        }
        let path = self.path();
        let file = match &mut self.file {
            Some(file) => file,
            none => match File::open(path) {
                Ok(file) => none.insert(file),
                // Cleared away: nothing of it is read again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
                Err(error) => return Err(error),
            },
        };
        let Some((bytes, hash)) = self.place.last_line else { return Ok(false) };
        let Some(from) = self.place.offset.checked_sub(bytes) else { return Ok(false) };
        let mut line = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.by_ref().take(bytes).read_to_end(&mut line)?;
        Ok(line.len() as u64 == bytes && fnv(&line) == hash)
    }

    /// Stands in the hour of the place, at a line behind which the blocks after this one are.
    fn look_for(&mut self, block: u64) -> Result<(), SourceError> {
        let hour = std::mem::take(&mut self.place.hour);
        self.turn_to(hour);
        if !self.place.hour.is_empty() && self.is_open()? && self.layout.is_numbered() && block > 0 {
            let Some(file) = &mut self.file else { return Ok(()) };
            let found = behind_block(file, self.layout, block);
            (self.place.offset, self.place.last_line) = found.map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    fn path(&self) -> PathBuf {
        self.hourly.join(&self.place.hour)
    }

    fn failed(&self, source: io::Error) -> SourceError {
        SourceError::Read { path: self.path(), source }
    }

    fn length(&self, hour: &str) -> Result<u64, SourceError> {
        length(&self.hourly.join(hour))
    }
}

fn length(path: &Path) -> Result<u64, SourceError> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(source) => Err(SourceError::Read { path: path.to_owned(), source }),
    }
}
