//! `fathom import`: node files of any layout → `fills`, or `fills-history` beside a tape that is there. Under a data
//! directory results and rows are made of them on the way; on Kafka that is the work of whoever computes there.

use std::collections::BTreeSet;
use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use parser::{Import, Progress, Taken};
use schemas::{GENERATION, Outbox, topics};
use serde_json::{Value, json};
use tracing::{info, warn};

use super::roles::Roles;
use super::{PATIENCE, Shared, alone, computer, database, housekeeping, market, now_ms, parser as parser_role, sink};
use crate::args::Import as Args;
use crate::data_dir::{DataDir, Market};
use crate::failure::Failure;
use crate::log::embedded::Embedded;
use crate::log::{Log, Writer};
use crate::stats::Stats;
use crate::stop::{Stop, Upstream};

/// A parser that is at work keeps its partition; whoever else wants it hears nothing for longer than this.
const SHARE_PATIENCE: Duration = Duration::from_secs(10);

pub fn import(args: Args) -> Result<(), Failure> {
    let files = files(&args.paths)?;
    let market = if args.simulated { Market::Simulated } else { Market::Mainnet };
    let runtime = super::up::runtime()?;
    let stop = Stop::new();
    runtime.spawn(stop.clone().listen());
    let summary = match args.kafka.settings()? {
        Some(settings) => {
            let shared = alone::open(settings, stop, true)?;
            market::mark(&shared, market)?;
            let writes_tape = is_free(&shared)?;
            into_the_log(&shared, &files, writes_tape, args.keep_raw)?
        }
        None => {
            let data = DataDir::take(&args.data.path, market)?;
            let log = Arc::new(Embedded::open(&data.log(), GENERATION)?);
            let shared = Shared { log, stats: Arc::new(Stats::default()), stop, drains: true };
            market::mark(&shared, market)?;
            let rows = database::open_to_write(&args.database.url_or(&data), &runtime, &shared.stop)?;
            with_results(&shared, rows, files, args.keep_raw, &runtime)?
        }
    };
    say(&summary, args.json);
    Ok(())
}

/// Whether nobody writes the tape: then what comes after its end is ours to add.
fn is_free(shared: &Shared) -> Result<bool, Failure> {
    let mut membership = shared.log.membership(parser_role::STAGE, &topics::STATE_PARSER_NODE_FILLS)?;
    let until = Instant::now() + SHARE_PATIENCE;
    while Instant::now() < until && !shared.stop.asked() {
        match membership.assigned(PATIENCE)? {
            Some(ours) if !ours.is_empty() => return Ok(true),
            _ => {}
        }
    }
    info!("a parser follows a node: what is before its tape goes to `fills-history`, what it has missed too");
    Ok(false)
}

/// Everything that stands on the facts is made at the same time: the log keeps no more of them than that needs.
fn with_results(
    shared: &Shared,
    rows: ::sink::Sink,
    files: BTreeSet<PathBuf>,
    keeps_raw: bool,
    runtime: &tokio::runtime::Runtime,
) -> Result<Summary, Failure> {
    computer::announce(shared.log.as_ref())?;
    sink::announce(shared, &rows, runtime)?;
    let mut roles = Roles::new(shared);
    let [imported, computed, stored, apart] = std::array::from_fn(|_| Upstream::default());
    let (sender, summary) = sync_channel(1);
    roles.start("import", &imported, move |shared| {
        let summary = into_the_log(shared, &files, true, keeps_raw)?;
        let _ = sender.send(summary);
        // The others end when they have read all of it.
        shared.stop.finish();
        Ok(())
    });
    for stage in computer::stages() {
        let upstream = imported.clone();
        roles.start(stage.name, &computed, move |shared| computer::run(shared, stage, &upstream));
    }
    let handle = runtime.handle().clone();
    roles.start("sink", &stored, move |shared| sink::run(shared, rows, &computed, &handle));
    roles.start("housekeeping", &apart, housekeeping::run);
    roles.wait()?;
    summary.recv().map_err(|cause| Failure::because("the import ended without a word", cause))
}

