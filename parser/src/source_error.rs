//! Why a source gave nothing: to be tried again, or to stop.

use std::fmt;
use std::io;
use std::path::PathBuf;

#[derive(Debug)]
pub enum SourceError {
    /// Retry: the file system may come back.
    Read { path: PathBuf, source: io::Error },
    /// Stop: the cursor was written by another generation.
    Generation { found: u32 },
    /// Stop: the state was written by a version that this one does not understand.
    State { key: String, source: serde_json::Error },
    /// Stop: nothing can be connected to.
    Url { url: String, reason: String },
    /// Stop: what kept the connection has ended by itself, which is a fault of this program.
    Ended,
}

impl SourceError {
    /// Whether the same may work later.
    pub fn retry(&self) -> bool {
        matches!(self, Self::Read { .. })
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, .. } => write!(f, "could not read {}", path.display()),
            Self::Generation { found } => {
                write!(f, "the cursor belongs to generation {found}: run the version that made it, or rebuild")
            }
            Self::State { key, .. } => write!(f, "the state of {key} cannot be understood"),
            Self::Url { url, reason } => write!(f, "{url} is not the address of a WebSocket: {reason}"),
            Self::Ended => f.write_str("what kept the connection has ended by itself"),
        }
    }
}

impl std::error::Error for SourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            Self::State { source, .. } => Some(source),
            Self::Generation { .. } | Self::Url { .. } | Self::Ended => None,
        }
    }
}
