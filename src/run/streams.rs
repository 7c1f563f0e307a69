//! Files that describe streams of fills, as they were named on the command line → the streams.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use parser::StreamConfig;

use super::sources::folders::at_home;
use crate::failure::Failure;

/// A file that is not there, or does not say what it should, is a mistake.
pub fn read<P: AsRef<Path>>(files: &[P]) -> Result<Vec<StreamConfig>, Failure> {
    let streams = files.iter().map(|file| stream(&at_home(file.as_ref()))).collect::<Result<Vec<_>, _>>()?;
    let mut names = BTreeSet::new();
    match streams.iter().find(|stream| !names.insert(&stream.name)) {
        Some(twice) => Err(Failure::Usage(format!("two streams have the name {:?}: give each its own", twice.name))),
        None => Ok(streams),
    }
}

fn stream(file: &Path) -> Result<StreamConfig, Failure> {
    let wrong = |what: String| Failure::Usage(format!("the stream of {}: {what}", file.display()));
    let text = fs::read_to_string(file).map_err(|cause| wrong(format!("it cannot be read: {cause}")))?;
    StreamConfig::parse(&text, |name| std::env::var(name).ok()).map_err(|error| wrong(error.to_string()))
}
