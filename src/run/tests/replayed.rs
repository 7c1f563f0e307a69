//! What is computed once more is what was said: from the beginning and from snapshots, also of facts that came too late for
//! their clocks. What is not the same is told, and nothing changes by it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::computer::{Definition, Joins, Rules};
use schemas::{
    Coin, GENERATION, Interval, Kept, LiquidationMap, LongShortRatio, Outbox, Position, PositionRisk, PositionSide,
    RatioKind, ResultClock, Snapshot, TOPICS, Topic, kind, topics,
};
use serde_json::{Value, json};

use super::facts::facts;
use super::told::results;
use crate::failure::Failure;
use crate::log::tests::{Place, on_both};
use crate::log::{Extent, Log};
use crate::rebuild;
use crate::replay::{Request, as_it_was, replay};
use crate::run::generations::known;
use crate::run::roles::Roles;
use crate::run::{Shared, computer, snapshots};
use crate::stop::{Stop, Upstream};

const SECONDS: i64 = 100;
const RATE: u32 = 40;
const PIECES: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);

on_both!(
    what_is_computed_once_more_is_what_was_said,
    what_was_said_otherwise_is_told,
    how_everything_stood_is_computed_again,
    a_stretch_that_is_kept_is_a_generation_that_says_the_same,
    of_a_stretch_that_is_not_whole_nothing_is_kept,
);

fn what_is_computed_once_more_is_what_was_said(place: &Place) {
    let log = place.open();
    let half = computed_late_and_copied_half_way(&log);
    let late = log.unread(&topics::LATE_JOINS, 0, 0).unwrap();
    assert!(late > 100, "only {late} facts came too late");
    let before = extents(&log);
    for (from, snapshots) in [(None, 0), (Some(half), tasks(&log).count())] {
        let request = Request { from: from.map(|time: i64| time.to_string()), check: true, ..Request::default() };
        let lines = lines(&log, &request);
        assert_eq!(differences(&lines), [] as [&Value; 0], "from {from:?}");
        let plan = &lines[0]["plan"];
        let with_one = plan["tasks"].as_array().unwrap().iter().filter(|task| !task["snapshot"].is_null()).count();
        assert_eq!(with_one, snapshots, "from {from:?}");
        // Every result that is told by clocks.
        let compared = lines.last().unwrap()["summary"]["check"]["compared"].as_object().unwrap();
        let results = results();
        let told = results.iter().filter(|topic| tasks(&log).any(|(stage, _)| stage.tells_the_time(topic)));
        for topic in told.filter(|topic| log.partitions(topic).any(|at| log.extent(topic, at).unwrap().next > 300)) {
            assert!(compared[topic.name].as_u64() > Some(0), "nothing of {} was compared: {compared:?}", topic.name);
        }
        assert!(compared.values().filter(|results| results.as_u64() > Some(0)).count() > 12, "{compared:?}");
    }
    assert_eq!(extents(&log), before, "nothing was written");
}

fn what_was_said_otherwise_is_told(place: &Place) {
    let log = place.open();
    let facts = facts(SECONDS, RATE);
    let (first, rest) = facts.split_at(facts.len() / 2);
    compute(&log, &in_one(first));
    // What nobody has computed, among what the task says of that key between two clocks.
    let mut out = Outbox::new(GENERATION);
    out.batch(&topics::POSITIONS, 1).push(0, b"BTC|somebody", Some(b"{}"), &[]);
    Arc::clone(&log).writer("somebody").unwrap().commit(&out).unwrap();
    compute(&log, &in_one(rest));
    let lines = lines(&log, &Request { check: true, topic: Some("positions".to_owned()), ..Request::default() });
    let found = differences(&lines);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["key"], &found[0]["partition"]), (&json!("BTC|somebody"), &json!(1)));
    assert_eq!((&found[0]["live"], &found[0]["replayed"]), (&json!({}), &json!("nothing")));
}

