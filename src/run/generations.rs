//! Generations of results, each computed beside the others from the same facts. What the log says there are → the roles of
//! each of them; the one that is told → who asks; and the removal of those that nobody keeps.

mod removal;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ::computer::Rules;
use api::{Context, Live, Serving};
use schemas::{Dropped, Generations as Known, Kept, KeptRules, KeptStretch, Outbox, WhaleRule, topics};
use sink::Sink;
use tokio::runtime::Handle;
use tracing::{error, info, warn};

use self::removal::Removal;
use super::roles::Roles;
use super::{Shared, api as api_role, computer, housekeeping, now_ms, sink as sink_role, state, tape};
use crate::failure::Failure;
use crate::log::Log;
use crate::replay::in_words;
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

pub type MakeRows = Arc<dyn Fn() -> Result<Sink, Failure> + Send + Sync>;
pub type MakeContext = Box<dyn Fn(&Shared, Live) -> Result<Context, Failure> + Send>;

pub struct Generations {
    facts: Shared,
    parts: Parts,
    /// What sources write: the first tasks end behind it.
    written: Upstream,
    runtime: Handle,
    running: BTreeMap<u32, Running>,
    /// Those that could not go on, and are not told: the others do.
    failed: BTreeSet<u32>,
    removals: BTreeMap<u32, JoinHandle<()>>,
    serving: Option<Serving>,
    /// What the log says of them, and how much it had said by then.
    heard: (u64, Known),
}

struct Running {
    shared: Shared,
    roles: Roles,
    told: Option<(Live, Arc<Context>)>,
}

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// So long one that was dropped is still made for processes that have not heard yet that another one is told.
const LEAVE_MS: i64 = 30_000;

/// Those that the log knows of.
pub fn known(log: &dyn Log) -> Result<Known, Failure> {
    let known = state::read(log, &topics::STATE_GENERATIONS, 0, Known::KEY, "which generations there are")?;
    Ok(known.unwrap_or_else(|| Known::of_one(log.generation().facts)))
}

fn hear(log: &dyn Log) -> Result<(u64, Known), Failure> {
    let so_far = said(log)?;
    Ok((so_far, known(log)?))
}

/// How much the log says of them.
fn said(log: &dyn Log) -> Result<u64, Failure> {
    Ok(log.unread(&topics::STATE_GENERATIONS, 0, 0)?)
}

/// One of those that are kept, or which there are.
pub fn kept_in(known: &Known, number: u32) -> Result<&Kept, Failure> {
    known.kept.iter().find(|kept| kept.number == number).ok_or_else(|| {
        let kept: Vec<String> = known.kept.iter().map(|kept| kept.number.to_string()).collect();
        Failure::stop(format!("there is no generation {number}; those are {}", kept.join(", ")))
    })
}

