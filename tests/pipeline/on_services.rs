//! The production form, each role a process of its own on Apache Kafka and Postgres, judged by the same truth and by
//! the embedded form: the same facts, results and rows.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::kills::{Dice, in_a_commit};
use crate::place::Place;
use crate::process::{Process, fathom, path, run, wait_until, wait_until_caught_up, wait_while_missing};
use crate::roles::{ALL, Roles, live_market};
use crate::services::Services;
use crate::web::Web;
use crate::{compare, metrics, once_more, past};

#[test]
#[ignore = "needs Kafka and Postgres: .ci/run"]
fn the_production_form_equals_the_truth_and_the_embedded_form() {
    let folder = tempfile::tempdir().unwrap();
    let market = folder.path().join("market");
    let simulate =
        ["simulate", "--speed", "0", "--rate", "500", "--start", "1782633557000", "--blocks", "5000", "--out"];
    assert_eq!(run(&[&simulate[..], &[path(&market)]].concat()).0, 0);

    let services = Services::started();
    let place = services.place();
    let mut roles = Roles::new(&place, &market);
    roles.start_all();
    roles.role("sink").wait_for("commit ends");
    arrives(&place, &market);
    past::are_told_as_stored(&serves(&mut roles));
    tell_of_themselves(&mut roles);
    a_standard_client_reads(&place);
    roles.end_all();
    judge(&place, &market, folder.path());
}

#[test]
#[ignore = "needs Kafka and Postgres: .ci/run"]
fn twenty_kills_on_services_lose_nothing_and_double_nothing() {
    kills(20);
}

/// `FATHOM_KILLS=200 cargo test --test pipeline -- --ignored --nocapture many_kills_on_services`
#[test]
#[ignore = "takes half an hour; FATHOM_KILLS says how many"]
fn many_kills_on_services_lose_nothing_and_double_nothing() {
    kills(std::env::var("FATHOM_KILLS").map_or(200, |kills| kills.parse().unwrap()));
}

fn kills(wanted: u64) {
    let folder = tempfile::tempdir().unwrap();
    let market = folder.path().join("market");
    let mut dice = Dice(std::env::var("FATHOM_SEED").map_or(7, |seed| seed.parse().unwrap()));
    let mut simulator = live_market(&market, 300, 3, &[]);
    let services = Services::started();
    let place = services.place();
    let mut roles = Roles::new(&place, &market);
    roles.start_all();

    let (mut inside, mut killed) = (0, std::collections::BTreeMap::<&str, u64>::new());
    for _ in 0..wanted {
        let target = target(&mut dice);
        *killed.entry(target).or_default() += 1;
        if target == "broker" {
            roles.role("parser").wait_for("commit begins");
            services.kill_broker();
            services.start_broker();
            continue;
        }
        inside += u64::from(kill(roles.role(target), target, &mut dice));
        roles.start(target);
    }
    println!("{wanted} kills ({killed:?}), {inside} of them between the begin and the end of a commit");
    assert!(inside * 2 >= wanted, "only {inside} of {wanted} kills fell into a commit");

    simulator.end();
    arrives(&place, &market);
    roles.end_all();
    once_more::is_what_was_said(&place);
    judge(&place, &market, folder.path());
}

fn target(dice: &mut Dice) -> &'static str {
    match dice.roll(20) {
        0..6 => "parser",
        6..10 => "computer one",
        10..14 => "computer two",
        14..17 => "sink",
        17 => "api",
        _ => "broker",
    }
}

/// Kills a role once it is at work; whether that fell between the begin and the end of a commit.
fn kill(role: &mut Process, name: &str, dice: &mut Dice) -> bool {
    if name == "api" {
        role.wait_for("Fathom serves");
    } else {
        // A role that takes over has to wait for the group to notice.
        (0..=dice.roll(5)).for_each(|_| drop(role.wait_for("commit begins")));
        if dice.roll(8) == 0 {
            std::thread::park_timeout(Duration::from_micros(dice.roll(40_000)));
        }
    }
    role.kill();
    role.wait();
    role.rest();
    in_a_commit(role)
}