fn how_everything_stood_is_computed_again(place: &Place) {
    let log = place.open();
    let facts = facts(SECONDS, RATE);
    let (first, rest) = facts.split_at(facts.len() / 2);
    let (before, after) = first.split_at(first.len() / 2);
    compute(&log, &in_one(before));
    copied(&log);
    compute(&log, &in_one(after));
    let told_the_time = tasks(&log).filter(|(stage, _)| stage.tells_the_time(stage.describe()[0].writes[0]));
    let clocks = told_the_time.map(|(stage, share)| computer::checkpoint(log.as_ref(), stage, share).unwrap().clock);
    let then = clocks.min().unwrap();
    let (held, at_risk) = (held(&log), at_risk(&log));
    assert!(held.len() > 100, "only {} positions", held.len());
    compute(&log, &in_one(rest));
    assert_ne!(self::held(&log), held, "nothing has changed since");
    let was =
        |topic: &'static Topic| as_it_was(&log, &Rules::default(), (topic, None), &then.to_string(), u64::MAX).unwrap();
    let positions = was(&topics::POSITIONS);
    assert!(positions.began_with.is_some_and(|clock| clock < then), "{:?}", positions.began_with);
    assert_eq!(positions.clock.time, then);
    let told: BTreeMap<Vec<u8>, Position> = positions
        .values
        .into_iter()
        .map(|(key, value)| (key, serde_json::from_slice::<Position>(&value).unwrap()))
        .filter(|(_, position)| position.side != PositionSide::Flat)
        .map(|(key, position)| (key, Position { clock: 0, ..position }))
        .collect();
    assert_eq!(told, held);
    // Who is long of a coin is counted from what is held, and from nothing that the ratios have.
    let mut counted = 0;
    for (_, value) in was(&topics::LONG_SHORT_RATIOS).values {
        let ratio: LongShortRatio = serde_json::from_slice(&value).unwrap();
        if ratio.kind == RatioKind::Accounts
            && ratio.interval == Interval::OneMinute
            && ratio.time == Interval::OneMinute.bucket(then)
        {
            let count = |side| held.values().filter(|it| it.coin == ratio.coin && it.side == side).count() as u64;
            assert_eq!(
                (ratio.long_accounts, ratio.short_accounts),
                (count(PositionSide::Long), count(PositionSide::Short)),
                "{}",
                ratio.coin
            );
            counted += 1;
        }
    }
    assert!(counted > 3, "only {counted} coins have a ratio");
    let mut mapped = 0;
    for (_, value) in was(&topics::LIQUIDATION_MAP).values {
        let map: LiquidationMap = serde_json::from_slice(&value).unwrap();
        assert_eq!(
            map.long.positions + map.short.positions,
            at_risk.get(&map.coin).copied().unwrap_or_default(),
            "{}",
            map.coin
        );
        mapped += map.long.positions + map.short.positions;
    }
    assert!(mapped > 100, "only {mapped} positions are in the maps");
    let late = as_it_was(&log, &Rules::default(), (&topics::POSITIONS, None), "-99d", u64::MAX);
    assert!(late.unwrap_err().to_string().contains("nothing is known of"));
    let dear = as_it_was(&log, &Rules::default(), (&topics::POSITIONS, None), &then.to_string(), 3);
    assert!(dear.unwrap_err().to_string().contains("3 are read at most"));
}

fn a_stretch_that_is_kept_is_a_generation_that_says_the_same(place: &Place) {
    let log = place.open();
    let half = computed_late_and_copied_half_way(&log);
    let live = |log: &Arc<dyn Log>| {
        let known = |it: &(&str, u32, Extent)| it.0 != topics::STATE_GENERATIONS.name;
        extents(log).into_iter().filter(known).collect::<Vec<_>>()
    };
    let before = live(&log);
    let request = Request { from: Some(half.to_string()), keep: true, ..Request::default() };
    let kept = lines(&log, &request).pop().unwrap();
    assert_eq!(live(&log), before, "nothing that is live was written");
    let number = u32::try_from(kept["summary"]["generation"].as_u64().unwrap()).unwrap();
    assert!(kept["summary"]["results"].as_u64() > Some(1_000), "{kept}");
    let listed = asked(&log, rebuild::Request::List).unwrap();
    let its = &listed[0]["generations"][1];
    assert_eq!((&its["generation"], &its["stretch"]["is_whole"]), (&json!(number), &json!(true)), "{its}");
    assert_eq!(its["stretch"]["from"], half, "{its}");

    let compare = || {
        let with = Request::default();
        asked(&log, rebuild::Request::Compare { generation: number, with }).unwrap()
    };
    let same = compare();
    assert_eq!(differences(&same), [] as [&Value; 0]);
    let compared = same.last().unwrap()["summary"]["check"]["compared"].as_object().unwrap();
    assert!(compared.values().filter(|results| results.as_u64() > Some(0)).count() > 12, "{compared:?}");
    let said: u64 = compared.values().filter_map(Value::as_u64).sum();
    assert!(said * 2 > kept["summary"]["results"].as_u64().unwrap(), "of {kept} only {said} are compared");

    let tell = asked(&log, rebuild::Request::Tell { generation: number, dry_run: false });
    assert!(tell.unwrap_err().to_string().contains("nobody goes on with it"));
}

