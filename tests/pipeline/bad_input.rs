//! What a user can do wrong gets one clear line and a status that is not zero; bytes that are no data are kept.

use std::fs;

use serde_json::Value;

use crate::place::Place;
use crate::process::{Process, fathom, path, run, wait_until};

/// Runs what must fail: its status and its one line.
fn refused(args: &[&str]) -> (i32, String) {
    let (status, _, error) = run(args);
    assert_ne!(status, 0, "{args:?}");
    (status, error)
}

#[test]
fn an_unknown_flag_is_named() {
    let (status, error) = refused(&["up", "--dmeo"]);
    assert_eq!(status, 2);
    assert!(error.contains("--dmeo") && error.contains("--demo"), "{error}");
}

#[test]
fn a_role_alone_needs_kafka() {
    for role in ["parser", "computer", "sink", "api"] {
        let (status, error) = refused(&[role]);
        assert_eq!(status, 2);
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains("KAFKA_BROKERS") && error.contains("fathom up"), "{error}");
    }
}

#[test]
fn a_role_without_a_database_is_told() {
    for role in ["sink", "api"] {
        let output = fathom(&[role, "--brokers", "127.0.0.1:1"]).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("DATABASE_URL") && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn settings_that_are_fathom_s_own_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kafka.properties");
    for (line, why) in [("isolation.level=read_uncommitted", "fathom's own"), ("security.protocol", "name=value")] {
        fs::write(&file, line).unwrap();
        let (status, error) = refused(&["computer", "--brokers", "127.0.0.1:1", "--kafka-config", path(&file)]);
        assert_eq!(status, 2, "{error}");
        assert!(error.contains("kafka.properties") && error.contains(why), "{error}");
    }
}

#[test]
fn brokers_that_are_not_there_are_waited_for_until_the_end_is_asked_for() {
    let mut computer = Process::start(fathom(&["computer", "--brokers", "127.0.0.1:1"]));
    let line = computer.wait_for("does not answer");
    assert!(line.contains("127.0.0.1:1") && line.contains("waiting for it"), "{line}");
    computer.interrupt();
    let asked = std::time::Instant::now();
    assert!(computer.wait().success(), "an end that was asked for is no failure");
    assert!(asked.elapsed() < std::time::Duration::from_secs(8), "took {:?} to end", asked.elapsed());
}

#[test]
fn a_port_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, error) = refused(&["up", "--demo", "--data", path(folder.path()), "--http", &address]);
    assert_eq!(status, 1);
    assert!(error.contains(&address) && error.contains("--http"), "{error}");
}

#[test]
fn a_data_directory_in_use_is_named_and_its_owner_answers() {
    let folder = tempfile::tempdir().unwrap();
    let data = path(folder.path());
    let mut owner = Process::start(fathom(&["up", "--demo", "--data", data, "--http", "127.0.0.1:0"]));
    owner.wait_for("Ready after");
    let (status, error) = refused(&["up", "--demo", "--data", data, "--http", "127.0.0.1:0"]);
    assert_eq!(status, 1);
    assert!(error.contains("in use by another fathom process (pid "), "{error}");
    for command in ["status", "topics", "lag"] {
        let (status, out, error) = run(&[command, "--data", data, "--json"]);
        assert_eq!(status, 0, "{error}");
        assert!(serde_json::from_str::<Value>(out.lines().last().unwrap()).unwrap().is_object(), "{out}");
    }
    owner.end();
}

#[test]
fn a_directory_without_data_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (status, error) = refused(&["status", "--data", path(folder.path())]);
    assert_eq!(status, 1);
    assert!(error.contains("is not a data directory") && error.contains("--data"), "{error}");
}

#[test]
fn a_node_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (status, error) = refused(&["up", "--data", path(folder.path()), "--node", "/nowhere"]);
    assert_eq!(status, 2);
    assert!(error.contains("/nowhere") && error.contains("--write-fills") && error.contains("--demo"), "{error}");
}

#[test]
fn garbage_lines_are_kept_exactly_and_stop_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (market, data) = (folder.path().join("market"), folder.path().join("data"));
    let simulate = [
        "simulate",
        "--out",
        path(&market),
        "--speed",
        "0",
        "--rate",
        "100",
        "--start",
        "1782634000000",
        "--blocks",
        "2000",
    ];
    assert_eq!(run(&simulate).0, 0);
    let hour = market.join("node_fills_by_block/hourly/20260628/8");
    let lines = fs::read(&hour).unwrap();
    let half = lines.len() / 2 + lines[lines.len() / 2..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let garbage: [&[u8]; 3] = [b"not a block\n", b"\xff\x00\xfe\n", b"{\"block_number\":\n"];
    fs::write(&hour, [&lines[..half], &garbage.concat(), &lines[half..]].concat()).unwrap();

    let mut pipeline = Process::start(fathom(&[
        "up",
        "--simulated",
        "--node",
        path(&market),
        "--data",
        path(&data),
        "--http",
        "127.0.0.1:0",
        "--info",
        "http://127.0.0.1:9/info",
        "--feed",
        "ws://127.0.0.1:9/ws",
    ]));
    pipeline.wait_for("Ready after");
    crate::process::wait_until_caught_up(&data, 2000);
    let (_, out, _) = run(&["topics", "dead-letters", "--data", path(&data)]);
    let letters: Vec<Value> =
        out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["value"].clone()).collect();
    assert_eq!(letters.len(), 3, "{letters:?}");
    assert_eq!(letters[0]["text"], "not a block");
    assert_eq!(letters[1]["base64"], "/wD+");
    assert_eq!(letters[2]["text"], "{\"block_number\":");
    wait_until("the letters are counted", || {
        crate::process::ask(&["status", "--data", path(&data), "--json"])["dead_letters"] == 3
    });
    pipeline.end();
    let compared = crate::compare::with_truth(&Place::Data(data), &market);
    assert!(compared.positions > 500, "{compared:?}");
}
