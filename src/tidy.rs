//! The rules of the layout, as tests: who may know whom, and that what is written about the project is what it is.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use schemas::TOPICS;

use crate::stats::names::{Kind, METRICS};
use crate::{contract, schema_page, stats};

/// What a crate may name beside what it is made for. A dependency that is not here is a decision to be taken here.
const MAY_IMPORT: [(&str, &[&str]); 6] = [
    ("schemas", &["ecow", "rust_decimal", "serde", "serde_json"]),
    ("computer", &["foldhash", "hashbrown", "schemas", "serde", "serde_json"]),
    (
        "parser",
        &[
            "base64",
            "chrono",
            "futures-util",
            "lz4_flex",
            "memchr",
            "reqwest",
            "rustls",
            "schemas",
            "serde",
            "serde_json",
            "tokio",
            "tokio-tungstenite",
            "tracing",
        ],
    ),
    ("sink", &["schemas", "serde", "serde_json", "sqlx", "tracing"]),
    (
        "api",
        &[
            "axum",
            "base64",
            "futures-util",
            "metrics",
            "schemas",
            "serde",
            "serde_json",
            "sha2",
            "sqlx",
            "tokio",
            "tower-http",
            "tracing",
        ],
    ),
    ("simulator", &["axum", "chrono", "rand_xoshiro", "schemas", "serde", "serde_json", "tokio", "tracing"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names under a heading of a manifest.
fn names_under(manifest: &str, heading: &str) -> BTreeSet<String> {
    let lines =
        manifest.lines().skip_while(|line| line.trim() != heading).skip(1).take_while(|line| !line.starts_with('['));
    lines
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "rs" => files.push(path),
                _ => {}
            }
        }
    }
    files
}

const CODE: [&str; 8] =
    ["src", "tests", "schemas/src", "parser/src", "computer/src", "sink/src", "api/src", "simulator/src"];

fn all_sources() -> Vec<PathBuf> {
    CODE.into_iter().flat_map(sources).collect()
}

#[test]
fn nobody_imports_what_is_not_theirs() {
    for (name, allowed) in MAY_IMPORT {
        let found = names_under(&read(format!("{name}/Cargo.toml")), "[dependencies]");
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(found, allowed, "{name}/Cargo.toml");
    }
    let storage = ["fjall", "rdkafka"];
    for (name, _) in MAY_IMPORT {
        let manifest = read(format!("{name}/Cargo.toml"));
        assert!(
            storage.iter().all(|storage| !manifest.contains(storage)),
            "only the root may name the log's storage, not {name}"
        );
    }
}

#[test]
fn the_core_cannot_reach_the_world() {
    for name in ["computer", "schemas"] {
        assert!(read(format!("{name}/src/lib.rs")).contains("#![no_std]"), "{name} is without the standard library");
        for path in sources(&format!("{name}/src")) {
            let only_for_tests = ["tests.rs", "examples.rs"].iter().any(|file| path.ends_with(file));
            let text = fs::read_to_string(&path).unwrap();
            assert!(
                only_for_tests || !text.contains("extern crate std"),
                "{} brings the standard library back",
                path.display()
            );
        }
    }
}

#[test]
fn every_topic_has_a_schema_and_examples_and_no_folder_is_left_over() {
    let folders: BTreeSet<String> = fs::read_dir(root().join("schemas/topics"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, TOPICS.iter().map(|topic| topic.name.to_owned()).collect());
    for topic in TOPICS {
        let folder = root().join("schemas/topics").join(topic.name);
        assert!(folder.join("schema.json").is_file(), "{} has no schema", topic.name);
        assert!(fs::read_dir(folder.join("examples")).unwrap().next().is_some(), "{} has no example", topic.name);
    }
}

#[test]
fn every_processor_has_a_golden_and_no_golden_is_left_over() {
    let goldens: BTreeSet<String> = fs::read_dir(root().join("computer/golden"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(goldens, computer::processors().iter().map(|processor| format!("{}.json", processor.name)).collect());
}

#[test]
fn the_tables_of_the_readme_are_what_the_registries_print() {
    let readme = read("README.md");
    for (title, table) in contract::tables() {
        assert!(readme.contains(&table), "README.md is to hold this table of {title}:\n{table}");
    }
    let graph = format!("```mermaid\n{}```\n", contract::graph());
    assert!(readme.contains(&graph), "README.md is to hold this graph:\n{graph}");
}

#[test]
fn every_name_that_is_counted_is_in_the_page_and_no_name_is_left_over() {
    let registry = root().join("src/stats/names.rs");
    let named: BTreeSet<String> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    assert_eq!(named.len(), METRICS.len(), "a name is there twice");
    let mut counted = BTreeSet::new();
    for path in sources("src").into_iter().chain(sources("api/src")).filter(|path| *path != registry) {
        let text = fs::read_to_string(&path).unwrap();
        let macros = text.split("!(\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(name, _)| name);
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let is_metric = |name: &&str| is_name(name) && (name.starts_with("fathom_") || name.starts_with("process_"));
        counted.extend(macros.filter(is_metric).map(str::to_owned));
    }
    assert_eq!(counted, named);
    assert_eq!(
        read("docs/metrics.md"),
        stats::page(),
        "docs/metrics.md is to be what `fathom schemas --metrics` prints"
    );
}

#[test]
fn dashboard_and_alerts_name_only_what_is_counted() {
    let (alerts, dashboard) = (read("monitoring/alerts.yml"), read("monitoring/grafana/fathom.json"));
    for text in [&alerts, &dashboard] {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let names: BTreeSet<&str> = words.filter(|word| word.starts_with("fathom_")).collect();
        assert!(names.len() > 5, "{names:?}");
        for name in names {
            let metric = METRICS.iter().find(|metric| metric.name == name.trim_end_matches("_bucket"));
            let is_histogram = metric.is_some_and(|metric| metric.kind == Kind::Histogram);
            assert!(metric.is_some() && is_histogram == name.ends_with("_bucket"), "{name} is not counted");
        }
    }
    let of = |what| alerts.matches(what).count();
    assert!(of("- alert: ") > 5 && of("- alert: ") == of("runbook: "), "each alert says what to do");
}

#[test]
fn the_page_of_the_tables_is_what_the_registry_prints() {
    assert!(read("docs/schema.md") == schema_page::page(), "write it again: fathom schemas --tables > docs/schema.md");
}

#[test]
fn every_file_says_what_flows_in_and_out() {
    for path in all_sources() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not begin with `//!`", path.display());
    }
}

#[test]
fn no_drawers_and_no_endless_queues() {
    let endless = ["unbounded", "_channel"].concat();
    for path in all_sources() {
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(!["utils", "util", "helpers", "common", "misc"].contains(&name), "{} says nothing", path.display());
        assert!(
            !fs::read_to_string(&path).unwrap().contains(&endless),
            "{} holds a queue without a bound",
            path.display()
        );
    }
}

#[test]
fn versions_stand_in_the_workspace_alone() {
    for (name, _) in MAY_IMPORT {
        let manifest = read(format!("{name}/Cargo.toml"));
        let own = manifest.lines().skip_while(|line| *line != "[dependencies]").filter(|line| line.contains("version"));
        assert_eq!(own.count(), 0, "{name}/Cargo.toml names a version of its own");
    }
}
