//! The two sides of a ratio against each other, in a bucket: what the ratios of holders are told with, by how many they
//! are or by what they hold.

use schemas::table::{Kind, Value};
use schemas::{RatioKind, SizeCohort};

use crate::row::{Field, REASON, Told};

pub(crate) const DERIVED: [Field; 3] = [
    // Who they are, and how many.
    Field { name: "definition", kind: Kind::Text },
    // The ratio of a bucket is the one that it ended with.
    Field { name: "long_short_ratio", kind: Kind::Decimal },
    REASON,
];

pub(crate) fn derive(row: &Told, who_they_are: String, is_too_large: bool) -> Vec<Value> {
    let of_coverage = row.is_null("oi_coverage_pct").then_some("open_interest_not_known");
    let reason = why_null(row, is_too_large).or(of_coverage);
    vec![Value::Text(who_they_are), row.value("close").clone(), Value::text_or_null(reason)]
}

pub(crate) fn kind(row: &Told) -> RatioKind {
    row.text("kind").and_then(|kind| kind.parse().ok()).unwrap_or_default()
}

pub(crate) fn cohort(row: &Told) -> Option<SizeCohort> {
    row.text("cohort")?.parse().ok()
}

/// Nobody is there, unless it is too large.
fn why_null(row: &Told, is_too_large: bool) -> Option<&'static str> {
    let somebody_was_always_short = ["open", "high", "low", "close"].iter().all(|column| !row.is_null(column));
    match (row.is_null("long_ratio"), somebody_was_always_short) {
        (true, _) if is_too_large => Some("too_large_to_be_exact"),
        (true, _) => Some("no_accounts"),
        (false, false) => Some("no_short_accounts"),
        (false, true) => None,
    }
}