#[test]
#[ignore = "needs Kafka and Postgres: .ci/run"]
fn a_computer_that_slept_changes_nothing_and_all_roles_can_be_replaced_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let market = folder.path().join("market");
    let mut simulator = live_market(&market, 500, 2, &[]);
    let services = Services::started();
    let place = services.place();
    let mut roles = Roles::new(&place, &market);
    roles.start_all();

    // Each has a share in the work.
    roles.role("computer one").wait_for(r#"commit begins task="coin"#);
    roles.role("computer two").wait_for(r#"commit begins task="coin"#);
    roles.role("computer one").signal("STOP");
    let slept = Instant::now();
    roles.role("computer two").wait_for("coin works on the partitions {0, 1, 2, 3}");
    println!("taken over {:?} after the other one fell asleep", slept.elapsed());
    (0..20).for_each(|_| drop(roles.role("computer two").wait_for("commit ends")));
    roles.role("computer one").signal("CONT");
    roles.role("computer one").wait_for("was taken over by another process");
    roles.role("computer one").wait_for("commit ends");

    for name in ALL {
        roles.role(name).end();
        roles.start(name);
        roles.role(name).wait_for(if name == "api" { "Fathom serves" } else { "commit ends" });
    }
    simulator.end();
    arrives(&place, &market);
    roles.end_all();
    judge(&place, &market, folder.path());
}

#[test]
#[ignore = "needs Kafka and Postgres: .ci/run"]
fn services_that_are_away_are_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let market = folder.path().join("market");
    let mut simulator = live_market(&market, 500, 2, &[]);
    let services = Services::planned();
    let place = services.place();
    // A database that is there and away; one that was never made is a mistake.
    services.start_database();
    services.kill_database();
    let mut roles = Roles::new(&place, &market);
    roles.start_all();
    for name in ALL {
        roles.role(name).wait_for("does not answer");
    }
    services.start_broker();
    for name in ALL {
        roles.role(name).wait_for("answers again");
    }
    roles.role("sink").wait_for("waiting for it");
    services.start_database();
    roles.role("sink").wait_for("the database answers");
    roles.role("api").wait_for("Fathom serves");

    roles.role("sink").wait_for("commit ends");
    services.kill_database();
    roles.role("sink").wait_for("waiting for it");
    services.start_database();
    roles.role("sink").wait_for("the database answers");

    for name in ["parser", "computer one", "sink"] {
        roles.role(name).wait_for("commit ends");
    }
    services.kill_broker();
    for name in ["parser", "computer one"] {
        roles.role(name).wait_for("does not answer");
    }
    services.start_broker();
    for name in ["parser", "computer one"] {
        roles.role(name).wait_for("answers again");
        roles.role(name).wait_for("commit ends");
    }
    serves(&mut roles);
    simulator.end();
    arrives(&place, &market);
    roles.end_all();
    judge(&place, &market, folder.path());
}

#[test]
#[ignore = "needs Kafka and Postgres: .ci/run"]
fn brokers_that_refuse_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let services = Services::planned();
    services.start_guarded_broker();
    let Place::Services { brokers, .. } = services.place() else { unreachable!() };
    let login = |name: &str, password: &str| {
        let file = folder.path().join(format!("{name}.{password}"));
        let login = format!("sasl.username={name}\nsasl.password={password}\n");
        std::fs::write(&file, format!("security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n{login}")).unwrap();
        file
    };
    let refused = |file: &Path| {
        let (status, _, said) = run(&["computer", "--brokers", &brokers, "--kafka-config", path(file)]);
        assert_eq!(status, 1, "{said}");
        said
    };
    let (stranger, guest) = (refused(&login("fathom", "wrong")), refused(&login("guest", "guest")));
    assert!(stranger.contains("fathom: Kafka refuses") && stranger.contains("Authentication failure"), "{stranger}");
    assert!(
        guest.contains("fathom: Kafka refuses to make topics") && guest.contains("authorization failed"),
        "{guest}"
    );
    let file = login("fathom", "fathom");
    let mut computer = Process::start(fathom(&["computer", "--brokers", &brokers, "--kafka-config", path(&file)]));
    computer.wait_for("coin works on the partitions {0, 1, 2, 3}");
    computer.end();
}

