//! What can go wrong around the market: each message says what failed, why, and what to do about it. The cause is in
//! `source()` and not repeated.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

#[derive(Debug)]
pub enum SimulatorError {
    /// An option lies outside what the market can do.
    Option { name: &'static str, asked: u64, least: u64, most: u64 },
    /// The folder belongs to a market with another seed, rate or number of wallets.
    OtherMarket { folder: PathBuf, name: &'static str, kept: u64, asked: u64 },
    /// Another process makes blocks in this folder.
    InUse { folder: PathBuf },
    /// The operating system refused.
    File { action: &'static str, path: PathBuf, source: io::Error },
    /// The snapshot is not one, or was damaged.
    Snapshot { path: PathBuf, source: serde_json::Error },
    /// The snapshot was written by another release.
    SnapshotFormat { path: PathBuf, found: u32, known: u32 },
    /// There are blocks, but nothing that says how the accounts stand.
    SnapshotMissing { folder: PathBuf },
    /// Blocks that the snapshot has seen are gone.
    BlocksMissing { path: PathBuf, bytes: u64, snapshot: u64 },
    /// Rows of the truth are not what was written.
    TruthDamaged { path: PathBuf, source: serde_json::Error },
    /// Rows that the snapshot has seen are gone.
    TruthMissing { path: PathBuf, bytes: u64, snapshot: u64 },
    /// Made again, the last block is not what stands in the file.
    Diverged { path: PathBuf, block: u64 },
}

impl SimulatorError {
    pub(crate) fn file(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { action, path, source }
    }
}

impl fmt::Display for SimulatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option { name, asked, least, most } => {
                write!(f, "{name} is {asked}, which the market cannot do: choose a value from {least} to {most}")
            }
            Self::OtherMarket { folder, name, kept, asked } => write!(
                f,
                "{} holds a market with {name} {kept}, not {asked}: go on with {name} {kept}, or choose another folder",
                folder.display()
            ),
            Self::InUse { folder } => write!(
                f,
                "{} is in use by another simulator: stop that one, or choose another folder",
                folder.display()
            ),
            Self::File { action, path, .. } => {
                write!(f, "could not {action} {}: check its permissions and the free space", path.display())
            }
            Self::Snapshot { path, .. } => write!(
                f,
                "{} is not a snapshot of a market, so the accounts are unknown: start in an empty folder",
                path.display()
            ),
            Self::SnapshotFormat { path, found, known } => write!(
                f,
                "{} has format {found}, this release reads format {known}: use the release that wrote it, or start in an empty folder",
                path.display()
            ),
            Self::SnapshotMissing { folder } => write!(
                f,
                "{} holds blocks but no snapshot, so the accounts are unknown: start in an empty folder",
                folder.display()
            ),
            Self::BlocksMissing { path, bytes, snapshot } => write!(
                f,
                "{} has {bytes} bytes, but the snapshot has seen {snapshot}: put the missing blocks back, or start in an empty folder",
                path.display()
            ),
            Self::TruthDamaged { path, .. } => {
                write!(f, "{} holds a row that this market did not write: start in an empty folder", path.display())
            }
            Self::TruthMissing { path, bytes, snapshot } => write!(
                f,
                "{} has {bytes} bytes, but the snapshot has seen {snapshot}: put the missing rows back, or start in an empty folder",
                path.display()
            ),
            Self::Diverged { path, block } => write!(
                f,
                "block {block} in {} is not the one this market makes: another release wrote it or it was changed; start in an empty folder",
                path.display()
            ),
        }
    }
}

impl Error for SimulatorError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            Self::Snapshot { source, .. } | Self::TruthDamaged { source, .. } => Some(source),
            _ => None,
        }
    }
}
