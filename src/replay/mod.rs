//! Facts of a stretch of time once more through the processors, beside everything that runs → what they say of it, or where
//! that is not what they said, or a generation of their own. Each task begins with a snapshot of its state and reads what it
//! read, in the same order. Nothing that is live is written, and nobody's place on the log is touched.

mod again;
mod as_it_was;
mod check;
mod fate;
mod found;
mod pace;
mod plan;
mod range;
mod shadow;

use std::sync::Arc;
use std::time::Instant;

use ::computer::Rules;
use schemas::{KeptStretch, Topic};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::log::Log;
pub use as_it_was::as_it_was;
use check::Check;
use fate::Fate;
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
    /// Write it into a generation of its own instead of telling.
    #[serde(default)]
    pub keep: bool,
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
    let mut fate = Fate::begin(log, rules, request, &plan)?;
    let repeated = repeat(log, rules, request.speed, &plan, &mut fate, each);
    let facts = match repeated {
        Ok(facts) => facts,
        Err(failure) => {
            fate.give_up();
            return Err(failure);
        }
    };
    let mut summary = json!({
        "from": plan.from, "to": plan.to, "records_read": facts, "seconds": began.elapsed().as_secs_f64(),
    });
    fate.end(&mut summary, each)?;
    each(json!({ "summary": summary }))
}

/// How many facts were read for it.
fn repeat(
    log: &Arc<dyn Log>,
    rules: &Rules,
    speed: Speed,
    plan: &Plan,
    fate: &mut Fate,
    each: &mut dyn FnMut(Value) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut tasks = plan.begin(log, rules)?;
    let pace = Pace::begin(speed, plan.from);
    let before = steps((plan.begins(), plan.from), STEP_MS).chain([plan.from]);
    let asked = steps((plan.from, plan.to), speed.step_ms().unwrap_or(STEP_MS));
    for until in before.chain(asked) {
        let is_before = until <= plan.from;
        for task in &mut tasks {
            task.go_to(until, &mut |topic, partition, record| {
                if !plan.topics.iter().any(|wanted| std::ptr::eq(*wanted, topic)) {
                    return Ok(());
                }
                fate.take(is_before, (topic, partition), record, each)
            })?;
        }
        fate.comes_to(until, each)?;
        each(json!({ "progress": { "reached": until, "from": plan.from, "to": plan.to } }))?;
        pace.wait_for(until);
    }
    Ok(tasks.iter().map(|task| task.facts).sum())
}

/// Holds what two generations say against each other: hands over where they differ, how far it is, and what came of it.
pub fn compare(
    one: &Arc<dyn Log>,
    other: &Arc<dyn Log>,
    stretch: Option<&KeptStretch>,
    request: &Request,
    each: &mut dyn FnMut(Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (scope, began) = (Scope::of_both(one, other, stretch, request)?, Instant::now());
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
