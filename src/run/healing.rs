//! Archives that are looked through for what the tape lacks, now and then, for as long as something is missing. What is
//! found goes to the parser: who writes the tape also knows its holes.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use parser::{FoundLine, find_missing};
use schemas::OpenGap;
use tracing::{info, warn};

use super::{PATIENCE, Shared};
use crate::failure::Failure;

/// What is missing, as the parser knows it, and what was found.
#[derive(Clone)]
pub struct Healing {
    missing: Arc<Mutex<Vec<OpenGap>>>,
    found: Arc<Mutex<Receiver<FoundLine>>>,
    finder: SyncSender<FoundLine>,
}

/// An archive has an hour some hours later; what another node writes is there at once.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
const MOST_LINES: usize = 64;

impl Healing {
    pub fn new() -> Self {
        let (finder, found) = sync_channel(MOST_LINES);
        Self { missing: Arc::default(), found: Arc::new(Mutex::new(found)), finder }
    }

    pub fn tell(&self, missing: &[OpenGap]) {
        let mut known = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != missing {
            known.clear();
            known.extend_from_slice(missing);
        }
    }

    /// The next line that was found, if there is one.
    pub fn take(&self) -> Option<FoundLine> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).try_recv().ok()
    }
}

pub fn run(shared: &Shared, archives: &[PathBuf], healing: &Healing) -> Result<(), Failure> {
    while !shared.stop.asked() {
        let missing = healing.missing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !missing.is_empty() {
            archives.iter().for_each(|archive| look_through(shared, archive, &missing, healing));
        }
        shared.stop.rest(LOOK_AGAIN);
    }
    Ok(())
}

fn look_through(shared: &Shared, archive: &Path, missing: &[OpenGap], healing: &Healing) {
    let mut found = 0;
    let mut hand_over = |line: FoundLine| {
        found += 1;
        let mut line = Some(line);
        while let Some(waiting) = line.take() {
            if shared.stop.asked() {
                return false;
            }
            if let Err(TrySendError::Full(again)) = healing.finder.try_send(waiting) {
                line = Some(again);
                shared.stop.rest(PATIENCE);
            }
        }
        true
    };
    match find_missing(archive, missing, &mut hand_over) {
        Ok(()) if found > 0 => info!("{} has {found} of the blocks that were missing", archive.display()),
        Ok(()) => {}
        Err(error) => warn!("{}", Failure::because(error.to_string(), error).chain()),
    }
}
