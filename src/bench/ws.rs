//! Thousands of clients of one server in, first by themselves and then beside one that stops reading and one that reads
//! slowly; out comes what the others notice of those two, what the server holds for all of them, and what becomes of the two.
//!
//! The server is `fathom up --demo` in a process of its own, so that memory and time are its own; the market is in it.
//! The clients are one thread of this process. Each listens to events (all liquidations, all whale activities) and to
//! states (all prices, the positions of one coin). How late an update is counts from its event time, by the one clock of
//! the machine: making a line of the market, all stages and the way to the client are in it, and whatever holds up the
//! server in the one place where all are told holds up everybody.
//!
//! That nothing is lost is told twice: by the numbers of each subscription's frames, and, since a server that forgets
//! would not number what it forgot, by the places in the log of all events that any of the clients has heard.
//!
//! Whoever stops reading has asked for the same events two hundred times: so much waits for it soon. It reads again when the
//! server has counted somebody who lagged.

mod client;
mod events;
mod listener;
mod report;
mod server;
mod slow;
mod stalled;
mod verdict;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tracing::info;

use crate::args::BenchWs;
use crate::failure::Failure;
use crate::run::{allow_open_files, now_ms};
use listener::{Heard, Listener};
use report::Report;
use server::{Server, worked_ourselves};
use stalled::{Fate, Limits, Stalled};

/// What is measured at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing.
    Between,
    /// The clients by themselves.
    Alone,
    /// The clients with those two that do not keep up.
    Beside,
    Over,
}

/// What was found.
struct Found {
    heard: Vec<Heard>,
    slow: Heard,
    stalled: Fate,
    limits: Limits,
    /// Event times of which every event has to have been heard.
    times: Range<i64>,
    /// What the server held, in bytes, before there were any clients.
    without_clients: u64,
    alone: Watched,
    beside: Watched,
}

/// What the two processes took while something was measured.
struct Watched {
    most_memory: u64,
    server: Duration,
    clients: Duration,
    time: Duration,
}

/// What the server does to its clients shows in all of them, what happens beside it on the machine hardly.
const ROUNDS: u32 = 3;
/// Files that are open beside the sockets of the clients.
const FILES_BESIDE: u64 = 64;
/// So many subscribe at the same time.
const AT_A_TIME: usize = 32;
const LOOK_AT_MEMORY: Duration = Duration::from_millis(250);
/// What happened in the measured time has arrived by then.
const AFTERWARDS: Duration = Duration::from_secs(3);
/// Longer than it takes anybody to notice that everything is over.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn ws(args: &BenchWs) -> Result<(), Failure> {
    refuse_too_few_files(args.clients)?;
    let mut round = 1;
    loop {
        let found = run(args)?;
        let report = Report::of(args, &found)?;
        report.print();
        if verdict::is_held_up(&report) && !verdict::is_broken(&report) && round < ROUNDS {
            round += 1;
            info!("p99 is too late beside them; it is measured again, since anything else on this machine may be why");
            continue;
        }
        if args.json {
            println!("{}", report.json());
        }
        return verdict::judge(&report);
    }
}

/// With a server of its own.
fn run(args: &BenchWs) -> Result<Found, Failure> {
    let folder = super::folder()?;
    let server = Server::start(args, folder.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::because("could not start the runtime", cause))?;
    runtime.block_on(measure(args, &server))
}

fn refuse_too_few_files(clients: u32) -> Result<(), Failure> {
    let needed = u64::from(clients) + FILES_BESIDE;
    match allow_open_files().filter(|most| *most < needed) {
        Some(most) => Err(Failure::Usage(format!(
            "{clients} clients need {needed} open files, and a process may have {most}: say `ulimit -n {needed}` first"
        ))),
        None => Ok(()),
    }
}

async fn measure(args: &BenchWs, server: &Server) -> Result<Found, Failure> {
    let (without_clients, time) = (server.memory(), Duration::from_secs(args.seconds));
    let (course, _) = watch::channel(Phase::Between);
    let listening = gather(args.clients, server, &course).await?;
    info!("{} clients listen; measuring takes twice {} s", args.clients, args.seconds);
    let from = now_ms();
    course.send_replace(Phase::Alone);
    let alone = look_on(server, time).await;
    course.send_replace(Phase::Between);
    let slow = slow::subscribe(server.address, args.clients).await?;
    let stalled = Stalled::subscribe(server.address).await?;
    let limits = stalled.limits();
    let crawling = tokio::spawn(slow::crawl(slow, course.subscribe()));
    course.send_replace(Phase::Beside);
    let (beside, stalled) = tokio::join!(look_on(server, time), stalled.stall(server, time));
    let until = now_ms();
    course.send_replace(Phase::Between);
    sleep(AFTERWARDS).await;
    course.send_replace(Phase::Over);
    let ended = timeout(PATIENCE, async { (listening.join_all().await, crawling.await) }).await;
    let (heard, Ok(slow)) = ended.map_err(|_| Failure::stop("the clients do not end: this is a bug"))? else {
        return Err(Failure::stop("the slow client panicked: this is a bug"));
    };
    Ok(Found { heard, slow, stalled: stalled?, limits, times: from..until, without_clients, alone, beside })
}

/// Comes back when all of them have the rows that their subscriptions begin with.
async fn gather(clients: u32, server: &Server, course: &watch::Sender<Phase>) -> Result<JoinSet<Heard>, Failure> {
    let (address, turns, mut coming) = (server.address, Arc::new(Semaphore::new(AT_A_TIME)), JoinSet::new());
    let mut listening = JoinSet::new();
    for number in 0..clients {
        let turns = Arc::clone(&turns);
        coming.spawn(async move {
            let _turn = turns.acquire().await;
            Listener::subscribe(address, number, None).await
        });
    }
    while let Some(come) = coming.join_next().await {
        let listener = come.map_err(|cause| Failure::because("a client panicked: this is a bug", cause))??;
        listening.spawn(listener.listen(course.subscribe()));
    }
    Ok(listening)
}

async fn look_on(server: &Server, time: Duration) -> Watched {
    let (began, server_before, clients_before) = (Instant::now(), server.worked(), worked_ourselves());
    let (mut looking, mut most_memory) = (interval(LOOK_AT_MEMORY), 0);
    while began.elapsed() < time {
        looking.tick().await;
        most_memory = most_memory.max(server.memory());
    }
    let (server, clients) = (server.worked() - server_before, worked_ourselves() - clients_before);
    Watched { most_memory, server, clients, time: began.elapsed() }
}
