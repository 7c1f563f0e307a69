//! The names of everything that is counted → `docs/metrics.md`.

use std::fmt::Write as _;

use super::names::{METRICS, Metric};

/// `docs/metrics.md`.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for Metric { name, kind, labels, told_by, about } in METRICS {
        let _ = writeln!(page, "| `{name}` | {} | {labels} | {told_by} | {about} |", kind.name());
    }
    page
}

const HEAD: &str = "\
# Metrics

Printed by `fathom schemas --metrics`. Every role serves them at `/metrics` where `--metrics ADDR` says (port 0: any free
one; `fathom status` tells it of the process that owns a data directory, the log of every other), `fathom up` and
`fathom api` also beside their REST. Beside them, `/health/live` answers as long as the process lives. `fathom up` tells
what all roles tell.

| name | kind | labels | told by | what it is |
|---|---|---|---|---|
";
