//! The example files of the topics, by name: the tests of every crate walk through them.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::missing_panics_doc)]

extern crate std;

use alloc::string::String;
use alloc::vec::Vec;
use std::path::{Path, PathBuf};

use crate::Topic;

/// Where a topic's schema and examples are.
pub fn folder(topic: &Topic) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("topics").join(topic.name)
}

/// The topic's examples, by case name.
pub fn of(topic: &Topic) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder(topic).join("examples")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().into();
    files.iter().map(|path| (name(path), std::fs::read(path).unwrap().trim_ascii_end().to_vec())).collect()
}