fn of_a_stretch_that_is_not_whole_nothing_is_kept(place: &Place) {
    let log = place.open();
    compute(&log, &in_one(&facts(SECONDS, RATE)));
    let mut steps = 0;
    let ended = replay(&log, &Rules::default(), &Request { keep: true, ..Request::default() }, &mut |line| {
        steps += u32::from(line.get("progress").is_some());
        if steps < 3 { Ok(()) } else { Err(Failure::stop("that is enough")) }
    });
    assert_eq!(ended.unwrap_err().to_string(), "that is enough");
    let known = known(log.as_ref()).unwrap();
    let numbers = |kept: &[Kept]| kept.iter().map(|kept| kept.number).collect::<Vec<_>>();
    assert_eq!(numbers(&known.kept), [log.generation().number]);
    assert_eq!(known.dropped.iter().map(|it| it.number).collect::<Vec<_>>(), [known.latest]);
}

fn asked(log: &Arc<dyn Log>, request: rebuild::Request) -> Result<Vec<Value>, Failure> {
    let mut lines = Vec::new();
    rebuild::rebuild(log, &Rules::default(), false, &request, &mut |line| {
        lines.push(line);
        Ok(())
    })?;
    Ok(lines)
}

/// The open positions as they were said last, whenever that was.
fn held(log: &Arc<dyn Log>) -> BTreeMap<Vec<u8>, Position> {
    let mut held = BTreeMap::new();
    for partition in log.partitions(&topics::POSITIONS) {
        let each = &mut |key: &[u8], value: &[u8]| {
            if key != ResultClock::KEY {
                let position: Position = serde_json::from_slice(value).unwrap();
                held.insert(key.to_vec(), Position { clock: 0, ..position });
            }
        };
        log.last_values(&topics::POSITIONS, partition, each).unwrap();
    }
    held.retain(|_, position| position.side != PositionSide::Flat);
    held
}

/// Of how many positions of each coin the risk was told last.
fn at_risk(log: &Arc<dyn Log>) -> BTreeMap<Coin, u64> {
    let mut at_risk = BTreeMap::new();
    for partition in log.partitions(&topics::POSITION_RISKS) {
        let each = &mut |key: &[u8], value: &[u8]| {
            let is_one = key != ResultClock::KEY && key != kind::GAP;
            if let Some(risk) = is_one.then(|| serde_json::from_slice::<PositionRisk>(value).unwrap()) {
                *at_risk.entry(risk.coin).or_default() += u64::from(risk.side != PositionSide::Flat);
            }
        };
        log.last_values(&topics::POSITION_RISKS, partition, each).unwrap();
    }
    at_risk
}

/// All facts, what is beside the fills a piece too late; snapshots of the middle, whose time is given back.
fn computed_late_and_copied_half_way(log: &Arc<dyn Log>) -> i64 {
    let facts = facts(SECONDS, RATE);
    let (mut half, mut beside) = (0, Outbox::new(GENERATION));
    for (number, piece) in facts.chunks(facts.len() / PIECES + 1).enumerate() {
        let mut commit = std::mem::replace(&mut beside, Outbox::new(GENERATION));
        for (topic, partition, batch) in piece.iter().flat_map(Outbox::filled) {
            let into = if topic == &topics::FILLS { &mut commit } else { &mut beside };
            into.batch(topic, partition).append(batch);
        }
        compute(log, &commit);
        if number == PIECES / 2 {
            half = copied(log);
        }
    }
    half
}

