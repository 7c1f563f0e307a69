//! Facts of a stretch of time once more through the processors, beside everything that runs → what they say of it, or where
//! that is not what they said. Each task begins with a snapshot of its state and reads what it read, in the same order.
//! Nothing is written, and nobody's place on the log is touched.

mod again;
mod as_it_was;
mod check;
mod found;
mod pace;
mod plan;
mod range;

use std::sync::Arc;
use std::time::Instant;

use ::computer::Rules;
use schemas::{Record, Topic, kind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::log::Log;
pub use as_it_was::as_it_was;
use check::Check;
use pace::Pace;
pub use pace::Speed;
pub use plan::in_words;
use plan::{Plan, Scope};

/// What is to be repeated, as somebody asks for it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Request {
    pub from: Option<String>,
    pub to: Option<String>,
    pub coin: Option<String>,
    pub processor: Option<String>,
    pub topic: Option<String>,
    /// How everything stood then, instead of what was said in a stretch.
    pub at: Option<String>,
    pub speed: Speed,
    /// Compare instead of telling.
    pub check: bool,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// So much event time is computed by all tasks, one after the other, before the next begins.
const STEP_MS: i64 = 10_000;

/// Hands the plan over, then what is said or how far the comparison is, and what came of it in the end.
pub fn replay(
    log: &Arc<dyn Log>,
    rules: &Rules,
    request: &Request,
    each: &mut dyn FnMut(Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if let Some(at) = &request.at {
        return tell_as_it_was(log, rules, request, at, each);
    }
    let (plan, began) = (Plan::make(log, request)?, Instant::now());
    each(json!({ "plan": plan.json() }))?;
    if request.dry_run {
        return Ok(());
    }
    let mut check =
        if request.check { Some(Check::begin(log, &plan.scope(log.as_ref()), request.coin.as_deref())?) } else { None };
    let mut tasks = plan.begin(log, rules)?;
    let (mut reached, mut said) = (plan.from, 0_u64);
    let pace = Pace::begin(request.speed, plan.from);
    let before = steps((plan.begins(), plan.from), STEP_MS).chain([plan.from]);
    let asked = steps((plan.from, plan.to), request.speed.step_ms().unwrap_or(STEP_MS));
    for until in before.chain(asked) {
        let is_before = until <= plan.from;
        for task in &mut tasks {
            task.go_to(until, &mut |topic, partition, record| {
                if !plan.topics.iter().any(|wanted| std::ptr::eq(*wanted, topic)) {
                    return Ok(());
                }
                match &mut check {
                    Some(check) => check.take(topic, partition, record),
                    None if is_before || is_a_clock(record) || !is_of(request, record) => {}
                    None => {
                        said += 1;
                        each(line(topic, partition, record)?)?;
                    }
                }
                Ok(())
            })?;
        }
        if let Some(check) = &mut check {
            check.compare_up_to(until, each)?;
        }
        reached = until;
        each(json!({ "progress": { "reached": reached, "from": plan.from, "to": plan.to } }))?;
        pace.wait_for(until);
    }
    let facts: u64 = tasks.iter().map(|task| task.facts).sum();
    let mut summary = json!({
        "from": plan.from, "to": reached, "records_read": facts, "seconds": began.elapsed().as_secs_f64(),
    });
    match check {
        Some(check) => summary["check"] = check.end(each)?,
        None => summary["results"] = said.into(),
    }
    each(json!({ "summary": summary }))
}

/// Holds what two generations say against each other: hands over where they differ, how far it is, and what came of it.
pub fn compare(
    one: &Arc<dyn Log>,
    other: &Arc<dyn Log>,
    request: &Request,
    each: &mut dyn FnMut(Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (scope, began) = (Scope::of_both(one, other, request)?, Instant::now());
    let Scope { from, to, .. } = scope;
    let topics: Vec<&str> = scope.topics.iter().map(|written| written.topic.name).collect();
    each(json!({ "plan": { "from": from, "to": to, "topics": topics } }))?;
    let mut check = Check::of_both(one, other, &scope, request.coin.as_deref())?;
    for until in steps((from, to), STEP_MS) {
        check.compare_up_to(until, each)?;
        each(json!({ "progress": { "reached": until, "from": from, "to": to } }))?;
    }
    let seconds = began.elapsed().as_secs_f64();
    let check = check.end(each)?;
    each(json!({ "summary": { "from": from, "to": to, "seconds": seconds, "check": check } }))
}

fn tell_as_it_was(
    log: &Arc<dyn Log>,
    rules: &Rules,
    request: &Request,
    at: &str,
    each: &mut dyn FnMut(Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let topics = as_it_was::asked(request.topic.as_deref())?;
    let began = Instant::now();
    let (mut told, mut read, mut clock) = (0_u64, 0, 0);
    for topic in topics {
        let state = as_it_was(log, rules, (topic, request.coin.as_deref()), at, u64::MAX)?;
        for (key, value) in &state.values {
            each(line_of_state(topic, state.clock.time, key, value)?)?;
        }
        told += state.values.len() as u64;
        read += state.records;
        clock = state.clock.time;
    }
    let seconds = began.elapsed().as_secs_f64();
    each(json!({ "summary": { "at": clock, "results": told, "records_read": read, "seconds": seconds } }))
}

/// The ends of steps of so many milliseconds.
fn steps((from, to): (i64, i64), step: i64) -> impl Iterator<Item = i64> {
    let mut at = from;
    std::iter::from_fn(move || {
        (at < to).then(|| {
            at = (at + step).min(to);
            at
        })
    })
}

fn is_a_clock(record: &Record<'_>) -> bool {
    record.headers.get(kind::HEADER) == Some(kind::CLOCK)
}

/// Whether its key begins with the coin that is asked for.
fn is_of(request: &Request, record: &Record<'_>) -> bool {
    request.coin.as_ref().is_none_or(|coin| is_of_coin(record.key, coin))
}

/// Keys are parts, and the coin is one of them.
fn is_of_coin(key: &[u8], coin: &str) -> bool {
    key.split(|byte| *byte == b'|').any(|part| part == coin.as_bytes())
}

fn line_of_state(topic: &Topic, clock: i64, key: &[u8], value: &[u8]) -> Result<Value, Failure> {
    let (key, value) = (String::from_utf8_lossy(key), readable(value)?);
    Ok(json!({ "topic": topic.name, "time": clock, "key": key, "replayed": true, "value": value }))
}

fn readable(value: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(value).map_err(|cause| Failure::because("a result is not JSON", cause))
}

fn line(topic: &Topic, partition: u32, record: &Record<'_>) -> Result<Value, Failure> {
    let value = record.value.map_or(Ok(Value::Null), readable)?;
    Ok(json!({
        "topic": topic.name, "partition": partition, "time": record.time, "key": String::from_utf8_lossy(record.key),
        "kind": record.headers.get(kind::HEADER).map(String::from_utf8_lossy), "replayed": true, "value": value,
    }))
}