/// What an import has come to.
pub struct Summary {
    is_done: bool,
    pub counts: Value,
}

pub fn into_the_log(
    shared: &Shared,
    files: &BTreeSet<PathBuf>,
    writes_tape: bool,
    keeps_raw: bool,
) -> Result<Summary, Failure> {
    let log = &shared.log;
    let generation = log.generation();
    // What is beside the tape needs no leave of whoever writes it.
    let task = if writes_tape { parser_role::STAGE } else { "parser.import" };
    let mut writer = Arc::clone(log).writer(&format!("{task}.0"))?;
    let progress = progress(log.as_ref())?;
    let tape = parser_role::cursor(log.as_ref())?;
    let mut import = Import::open(files, tape, writes_tape, progress, generation.number, keeps_raw)?;
    let began = Instant::now();
    let bar = bar(import.bytes_left());
    // The next facts are made while the last ones are written.
    let (made, to_write) = sync_channel(0);
    let (written, to_fill) = sync_channel(2);
    (0..2).for_each(|_| drop(written.send(Outbox::new(generation))));
    let is_done = std::thread::scope(|scope| {
        let writing = scope.spawn(move || write(writer.as_mut(), &to_write, &written));
        let outcome = read(shared, &mut import, &to_fill, &made, |import| show(&bar, import, began));
        drop(made);
        let ended = writing.join().unwrap_or_else(|_| Err(Failure::stop("whoever writes panicked: this is a bug")));
        ended.and(outcome)
    })?;
    bar.finish_and_clear();
    for path in import.skipped() {
        warn!("{} holds no fills: skipped", path.display());
    }
    Ok(Summary { is_done, counts: counts(&import, is_done, files.len(), began.elapsed()) })
}

/// How far the last import came.
pub fn progress(log: &dyn Log) -> Result<Option<Progress>, Failure> {
    let progress = log.last_value(&topics::STATE_PARSER_NODE_FILLS, 0, Progress::KEY)?;
    let progress = progress.map(|bytes| serde_json::from_slice(&bytes)).transpose();
    progress.map_err(|cause| Failure::because("the state of an earlier import cannot be read", cause))
}

/// Fills outboxes until there is nothing more; whether that is so, or the end was asked for.
fn read(
    shared: &Shared,
    import: &mut Import,
    to_fill: &Receiver<Outbox>,
    made: &SyncSender<Outbox>,
    show: impl Fn(&Import),
) -> Result<bool, Failure> {
    while !shared.stop.asked() {
        if shared.log.is_held_up(&[&topics::FILLS, &topics::FILLS_HISTORY]) {
            shared.stop.rest(PATIENCE);
            continue;
        }
        // Whoever writes has failed, and says why.
        let Ok(mut out) = to_fill.recv() else { return Ok(false) };
        let taken = import.read(now_ms(), &mut out)?;
        if made.send(out).is_err() {
            return Ok(false);
        }
        if taken == Taken::default() {
            return Ok(true);
        }
        show(import);
    }
    Ok(false)
}

fn write(writer: &mut dyn Writer, made: &Receiver<Outbox>, written: &SyncSender<Outbox>) -> Result<(), Failure> {
    for mut out in made {
        if out.records() > 0 {
            writer.commit(&out)?;
            out.clear();
        }
        let _ = written.send(out);
    }
    Ok(())
}