/// Changes what the log knows of them: one after the other does.
pub fn change<T>(log: &Arc<dyn Log>, change: impl FnOnce(&mut Known) -> Result<T, Failure>) -> Result<T, Failure> {
    // On Kafka a writer shuts out the one before it; on the embedded log all are of this process.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
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

/// So many at a time: each is stored whole.
const MOST: usize = 4;

/// Whether there is room for another one.
pub fn has_room(known: &Known) -> Result<(), Failure> {
    if known.kept.len() < MOST {
        return Ok(());
    }
    Err(Failure::stop(format!("{MOST} generations are kept already: drop one of them first (`fathom rebuild ls`)")))
}

/// Another one beside those that there are, and its number: of a stretch, or of everything.
pub fn begin_another(log: &Arc<dyn Log>, rules: &KeptRules, stretch: Option<KeptStretch>) -> Result<u32, Failure> {
    change(log, |known| {
        has_room(known)?;
        known.latest += 1;
        known.kept.push(Kept { number: known.latest, began: Some(now_ms()), rules: Some(rules.clone()), stretch });
        Ok(known.latest)
    })
}

/// Whoever runs removes what it has left.
pub fn drop_one(log: &Arc<dyn Log>, number: u32) -> Result<(), Failure> {
    change(log, |known| {
        may_be_dropped(known, number)?;
        known.kept.retain(|kept| kept.number != number);
        known.dropped.push(Dropped { number, at: now_ms(), is_off_the_log: false, has_no_rows: false });
        Ok(())
    })
}

pub fn may_be_dropped(known: &Known, number: u32) -> Result<(), Failure> {
    kept_in(known, number)?;
    let why = format!("generation {number} is told: have another one told before this one is dropped");
    if known.told == number { Err(Failure::stop(why)) } else { Ok(()) }
}

/// The log as the generation sees it that is told.
pub fn told(log: &Arc<dyn Log>) -> Result<Arc<dyn Log>, Failure> {
    let told = known(log.as_ref())?.told;
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
        let heard = hear(facts.log.as_ref())?;
        let known = heard.1.clone();
        if let Some(only) = parts.only {
            let _ = kept_in(&known, only)?;
        }
        facts.log.told().store(known.told, Ordering::Relaxed);
        let mut generations = Self {
            facts: facts.clone(),
            parts,
            written: written.clone(),
            runtime: runtime.clone(),
            running: BTreeMap::new(),
            failed: BTreeSet::new(),
            removals: BTreeMap::new(),
            serving: None,
            heard,
        };
        if generations.parts.computes {
            generations.say_by_which_rules(&known)?;
        }
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
        for (number, removal) in self.removals {
            let ended = removal.join();
            outcome = outcome.and(
                ended.map_err(|_| Failure::stop(format!("the removal of generation {number} panicked: this is a bug"))),
            );
        }
        outcome
    }

    fn follow(&mut self) -> Result<(), Failure> {
        match self.listen() {
            // The brokers are busy.
            Err(Failure::Again { .. } | Failure::Ended { .. }) => return Ok(()),
            heard => heard?,
        }
        let known = self.heard.1.clone();
        self.see_who_failed(&known)?;
        self.start_what_is_new(&known)?;
        self.turn_to(known.told);
        self.remove_what_is_dropped(&known)
    }

    /// Reads only what is new: to ask whether there is anything takes next to nothing.
    fn listen(&mut self) -> Result<(), Failure> {
        if said(self.facts.log.as_ref())? != self.heard.0 {
            self.heard = hear(self.facts.log.as_ref())?;
        }
        Ok(())
    }

    fn see_who_failed(&mut self, known: &Known) -> Result<(), Failure> {
        let ended = |(_, running): &(&u32, &Running)| running.shared.stop.asked();
        let failed = self.running.iter().find(ended).map(|(number, _)| *number).filter(|_| !self.facts.stop.asked());
        let Some((number, running)) = failed.and_then(|number| Some((number, self.running.remove(&number)?))) else {
            return Ok(());
        };
        running.roles.wait().or_else(|failure| self.has_failed(known, number, failure))
    }

    /// Of one that nobody is told the others are none the worse.
    fn has_failed(&mut self, known: &Known, number: u32, failure: Failure) -> Result<(), Failure> {
        if number == known.told || self.is_served(number) || self.parts.only == Some(number) {
            return Err(failure);
        }
        error!(
            "generation {number} is made no longer, the others are: {}; drop it, or start again to have another try",
            failure.chain()
        );
        self.failed.insert(number);
        Ok(())
    }

    fn start_what_is_new(&mut self, known: &Known) -> Result<(), Failure> {
        let is_ours = |kept: &&Kept| self.parts.only.is_none_or(|only| only == kept.number);
        let is_new = |kept: &&Kept| !self.running.contains_key(&kept.number) && !self.failed.contains(&kept.number);
        let new: Vec<&Kept> = known.kept.iter().filter(is_ours).filter(is_new).collect();
        for kept in new {
            match self.start(kept) {
                Ok(running) => drop(self.running.insert(kept.number, running)),
                // It is looked for again in a moment.
                Err(Failure::Again { .. }) if kept.number != known.told => {}
                Err(failure) => self.has_failed(known, kept.number, failure)?,
            }
        }
        Ok(())
    }

    fn start(&self, kept: &Kept) -> Result<Running, Failure> {
        let (facts, number) = (&self.facts, kept.number);
        let stop = facts.stop.of_a_part();
        let shared = if self.is_rebuilt(number) {
            match &kept.stretch {
                None => info!("generation {number} is made beside the others"),
                Some(stretch) => info!(
                    "what generation {number} has of {} to {} is given rows",
                    in_words(stretch.from),
                    in_words(stretch.to)
                ),
            }
            let rules = rules_of(kept, facts.rules);
            if self.parts.computes && facts.rules != Rules::default() && facts.rules != rules {
                warn!(
                    "generation {number} is made by the rules that it was begun with, whatever this process was told"
                );
            }
            let (log, stats) = (facts.log.of_generation(number)?, Arc::new(facts.stats.of_another(number)));
            Shared { log, stats, stop, rules, ..facts.clone() }
        } else {
            Shared { stop, ..facts.clone() }
        };
        let mut roles = Roles::new(&shared);
        match self.start_roles(&shared, kept.stretch.is_none(), &mut roles) {
            Ok(told) => Ok(Running { shared, roles, told }),
            Err(failure) => {
                shared.stop.ask();
                Err(roles.wait().err().unwrap_or(failure))
            }
        }
    }

    /// Of one that nobody goes on with there are rows, and no more.
    fn start_roles(
        &self,
        shared: &Shared,
        goes_on: bool,
        roles: &mut Roles,
    ) -> Result<Option<(Live, Arc<Context>)>, Failure> {
        let facts = &self.facts;
        let mut upstream = self.written.clone();
        if self.parts.computes && goes_on {
            let is_rebuilt = self.is_rebuilt(shared.log.generation().number);
            if facts.log.is_of_one_process() {
                computer::announce(shared.log.as_ref())?;
                if is_rebuilt {
                    tape::announce(&shared.log)?;
                }
            }
            if is_rebuilt {
                let (written, put) = (upstream, Upstream::default());
                roles.start(tape::STAGE, &put, move |shared| tape::run(shared, &written));
                upstream = put;
            }
            upstream = computer::start(roles, &upstream);
        }
        if let Some(rows) = &self.parts.rows {
            let (rows, runtime, computed) = (rows()?, self.runtime.clone(), upstream.clone());
            if facts.log.is_of_one_process() {
                sink_role::announce(shared, &rows, &runtime)?;
            }
            let stored = Upstream::default();
            roles.start(sink_role::STAGE, &stored, move |shared| sink_role::run(shared, rows, &computed, &runtime));
        }
        let mut told = None;
        if let Some(context) = self.parts.context.as_ref().filter(|_| goes_on) {
            // It is told as long as there is anybody who listens, also when its generation ends.
            let live = Live::new(facts.stop.watch());
            told = Some((live.clone(), Arc::new(context(shared, live.clone())?)));
            roles.start("feed", &Upstream::default(), move |shared| api_role::feed(shared, &live, &upstream));
        }
        if self.parts.keeps_house {
            roles.start("housekeeping", &Upstream::default(), housekeeping::run);
        }
        Ok(told)
    }

    /// Whether it stands on what was put in order, and not on the tape as it was written.
    fn is_rebuilt(&self, number: u32) -> bool {
        number != self.facts.log.generation().number
    }

    /// Who asks is answered from another one as soon as this process knows its present.
    fn turn_to(&self, number: u32) {
        let told = self.facts.log.told();
        if let Some(serving) = self.serving.as_ref().filter(|serving| serving.now().generation != number) {
            let next = self.running.get(&number).and_then(|running| running.told.as_ref());
            let Some((_, context)) = next.filter(|(live, _)| live.knows_the_present()) else { return };
            told.store(number, Ordering::Relaxed);
            serving.turn_to(Arc::clone(context));
        } else if told.swap(number, Ordering::Relaxed) == number {
            return;
        }
        info!("generation {number} is told from now on");
    }

    fn is_served(&self, number: u32) -> bool {
        self.serving.as_ref().is_some_and(|serving| serving.now().generation == number)
    }

    /// Ends those that nobody keeps, and has removed what they have left.
    fn remove_what_is_dropped(&mut self, known: &Known) -> Result<(), Failure> {
        let gone = self.running.keys().filter(|number| kept_in(known, **number).is_err());
        let gone = gone.filter(|number| known.dropped.iter().all(|dropped| dropped.number != **number));
        // Others have removed all of it already.
        let gone: Vec<Dropped> =
            gone.map(|number| Dropped { number: *number, at: 0, is_off_the_log: true, has_no_rows: true }).collect();
        for dropped in known.dropped.iter().chain(&gone) {
            if self.is_over(dropped) && !self.removals.contains_key(&dropped.number) {
                let removal = self.removal(dropped);
                let thread = std::thread::Builder::new().name("removal".to_owned()).spawn(move || removal.run());
                let thread = thread.map_err(|cause| Failure::because("could not start the removal", cause))?;
                self.removals.insert(dropped.number, thread);
            }
        }
        Ok(())
    }

    /// Whether nobody is told any more of one that was dropped.
    fn is_over(&self, dropped: &Dropped) -> bool {
        let all_know = self.facts.log.is_of_one_process() || now_ms() > dropped.at + LEAVE_MS;
        !self.is_served(dropped.number) && all_know
    }

    fn removal(&mut self, dropped: &Dropped) -> Removal {
        Removal {
            facts: self.facts.clone(),
            dropped: *dropped,
            running: self.running.remove(&dropped.number),
            takes_it_off_the_log: self.parts.computes,
            rows: self.parts.rows.clone(),
            runtime: self.runtime.clone(),
            is_all: self.parts.only == Some(dropped.number),
        }
    }

    /// Whoever asks is told by which rules the first one is made: those that this process was told.
    fn say_by_which_rules(&self, known: &Known) -> Result<(), Failure> {
        let (number, rules) = (self.facts.log.generation().number, kept_rules(&self.facts.rules));
        let is_ours = self.parts.only.is_none_or(|only| only == number);
        let is_new = known.kept.iter().any(|kept| kept.number == number && kept.rules.as_ref() != Some(&rules));
        if !is_ours || !is_new {
            return Ok(());
        }
        let said = change(&self.facts.log, |known| {
            let first = known.kept.iter_mut().filter(|kept| kept.number == number);
            first.for_each(|kept| kept.rules = Some(rules.clone()));
            Ok(())
        });
        match said {
            // Another process says the same.
            Err(Failure::Again { .. }) => Ok(()),
            said => said,
        }
    }
}
