//! The files of a node: lines of blocks go into `node_fills_by_block/hourly/{YYYYMMDD}/{H}`, and after a restart the
//! last complete line comes out.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Timelike};
use serde::Deserialize;

use crate::SimulatorError;

pub(crate) struct NodeFiles {
    folder: PathBuf,
    /// How many hours stay; all of them, when absent.
    keep: Option<usize>,
    open: Option<(PathBuf, File)>,
}

/// The last block that is completely written.
pub(crate) struct LastLine {
    pub(crate) path: PathBuf,
    pub(crate) block: u64,
    pub(crate) text: Vec<u8>,
}

#[derive(Deserialize)]
struct OnlyNumber {
    block_number: u64,
}

/// First guess of how long a line is.
const WINDOW: u64 = 1 << 20;
/// Between the two halves of a line that is written in two.
const PAUSE: Duration = Duration::from_millis(3);

impl NodeFiles {
    pub(crate) fn new(out: &Path, keep: Option<usize>) -> Self {
        Self { folder: out.join("node_fills_by_block").join("hourly"), keep, open: None }
    }

    /// Takes off what was left of an unfinished line and returns the last finished one.
    pub(crate) fn recover(&self) -> Result<Option<LastLine>, SimulatorError> {
        for path in self.newest_first()? {
            let mut file =
                OpenOptions::new().read(true).write(true).open(&path).map_err(SimulatorError::file("open", &path))?;
            let read = last_line(&mut file).map_err(SimulatorError::file("read", &path))?;
            let end = read.as_ref().map_or(0, |(_, end)| *end);
            file.set_len(end).map_err(SimulatorError::file("shorten", &path))?;
            if let Some((text, _)) = read {
                let block = serde_json::from_slice::<OnlyNumber>(&text)
                    .map_err(|source| SimulatorError::Line { path: path.clone(), source })?
                    .block_number;
                return Ok(Some(LastLine { path, block, text }));
            }
        }
        Ok(None)
    }

    /// Adds a line; `torn` leaves it without its end for a moment, as readers of a real node see it.
    pub(crate) fn append(&mut self, time: i64, line: &mut Vec<u8>, torn: bool) -> Result<(), SimulatorError> {
        line.push(b'\n');
        let (path, file) = self.of_hour(time)?;
        let (first, second) = line.split_at(if torn { line.len() / 2 } else { line.len() });
        file.write_all(first).map_err(SimulatorError::file("write", path))?;
        if torn {
            thread::sleep(PAUSE);
            file.write_all(second).map_err(SimulatorError::file("write", path))?;
        }
        Ok(())
    }

    fn of_hour(&mut self, time: i64) -> Result<(&Path, &mut File), SimulatorError> {
        let moment = DateTime::from_timestamp_nanos(time);
        let day = self.folder.join(moment.format("%Y%m%d").to_string());
        let path = day.join(moment.hour().to_string());
        let file = match self.open.take() {
            Some((open, file)) if open == path => file,
            _ => {
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
        for path in self.newest_first()?.into_iter().skip(keep.max(1)) {
            fs::remove_file(&path).map_err(SimulatorError::file("remove", &path))?;
        }
        Ok(())
    }

    fn newest_first(&self) -> Result<Vec<PathBuf>, SimulatorError> {
        let mut hours = Vec::new();
        for (day, folder) in numbered(&self.folder)? {
            hours.extend(numbered(&folder)?.into_iter().map(|(hour, path)| ((day, hour), path)));
        }
        hours.sort_unstable_by(|one, other| other.cmp(one));
        Ok(hours.into_iter().map(|(_, path)| path).collect())
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

/// The last complete line and where it ends, line feed included. Reads from the end: an hour can be hundreds of
/// megabytes.
fn last_line(file: &mut File) -> std::io::Result<Option<(Vec<u8>, u64)>> {
    let length = file.metadata()?.len();
    let mut window = WINDOW.min(length);
    loop {
        let from = length - window;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        (&*file).take(window).read_to_end(&mut bytes)?;
        let end = bytes.iter().rposition(|byte| *byte == b'\n');
        let begin = end.and_then(|end| bytes[..end].iter().rposition(|byte| *byte == b'\n')).map(|before| before + 1);
        match (begin, end) {
            (Some(begin), Some(end)) => return Ok(Some((bytes[begin..end].to_vec(), from + end as u64 + 1))),
            (None, Some(end)) if from == 0 => return Ok(Some((bytes[..end].to_vec(), end as u64 + 1))),
            (_, None) if from == 0 => return Ok(None),
            _ => window = (window * 4).min(length),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;
    const EIGHT: i64 = 1_782_633_600_000_000_000;

    #[test]
    fn hours_are_files_and_the_last_line_is_in_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = NodeFiles::new(folder.path(), None);
        assert!(files.recover().unwrap().is_none());
        files.append(EIGHT, &mut br#"{"block_number":1}"#.to_vec(), false).unwrap();
        files.append(EIGHT + HOUR, &mut br#"{"block_number":2}"#.to_vec(), true).unwrap();
        files.append(EIGHT + 2 * HOUR, &mut br#"{"block_number":3}"#.to_vec(), false).unwrap();
        let last = files.recover().unwrap().unwrap();
        assert!(
            last.path.ends_with("node_fills_by_block/hourly/20260628/10"),
            "10 is after 9: {last:?}",
            last = last.path
        );
        assert_eq!(last.block, 3);
    }

    #[test]
    fn only_so_many_hours_stay_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = NodeFiles::new(folder.path(), Some(2));
        for hour in 0..20 {
            files.append(EIGHT + hour * HOUR, &mut br#"{"block_number":1}"#.to_vec(), false).unwrap();
        }
        let left: Vec<_> = files
            .newest_first()
            .unwrap()
            .iter()
            .map(|path| path.strip_prefix(&files.folder).unwrap().to_owned())
            .collect();
        assert_eq!(left, [Path::new("20260629/3"), Path::new("20260629/2")]);
    }

    #[test]
    fn a_torn_line_is_cut_off_even_when_it_is_all_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = NodeFiles::new(folder.path(), None);
        files.append(EIGHT, &mut br#"{"block_number":1}"#.to_vec(), false).unwrap();
        let hours = folder.path().join("node_fills_by_block/hourly/20260628");
        fs::write(hours.join("9"), b"{\"block_num").unwrap();
        let last = files.recover().unwrap().unwrap();
        assert_eq!((last.block, last.text), (1, br#"{"block_number":1}"#.to_vec()));
        assert_eq!(fs::read(hours.join("9")).unwrap(), b"");
    }

    #[test]
    fn a_line_longer_than_the_window_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = NodeFiles::new(folder.path(), None);
        files.append(EIGHT, &mut br#"{"block_number":1}"#.to_vec(), false).unwrap();
        let long = format!(r#"{{"block_number":2,"events":"{}"}}"#, "x".repeat(3 << 20));
        files.append(EIGHT, &mut long.clone().into_bytes(), false).unwrap();
        files.append(EIGHT, &mut long.clone().into_bytes(), false).unwrap();
        let last = files.recover().unwrap().unwrap();
        assert_eq!((last.block, last.text.len()), (2, long.len()));
    }
}
