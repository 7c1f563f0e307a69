//! Two parsers, each on a node of its own, on one Kafka: one writes, the other takes over when it is gone or asleep, and
//! each fill comes out once.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::facts::{fills_of, fills_written};
use crate::place::Place;
use crate::process::{Process, path, wait_until};
use crate::roles::live_market;
use crate::services::Services;

#[test]
#[ignore = "needs Kafka and Postgres: .ci/run"]
fn a_parser_on_another_node_takes_over_within_ten_seconds_and_nothing_comes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let market = folder.path().join("market");
    let mut simulator = live_market(&market, 300, 1, &["--second-node"]);
    let nodes = [market.clone(), market.join("second-node")];
    wait_until("both nodes write", || nodes.iter().all(|node| node.join("node_fills_by_block").is_dir()));
    let services = Services::planned();
    services.start_broker();
    let place = services.place();

    let mut first = start(&place, &nodes[0]);
    first.wait_for("commit ends");
    let mut parsers = [first, start(&place, &nodes[1])];
    parsers[1].wait_for(SHARED);
    for is_killed in [true, false, true, false] {
        // Whoever comes may be given the partition: what was said before says nothing of who has it now.
        let shared_at = chrono::Utc::now().timestamp_millis();
        wait_until("one of them writes", || writer(&place, shared_at).is_some());
        let at = nodes.iter().position(|node| writer(&place, shared_at).as_deref() == Some(path(node))).unwrap();
        let (gone, gone_at) = (Instant::now(), chrono::Utc::now().timestamp_millis());
        parsers[at].signal(if is_killed { "KILL" } else { "STOP" });
        wait_until("the other one writes", || writer(&place, gone_at).as_deref() == Some(path(&nodes[1 - at])));
        println!(
            "taken over {:?} after the other one {}",
            gone.elapsed(),
            if is_killed { "was killed" } else { "slept" }
        );
        assert!(gone.elapsed() < Duration::from_secs(10), "{:?}", gone.elapsed());
        if is_killed {
            parsers[at] = start(&place, &nodes[at]);
            parsers[at].wait_for(SHARED);
        } else {
            parsers[at].signal("CONT");
            parsers[at].wait_for("parser.node-fills.0 was taken over by another process");
        }
    }
    simulator.end();
    let written = fills_written(&nodes[1]);
    wait_until("every fill is there", || fills_of(&place, &["fills"]).len() >= written.len());
    assert!(fills_of(&place, &["fills"]) == written, "each fill once");
    println!("{} fills, each once", written.values().sum::<usize>());
    parsers.iter_mut().for_each(Process::end);
}

/// What a member of the group says when it knows its share, also when that is nothing.
const SHARED: &str = "parser.node-fills works on ";

/// Whose node the tape is made of, by what its run has said since.
fn writer(place: &Place, since: i64) -> Option<String> {
    let runs = place.values("source-runs").into_iter();
    let runs = runs.filter(|run| run["source"] == "node-fills" && run["last_time"].is_i64());
    let latest = runs.max_by_key(|run| run["time"].as_i64()).filter(|run| run["time"].as_i64() > Some(since))?;
    Some(latest["stream"].as_str().unwrap().to_owned())
}

fn start(place: &Place, node: &Path) -> Process {
    let away = ["--info", "http://127.0.0.1:9/info", "--feed", "ws://127.0.0.1:9/ws"];
    let mut command = place.fathom(&["parser", "--simulated", "--node", path(node)]);
    command.args(away).env("RUST_LOG", "fathom=trace,warn");
    Process::start(command)
}
