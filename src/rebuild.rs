//! What an operator wants of generations → what is done on the log, which every process follows: another one is begun, held
//! against the one that is told, told in its place, or dropped.

use std::sync::Arc;
use std::time::Duration;

use ::computer::Rules;
use schemas::{KeptRules, KeptStretch, topics};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::args::NewRules;
use crate::failure::Failure;
use crate::log::Log;
use crate::replay::{self, in_words};
use crate::run::generations::{self, begin_another, change, has_room, kept_in, kept_rules, known, may_be_dropped};
use crate::run::sink::{self, topics_of_tables};
use crate::run::{computer, now_ms, tape};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Begin { rules: NewRules, dry_run: bool },
    List,
    Compare { generation: u32, with: replay::Request },
    Tell { generation: u32, dry_run: bool },
    Drop { generation: u32, dry_run: bool },
}

type Each<'a> = &'a mut dyn FnMut(Value) -> Result<(), Failure>;

/// One that is this far behind the one that is told would take its listeners back in time.
const NEAR_MS: i64 = 10_000;
const NEAR_RECORDS: u64 = 20_000;
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub fn rebuild(
    log: &Arc<dyn Log>,
    rules: &Rules,
    is_running: bool,
    request: &Request,
    each: Each<'_>,
) -> Result<(), Failure> {
    match request {
        Request::Begin { rules: given, dry_run } => {
            let told = kept_rules(rules);
            let rules = KeptRules {
                whale_floor: given.whale_floor.unwrap_or(told.whale_floor),
                whale_share: given.whale_share.unwrap_or(told.whale_share),
                remember_closed_minutes: given.remember_closed.unwrap_or(told.remember_closed_minutes),
            };
            begin(log, &rules, is_running, *dry_run, each)
        }
        Request::List => each(list(log)?),
        Request::Compare { generation, with } => {
            let known = known(log.as_ref())?;
            let kept = kept_in(&known, *generation)?;
            let [one, other] = [known.told, *generation].map(|number| log.of_generation(number));
            let mut with = with.clone();
            if let Some(KeptStretch { coin, processor, topic, .. }) = kept.stretch.clone() {
                // Of what it has nothing of, nothing is to be missed.
                with.coin = with.coin.or(coin);
                with.topic = with.topic.or(topic);
                with.processor = with.processor.or(processor);
            }
            replay::compare(&one?, &other?, kept.stretch.as_ref(), &with, each)
        }
        Request::Tell { generation, dry_run } => tell(log, *generation, *dry_run, each),
        Request::Drop { generation, dry_run } => drop_one(log, *generation, *dry_run, each),
    }
}

