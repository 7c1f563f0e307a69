//! `fathom schemas`, `fathom openapi` and `fathom asyncapi`: the registries, as the tables and the graph that stand in the README, and what
//! is served, as OpenAPI.

use std::fmt::Write as _;

use schemas::table::Table;
use schemas::tables::TABLES;
use schemas::{GENERATION, Keeps, TOPICS, Topic};
use serde_json::json;

use crate::args::Schemas;
use crate::failure::Failure;
use crate::{schema_page, stats};

pub fn print(args: &Schemas) -> Result<(), Failure> {
    if args.graph {
        print!("{}", graph());
        return Ok(());
    }
    if args.metrics {
        print!("{}", stats::page());
        return Ok(());
    }
    if args.tables {
        print!("{}", schema_page::page());
        return Ok(());
    }
    for (title, table) in tables() {
        println!("## {title}\n\n{table}");
    }
    if args.json {
        let topics: Vec<_> = TOPICS
            .iter()
            .map(|topic| json!({ "name": GENERATION.name(topic), "partitions": GENERATION.partitions(topic), "key": topic.key, "about": topic.about }))
            .collect();
        println!("{}", json!({ "generation": GENERATION.number, "topics": topics }));
    }
    Ok(())
}

/// As it stands in `api/openapi.json`.
pub fn openapi() -> Result<(), Failure> {
    println!("{:#}", *api::OPENAPI);
    Ok(())
}

/// As it stands in `api/asyncapi.json`.
pub fn asyncapi() -> Result<(), Failure> {
    println!("{:#}", *api::ASYNCAPI);
    Ok(())
}

/// Each registry by its title. A test holds the README to them.
pub fn tables() -> [(&'static str, String); 4] {
    [("Sources", sources()), ("Topics", topics()), ("Processors", processors()), ("Tables", sink_tables())]
}

/// Which processor reads and writes which topics, as Mermaid draws it. A test holds the README to it.
pub fn graph() -> String {
    let mut graph = "flowchart LR\n".to_owned();
    for stage in computer::stages() {
        let _ = writeln!(graph, "  subgraph {0}[\"{0} stage\"]", stage.name);
        for processor in stage.describe() {
            let _ = writeln!(graph, "    {}[\"{}\"]", node("p", processor.name), processor.name);
        }
        graph.push_str("  end\n");
    }
    for processor in computer::processors() {
        let this = node("p", processor.name);
        for Topic { name, .. } in &processor.reads {
            let _ = writeln!(graph, "  {}([\"{name}\"]) --> {this}", node("t", name));
        }
        let mut writes = processor.writes.map(|topic| topic.name).to_vec();
        writes.dedup();
        for name in writes {
            let _ = writeln!(graph, "  {this} --> {}([\"{name}\"])", node("t", name));
        }
    }
    graph
}

/// A topic and a processor may be called the same.
fn node(kind: &str, name: &str) -> String {
    format!("{kind}_{}", name.replace('-', "_"))
}

fn sources() -> String {
    let rows = parser::sources().map(|source| [code(source.name), source.about.to_owned()]);
    table(["source", "what it is"], &rows)
}

fn topics() -> String {
    let rows: Vec<_> = TOPICS
        .iter()
        .map(|topic| {
            [code(topic.name), partitioned_by(topic), topic.key.to_owned(), keeps(topic), topic.about.to_owned()]
        })
        .collect();
    table(["topic", "partitioned by", "key", "kept", "what is in it"], &rows)
}

fn partitioned_by(topic: &Topic) -> String {
    let entities: Vec<&str> = topic.partitioned_by.iter().map(|entity| entity.name()).collect();
    if entities.is_empty() { "one partition".to_owned() } else { entities.join(" and ") }
}

fn keeps(topic: &Topic) -> String {
    match topic.keeps {
        Keeps::Recent { hours, mib } => format!("{} days or {mib} MiB", hours / 24),
        Keeps::RecentPerKey { hours, mib } => {
            format!("{} days or {mib} MiB; of a key only the last counts", hours / 24)
        }
        Keeps::LastPerKey { hours, mib } => format!("last per key; all for {} days or {mib} MiB", hours / 24),
        Keeps::State => "last per key".to_owned(),
    }
}

fn processors() -> String {
    let rows: Vec<_> = computer::processors()
        .iter()
        .map(|processor| {
            let reads: Vec<String> = processor.reads.iter().map(|topic| code(topic.name)).collect();
            let mut writes: Vec<String> = processor.writes.iter().map(|topic| code(topic.name)).collect();
            writes.dedup();
            [code(processor.name), reads.join(", "), writes.join(", ")]
        })
        .collect();
    table(["processor", "reads", "writes"], &rows)
}

fn sink_tables() -> String {
    let rows: Vec<_> = TABLES.iter().map(|table| [code(table.name), made_of(table), table.key.join(", ")]).collect();
    table(["table", "made of", "key"], &rows)
}

fn made_of(table: &Table) -> String {
    table.topics().map(|topic| code(topic.name)).collect::<Vec<_>>().join(", ")
}

fn code(name: &str) -> String {
    format!("`{name}`")
}

fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
    for row in rows {
        // A bar within a cell would end it.
        let cells = row.each_ref().map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}
