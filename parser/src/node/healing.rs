//! Holes of the tape, and archives that may have what is missing → the lines that fill them.

use std::path::{Path, PathBuf};

use schemas::OpenGap;

use super::archive::ArchiveFile;
use super::contents::layout_of;
use super::hours::{self, hour_of};
use crate::Layout;
use crate::source_error::SourceError;

/// A line that fills a hole, and where it stood.
#[derive(Debug, PartialEq, Eq)]
pub struct FoundLine {
    pub bytes: Vec<u8>,
    pub layout: Layout,
    pub stream: String,
    pub position: String,
}

const HOUR_MS: i64 = 3_600_000;

/// Looks through the files of the hours in which blocks are missing. Each line that is found is handed over; when that
/// gives back false, nobody wants more.
pub fn find_missing(
    folder: &Path,
    gaps: &[OpenGap],
    each: &mut dyn FnMut(FoundLine) -> bool,
) -> Result<(), SourceError> {
    for path in hour_files(folder)? {
        let Some(begins) = hour_of(&path).and_then(|hour| hours::begins(&hour)) else { continue };
        // A node may write the last blocks of an hour when the next one has begun.
        let of_this_hour = |gap: &&OpenGap| gap.gap.from_time < begins + HOUR_MS && gap.gap.to_time >= begins - HOUR_MS;
        let gaps: Vec<&OpenGap> = gaps.iter().filter(of_this_hour).collect();
        if !gaps.is_empty() && !find_in(&path, folder, &gaps, each)? {
            return Ok(());
        }
    }
    Ok(())
}

fn find_in(
    path: &Path,
    folder: &Path,
    gaps: &[&OpenGap],
    each: &mut dyn FnMut(FoundLine) -> bool,
) -> Result<bool, SourceError> {
    if layout_of(path)? != Some(Layout::ByBlock) {
        return Ok(true);
    }
    let mut file = ArchiveFile::open(path, Layout::ByBlock, 0)?;
    let is_missing =
        |number: u64| gaps.iter().flat_map(|gap| &gap.left).any(|(from, to)| (from..=to).contains(&&number));
    while let Some(line) = file.line() {
        if let Some((Some(number), _)) = file.head()
            && is_missing(number)
        {
            let (bytes, position) = (line.to_vec(), file.position());
            let stream = folder.display().to_string();
            if !each(FoundLine { bytes, layout: file.layout, stream, position }) {
                return Ok(false);
            }
        }
        file.pass_line()?;
    }
    Ok(true)
}

fn hour_files(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let failed = |source| SourceError::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            files.extend(hour_files(&path)?);
        } else if hour_of(&path).is_some() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
