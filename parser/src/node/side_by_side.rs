//! Files of archives, as many as there are → their lines in the order of time: all are read side by side, so that what
//! several of them hold comes together.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::archive::ArchiveFile;
use super::hours::{self, hour_of};
use super::layout::Layout;
use super::legs::fnv;
use crate::source_error::SourceError;

pub struct SideBySide {
    /// Those that are still to be opened, in the order of time, with the time before which nothing is in them.
    waiting: VecDeque<(i64, PathBuf, Layout)>,
    open: Vec<ArchiveFile>,
    /// Which of the open ones has what comes first.
    turn: usize,
    places: Places,
}

/// How far files have been read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// Of which files.
    plan: u64,
    /// Files that begin before this time were opened; those of them that have no place are done.
    reached: i64,
    /// How much of the content of each open file was taken.
    #[serde(rename = "places")]
    offsets: BTreeMap<String, u64>,
    pub lines: u64,
    pub bytes: u64,
}

impl SideBySide {
    pub fn open(files: &BTreeMap<PathBuf, Layout>, places: Places) -> Result<Self, SourceError> {
        let mut all = Self { waiting: VecDeque::new(), open: Vec::new(), turn: 0, places };
        all.queue(files)?;
        Ok(all)
    }

    /// The file whose line comes first. What is not understood comes at once; of what happened at the same time, the
    /// layout that says most.
    pub fn next(&mut self) -> Result<Option<&ArchiveFile>, SourceError> {
        let Some(turn) = self.whose_turn()? else { return Ok(None) };
        self.turn = turn;
        Ok(Some(&self.open[turn]))
    }

    /// Goes behind the line that came first; how many bytes that was.
    pub fn pass(&mut self) -> Result<u64, SourceError> {
        let bytes = self.open[self.turn].pass_line()?;
        if self.open[self.turn].line().is_none() {
            self.open.swap_remove(self.turn);
        }
        self.places.lines += 1;
        self.places.bytes += bytes;
        Ok(bytes)
    }

    pub fn places(&self) -> Places {
        let offset = |file: &ArchiveFile| (file.path.display().to_string(), file.offset);
        Places { offsets: self.open.iter().map(offset).collect(), ..self.places.clone() }
    }

    /// Bytes that are still to be read, as they lie there.
    pub fn bytes_left(&self) -> u64 {
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let waiting: u64 = self.waiting.iter().map(|(_, path, _)| length(path)).sum();
        waiting + self.open.iter().map(|file| length(&file.path).saturating_sub(file.read_bytes())).sum::<u64>()
    }

    /// Files that were read to their end before are left.
    fn queue(&mut self, files: &BTreeMap<PathBuf, Layout>) -> Result<(), SourceError> {
        let mut waiting = Vec::new();
        for (path, layout) in files {
            let offset = self.places.offsets.get(&path.display().to_string()).copied();
            let from = begins(path, *layout)?;
            match offset {
                Some(offset) => self.open_file(path, *layout, offset)?,
                None if self.places.lines > 0 && from < self.places.reached => {}
                None => waiting.push((from, path.clone(), *layout)),
            }
        }
        waiting.sort();
        self.waiting = waiting.into();
        Ok(())
    }

    fn open_file(&mut self, path: &Path, layout: Layout, offset: u64) -> Result<(), SourceError> {
        let file = ArchiveFile::open(path, layout, offset)?;
        if file.line().is_some() {
            self.open.push(file);
        }
        Ok(())
    }

    /// One that may have something earlier than all that are open is opened before.
    fn whose_turn(&mut self) -> Result<Option<usize>, SourceError> {
        loop {
            let first = self.first_of_the_open();
            let time = first.map(|at| self.open[at].head().map_or(i64::MIN, |(_, time)| time));
            match self.waiting.front() {
                Some((from, ..)) if time.is_none_or(|time| *from <= time) => {
                    let Some((from, path, layout)) = self.waiting.pop_front() else { return Ok(first) };
                    self.open_file(&path, layout, 0)?;
                    self.places.reached = self.places.reached.max(from.saturating_add(1));
                }
                _ => return Ok(first),
            }
        }
    }

    fn first_of_the_open(&self) -> Option<usize> {
        let key = |at: &usize| {
            let file = &self.open[*at];
            file.head().map(|(number, time)| (time, file.layout, number))
        };
        (0..self.open.len()).min_by_key(key)
    }
}

impl Places {
    /// The beginnings of these files.
    pub fn of(files: &BTreeMap<PathBuf, Layout>) -> Self {
        Self { plan: plan(files), ..Self::default() }
    }

    pub fn are_of(&self, files: &BTreeMap<PathBuf, Layout>) -> bool {
        self.plan == plan(files)
    }
}

fn plan(files: &BTreeMap<PathBuf, Layout>) -> u64 {
    let names: Vec<u8> = files.keys().flat_map(|path| path.display().to_string().into_bytes()).collect();
    fnv(&names)
}

/// The time before which nothing is in a file: its hour, when its path says one, or that of its first line.
fn begins(path: &Path, layout: Layout) -> Result<i64, SourceError> {
    if let Some(hour) = hour_of(path).and_then(|hour| hours::begins(&hour)) {
        return Ok(hour);
    }
    let file = ArchiveFile::open(path, layout, 0)?;
    Ok(file.head().map_or(i64::MIN, |(_, time)| time))
}
