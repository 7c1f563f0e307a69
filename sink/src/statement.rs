//! What both databases say of a table in the same words.

use schemas::table::{Column, Table};

pub(crate) fn column_names(table: &Table) -> String {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    names.join(", ")
}

/// A row that is there becomes the new one, but for what stays; with it go columns that follow from the others.
pub(crate) fn on_conflict(table: &Table, following: &[String]) -> String {
    let rest = table.columns.iter().filter(|column| !table.key.contains(&column.name));
    let following = following.iter().map(|name| format!("{name} = excluded.{name}"));
    let set: Vec<String> = rest.map(|column| assignment(table, column)).chain(following).collect();
    format!(" ON CONFLICT ({}) DO UPDATE SET {}", table.key.join(", "), set.join(", "))
}

fn assignment(table: &Table, column: &Column) -> String {
    let (table, name) = (table.name, column.name);
    match column.stays {
        true => format!("{name} = coalesce({table}.{name}, excluded.{name})"),
        false => format!("{name} = excluded.{name}"),
    }
}