fn in_one(blocks: &[Outbox]) -> Outbox {
    let mut all = Outbox::new(GENERATION);
    for (topic, partition, batch) in blocks.iter().flat_map(Outbox::filled) {
        all.batch(topic, partition).append(batch);
    }
    all
}

/// Returns when everything that can be computed has been.
fn compute(log: &Arc<dyn Log>, facts: &Outbox) {
    let mut writer = Arc::clone(log).writer("facts.0").unwrap();
    while let Err(error) = writer.commit(facts) {
        assert!(error.again(), "{error}");
        writer = Arc::clone(log).writer("facts.0").unwrap();
    }
    let shared = Shared::new(Arc::clone(log), Stop::new(), true);
    let mut roles = Roles::new(&shared);
    computer::start(&mut roles, &Upstream::default());
    let began = Instant::now();
    while !has_computed_all(log) {
        assert!(began.elapsed() < PATIENCE, "it is not computed after {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    shared.stop.ask();
    roles.wait().unwrap();
    // Who comes next waits until what was committed last is shown.
    tasks(log).for_each(|(stage, share)| drop(Arc::clone(log).writer(&format!("{}.{share}", stage.name)).unwrap()));
}

/// Task after task in the order of the flow: what one has said is there when the next is looked at.
fn has_computed_all(log: &Arc<dyn Log>) -> bool {
    tasks(log).all(|(stage, share)| {
        let mut task = stage.task(log.generation(), share);
        task.goes_on_from(computer::checkpoint(log.as_ref(), stage, share).unwrap());
        let joins = stage.lanes(log.generation(), share).map(|(input, _)| input.joins);
        let mut needed = task.lanes().zip(joins).filter(|(_, joins)| *joins != Joins::Beside);
        needed.all(|((topic, at, next), _)| log.unread(topic, at, next.unwrap_or_default()).unwrap() == 0)
    })
}

/// A snapshot of each task as it stands, and the latest of their clocks.
fn copied(log: &Arc<dyn Log>) -> i64 {
    let shared = Shared::new(Arc::clone(log), Stop::new(), false);
    let clocks = tasks(log).map(|(stage, share)| {
        let clock = computer::checkpoint(log.as_ref(), stage, share).unwrap().clock;
        somebody_died_copying(log, stage, share, clock);
        snapshots::copy(&shared, stage, share, clock.div_euclid(snapshots::HOUR_MS) * snapshots::HOUR_MS).unwrap();
        clock
    });
    clocks.max().unwrap()
}

/// Of the same hour: what is there of it counts for nothing.
fn somebody_died_copying(log: &Arc<dyn Log>, stage: &Definition, share: u32, clock: i64) {
    let mut out = Outbox::new(GENERATION);
    let name = Snapshot::name(stage.name, share, clock.div_euclid(snapshots::HOUR_MS) * snapshots::HOUR_MS);
    for number in 0..3 {
        let key = format!("{name}|nothing|that any table takes {number}");
        out.batch(&topics::SNAPSHOTS, 0).push(clock, key.as_bytes(), Some(b"{}"), b"");
    }
    Arc::clone(log).writer(&format!("snapshots.{}.{share}", stage.name)).unwrap().commit(&out).unwrap();
}

fn tasks(log: &Arc<dyn Log>) -> impl Iterator<Item = (&'static Definition, u32)> {
    computer::stages().into_iter().flat_map(|stage| log.partitions(stage.state).map(move |share| (stage, share)))
}

fn lines(log: &Arc<dyn Log>, request: &Request) -> Vec<Value> {
    let mut lines = Vec::new();
    replay(log, &Rules::default(), request, &mut |line| {
        lines.push(line);
        Ok(())
    })
    .unwrap();
    lines
}

fn differences(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter_map(|line| line.get("difference")).collect()
}

fn extents(log: &Arc<dyn Log>) -> Vec<(&'static str, u32, Extent)> {
    // On Kafka they are asked for now and then: now.
    log.keep_house().unwrap();
    let partitions = |topic: &'static Topic| log.partitions(topic).map(move |partition| (topic, partition));
    let places = TOPICS.into_iter().flat_map(partitions);
    places.map(|(topic, partition)| (topic.name, partition, log.extent(topic, partition).unwrap())).collect()
}