fn counts(import: &Import, is_done: bool, files: usize, elapsed: Duration) -> Value {
    let (tape, history, census) = (import.tape(), import.history(), import.census());
    let both = |of: fn(&schemas::Cursor) -> u64| of(tape) + of(history);
    let seconds = elapsed.as_secs_f64();
    json!({
        "done": is_done, "files": files, "skipped": import.skipped().len(),
        "blocks": census.blocks, "fills": census.fills, "liquidations": census.liquidations,
        "users": census.users.len(), "coins": census.coins.len(),
        "gaps": both(|cursor| cursor.gaps), "blocks_missed": both(|cursor| cursor.blocks_missed),
        "duplicates": both(|cursor| cursor.blocks_repeated + cursor.fills_repeated),
        "dead_letters": both(|cursor| cursor.dead_letters), "beyond": import.progress().beyond,
        "bytes": import.progress().bytes, "seconds": (seconds * 1000.0).round() / 1000.0,
        "fills_per_second": (census.fills as f64 / seconds.max(0.001)).round(),
    })
}

fn bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    let style = ProgressStyle::with_template("{bar:40} {percent}% {bytes}/{total_bytes}, {msg}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

const SAY_EVERY: Duration = Duration::from_secs(10);

/// A bar where somebody looks; a line now and then where nobody does.
fn show(bar: &ProgressBar, import: &Import, began: Instant) {
    let total = bar.length().unwrap_or_default();
    let read = total.saturating_sub(import.bytes_left());
    let rate = import.census().fills as f64 / began.elapsed().as_secs_f64().max(0.001);
    bar.set_position(read);
    bar.set_message(format!("{rate:.0} fills/s"));
    if !std::io::stderr().is_terminal() && bar.elapsed() > SAY_EVERY {
        bar.reset_elapsed();
        let left = (total - read) as f64 * began.elapsed().as_secs_f64() / (read.max(1)) as f64;
        info!(
            "{} of {} MB, {} fills, {rate:.0} fills/s, {left:.0} s left",
            read / 1_000_000,
            total / 1_000_000,
            import.census().fills
        );
    }
}

fn say(summary: &Summary, as_json: bool) {
    let of = |name: &str| summary.counts[name].to_string();
    let end = if summary.is_done { "done" } else { "ended before it was done: the same command goes on from here" };
    println!(
        "{end}: {} fills of {} blocks, {} users, {} coins; {} liquidation fills; {} gaps, {} duplicates, {} dead letters",
        of("fills"),
        of("blocks"),
        of("users"),
        of("coins"),
        of("liquidations"),
        of("gaps"),
        of("duplicates"),
        of("dead_letters"),
    );
    if as_json {
        println!("{}", summary.counts);
    }
}

/// Every file that is named, in a folder that is named, or matches a pattern.
fn files(paths: &[String]) -> Result<BTreeSet<PathBuf>, Failure> {
    let mut files = BTreeSet::new();
    for path in paths {
        let before = files.len();
        let matches = if Path::new(path).exists() { vec![PathBuf::from(path)] } else { matching(path)? };
        for found in &matches {
            collect(found, &mut files)?;
        }
        if matches.is_empty() || files.len() == before && matches.iter().all(|path| path.is_dir()) {
            return Err(Failure::Usage(format!(
                "there is no file at {path}: name node files, folders of them, or a pattern"
            )));
        }
    }
    Ok(files)
}

fn matching(pattern: &str) -> Result<Vec<PathBuf>, Failure> {
    let not_a_pattern = |cause: glob::PatternError| Failure::Usage(format!("{pattern:?} is not a pattern: {cause}"));
    let found = glob::glob(pattern).map_err(not_a_pattern)?.collect::<Result<Vec<_>, _>>();
    found.map_err(|cause| Failure::because(format!("could not look for {pattern}"), cause))
}

fn collect(path: &Path, files: &mut BTreeSet<PathBuf>) -> Result<(), Failure> {
    let unreadable = |cause| Failure::because(format!("could not read {}", path.display()), cause);
    if !path.is_dir() {
        // The same file by another name is the same file.
        files.insert(fs::canonicalize(path).map_err(unreadable)?);
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(unreadable)? {
        collect(&entry.map_err(unreadable)?.path(), files)?;
    }
    Ok(())
}
