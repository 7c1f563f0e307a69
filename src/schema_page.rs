//! `fathom schemas --tables`: every table with its columns, its indexes and what each is for, as `docs/schema.md` has them.

use std::fmt::Write as _;

use schemas::Interval;
use schemas::table::{Column, Index, Kept, Kind, Table};
use schemas::tables::{TABLES, VERSION};

/// A test holds the file to it.
pub fn page() -> String {
    let mut page = format!("{HEAD}\nThe version of the tables is {VERSION}.\n");
    for table in TABLES {
        let _ = write!(page, "\n## `{}`\n\n{}\n", table.name, of(table));
    }
    page
}

const HEAD: &str = "# Tables

What `fathom sink` writes and `fathom api` reads, in SQLite and in Postgres alike; printed by `fathom schemas --tables`.
Decimals are exact: in SQLite they are text, and beside one that rows are sorted by stands a text `…_key` that sorts where
the decimal does. A decimal that is null is too large to be told, or was not told; sorted, it comes behind all others.
Times are milliseconds UTC. `generation` is the first column of every key and index: each generation has rows of its own,
and who asks is told those of one.
`sink_positions` says up to which offset of which topic, and which clock, all rows stand.
";

fn of(table: &Table) -> String {
    let topics: Vec<String> = table.topics().map(|topic| code(topic.name)).collect();
    let mut text = format!("{}. Made of {}; kept {}.\n\n", upper(table.about), topics.join(" and "), kept(table.kept));
    text.push_str("| column | SQLite | Postgres | |\n|---|---|---|---|\n");
    for column in table.columns {
        let [sqlite, postgres] = types(column.kind);
        let _ = writeln!(text, "| `{}` | {sqlite} | {postgres} | {} |", column.name, notes(table, column));
    }
    text.push_str("\n| index | columns | what for |\n|---|---|---|\n");
    let _ = writeln!(text, "| the key | {} | what makes a row the same row |", table.key.join(", "));
    for index in table.indexes {
        let _ = writeln!(text, "| `{}` | {} | {} |", index.name, columns(index), index.about);
    }
    text.truncate(text.trim_end().len());
    text
}

fn kept(kept: Kept) -> String {
    match kept {
        Kept::Always => "for good".to_owned(),
        Kept::ByInterval => {
            let of = |interval| Kept::days_of(interval).unwrap_or_default();
            let (fine, middle) = (of(Interval::OneMinute), of(Interval::ThirtyMinutes));
            format!("1m for {fine} days beside the newest, up to 30m for {middle}, longer ones for good")
        }
        Kept::Days { days, time } => format!(
            "for {days} days beside the newest (`--keep` says otherwise), by `{time}` and whole days; in Postgres each day is a partition"
        ),
    }
}

fn types(kind: Kind) -> [&'static str; 2] {
    match kind {
        Kind::Text => ["TEXT", "TEXT"],
        Kind::Decimal => ["TEXT", "NUMERIC"],
        Kind::Integer => ["INTEGER", "BIGINT"],
        Kind::Boolean => ["INTEGER", "BOOLEAN"],
        Kind::Json => ["TEXT", "JSON"],
    }
}

fn notes(table: &Table, column: &Column) -> &'static str {
    match column {
        column if table.key.contains(&column.name) => "key",
        Column { sorted: true, .. } => "sorted",
        Column { stays: true, .. } => "what was known first",
        _ => "",
    }
}

fn columns(index: &Index) -> String {
    let only = index.only.map_or(String::new(), |only| format!(" where {only}"));
    let only = index.at_least.map_or(only, |(column, least)| format!(" where {column} >= {least}"));
    format!("{}{only}", index.columns.join(", "))
}

fn upper(about: &str) -> String {
    let mut letters = about.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn code(name: &str) -> String {
    format!("`{name}`")
}
