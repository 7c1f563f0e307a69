//! Where a node's lines come from: the files that it writes, or the stream of somebody who runs one.

use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::tail::Tail;
use crate::fill_stream::FillStream;
use crate::source_error::SourceError;

#[derive(Debug)]
pub enum Origin {
    /// A data folder, and its files as soon as there are any.
    Files {
        folder: PathBuf,
        tail: Option<Box<Tail>>,
    },
    Stream(Box<FillStream>),
}

impl Origin {
    pub fn layout(&self) -> Option<Layout> {
        match self {
            Self::Files { tail, .. } => tail.as_ref().map(|tail| tail.layout()),
            Self::Stream(stream) => Some(stream.layout()),
        }
    }

    pub fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// The next line without its line feed, when it was looked for already.
    pub fn line(&self) -> Option<&[u8]> {
        match self {
            Self::Files { tail, .. } => tail.as_ref()?.line(),
            Self::Stream(stream) => stream.line(),
        }
    }

    /// Where the next line stands.
    pub fn position(&self) -> String {
        match self {
            Self::Files { tail, .. } => tail.as_ref().map(|tail| tail.position()).unwrap_or_default(),
            Self::Stream(stream) => stream.position(),
        }
    }

    /// Goes behind the line; how many bytes that was.
    pub fn pass_line(&mut self) -> u64 {
        match self {
            Self::Files { tail, .. } => tail.as_mut().map_or(0, |tail| tail.pass_line()),
            Self::Stream(stream) => stream.pass_line(),
        }
    }

    /// Of a stream nobody knows.
    pub fn bytes_behind(&self) -> Result<u64, SourceError> {
        match self {
            Self::Files { tail: Some(tail), .. } => tail.bytes_behind(),
            Self::Files { .. } | Self::Stream(_) => Ok(0),
        }
    }
}

/// The layout that says most of those that are there.
pub fn hourly(folder: &Path) -> Option<(Layout, PathBuf)> {
    let hourly = |layout: Layout| (layout, folder.join(layout.folder()).join("hourly"));
    Layout::OF_FILLS.map(hourly).into_iter().find(|(_, path)| path.is_dir())
}
