//! Files of events, of both layouts, as many as there are → facts, dead letters, and how far that is. What a node that is
//! followed has told, and what imports have brought before, is passed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemas::{Outbox, topics};
use serde::{Deserialize, Serialize};

use super::cursor::{Made, MiscCursor};
use super::line::{self, Line};
use super::stretches::Stretches;
use crate::node::{ArchiveFile, CHUNK_BYTES, Layout, Places, SideBySide, Taken, understand};
use crate::source_error::SourceError;

pub struct EventImport {
    files: SideBySide,
    /// What a node has told that is followed, and whether somebody follows it now.
    followed: Stretches,
    is_followed: bool,
    progress: EventProgress,
    keeps_raw: bool,
    updates: u64,
}

/// How far an import of events is: a record of the same commit as its facts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventProgress {
    #[serde(flatten)]
    pub places: Places,
    /// What imports have brought, this one and those before.
    pub(super) read: Stretches,
    block: u64,
    pub made: Made,
    /// Lines of what whoever follows a node has not come to yet: they are left to it.
    pub beyond: u64,
}

impl EventProgress {
    pub const KEY: &'static [u8] = b"import";
}

impl EventImport {
    pub fn open(
        files: &BTreeMap<PathBuf, Layout>,
        cursor: MiscCursor,
        is_followed: bool,
        progress: EventProgress,
        generation: u32,
        keeps_raw: bool,
    ) -> Result<Self, SourceError> {
        if cursor.generation != 0 && cursor.generation != generation {
            return Err(SourceError::Generation { found: cursor.generation });
        }
        let progress = progress.of_files(files);
        let files = SideBySide::open(files, progress.places.clone())?;
        Ok(Self { files, followed: cursor.read, is_followed, progress, keeps_raw, updates: 0 })
    }

    pub fn progress(&self) -> &EventProgress {
        &self.progress
    }

    /// How many were made since it was opened.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Bytes that are still to be read, as they lie there.
    pub fn bytes_left(&self) -> u64 {
        self.files.bytes_left()
    }

    /// Takes lines up to a bound; adds their facts and how far it is to the outbox. Nothing taken means done.
    pub fn read(&mut self, received: i64, out: &mut Outbox) -> Result<Taken, SourceError> {
        let before = self.progress.made.updates;
        let mut taken = Taken::default();
        let Self { files, followed, is_followed, progress, keeps_raw, .. } = self;
        let mut taking = Taking { followed, is_followed: *is_followed, progress, keeps_raw: *keeps_raw };
        while taken.bytes < CHUNK_BYTES as u64 {
            let Some(file) = files.next()? else { break };
            taking.take_line(file, received, out);
            taken.bytes += files.pass()?;
            taken.lines += 1;
        }
        self.updates += self.progress.made.updates - before;
        if taken != Taken::default() {
            self.write_state(out);
        }
        Ok(taken)
    }

    fn write_state(&mut self, out: &mut Outbox) {
        self.progress.places = self.files.places();
        let Ok(value) = serde_json::to_vec(&self.progress) else { return };
        let time = self.progress.read.time();
        out.batch(&topics::STATE_PARSER_MISC_EVENTS, 0).push(time, EventProgress::KEY, Some(&value), &[]);
    }
}

/// All but the files.
struct Taking<'a> {
    followed: &'a Stretches,
    is_followed: bool,
    progress: &'a mut EventProgress,
    keeps_raw: bool,
}

impl Taking<'_> {
    fn take_line(&mut self, file: &ArchiveFile, received: i64, out: &mut Outbox) {
        let Some(bytes) = file.line().filter(|line| !line.trim_ascii().is_empty()) else { return };
        let position = file.position();
        let line = Line { bytes, layout: file.layout, position: &position, received, keeps_raw: self.keeps_raw };
        let EventProgress { read, block, made, beyond, .. } = &mut *self.progress;
        let unit = match understand(line.layout, bytes).and_then(|unit| line::follows(unit, *block, read.time())) {
            Ok(unit) => unit,
            Err(reject) => return line::set_aside(&line, bytes, line.position, &reject, made, out),
        };
        let events = line::events(&unit);
        let is_known = |event| read.holds(unit.time, event) || self.followed.holds(unit.time, event);
        // Of the moment at which a node stands that is followed, it may still tell more. Nothing from there on is reached:
        // what lies between what is known and what is left is not ours.
        if self.is_followed && unit.time >= self.followed.time() {
            *beyond += u64::from(!events.iter().all(|event| is_known(*event)));
            return;
        }
        line::publish(&line, &unit, is_known, made, out);
        *block = unit.number.unwrap_or_default().max(*block);
        read.reach(unit.time, &events);
    }
}

impl EventProgress {
    /// Of other files: what was read before stays read.
    fn of_files(mut self, files: &BTreeMap<PathBuf, Layout>) -> Self {
        if self.places.are_of(files) {
            return self;
        }
        self.read.leave();
        Self { places: Places::of(files), read: self.read, ..Self::default() }
    }
}
