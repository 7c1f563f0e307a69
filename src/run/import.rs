//! `fathom import`: node files of any layout → `fills`, or `fills-history` beside a tape that is there, and
//! `ledger-updates`. Under a data directory results and rows are made of them on the way; on Kafka that is the work of
//! whoever computes there.

mod paths;
mod pump;
mod shown;
mod summary;

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use parser::{Contents, EventImport, Import, Progress, look_into};
use schemas::{GENERATION, Topic, topics};
use tracing::{info, warn};

use self::pump::pump;
use self::shown::Shown;
use self::summary::Summary;
use super::generations::{Generations, MakeRows, Parts};
use super::roles::Roles;
use super::{
    PATIENCE, Shared, alone, database, market, metrics_listener, misc_events, now_ms, parser as parser_role, state,
};
use crate::args::Import as Args;
use crate::data_dir::{DataDir, Market};
use crate::failure::Failure;
use crate::log::embedded::Embedded;
use crate::log::{Log, Writer};
use crate::stop::{Stop, Upstream};

/// A parser that is at work keeps its partition; whoever else wants it hears nothing for longer than this.
const SHARE_PATIENCE: Duration = Duration::from_secs(10);

/// What is to be brought in.
pub struct Work {
    pub contents: Contents,
    /// Whether nobody follows a node's fills: then what comes after the end of the tape is ours to add.
    pub writes_tape: bool,
    /// Whether somebody follows a node's other events.
    pub is_followed: bool,
    pub keeps_raw: bool,
}

pub fn import(args: Args) -> Result<(), Failure> {
    let contents = look_into(&paths::files(&args.paths)?)?;
    let market = if args.simulated { Market::Simulated } else { Market::Mainnet };
    let runtime = super::up::runtime()?;
    let stop = Stop::new();
    runtime.spawn(stop.clone().listen());
    let mut work = Work { contents, writes_tape: true, is_followed: false, keeps_raw: args.keep_raw };
    let summary = match args.kafka.settings()? {
        Some(settings) => {
            let shared = alone::open(settings, stop, true)?;
            metrics_listener::start(&args.metrics, &shared, &runtime)?;
            market::mark(&shared, market)?;
            work.ask_for_leave(&shared)?;
            into_the_log(&shared, &work)?
        }
        None => {
            let data = DataDir::take(&args.data.path, market)?;
            let log = Arc::new(Embedded::open(&data.log(), GENERATION)?);
            let shared = Shared { rules: args.rules.rules(), ..Shared::new(log, stop, true) };
            metrics_listener::start(&args.metrics, &shared, &runtime)?;
            market::mark(&shared, market)?;
            let url = args.database.url_or(&data);
            let rows = database::rows_by(&url, args.keep.keeping(), &runtime, &shared.stop);
            with_results(&shared, rows, work, &runtime)?
        }
    };
    summary.say(args.json);
    Ok(())
}

impl Work {
    fn ask_for_leave(&mut self, shared: &Shared) -> Result<(), Failure> {
        if !self.contents.fills.is_empty() && !is_free(shared, parser_role::STAGE, &topics::STATE_PARSER_NODE_FILLS)? {
            info!("a parser follows a node: what is before its tape goes to `fills-history`, what it has missed too");
            self.writes_tape = false;
        }
        let events = (misc_events::STAGE, &topics::STATE_PARSER_MISC_EVENTS);
        if !self.contents.events.is_empty() && !is_free(shared, events.0, events.1)? {
            info!("a parser follows a node: the events that it has not come to yet are left to it");
            self.is_followed = true;
        }
        Ok(())
    }
}

/// Whether nobody does the work of a stage.
fn is_free(shared: &Shared, stage: &'static str, state: &'static Topic) -> Result<bool, Failure> {
    let mut membership = shared.log.membership(stage, state)?;
    let until = Instant::now() + SHARE_PATIENCE;
    while Instant::now() < until && !shared.stop.asked() {
        match membership.assigned(PATIENCE)? {
            Some(ours) if !ours.is_empty() => return Ok(true),
            _ => {}
        }
    }
    Ok(false)
}

