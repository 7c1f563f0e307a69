//! Files of an archive, plain or `.lz4` → lines. They do not grow.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lz4_flex::frame::FrameDecoder;

use super::layout::Layout;
use super::unit::head;
use crate::source_error::SourceError;

/// A file that is read from its beginning to its end.
pub struct ArchiveFile {
    pub path: PathBuf,
    pub layout: Layout,
    reader: Box<dyn BufRead + Send>,
    /// Of the file itself, as it lies there.
    read_bytes: Arc<AtomicU64>,
    /// Of its content: behind the lines that were passed.
    pub offset: u64,
    line: Vec<u8>,
    head: Option<(Option<u64>, i64)>,
}

const BUFFER_BYTES: usize = 1024 * 1024;
/// A line longer than this is no line of a node.
pub const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;

impl ArchiveFile {
    /// Goes on at an offset of its content.
    pub fn open(path: &Path, layout: Layout, offset: u64) -> Result<Self, SourceError> {
        let failed = failed(path);
        let (mut reader, read_bytes) = reader(path, BUFFER_BYTES).map_err(&failed)?;
        io::copy(&mut reader.by_ref().take(offset), &mut io::sink()).map_err(&failed)?;
        let path = path.to_owned();
        let mut file = Self { path, layout, reader, read_bytes, offset, line: Vec::new(), head: None };
        file.read_line()?;
        Ok(file)
    }

    /// The next line without its line feed; nothing at the end. One that is not ended there is a line too.
    pub fn line(&self) -> Option<&[u8]> {
        (!self.line.is_empty()).then(|| self.line.strip_suffix(b"\n").unwrap_or(&self.line))
    }

    /// Height and time of the next line, if it is understood.
    pub fn head(&self) -> Option<(Option<u64>, i64)> {
        self.head
    }

    pub fn position(&self) -> String {
        format!("{}:{}", self.path.display(), self.offset)
    }

    pub fn pass_line(&mut self) -> Result<u64, SourceError> {
        let bytes = self.line.len() as u64;
        self.offset += bytes;
        self.read_line()?;
        Ok(bytes)
    }

    /// How much of the file has been read.
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }

    fn read_line(&mut self) -> Result<(), SourceError> {
        self.line.clear();
        let mut reader = self.reader.by_ref().take(MAX_LINE_BYTES);
        reader.read_until(b'\n', &mut self.line).map_err(failed(&self.path))?;
        self.head = self.line().and_then(|line| head(self.layout, line));
        Ok(())
    }
}

pub fn reader(path: &Path, buffer_bytes: usize) -> io::Result<(Box<dyn BufRead + Send>, Arc<AtomicU64>)> {
    let read_bytes = Arc::new(AtomicU64::new(0));
    let file = Counted { file: File::open(path)?, read_bytes: Arc::clone(&read_bytes) };
    let buffered = BufReader::with_capacity(buffer_bytes, file);
    let is_compressed = path.extension().is_some_and(|extension| extension == "lz4");
    let reader: Box<dyn BufRead + Send> = match is_compressed {
        true => Box::new(BufReader::with_capacity(buffer_bytes, FrameDecoder::new(buffered))),
        false => Box::new(buffered),
    };
    Ok((reader, read_bytes))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> SourceError {
    let path = path.to_owned();
    move |source| SourceError::Read { path: path.clone(), source }
}

struct Counted {
    file: File,
    read_bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read_bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
