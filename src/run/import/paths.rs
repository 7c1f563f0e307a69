//! What was named on the command line → files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Every file that is named, in a folder that is named, or matches a pattern.
pub fn files(paths: &[String]) -> Result<BTreeSet<PathBuf>, Failure> {
    let mut files = BTreeSet::new();
    for path in paths {
        let before = files.len();
        let matches = if Path::new(path).exists() { vec![PathBuf::from(path)] } else { matching(path)? };
        for found in &matches {
            collect(found, &mut files)?;
        }
        if matches.is_empty() || files.len() == before && matches.iter().all(|path| path.is_dir()) {
            return Err(Failure::Usage(format!(
                "there is no file at {path}: name node files, folders of them, or a pattern"
            )));
        }
    }
    Ok(files)
}

fn matching(pattern: &str) -> Result<Vec<PathBuf>, Failure> {
    let not_a_pattern = |cause: glob::PatternError| Failure::Usage(format!("{pattern:?} is not a pattern: {cause}"));
    let found = glob::glob(pattern).map_err(not_a_pattern)?.collect::<Result<Vec<_>, _>>();
    found.map_err(|cause| Failure::because(format!("could not look for {pattern}"), cause))
}

fn collect(path: &Path, files: &mut BTreeSet<PathBuf>) -> Result<(), Failure> {
    let unreadable = |cause| Failure::because(format!("could not read {}", path.display()), cause);
    if !path.is_dir() {
        // The same file by another name is the same file.
        files.insert(fs::canonicalize(path).map_err(unreadable)?);
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(unreadable)? {
        collect(&entry.map_err(unreadable)?.path(), files)?;
    }
    Ok(())
}
