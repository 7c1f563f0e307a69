//! A node's files of one kind: the bytes of each block go into `{kind}/hourly/{YYYYMMDD}/{H}`. After a restart they
//! are compared with what is there, up to where the files end.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Datelike, Timelike};
use serde::{Deserialize, Serialize};

use crate::SimulatorError;

pub(crate) struct NodeFiles {
    folder: PathBuf,
    /// How many hours stay; all of them, when absent.
    keep: Option<usize>,
    end: End,
    open: Option<(PathBuf, File)>,
}

/// Up to where the files hold the blocks that were made; the default lies before all hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    hour: Hour,
    bytes: u64,
}

/// Day and hour, as folder and file are named.
type Hour = (u32, u32);

/// Between the two halves of a line that is written in two.
const PAUSE: Duration = Duration::from_millis(3);

impl NodeFiles {
    /// The files are known up to `end`; what they hold behind it is still to be passed.
    pub(crate) fn open(out: &Path, kind: &str, keep: Option<usize>, end: End) -> Result<Self, SimulatorError> {
        let folder = out.join(kind).join("hourly");
        let files = Self { folder, keep, end, open: None };
        let path = files.path(end.hour);
        let found = length(&path)?;
        // An hour that was cleared away is followed by others.
        if found < end.bytes && (path.exists() || !files.go_beyond(end)?) {
            return Err(SimulatorError::BlocksMissing { path, bytes: found, snapshot: end.bytes });
        }
        Ok(files)
    }

    /// For files that nobody kept account of: whole lines stay, and what follows comes behind them.
    pub(crate) fn open_anew(out: &Path, kind: &str, keep: Option<usize>) -> Result<Self, SimulatorError> {
        let mut files = Self { folder: out.join(kind).join("hourly"), keep, end: End::default(), open: None };
        if let Some((hour, path)) = files.newest_first()?.into_iter().next() {
            let found = fs::read(&path).map_err(SimulatorError::file("read", &path))?;
            let whole = found.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at as u64 + 1);
            shorten(&path, whole)?;
            files.end = End { hour, bytes: whole };
        }
        Ok(files)
    }

    pub(crate) fn end(&self) -> End {
        self.end
    }

    /// Whether the files hold more than was passed.
    pub(crate) fn have_more(&self) -> Result<bool, SimulatorError> {
        self.go_beyond(self.end)
    }

    /// Passes the bytes of a block that was made again. What is there of them in part is taken off, and the answer is
    /// that they must be written.
    pub(crate) fn pass(&mut self, time: i64, block: u64, bytes: &[u8]) -> Result<bool, SimulatorError> {
        if bytes.is_empty() {
            return Ok(true);
        }
        let end = self.end_in(time);
        let path = self.path(end.hour);
        let found = read_behind(&path, end.bytes, bytes.len())?;
        // Hours that were cleared away had been written before those that stayed.
        let written = found == bytes || (!path.exists() && self.go_beyond(end)?);
        if written {
            self.end = end.behind(bytes);
        } else if bytes.starts_with(&found) || !found.contains(&b'\n') {
            shorten(&path, end.bytes)?;
        } else {
            return Err(SimulatorError::Diverged { path, block });
        }
        Ok(written)
    }

    /// Adds the bytes of a block that was made again, as far as they are not there.
    pub(crate) fn append_missing(&mut self, time: i64, block: u64, bytes: &[u8]) -> Result<(), SimulatorError> {
        if self.pass(time, block, bytes)? { Ok(()) } else { self.append(time, bytes, false) }
    }

    /// Adds the bytes of a block; `torn` leaves them without their second half for a moment, as readers of a real node
    /// see it.
    pub(crate) fn append(&mut self, time: i64, bytes: &[u8], torn: bool) -> Result<(), SimulatorError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = self.end_in(time);
        let (path, file) = self.of_hour(end.hour)?;
        let (first, second) = bytes.split_at(if torn { bytes.len() / 2 } else { bytes.len() });
        file.write_all(first).map_err(SimulatorError::file("write", path))?;
        if torn {
            thread::sleep(PAUSE);
            file.write_all(second).map_err(SimulatorError::file("write", path))?;
        }
        self.end = end.behind(bytes);
        Ok(())
    }

    fn end_in(&self, time: i64) -> End {
        let moment = DateTime::from_timestamp_nanos(time);
        let day = moment.year().unsigned_abs() * 10_000 + moment.month() * 100 + moment.day();
        let hour = (day, moment.hour());
        End { hour, bytes: if hour == self.end.hour { self.end.bytes } else { 0 } }
    }

    fn go_beyond(&self, end: End) -> Result<bool, SimulatorError> {
        for (hour, path) in self.newest_first()?.into_iter().take_while(|(hour, _)| *hour >= end.hour) {
            if length(&path)? > if hour == end.hour { end.bytes } else { 0 } {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn path(&self, (day, hour): Hour) -> PathBuf {
        self.folder.join(day.to_string()).join(hour.to_string())
    }

    fn of_hour(&mut self, hour: Hour) -> Result<(&Path, &mut File), SimulatorError> {
        let path = self.path(hour);
        let file = match self.open.take() {
            Some((open, file)) if open == path => file,
            _ => {
                let day = self.folder.join(hour.0.to_string());
                fs::create_dir_all(&day).map_err(SimulatorError::file("create", &day))?;
                let file = OpenOptions::new().create(true).append(true).open(&path);
                let file = file.map_err(SimulatorError::file("open", &path))?;
                self.clear_away()?;
                file
            }
        };
        let (path, file) = self.open.insert((path, file));
        Ok((path, file))
    }

    /// A real node's files grow until its operator removes some; these are bounded when they were asked to be.
    fn clear_away(&self) -> Result<(), SimulatorError> {
        let Some(keep) = self.keep else { return Ok(()) };
        for (_, path) in self.newest_first()?.into_iter().skip(keep.max(1)) {
            fs::remove_file(&path).map_err(SimulatorError::file("remove", &path))?;
        }
        Ok(())
    }

    fn newest_first(&self) -> Result<Vec<(Hour, PathBuf)>, SimulatorError> {
        let mut hours = Vec::new();
        for (day, folder) in numbered(&self.folder)? {
            hours.extend(numbered(&folder)?.into_iter().map(|(hour, path)| ((day, hour), path)));
        }
        hours.sort_unstable_by(|one, other| other.cmp(one));
        Ok(hours)
    }
}

impl End {
    fn behind(self, bytes: &[u8]) -> Self {
        Self { bytes: self.bytes + bytes.len() as u64, ..self }
    }
}

/// The entries of a folder whose names are numbers; of a folder that is not there, none.
fn numbered(folder: &Path) -> Result<Vec<(u32, PathBuf)>, SimulatorError> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(SimulatorError::file("list", folder))? {
        let path = entry.map_err(SimulatorError::file("list", folder))?.path();
        let number = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        found.extend(number.map(|number| (number, path)));
    }
    Ok(found)
}

/// Of a file that is not there, nothing; so below.
fn length(path: &Path) -> Result<u64, SimulatorError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        found => Ok(found.map_err(SimulatorError::file("read", path))?.len()),
    }
}