/// Everything that stands on the facts is made at the same time: the log keeps no more of them than that needs.
fn with_results(
    shared: &Shared,
    rows: MakeRows,
    work: Work,
    runtime: &tokio::runtime::Runtime,
) -> Result<Summary, Failure> {
    let [imported, apart] = std::array::from_fn(|_| Upstream::default());
    let parts = Parts { computes: true, keeps_house: true, only: None, rows: Some(rows), context: None };
    let generations = Generations::begin(shared, parts, &imported, runtime.handle())?;
    let mut roles = Roles::new(shared);
    let (sender, summary) = sync_channel(1);
    roles.start("import", &imported, move |shared| {
        let summary = into_the_log(shared, &work)?;
        let _ = sender.send(summary);
        // The others end when they have read all of it.
        shared.stop.finish();
        Ok(())
    });
    roles.start("generations", &apart, move |_| generations.run());
    roles.wait()?;
    summary.recv().map_err(|cause| Failure::because("the import ended without a word", cause))
}

/// First the fills, then the other events: each kind has a state of its own, and is committed with it.
pub fn into_the_log(shared: &Shared, work: &Work) -> Result<Summary, Failure> {
    for path in &work.contents.neither {
        warn!("{} holds neither fills nor other events of a node: skipped", path.display());
    }
    let (mut fills, mut events) = (open_fills(shared, work)?, open_events(shared, work)?);
    let left = events.as_ref().map_or(0, |(import, _)| import.bytes_left());
    let shown = Shown::begin(fills.as_ref().map_or(0, |(import, _)| import.bytes_left()) + left);
    let mut is_done = true;
    if let Some((import, writer)) = &mut fills {
        is_done = pump(shared, writer.as_mut(), &[&topics::FILLS, &topics::FILLS_HISTORY], |out| {
            let taken = import.read(now_ms(), out)?;
            shown.show(import.bytes_left() + left, import.census().fills, "fills");
            Ok(taken)
        })?;
    }
    if let (true, Some((import, writer))) = (is_done, &mut events) {
        is_done = pump(shared, writer.as_mut(), &[&topics::LEDGER_UPDATES], |out| {
            let taken = import.read(now_ms(), out)?;
            shown.show(import.bytes_left(), import.updates(), "updates");
            Ok(taken)
        })?;
    }
    let (fills, events) = (fills.as_ref().map(|(import, _)| import), events.as_ref().map(|(import, _)| import));
    Ok(Summary::of(is_done, &work.contents, fills, events, shown.end()))
}

type Opened<I> = Option<(I, Box<dyn Writer>)>;

fn open_fills(shared: &Shared, work: &Work) -> Result<Opened<Import>, Failure> {
    let (log, files) = (&shared.log, &work.contents.fills);
    if files.is_empty() {
        return Ok(None);
    }
    // What is beside the tape needs no leave of whoever writes it.
    let task = if work.writes_tape { parser_role::STAGE } else { "parser.import" };
    let writer = Arc::clone(log).writer(&format!("{task}.0"))?;
    let (tape, progress) = (parser_role::cursor(log.as_ref())?, progress(log.as_ref())?);
    let generation = log.generation().number;
    let import = Import::open(files, tape, work.writes_tape, progress, generation, work.keeps_raw)?;
    Ok(Some((import, writer)))
}

/// How far the last import of fills came.
pub fn progress(log: &dyn Log) -> Result<Option<Progress>, Failure> {
    state::read(log, &topics::STATE_PARSER_NODE_FILLS, 0, Progress::KEY, "the state of an earlier import")
}

fn open_events(shared: &Shared, work: &Work) -> Result<Opened<EventImport>, Failure> {
    let (log, files) = (&shared.log, &work.contents.events);
    if files.is_empty() {
        return Ok(None);
    }
    // An import that was begun before is shut out, whatever leave it had.
    let mut writer = Arc::clone(log).writer("parser.import-events.0")?;
    if !work.is_followed {
        // Whoever begins to follow a node shuts this one out: it must know all that was brought.
        writer = Arc::clone(log).writer(&format!("{}.0", misc_events::STAGE))?;
    }
    let (cursor, progress) = (misc_events::cursor(log.as_ref())?, misc_events::imported(log.as_ref())?);
    let generation = log.generation().number;
    let import = EventImport::open(files, cursor, work.is_followed, progress, generation, work.keeps_raw)?;
    Ok(Some((import, writer)))
}
