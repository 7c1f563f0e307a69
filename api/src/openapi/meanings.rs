//! `meanings.md` → what each field and each parameter means, and when a field is null.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Of a field, or of a parameter, which is called with `?` before its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meaning {
    about: &'static str,
    /// When it is null; nothing, where it never is.
    pub(crate) null: Option<&'static str>,
}

impl Meaning {
    /// The one of this row alone, or the one that a name has everywhere. A test sees to it that there is one.
    pub(crate) fn of(row: &str, field: &str) -> Self {
        MEANINGS.get(line(row, field).as_str()).copied().unwrap_or(Self { about: "", null: None })
    }

    pub(crate) fn told(self) -> String {
        let null = self.null.map(|null| format!(" Null {null}."));
        format!("{}.{}", self.about, null.unwrap_or_default())
    }
}

/// In which line it is to be found: what is shown of a row means the same as in the row.
pub(crate) fn line(row: &str, field: &str) -> String {
    let own = format!("{}.{field}", row.trim_start_matches("shown-"));
    if MEANINGS.contains_key(own.as_str()) { own } else { field.to_owned() }
}

/// By the names that stand in the first column.
pub(crate) static MEANINGS: LazyLock<HashMap<&str, Meaning>> = LazyLock::new(|| {
    let lines = include_str!("../../meanings.md").lines().filter(|line| line.starts_with("| `"));
    lines.filter_map(read).collect()
});

/// `| name | meaning | null |`
fn read(line: &'static str) -> Option<(&'static str, Meaning)> {
    let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
    let (name, about) = (cells.next()?.trim_matches('`'), cells.next()?);
    let null = cells.next().filter(|null| !null.is_empty());
    Some((name, Meaning { about, null }))
}