/// Until it has come as far as the one that is told, for as long as somebody listens; it goes on by itself.
fn begin(
    log: &Arc<dyn Log>,
    rules: &KeptRules,
    is_running: bool,
    dry_run: bool,
    each: Each<'_>,
) -> Result<(), Failure> {
    let before = known(log.as_ref())?;
    has_room(&before)?;
    each(json!({ "plan": plan(log, before.latest + 1, rules)? }))?;
    if dry_run {
        return Ok(());
    }
    let number = begin_another(log, rules, None)?;
    if !is_running {
        let next = if log.is_of_one_process() {
            "it is made by the next `fathom up`".to_owned()
        } else {
            format!("start `fathom computer --generation {number}`; `fathom rebuild ls` says how far it is")
        };
        return each(json!({ "summary": { "generation": number, "is_made": false, "next": next } }));
    }
    let began = now_ms();
    let (this, before) = (log.of_generation(number)?, log.of_generation(before.told)?);
    loop {
        // It may be dropped meanwhile.
        let _ = kept_in(&known(log.as_ref())?, number)?;
        let (standing, told) = (Standing::of(&this)?, Standing::of(&before)?);
        each(json!({ "progress": { "generation": number, "reached": standing.clock, "to": told.clock } }))?;
        if let Ok(()) = standing.is_near(&told, number) {
            let seconds = (now_ms() - began) as f64 / 1_000.0;
            return each(
                json!({ "summary": { "generation": number, "is_made": true, "clock": standing.clock, "seconds": seconds } }),
            );
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
}

/// What will be read, and what cannot be read any more.
fn plan(log: &Arc<dyn Log>, number: u32, rules: &KeptRules) -> Result<Value, Failure> {
    let facts = log.of_the_facts()?;
    let (mut records, mut later, mut removed) = (0, 0, 0);
    for partition in facts.partitions(&topics::FILLS) {
        let tape = facts.extent(&topics::FILLS, partition)?;
        let history = facts.extent(&topics::FILLS_HISTORY, partition)?;
        records += tape.next - tape.first;
        later += history.next - history.first;
        removed += tape.first + history.first;
    }
    Ok(json!({ "generation": number, "rules": rules, "fills": records, "found_later": later, "removed": removed }))
}

fn list(log: &Arc<dyn Log>) -> Result<Value, Failure> {
    let known = known(log.as_ref())?;
    let mut listed = Vec::new();
    for kept in &known.kept {
        let Standing { clock, is_in_order, rows_behind } = Standing::of(&log.of_generation(kept.number)?)?;
        listed.push(json!({
            "generation": kept.number, "is_told": kept.number == known.told, "began": kept.began, "rules": kept.rules,
            "clock": (clock > 0).then_some(clock), "is_in_order": is_in_order, "rows_behind": rows_behind,
            "stretch": kept.stretch,
        }));
    }
    let dropped: Vec<u32> = known.dropped.iter().map(|dropped| dropped.number).collect();
    Ok(json!({ "told": known.told, "generations": listed, "being_removed": dropped }))
}

/// The same for going on and for going back.
fn tell(log: &Arc<dyn Log>, number: u32, dry_run: bool, each: Each<'_>) -> Result<(), Failure> {
    let before = known(log.as_ref())?;
    let kept = kept_in(&before, number)?;
    if before.told == number {
        return Err(Failure::stop(format!("generation {number} is told already")));
    }
    if let Some(KeptStretch { from, to, .. }) = kept.stretch {
        return Err(Failure::stop(format!(
            "generation {number} is of {} to {} alone, and nobody goes on with it: have one told that `fathom rebuild begin` has made",
            in_words(from),
            in_words(to)
        )));
    }
    let standing = |number| Standing::of(&log.of_generation(number)?);
    standing(number)?.is_near(&standing(before.told)?, number)?;
    each(json!({ "plan": { "tell": number, "instead_of": before.told } }))?;
    if dry_run {
        return Ok(());
    }
    change(log, |known| {
        kept_in(known, number)?;
        known.told = number;
        Ok(())
    })?;
    each(json!({ "summary": { "told": number, "before": before.told } }))
}

fn drop_one(log: &Arc<dyn Log>, number: u32, dry_run: bool, each: Each<'_>) -> Result<(), Failure> {
    may_be_dropped(&known(log.as_ref())?, number)?;
    each(json!({ "plan": { "drop": number } }))?;
    if dry_run {
        return Ok(());
    }
    generations::drop_one(log, number)?;
    each(json!({ "summary": { "dropped": number } }))
}

/// How far a generation is.
struct Standing {
    /// What all its tasks have come to that go by the clock.
    clock: i64,
    /// Everything that was found later is among the rest.
    is_in_order: bool,
    /// Records of which there are no rows yet.
    rows_behind: u64,
}

impl Standing {
    fn of(log: &Arc<dyn Log>) -> Result<Self, Failure> {
        let mut clock = i64::MAX;
        for stage in computer::stages().into_iter().filter(|stage| stage.has_clocks()) {
            for share in log.partitions(stage.state) {
                clock = clock.min(computer::checkpoint(log.as_ref(), stage, share)?.clock);
            }
        }
        let mut is_in_order = true;
        if log.generation() != log.generation().of_the_facts() {
            for share in log.partitions(&topics::STATE_TAPE) {
                is_in_order &= tape::mark(log.as_ref(), share)?.is_some_and(|mark| mark.is_merged);
            }
        }
        let mut rows_behind = 0;
        for topic in topics_of_tables() {
            for partition in log.partitions(topic) {
                let next = log.progress(sink::STAGE, topic, partition)?;
                let first = log.extent(topic, partition)?.first;
                rows_behind += log.unread(topic, partition, next.unwrap_or(first))?;
            }
        }
        Ok(Self { clock, is_in_order, rows_behind })
    }

    /// Or why it is not to be told yet.
    fn is_near(&self, told: &Self, number: u32) -> Result<(), Failure> {
        if !self.is_in_order {
            return Err(Failure::stop(format!(
                "generation {number} is still putting in order what was found later: it is at {}",
                in_words(self.clock)
            )));
        }
        if self.clock < told.clock - NEAR_MS {
            return Err(Failure::stop(format!(
                "generation {number} is at {}, and the one that is told at {}: wait until it has come as far",
                in_words(self.clock),
                in_words(told.clock)
            )));
        }
        if self.rows_behind > told.rows_behind + NEAR_RECORDS {
            return Err(Failure::stop(format!(
                "{} records of generation {number} have no rows yet: wait for the sink",
                self.rows_behind
            )));
        }
        Ok(())
    }
}
