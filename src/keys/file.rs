//! The file of keys: one JSON object a line. Read again when it has changed, so that a key is good, or no longer, a second
//! after it was made or revoked.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::{Key, Keys};
use tracing::{info, warn};

use crate::failure::Failure;

/// Its owner's alone.
const MODE: u32 = 0o600;
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Keys as they stand in the file now.
pub struct KeysFile {
    path: PathBuf,
    known: Mutex<Known>,
}

struct Known {
    keys: Arc<Keys>,
    stamp: Stamp,
    looked: Instant,
}

/// By which a file is known to be another one: which it is, how long, and when it was written.
type Stamp = (u64, u64, i64, i64);

impl KeysFile {
    /// A server that was told to ask for keys does not begin without any.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let stamp = stamp(path).unwrap_or_default();
        let keys = Arc::new(Keys::new(read(path)?));
        Ok(Self { path: path.to_owned(), known: Mutex::new(Known { keys, stamp, looked: Instant::now() }) })
    }

    pub fn now(&self) -> Arc<Keys> {
        // Nothing can fail half-way while it is held.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.looked.elapsed() >= LOOK_AGAIN {
            known.looked = Instant::now();
            self.look(&mut known);
        }
        Arc::clone(&known.keys)
    }

    /// A file that cannot be read leaves everything as it was.
    fn look(&self, known: &mut Known) {
        let stamp = stamp(&self.path).unwrap_or_default();
        if stamp == known.stamp {
            return;
        }
        known.stamp = stamp;
        match read(&self.path) {
            Ok(keys) => {
                info!("there are {} keys now", keys.len());
                known.keys = Arc::new(Keys::new(keys));
            }
            Err(failure) => warn!("the keys stay as they were: {}", failure.chain()),
        }
    }
}

fn stamp(path: &Path) -> std::io::Result<Stamp> {
    let found = fs::metadata(path)?;
    Ok((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}

/// None yet, when there is no file.
pub(super) fn read_or_none(path: &Path) -> Result<Vec<Key>, Failure> {
    if path.exists() { read(path) } else { Ok(Vec::new()) }
}

pub(super) fn read(path: &Path) -> Result<Vec<Key>, Failure> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|cause| match cause.kind() {
        ErrorKind::NotFound => Failure::Usage(format!("there is no {shown}: `fathom keys add` makes it, with a key")),
        _ => Failure::because(format!("could not read {shown}"), cause),
    })?;
    let keys = text.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str);
    keys.collect::<Result<_, _>>().map_err(|cause| Failure::because(format!("{shown} is not a file of keys"), cause))
}

/// As a whole or not at all: whoever reads it meanwhile has the one before.
pub(super) fn write(path: &Path, keys: &[Key]) -> Result<(), Failure> {
    let failed = |cause| Failure::because(format!("could not write {}", path.display()), cause);
    let beside = path.with_extension("new");
    let mut file = make(&beside).map_err(failed)?;
    for key in keys {
        let line = serde_json::to_string(key).map_err(|cause| failed(cause.into()))?;
        writeln!(file, "{line}").map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)
}

/// One that was left over may have been readable by others.
fn make(path: &Path) -> std::io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use api::{Scope, fingerprint};

    use super::*;

    fn key(token: &str) -> Key {
        let scopes = vec![Scope::Read];
        Key { id: token.to_owned(), name: "a test's".to_owned(), scopes, made: 7, sha256: fingerprint(token) }
    }

    #[test]
    fn what_is_written_is_good_soon_and_for_nobody_else_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        assert!(matches!(KeysFile::open(&path), Err(Failure::Usage(_))));
        write(&path, &[key("one")]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, MODE);
        assert!(!fs::read_to_string(&path).unwrap().contains("\"sha256\":\"one\""));
        let file = KeysFile::open(&path).unwrap();
        assert!(file.now().of("one").is_some() && file.now().of("two").is_none());
        write(&path, &[key("two")]).unwrap();
        let began = Instant::now();
        while file.now().of("one").is_some() {
            assert!(began.elapsed() < 10 * LOOK_AGAIN);
            std::thread::park_timeout(Duration::from_millis(10));
        }
        assert!(file.now().of("two").is_some());
        fs::write(&path, "no keys").unwrap();
        file.look(&mut file.known.lock().unwrap());
        assert!(file.now().of("two").is_some(), "what cannot be read changes nothing");
    }
}
