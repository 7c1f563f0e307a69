//! A file of numbered blocks → the line behind which those after a given one are, found by halving: another node has
//! written it, and an hour can be gigabytes.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};

use super::layout::Layout;
use super::legs::fnv;
use super::unit::head;

/// Lines this close together are read one by one.
const CLOSE_BYTES: u64 = 64 * 1024;

/// The offset behind the last line that is known to be of this block or an earlier one, with the length and hash of
/// that line; zero, when there is none. Where a node wrote blocks again, some may lie before and behind: those that
/// were taken are told by their numbers.
pub fn behind_block(file: &mut File, layout: Layout, block: u64) -> io::Result<(u64, Option<(u64, u64)>)> {
    let (mut low, mut high) = (0, file.seek(SeekFrom::End(0))?);
    while high - low > CLOSE_BYTES {
        let middle = low + (high - low) / 2;
        match first_block_from(file, layout, middle, high)? {
            Some((line, number)) if number <= block => low = line,
            _ => high = middle,
        }
    }
    line_by_line(file, layout, low, block)
}

/// Offset and number of the first line that begins in a stretch and is understood.
fn first_block_from(file: &mut File, layout: Layout, from: u64, to: u64) -> io::Result<Option<(u64, u64)>> {
    file.seek(SeekFrom::Start(from - 1))?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    // The rest of the line that stands across the beginning.
    let mut at = from - 1 + reader.read_until(b'\n', &mut line)? as u64;
    while at < to {
        line.clear();
        let bytes = reader.read_until(b'\n', &mut line)? as u64;
        if let Some((Some(number), _)) = head(layout, &line) {
            return Ok(Some((at, number)));
        }
        if bytes == 0 {
            break;
        }
        at += bytes;
    }
    Ok(None)
}

fn line_by_line(file: &mut File, layout: Layout, from: u64, block: u64) -> io::Result<(u64, Option<(u64, u64)>)> {
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::new(file);
    let (mut at, mut line) = (from, Vec::new());
    let mut found = (0, None);
    loop {
        line.clear();
        let bytes = reader.read_until(b'\n', &mut line)? as u64;
        if !line.ends_with(b"\n") {
            return Ok(found);
        }
        at += bytes;
        match head(layout, &line) {
            Some((Some(number), _)) if number > block => return Ok(found),
            Some(_) => found = (at, Some((bytes, fnv(&line)))),
            None => {}
        }
    }
}