/// Waits until the rows hold what the market's truth says at its end.
fn arrives(place: &Place, market: &Path) {
    let began = Instant::now();
    wait_while_missing("everything is in the rows", || compare::missing(place, market));
    println!("everything is in the rows {:?} after the market ended", began.elapsed());
}

/// The API, in a process of its own, answers from the database.
fn serves(roles: &mut Roles) -> Web {
    let line = roles.role("api").wait_for_or_seen("Fathom serves");
    let http = line.rsplit("http://").next().unwrap().trim_end_matches('/').to_owned();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for resource in ["long-short-ratio/BTC", "positions?coin=BTC", "liquidations?limit=5"] {
        let url = format!("http://{http}/api/v1/{resource}");
        // What was traded while a service was away may still be on its way to the rows.
        wait_until(&format!("{url} tells something"), || {
            let reply: serde_json::Value =
                runtime.block_on(async { reqwest::get(&url).await.unwrap().json().await.unwrap() });
            let tells = reply["data"].as_array().is_some_and(|rows| !rows.is_empty()) || reply["data"].is_object();
            assert!(!tells || reply["meta"]["simulated"] == true, "{url}: {reply}");
            tells && reply["meta"]["watermark"].as_i64().is_some()
        });
    }
    Web::at(&http)
}

/// Each role tells what the page says that it tells, and Prometheus' own tool has nothing to say about it.
fn tell_of_themselves(roles: &mut Roles) {
    for name in ALL {
        let line = roles.role(name).wait_for_or_seen("metrics are at");
        let text = Web::at(line.rsplit("http://").next().unwrap().trim_end_matches("/metrics")).text("/metrics");
        let role = name.split(' ').next().unwrap();
        assert_eq!(metrics::told(&text), metrics::documented(Some(role)), "{name}");
        metrics::no_complaint(&text);
    }
}

/// What anybody's Kafka tool sees is committed JSON, all of it and nothing else.
fn a_standard_client_reads(place: &Place) {
    let Place::Services { brokers, .. } = place else { unreachable!() };
    for (topic, ours) in [("fathom.1.fills", "fills"), ("fathom.1.liquidations", "liquidations")] {
        let read = ["-C", "-b", brokers, "-t", topic, "-o", "beginning", "-e", "-q"];
        let output = Command::new("kcat").args(read).args(["-X", "isolation.level=read_committed"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let known: usize = place.records(ours).values().map(Vec::len).sum();
        println!("kcat reads {} records of {topic}, as JSON: {}", lines.len(), text.lines().last().unwrap());
        assert_eq!(lines.len(), known);
    }
}

/// Equal to the truth, and to what one clean process makes of the same files.
fn judge(place: &Place, market: &Path, folder: &Path) {
    let compared = compare::with_truth(place, market);
    println!("on Kafka and Postgres {compared:?} equal the truth");
    assert!(compared.positions > 500 && compared.orders > 10 && compared.episodes > 5, "{compared:?}");
    let status = place.ask("status");
    let quality = (status["blocks_missed"].as_u64(), status["dead_letters"].as_u64());
    assert_eq!(quality, (Some(0), Some(0)), "{status}");

    let data = folder.join("clean");
    let clean = ["up", "--simulated", "--node", path(market), "--data", path(&data), "--http", "127.0.0.1:0"];
    let nowhere = ["--info", "http://127.0.0.1:9/info", "--feed", "ws://127.0.0.1:9/ws"];
    let mut process = Process::start(fathom(&[&clean[..], &nowhere[..]].concat()));
    process.wait_for("Ready after");
    wait_until_caught_up(&data, status["block"].as_u64().unwrap());
    process.end();
    let embedded = Place::Data(data);
    println!("embedded {:?} equal the truth", compare::with_truth(&embedded, market));
    println!("{} rows and records are the same in both forms", compare::with_another(&embedded, place));
}
