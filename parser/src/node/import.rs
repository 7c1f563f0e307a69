//! Files of archives, of any layout, as many as there are → the tape, or the history beside it. All files are read side
//! by side in the order of time, so that what several of them hold comes out once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use schemas::{Cursor, Outbox, topics};
use serde::{Deserialize, Serialize};

use super::Taken;
use super::archive::ArchiveFile;
use super::census::Census;
use super::gaps;
use super::hours;
use super::legs::fnv;
use super::tail::CHUNK_BYTES;
use super::tape::{self, Line};
use crate::source_error::SourceError;

pub struct Import {
    /// Those that are still to be opened, in the order of time, with the time before which nothing is in them.
    waiting: VecDeque<(i64, PathBuf)>,
    open: Vec<ArchiveFile>,
    /// The tape as it is, and whether it is ours to go on with.
    tape: Cursor,
    writes_tape: bool,
    progress: Progress,
    keeps_raw: bool,
    census: Census,
    skipped: Vec<PathBuf>,
}

/// How far an import is: a record of the same commit as its facts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Of which files.
    plan: u64,
    /// Files that begin before this time were opened; those of them that have no place are done.
    reached: i64,
    /// How much of the content of each open file was taken.
    places: BTreeMap<String, u64>,
    /// What goes beside the tape stands here.
    pub(crate) history: Cursor,
    /// Which stretches of history other imports have brought, with both ends.
    covered: Vec<(i64, i64)>,
    pub lines: u64,
    pub bytes: u64,
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
        files: &BTreeSet<PathBuf>,
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
        let progress = progress.unwrap_or_default().of_plan(plan(files));
        let (waiting, open, census, skipped) = (VecDeque::new(), Vec::new(), Census::default(), Vec::new());
        let mut import = Self { waiting, open, tape, writes_tape, progress, keeps_raw, census, skipped };
        import.queue(files)?;
        Ok(import)
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

    /// Files that hold no fills.
    pub fn skipped(&self) -> &[PathBuf] {
        &self.skipped
    }

    /// Bytes that are still to be read, as they lie there.
    pub fn bytes_left(&self) -> u64 {
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let waiting: u64 = self.waiting.iter().map(|(_, path)| length(path)).sum();
        waiting + self.open.iter().map(|file| length(&file.path).saturating_sub(file.read_bytes())).sum::<u64>()
    }

    /// Takes lines up to a bound; adds their facts and how far it is to the outbox. Nothing taken means done.
    pub fn read(&mut self, received: i64, out: &mut Outbox) -> Result<Taken, SourceError> {
        let mut taken = Taken::default();
        while taken.bytes < CHUNK_BYTES as u64 {
            let Some(at) = self.whose_turn()? else { break };
            self.take_line(at, received, out);
            taken.bytes += self.open[at].pass_line()?;
            taken.lines += 1;
            if self.open[at].line().is_none() {
                self.open.swap_remove(at);
            }
        }
        self.progress.lines += taken.lines;
        self.progress.bytes += taken.bytes;
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

    /// Files that were read to their end before are left.
    fn queue(&mut self, files: &BTreeSet<PathBuf>) -> Result<(), SourceError> {
        let mut waiting = Vec::new();
        for path in files {
            let offset = self.progress.places.get(&path.display().to_string()).copied();
            let from = begins(path)?;
            match offset {
                Some(offset) => self.open_file(path, offset)?,
                None if self.progress.lines > 0 && from < self.progress.reached => {}
                None => waiting.push((from, path.clone())),
            }
        }
        waiting.sort();
        self.waiting = waiting.into();
        Ok(())
    }

    fn open_file(&mut self, path: &Path, offset: u64) -> Result<(), SourceError> {
        match ArchiveFile::open(path, offset)? {
            Some(file) if file.line().is_some() => self.open.push(file),
            Some(_) => {}
            None => self.skipped.push(path.to_owned()),
        }
        Ok(())
    }

    /// Which file has what comes first. One that may have something earlier is opened before.
    fn whose_turn(&mut self) -> Result<Option<usize>, SourceError> {
        loop {
            let first = self.first_of_the_open();
            let time = first.map(|at| self.open[at].head().map_or(i64::MIN, |(_, time)| time));
            match self.waiting.front() {
                Some((from, _)) if time.is_none_or(|time| *from <= time) => {
                    let Some((from, path)) = self.waiting.pop_front() else { return Ok(first) };
                    self.open_file(&path, 0)?;
                    self.progress.reached = self.progress.reached.max(from.saturating_add(1));
                }
                _ => return Ok(first),
            }
        }
    }

    /// What is not understood goes to the dead letters at once. Of what happened at the same time, the layout that says
    /// most comes first.
    fn first_of_the_open(&self) -> Option<usize> {
        let key = |at: &usize| {
            let file = &self.open[*at];
            file.head().map(|(number, time)| (time, file.layout, number))
        };
        (0..self.open.len()).min_by_key(key)
    }

    fn take_line(&mut self, at: usize, received: i64, out: &mut Outbox) {
        let Self { open, tape, writes_tape, progress, keeps_raw, census, .. } = self;
        let file = &open[at];
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

    fn write_state(&mut self, out: &mut Outbox) {
        let place = |file: &ArchiveFile| (file.path.display().to_string(), file.offset);
        self.progress.places = self.open.iter().map(place).collect();
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
    fn of_plan(mut self, plan: u64) -> Self {
        if self.plan == plan {
            return self;
        }
        if self.history.time > 0 {
            self.covered.push((self.history.first_time, self.history.time));
        }
        Self { plan, covered: self.covered, ..Self::default() }
    }

    pub(crate) fn is_covered(&self, time: i64) -> bool {
        self.covered.iter().any(|(from, to)| (from..=to).contains(&&time))
    }
}

fn plan(files: &BTreeSet<PathBuf>) -> u64 {
    let names: Vec<u8> = files.iter().flat_map(|path| path.display().to_string().into_bytes()).collect();
    fnv(&names)
}

/// The time before which nothing is in a file: its hour, when its path says one, or that of its first line.
fn begins(path: &Path) -> Result<i64, SourceError> {
    if let Some(hour) = hour_of(path).and_then(|hour| hours::begins(&hour)) {
        return Ok(hour);
    }
    let file = ArchiveFile::open(path, 0)?;
    Ok(file.and_then(|file| file.head()).map_or(i64::MIN, |(_, time)| time))
}

/// `…/20250727/8.lz4` → `20250727/8`
pub fn hour_of(path: &Path) -> Option<String> {
    let day = path.parent()?.file_name()?.to_str()?;
    let hour = path.file_stem()?.to_str()?;
    Some(format!("{day}/{hour}")).filter(|hour| hours::in_order(hour).is_some())
}
