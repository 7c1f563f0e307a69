//! `fathom bench replay`: a simulated archive, computed on an embedded log, and then its facts once more: merely read, through
//! the processors of one stage, and through all of them with every result compared.

use std::sync::Arc;
use std::time::{Duration, Instant};

use computer::Rules;
use schemas::{GENERATION, topics};
use serde_json::{Value, json};

use crate::args::BenchReplay;
use crate::failure::Failure;
use crate::log::embedded::Embedded;
use crate::log::{Log, Start};
use crate::replay::{Request, replay};
use crate::run::roles::Roles;
use crate::run::{Shared, computer as computer_role, import as import_role};
use crate::stop::{Stop, Upstream};

const PATIENCE: Duration = Duration::from_millis(100);
const READ_BYTES: usize = 4 * 1024 * 1024;

pub fn run(args: &BenchReplay) -> Result<(), Failure> {
    let folder = super::folder()?;
    let files = super::import::write(&folder.path().join("archive"), args.fills)
        .map_err(|cause| Failure::because("could not write an archive", cause))?;
    let log: Arc<dyn Log> = Arc::new(Embedded::open(&folder.path().join("log"), GENERATION)?);
    compute(&log, parser::look_into(&files)?)?;
    let read = read(&log)?;
    let one = Request { topic: Some(topics::LIQUIDATIONS.name.to_owned()), ..Request::default() };
    let (once_more, _) = measured(&log, &one)?;
    let (compared, differences) = measured(&log, &Request { check: true, ..Request::default() })?;
    println!("{} facts read          {:>10.0} a second", read.records, read.rate());
    println!(
        "{} once more, one stage {:>7.0} a second, {:.2} of that",
        once_more.records,
        once_more.rate(),
        once_more.rate() / read.rate()
    );
    println!(
        "{} records, all stages, every result compared {:>7.0} a second; {differences} differ",
        compared.records,
        compared.rate()
    );
    if args.json {
        let object = json!({
            "facts": read.records, "read_facts_per_second": read.rate().round(),
            "replay_facts_per_second": once_more.rate().round(),
            "ratio": (once_more.rate() / read.rate() * 100.0).round() / 100.0,
            "compared_records": compared.records, "compared_records_per_second": compared.rate().round(), "differences": differences,
        });
        println!("{object}");
    }
    if differences > 0 {
        return Err(Failure::stop(format!("{differences} results are not what they were")));
    }
    Ok(())
}

struct Measured {
    records: u64,
    seconds: f64,
}

impl Measured {
    fn rate(&self) -> f64 {
        self.records as f64 / self.seconds.max(0.001)
    }
}

/// The archive, and all that stands on it.
fn compute(log: &Arc<dyn Log>, contents: parser::Contents) -> Result<(), Failure> {
    let shared = Shared::new(Arc::clone(log), Stop::new(), true);
    computer_role::announce(log.as_ref())?;
    let mut roles = Roles::new(&shared);
    let imported = Upstream::default();
    roles.start("import", &imported, move |shared| {
        let work = import_role::Work { contents, writes_tape: true, is_followed: false, keeps_raw: false };
        import_role::into_the_log(shared, &work)?;
        shared.stop.finish();
        Ok(())
    });
    computer_role::start(&mut roles, &imported);
    roles.wait()
}

/// As fast as somebody reads who does nothing with it.
fn read(log: &Arc<dyn Log>) -> Result<Measured, Failure> {
    let topic = &topics::FILLS;
    let starts: Vec<Start> = log.partitions(topic).map(|partition| Start { topic, partition, from: None }).collect();
    let (mut reader, began, mut records) = (Arc::clone(log).reader(&starts)?, Instant::now(), 0);
    while !(0..starts.len()).all(|place| reader.is_at_the_end(place)) {
        let slices = reader.read(READ_BYTES, PATIENCE)?;
        records += slices.iter().map(|slice| slice.records().count() as u64).sum::<u64>();
    }
    Ok(Measured { records, seconds: began.elapsed().as_secs_f64() })
}

fn measured(log: &Arc<dyn Log>, request: &Request) -> Result<(Measured, u64), Failure> {
    let mut summary = Value::Null;
    replay(log, &Rules::default(), request, &mut |mut line| {
        if line.get("summary").is_some() {
            summary = line["summary"].take();
        }
        Ok(())
    })?;
    let records = summary["records_read"].as_u64().unwrap_or_default();
    let seconds = summary["seconds"].as_f64().unwrap_or_default();
    Ok((Measured { records, seconds }, summary["check"]["differences"].as_u64().unwrap_or_default()))
}
