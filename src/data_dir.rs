//! The directory that one process owns: locked, marked with its format and with the market that is in it.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Held as long as the directory is owned.
    _lock: File,
    pub market: Market,
}

/// Which market a directory holds: the two are never mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Market {
    Mainnet,
    Simulated,
}

#[derive(Serialize, Deserialize)]
struct Mark {
    format: u32,
    market: Market,
}

/// What this version writes and the newest it can read.
const FORMAT: u32 = 1;
const MARK: &str = "fathom.json";
const LOCK: &str = "fathom.lock";

impl DataDir {
    /// Makes or takes the directory for a market.
    pub fn take(path: &Path, market: Market) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|cause| unwritable(path, cause))?;
        let lock = lock(path)?;
        let mark = match read_mark(path)? {
            Some(mark) if mark.market != market => {
                return Err(Failure::stop(format!(
                    "{} holds the {} market, not the {} one: give another directory with --data",
                    path.display(),
                    mark.market.name(),
                    market.name()
                )));
            }
            Some(mark) => mark,
            None => {
                let mark = Mark { format: FORMAT, market };
                let text = serde_json::to_string(&mark).unwrap_or_default() + "\n";
                fs::write(path.join(MARK), text).map_err(|cause| unwritable(path, cause))?;
                mark
            }
        };
        Ok(Self { path: path.to_owned(), _lock: lock, market: mark.market })
    }

    /// Takes a directory that is there, whatever its market.
    pub fn take_existing(path: &Path) -> Result<Self, Failure> {
        let Some(mark) = read_mark(path)? else {
            return Err(Failure::stop(format!(
                "{} is not a data directory: start `fathom up` first, or name the right one with --data",
                path.display()
            )));
        };
        Ok(Self { path: path.to_owned(), _lock: lock(path)?, market: mark.market })
    }

    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    pub fn database_url(&self) -> String {
        format!("sqlite://{}", self.path.join("fathom.sqlite").display())
    }

    /// Where the simulator of a demo writes.
    pub fn simulator(&self) -> PathBuf {
        self.path.join("market")
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Market {
    pub fn name(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Simulated => "simulated",
        }
    }
}

/// Where the owner of a directory listens for the commands of others.
pub fn socket(path: &Path) -> PathBuf {
    path.join("fathom.sock")
}

fn lock(path: &Path) -> Result<File, Failure> {
    let open = File::options().create(true).read(true).write(true).truncate(false).open(path.join(LOCK));
    let mut file = open.map_err(|cause| unwritable(path, cause))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner);
            return Err(Failure::stop(format!(
                "{} is in use by another fathom process (pid {}): stop it, or give another directory with --data",
                path.display(),
                owner.trim()
            )));
        }
        Err(TryLockError::Error(cause)) => return Err(unwritable(path, cause)),
    }
    let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(|cause| unwritable(path, cause))?;
    Ok(file)
}

fn read_mark(path: &Path) -> Result<Option<Mark>, Failure> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let file = path.join(MARK);
    let text = match fs::read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(Failure::because(format!("could not read {}", file.display()), cause)),
    };
    let unreadable = |cause| Failure::because(format!("{} is not what fathom writes", file.display()), cause);
    let Format { format } = serde_json::from_slice(&text).map_err(unreadable)?;
    if format > FORMAT {
        return Err(Failure::stop(format!(
            "{} was written by a newer fathom (format {format}, this one knows up to {FORMAT}): update, or give another directory with --data",
            path.display()
        )));
    }
    serde_json::from_slice(&text).map(Some).map_err(unreadable)
}

fn unwritable(path: &Path, cause: std::io::Error) -> Failure {
    Failure::because(
        format!("cannot write to the data directory {}: give another one with --data", path.display()),
        cause,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn refusal(result: Result<DataDir, Failure>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn one_owner_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let owner = DataDir::take(folder.path(), Market::Simulated).unwrap();
        let said = refusal(DataDir::take(folder.path(), Market::Simulated));
        assert!(said.contains(&format!("in use by another fathom process (pid {})", std::process::id())), "{said}");
        drop(owner);
        DataDir::take_existing(folder.path()).unwrap();
    }

    #[test]
    fn markets_are_not_mixed() {
        let folder = tempfile::tempdir().unwrap();
        drop(DataDir::take(folder.path(), Market::Simulated).unwrap());
        let said = refusal(DataDir::take(folder.path(), Market::Mainnet));
        assert!(said.contains("holds the simulated market, not the mainnet one"), "{said}");
    }

    #[test]
    fn a_newer_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(MARK), r#"{"format":2,"market":"on the moon"}"#).unwrap();
        let said = refusal(DataDir::take(folder.path(), Market::Mainnet));
        assert!(said.contains("written by a newer fathom (format 2, this one knows up to 1)"), "{said}");
    }

    #[test]
    fn a_folder_of_something_else_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        assert!(refusal(DataDir::take_existing(folder.path())).contains("is not a data directory"));
    }
}