fn read_behind(path: &Path, from: u64, most: usize) -> Result<Vec<u8>, SimulatorError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(from))?;
        file.take(most as u64).read_to_end(&mut bytes)
    });
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(SimulatorError::file("read", path)(error)),
        Ok(_) => Ok(bytes),
    }
}

fn shorten(path: &Path, bytes: u64) -> Result<(), SimulatorError> {
    match OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(bytes)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(SimulatorError::file("shorten", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const KIND: &str = "node_fills_by_block";
    const HOUR: i64 = 3_600_000_000_000;
    const EIGHT: i64 = 1_782_633_600_000_000_000;

    fn files(folder: &tempfile::TempDir, keep: Option<usize>) -> NodeFiles {
        NodeFiles::open(folder.path(), KIND, keep, End::default()).unwrap()
    }

    #[test]
    fn hours_are_files_and_are_passed_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut written = files(&folder, None);
        assert!(!written.have_more().unwrap());
        let lines: [(i64, &[u8]); 3] = [(EIGHT, b"one\n"), (EIGHT + HOUR, b"two\n"), (EIGHT + 2 * HOUR, b"three\n")];
        for (time, line) in lines {
            written.append(time, line, true).unwrap();
        }
        let mut again = files(&folder, None);
        for (block, (time, line)) in (1..).zip(lines) {
            assert!(again.have_more().unwrap() && again.pass(time, block, line).unwrap());
        }
        assert!(!again.have_more().unwrap(), "10 is after 9");
        assert_eq!(again.end(), written.end());
        assert_eq!(again.end().hour, (20260628, 10));
    }

    #[test]
    fn only_so_many_hours_stay_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let mut written = files(&folder, Some(2));
        for hour in 0..20 {
            written.append(EIGHT + hour * HOUR, b"line\n", false).unwrap();
        }
        let left: Vec<Hour> = written.newest_first().unwrap().into_iter().map(|(hour, _)| hour).collect();
        assert_eq!(left, [(20260629, 3), (20260629, 2)]);
        let mut again = files(&folder, Some(2));
        for hour in 0..20 {
            assert!(again.pass(EIGHT + hour * HOUR, 1, b"line\n").unwrap(), "hour {hour}");
        }
        assert!(!again.have_more().unwrap());
    }

    #[test]
    fn what_was_written_in_part_is_taken_off_even_when_it_is_all_there_is() {
        let folder = tempfile::tempdir().unwrap();
        files(&folder, None).append(EIGHT, b"first\nsecond\n", false).unwrap();
        let hours = folder.path().join("node_fills_by_block/hourly/20260628");
        for (left, rest) in [("first\nsec", ""), ("first\nother", ""), ("first\n", "")] {
            fs::write(hours.join("9"), left).unwrap();
            let mut again = files(&folder, None);
            assert!(again.pass(EIGHT, 1, b"first\nsecond\n").unwrap());
            assert!(again.have_more().unwrap());
            assert!(again.pass(EIGHT + HOUR, 2, b"first\n").unwrap());
            assert_eq!(again.have_more().unwrap(), left != "first\n");
            assert!(!again.pass(EIGHT + HOUR, 3, b"second\n").unwrap());
            assert_eq!(fs::read_to_string(hours.join("9")).unwrap(), format!("first\n{rest}"));
        }
    }

    #[test]
    fn what_is_missing_or_different_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut written = files(&folder, None);
        written.append(EIGHT, b"first\n", false).unwrap();
        let end = written.end();
        let other = files(&folder, None).pass(EIGHT, 7, b"other\n");
        assert!(matches!(other, Err(SimulatorError::Diverged { block: 7, .. })));
        let path = folder.path().join("node_fills_by_block/hourly/20260628/8");
        fs::write(path, "firs").unwrap();
        let short = NodeFiles::open(folder.path(), KIND, None, end).err();
        assert!(matches!(short, Some(SimulatorError::BlocksMissing { bytes: 4, snapshot: 6, .. })));
    }
}
