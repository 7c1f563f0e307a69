//! Files of an archive, whatever their folders are called → which of them hold fills, and which hold other events: their
//! first lines say it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, Read as _};
use std::path::{Path, PathBuf};

use super::archive::{MAX_LINE_BYTES, reader};
use super::layout::Layout;
use super::unit::{head, understand};
use crate::source_error::SourceError;

/// What is in files.
#[derive(Debug, Default)]
pub struct Contents {
    pub fills: BTreeMap<PathBuf, Layout>,
    pub events: BTreeMap<PathBuf, Layout>,
    pub neither: Vec<PathBuf>,
}

/// So many lines tell one layout from the other; blocks in which nothing is do not count.
const SAMPLE_LINES: usize = 64;
/// Of many files only the beginning is looked at.
const SAMPLE_BUFFER_BYTES: usize = 64 * 1024;

pub fn look_into(paths: &BTreeSet<PathBuf>) -> Result<Contents, SourceError> {
    let mut contents = Contents::default();
    for path in paths {
        match layout_of(path)? {
            Some(layout) if Layout::OF_EVENTS.contains(&layout) => drop(contents.events.insert(path.clone(), layout)),
            Some(layout) => drop(contents.fills.insert(path.clone(), layout)),
            None => contents.neither.push(path.clone()),
        }
    }
    Ok(contents)
}

/// What the first lines of a file are; nothing, when they are neither fills nor other events.
pub fn layout_of(path: &Path) -> Result<Option<Layout>, SourceError> {
    let failed = |source: io::Error| SourceError::Read { path: path.to_owned(), source };
    let (reader, _) = reader(path, SAMPLE_BUFFER_BYTES).map_err(failed)?;
    let mut lines = reader.take(MAX_LINE_BYTES);
    let (mut line, mut sampled, mut is_empty) = (Vec::new(), 0, false);
    while sampled < SAMPLE_LINES {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        match first_of(&line) {
            First::Of(Layout::ByBlock) => return Ok(Some(of_blocks_of_fills(path))),
            First::Of(layout) => return Ok(Some(layout)),
            First::Nothing => is_empty = true,
            First::Unknown => sampled += 1,
        }
    }
    // Blocks in which nothing is look the same wherever they are: that, only the folder says.
    let is_of_events = path.to_string_lossy().contains(Layout::EventsByBlock.folder());
    let of_empty_blocks = if is_of_events { Layout::EventsByBlock } else { of_blocks_of_fills(path) };
    Ok(is_empty.then_some(of_empty_blocks))
}

/// A line of either is the same but for how much of its block it holds: that, only the folder says.
fn of_blocks_of_fills(path: &Path) -> Layout {
    let is_streaming = path.to_string_lossy().contains(Layout::Streaming.folder());
    if is_streaming { Layout::Streaming } else { Layout::ByBlock }
}

/// What comes first in a line.
enum First {
    Of(Layout),
    /// It is a block in which nothing is that could tell.
    Nothing,
    Unknown,
}

fn first_of(line: &[u8]) -> First {
    if head(Layout::ByBlock, line).is_none() {
        let layouts = [Layout::Fills, Layout::Trades, Layout::Events];
        return layouts.into_iter().find(|layout| head(*layout, line).is_some()).map_or(First::Unknown, First::Of);
    }
    let Ok(block) = understand(Layout::ByBlock, line) else { return First::Nothing };
    match block.legs.first() {
        None => First::Nothing,
        Some(leg) if leg.starts_with('[') => First::Of(Layout::ByBlock),
        Some(leg) if head(Layout::Events, leg.as_bytes()).is_some() => First::Of(Layout::EventsByBlock),
        Some(_) => First::Unknown,
    }
}
