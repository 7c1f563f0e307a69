//! Files of fills, of any layout, as many as there are → the tape, or the history beside it. What several of them hold
//! comes out once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemas::{Cursor, Outbox, topics};
use serde::{Deserialize, Serialize};

use super::Taken;
use super::archive::ArchiveFile;
use super::census::Census;
use super::gaps;
use super::layout::Layout;
use super::side_by_side::{Places, SideBySide};
use super::tail::CHUNK_BYTES;
use super::tape::{self, Line};
use crate::source_error::SourceError;

pub struct Import {
    files: SideBySide,
    /// The tape as it is, and whether it is ours to go on with.
    tape: Cursor,
    writes_tape: bool,
    progress: Progress,
    keeps_raw: bool,
    census: Census,
}

/// How far an import is: a record of the same commit as its facts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    #[serde(flatten)]
    pub places: Places,
    /// What goes beside the tape stands here.
    pub(crate) history: Cursor,
    /// Which stretches of history other imports have brought, with both ends.
    covered: Vec<(i64, i64)>,
    /// Lines of what the tape has not come to yet, and that are not ours to take.
    pub beyond: u64,
}

impl Progress {
    pub const KEY: &'static [u8] = b"import";
}

impl Import {
    /// What is after the beginning of the tape goes to the tape, when it is ours; all that is before it, to the
    /// history.
    pub fn open(
        files: &BTreeMap<PathBuf, Layout>,
        tape: Cursor,
        writes_tape: bool,
        progress: Option<Progress>,
        generation: u32,
        keeps_raw: bool,
    ) -> Result<Self, SourceError> {
        if tape.generation != 0 && tape.generation != generation {
            return Err(SourceError::Generation { found: tape.generation });
        }
        let tape = Cursor { generation, ..tape };
        let progress = progress.unwrap_or_default().of_files(files);
        let files = SideBySide::open(files, progress.places.clone())?;
        Ok(Self { files, tape, writes_tape, progress, keeps_raw, census: Census::default() })
    }

    pub fn tape(&self) -> &Cursor {
        &self.tape
    }

    pub fn history(&self) -> &Cursor {
        &self.progress.history
    }

    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    pub fn census(&self) -> &Census {
        &self.census
    }

    /// Bytes that are still to be read, as they lie there.
    pub fn bytes_left(&self) -> u64 {
        self.files.bytes_left()
    }

    /// Takes lines up to a bound; adds their facts and how far it is to the outbox. Nothing taken means done.
    pub fn read(&mut self, received: i64, out: &mut Outbox) -> Result<Taken, SourceError> {
        let mut taken = Taken::default();
        let Self { files, tape, writes_tape, progress, keeps_raw, census } = self;
        let mut taking = Taking { tape, writes_tape: *writes_tape, progress, keeps_raw: *keeps_raw, census };
        while taken.bytes < CHUNK_BYTES as u64 {
            let Some(file) = files.next()? else { break };
            taking.take_line(file, received, out);
            taken.bytes += files.pass()?;
            taken.lines += 1;
        }
        if taken == Taken::default() {
            tape::close(&topics::FILLS_HISTORY, received, &mut self.progress.history, out);
            if self.writes_tape {
                tape::close(&topics::FILLS, received, &mut self.tape, out);
            }
        }
        if taken != Taken::default() || out.records() > 0 {
            self.write_state(out);
        }
        Ok(taken)
    }

    fn write_state(&mut self, out: &mut Outbox) {
        self.progress.places = self.files.places();
        let time = self.tape.time.max(self.progress.history.time);
        let batch = out.batch(&topics::STATE_PARSER_NODE_FILLS, 0);
        if let Ok(value) = serde_json::to_vec(&self.progress) {
            batch.push(time, Progress::KEY, Some(&value), &[]);
        }
        if self.writes_tape
            && let Ok(value) = serde_json::to_vec(&self.tape)
        {
            batch.push(time, Cursor::KEY, Some(&value), &[]);
        }
    }
}

/// All but the files.
struct Taking<'a> {
    tape: &'a mut Cursor,
    writes_tape: bool,
    progress: &'a mut Progress,
    keeps_raw: bool,
    census: &'a mut Census,
}

impl Taking<'_> {
    fn take_line(&mut self, file: &ArchiveFile, received: i64, out: &mut Outbox) {
        let Self { tape, writes_tape, progress, keeps_raw, census } = self;
        let Some(bytes) = file.line().filter(|line| !line.trim_ascii().is_empty()) else { return };
        let (stream, position) = (file.path.display().to_string(), file.position());
        let line =
            Line { bytes, layout: file.layout, stream: &stream, position: &position, received, keeps_raw: *keeps_raw };
        let is_of_the_tape = |time: i64| tape.time == 0 || time >= tape.first_time;
        match file.head() {
            Some((_, time)) if *writes_tape && is_of_the_tape(time) => {
                tape::take_line_to(&topics::FILLS, &line, tape, census, out);
            }
            Some((number, time)) if tape.time > 0 && is_of_the_tape(time) => {
                progress.beyond += u64::from(time > tape.time);
                take_what_is_missing(&line, number, tape, census, out);
            }
            Some((number, time)) if progress.is_covered(time) => {
                progress.history.blocks_repeated += 1;
                progress.history.block = number.unwrap_or_default();
                progress.history.time = progress.history.time.max(time);
            }
            _ => tape::take_line_to(&topics::FILLS_HISTORY, &line, &mut progress.history, census, out),
        }
    }
}

/// Somebody else writes the tape: of what it has passed, only its holes are filled.
fn take_what_is_missing(
    line: &Line<'_>,
    number: Option<u64>,
    tape: &mut Cursor,
    census: &mut Census,
    out: &mut Outbox,
) {
    match number.map_or(gaps::Found::Nothing, |number| gaps::find(&mut tape.open_gaps, number)) {
        gaps::Found::Nothing if number.is_some() => tape.blocks_repeated += 1,
        gaps::Found::Nothing => tape.fills_repeated += 1,
        gaps::Found::Part => tape::heal(line, census, out),
        gaps::Found::Rest(gap) => {
            tape::heal(line, census, out);
            tape::say_healed(&gap, line.stream, line.received, out);
        }
    }
}

impl Progress {
    /// Of which stretches of history this and other imports have brought the fills, with both ends.
    pub fn covered(&self) -> impl Iterator<Item = (i64, i64)> {
        let own = (self.history.time > 0).then_some((self.history.first_time, self.history.time));
        self.covered.iter().copied().chain(own)
    }

    /// Of other files: what this import brought belongs to it.
    fn of_files(mut self, files: &BTreeMap<PathBuf, Layout>) -> Self {
        if self.places.are_of(files) {
            return self;
        }
        if self.history.time > 0 {
            self.covered.push((self.history.first_time, self.history.time));
        }
        Self { places: Places::of(files), covered: self.covered, ..Self::default() }
    }

    pub(crate) fn is_covered(&self, time: i64) -> bool {
        self.covered.iter().any(|(from, to)| (from..=to).contains(&&time))
    }
}
