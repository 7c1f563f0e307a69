//! So many stored fills, and what belongs to them, in; out comes how long every list takes to answer over HTTP, and by
//! which plans the database goes to the answers.
//!
//! A simulated market runs for a while through all that `fathom up` runs, so that every row is one that the program has
//! written. `copies` then has the database copy them, moved in time and to other wallets and coins, until there are as
//! many as were asked for. What is asked comes from the OpenAPI document: a new list is measured without a word here.

mod client;
mod copies;
mod filled;
mod market;
mod questions;
mod report;
mod served;
mod store;

use std::time::Instant;

use tracing::info;

use crate::args::BenchApi;
use crate::failure::Failure;
use crate::run::up;
use questions::Question;
use report::Report;
use served::Served;
use store::Store;

pub fn api(args: BenchApi) -> Result<(), Failure> {
    let (folder, runtime) = (super::folder()?, up::runtime()?);
    if let Some(url) = &args.database.url {
        Store::open(url, runtime.handle())?.refuse_tables()?;
    }
    let data = market::run(folder.path(), &args)?;
    let url = args.database.url.clone().unwrap_or_else(|| data.database_url());
    let began = Instant::now();
    let mut store = Store::open(&url, runtime.handle())?;
    let filled = filled::fill(&mut store, args.fills)?;
    info!("filled in {:.0} s", began.elapsed().as_secs_f64());

    let served = Served::start(&url, &data, &runtime)?;
    let questions = questions::all(served.address, &filled)?;
    info!("{} questions, each asked {} times", questions.len(), 2 * args.requests);
    let mut report = Report::new(&args, filled, began.elapsed());
    for question in questions {
        let walks = plans_of(&served, &question, &report)?;
        let measure = |clients| client::measure(served.address, &question, args.requests, clients);
        let (mut alone, mut tries) = (measure(1)?, 1);
        // What is slow once may be the machine; what is slow each time is the question.
        while report.is_too_slow(&alone) && tries < TRIES {
            (alone, tries) = (measure(1)?, tries + 1);
        }
        let together = measure(CLIENTS)?;
        report.add(question, walks, alone, together);
    }
    served.end(&runtime);
    report.tell(args.json)
}

const CLIENTS: u32 = 4;
const TRIES: u32 = 3;

/// The steps of its plans that walk through a big table.
fn plans_of(served: &Served, question: &Question, report: &Report) -> Result<Vec<String>, Failure> {
    served.plans.take();
    client::Client::connect(served.explained)?.get(&question.url)?;
    let big = report.filled.big_tables();
    let walks = served.plans.take().into_iter().flat_map(|plan| {
        let of_big = |name: &str| big.iter().any(|table| plan.calls(name, table));
        let steps = plan.walks().into_iter().filter(|(name, _)| of_big(name));
        steps.map(|(_, step)| step.trim().to_owned()).collect::<Vec<_>>()
    });
    Ok(walks.collect())
}
