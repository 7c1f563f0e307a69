//! Generations of results, each computed beside the others from the same facts. What the log says there are → the roles of
//! each of them; the one that is told → who asks; and the removal of those that nobody keeps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ::computer::Rules;
use api::{Context, Live, Serving};
use schemas::{Generations as Known, Kept, KeptRules, Outbox, WhaleRule, topics};
use sink::Sink;
use tokio::runtime::Handle;
use tracing::info;

use super::roles::Roles;
use super::{Shared, api as api_role, computer, housekeeping, sink as sink_role, state, tape};
use crate::failure::Failure;
use crate::log::Log;
use crate::stop::Upstream;

/// What this process does for each of them.
pub struct Parts {
    pub computes: bool,
    /// Looks after the log as well.
    pub keeps_house: bool,
    /// For this one alone.
    pub only: Option<u32>,
    pub rows: Option<MakeRows>,
    pub context: Option<MakeContext>,
}

pub type MakeRows = Box<dyn Fn() -> Result<Sink, Failure> + Send>;
pub type MakeContext = Box<dyn Fn(&Shared, Live) -> Result<Context, Failure> + Send>;

pub struct Generations {
    facts: Shared,
    parts: Parts,
    /// What sources write: the first tasks end behind it.
    written: Upstream,
    runtime: Handle,
    running: BTreeMap<u32, Running>,
    serving: Option<Serving>,
}

struct Running {
    shared: Shared,
    roles: Roles,
    told: Option<(Live, Arc<Context>)>,
}

const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Those that the log knows of.
pub fn known(log: &dyn Log) -> Result<Known, Failure> {
    let known = state::read(log, &topics::STATE_GENERATIONS, 0, Known::KEY, "which generations there are")?;
    Ok(known.unwrap_or_else(|| Known::of_one(log.generation().facts)))
}

/// Changes what the log knows of them: one after the other does.
pub fn change<T>(log: &Arc<dyn Log>, change: impl FnOnce(&mut Known) -> Result<T, Failure>) -> Result<T, Failure> {
    let facts = log.of_the_facts()?;
    // First the writer: when it has begun, nobody else can change what is read next.
    let mut writer = Arc::clone(&facts).writer("generations.0")?;
    let mut known = known(facts.as_ref())?;
    let made = change(&mut known)?;
    let mut out = Outbox::new(facts.generation());
    known.append_to(out.batch(&topics::STATE_GENERATIONS, 0));
    writer.commit(&out)?;
    Ok(made)
}

/// Has this process know which one is told.
pub fn look(log: &dyn Log) -> Result<u32, Failure> {
    let told = known(log)?.told;
    log.told().store(told, Ordering::Relaxed);
    Ok(told)
}

/// The log as the generation sees it that is told.
pub fn told(log: &Arc<dyn Log>) -> Result<Arc<dyn Log>, Failure> {
    let told = look(log.as_ref())?;
    if told == log.generation().number { Ok(Arc::clone(log)) } else { Ok(log.of_generation(told)?) }
}

/// By which a generation is made: those that it was begun with.
pub fn rules_of(kept: &Kept, otherwise: Rules) -> Rules {
    kept.rules.as_ref().map_or(otherwise, |rules| Rules {
        whales: WhaleRule { floor: rules.whale_floor, share_of_volume: rules.whale_share },
        remember_closed_minutes: rules.remember_closed_minutes,
    })
}

pub fn kept_rules(rules: &Rules) -> KeptRules {
    KeptRules {
        whale_floor: rules.whales.floor,
        whale_share: rules.whales.share_of_volume,
        remember_closed_minutes: rules.remember_closed_minutes,
    }
}

impl Generations {
    /// Starts what there is.
    pub fn begin(facts: &Shared, parts: Parts, written: &Upstream, runtime: &Handle) -> Result<Self, Failure> {
        let (facts, written, runtime) = (facts.clone(), written.clone(), runtime.clone());
        let mut generations = Self { facts, parts, written, runtime, running: BTreeMap::new(), serving: None };
        let known = known(generations.facts.log.as_ref())?;
        generations.facts.log.told().store(known.told, Ordering::Relaxed);
        generations.start_what_is_new(&known)?;
        Ok(generations)
    }

    /// What requests are answered from: the generation that is told, and whichever will be.
    pub fn serving(&mut self) -> Result<Serving, Failure> {
        let told = self.facts.log.told().load(Ordering::Relaxed);
        let context = self.running.get_mut(&told).and_then(|running| running.told.as_ref());
        let (_, context) =
            context.ok_or_else(|| Failure::stop(format!("generation {told} is told and nobody keeps it")))?;
        let serving = Serving::of(Arc::clone(context));
        self.serving = Some(serving.clone());
        Ok(serving)
    }

    /// The present of the generation that is told.
    pub fn live(&self) -> Option<Live> {
        let told = self.facts.log.told().load(Ordering::Relaxed);
        self.running.get(&told)?.told.as_ref().map(|(live, _)| live.clone())
    }

    /// Follows what the log says until the end; then waits for all.
    pub fn run(mut self) -> Result<(), Failure> {
        let mut outcome = Ok(());
        while !self.facts.stop.asked() && outcome.is_ok() {
            outcome = self.follow();
            self.facts.stop.rest(LOOK_EVERY);
        }
        if outcome.is_err() {
            self.facts.stop.ask();
        }
        for (_, running) in self.running {
            outcome = outcome.and(running.roles.wait());
        }
        outcome
    }

    fn follow(&mut self) -> Result<(), Failure> {
        let known = match known(self.facts.log.as_ref()) {
            // The brokers are busy.
            Err(Failure::Again { .. } | Failure::Ended { .. }) => return Ok(()),
            known => known?,
        };
        let failed = self.running.iter().find(|(_, running)| running.shared.stop.asked()).map(|(number, _)| *number);
        if let Some(running) =
            failed.filter(|_| !self.facts.stop.asked()).and_then(|number| self.running.remove(&number))
        {
            return running.roles.wait();
        }
        self.start_what_is_new(&known)?;
        self.turn_to(known.told);
        self.end_what_is_dropped(&known)
    }

    fn start_what_is_new(&mut self, known: &Known) -> Result<(), Failure> {
        let is_ours = |kept: &&Kept| self.parts.only.is_none_or(|only| only == kept.number);
        let new: Vec<&Kept> =
            known.kept.iter().filter(is_ours).filter(|kept| !self.running.contains_key(&kept.number)).collect();
        for kept in new {
            let running = self.start(kept)?;
            self.running.insert(kept.number, running);
        }
        Ok(())
    }

    fn start(&self, kept: &Kept) -> Result<Running, Failure> {
        let (facts, number) = (&self.facts, kept.number);
        let (stop, rules) = (facts.stop.of_a_part(), rules_of(kept, facts.rules));
        let is_rebuilt = number != facts.log.generation().number;
        let shared = if is_rebuilt {
            info!("generation {number} is made beside the others");
            let (log, stats) = (facts.log.of_generation(number)?, Arc::new(facts.stats.of_another(number)));
            Shared { log, stats, stop, rules, ..facts.clone() }
        } else {
            Shared { stop, rules, ..facts.clone() }
        };
        let mut roles = Roles::new(&shared);
        let mut upstream = self.written.clone();
        if self.parts.computes {
            computer::announce(shared.log.as_ref())?;
            if is_rebuilt {
                tape::announce(&shared.log)?;
                let (written, put) = (upstream, Upstream::default());
                roles.start(tape::STAGE, &put, move |shared| tape::run(shared, &written));
                upstream = put;
            }
            upstream = computer::start(&mut roles, &upstream);
        }
        if let Some(rows) = &self.parts.rows {
            let (rows, runtime, computed) = (rows()?, self.runtime.clone(), upstream.clone());
            sink_role::announce(&shared, &rows, &runtime)?;
            let stored = Upstream::default();
            roles.start(sink_role::STAGE, &stored, move |shared| sink_role::run(shared, rows, &computed, &runtime));
        }
        let mut told = None;
        if let Some(context) = &self.parts.context {
            // It is told as long as there is anybody who listens, also when its generation ends.
            let live = Live::new(facts.stop.watch());
            told = Some((live.clone(), Arc::new(context(&shared, live.clone())?)));
            roles.start("feed", &Upstream::default(), move |shared| api_role::feed(shared, &live, &upstream));
        }
        if self.parts.keeps_house {
            roles.start("housekeeping", &Upstream::default(), housekeeping::run);
        }
        Ok(Running { shared, roles, told })
    }

    /// Who asks is answered from another one as soon as this process knows its present.
    fn turn_to(&self, number: u32) {
        let told = self.facts.log.told();
        if told.load(Ordering::Relaxed) == number {
            return;
        }
        let next = self.running.get(&number).and_then(|running| running.told.as_ref());
        match (&self.serving, next) {
            (Some(_), Some((live, _))) if !live.knows_the_present() => return,
            (Some(_), None) => return,
            (Some(serving), Some((_, context))) => {
                told.store(number, Ordering::Relaxed);
                serving.turn_to(Arc::clone(context));
            }
            (None, _) => told.store(number, Ordering::Relaxed),
        }
        info!("generation {number} is told from now on");
    }

    /// Ends those that nobody keeps, and removes what they have left.
    fn end_what_is_dropped(&mut self, known: &Known) -> Result<(), Failure> {
        for dropped in &known.dropped {
            let number = dropped.number;
            if let Some(running) = self.running.remove(&number) {
                running.shared.stop.ask();
                running.roles.wait()?;
                info!("generation {number} is made no longer");
            }
            if self.parts.computes && !dropped.is_off_the_log {
                self.facts.log.forget(number)?;
                self.is_removed(number, |dropped| dropped.is_off_the_log = true)?;
                info!("generation {number} is off the log");
            }
            if self.parts.only == Some(number) {
                info!("generation {number} was dropped, and this process was there for it alone: it ends");
                self.facts.stop.ask();
            }
            if let Some(rows) = self.parts.rows.as_ref().filter(|_| !dropped.has_no_rows) {
                let removed = self.runtime.block_on(rows()?.forget(number));
                removed.map_err(|cause| {
                    Failure::because(format!("could not remove the rows of generation {number}"), cause)
                })?;
                self.is_removed(number, |dropped| dropped.has_no_rows = true)?;
                info!("generation {number} has no rows any more");
            }
        }
        Ok(())
    }

    fn is_removed(&self, number: u32, note: impl FnOnce(&mut schemas::Dropped)) -> Result<(), Failure> {
        change(&self.facts.log, |known| {
            if let Some(dropped) = known.dropped.iter_mut().find(|dropped| dropped.number == number) {
                note(dropped);
            }
            known.dropped.retain(|dropped| !dropped.is_off_the_log || !dropped.has_no_rows);
            Ok(())
        })
    }
}
