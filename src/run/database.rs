//! The database as the roles use it: opened, waited for when it is away, and said so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sink::{Keeping, Sink, SinkError};
use tokio::runtime::{Handle, Runtime};
use tracing::{info, warn};

use super::generations::MakeRows;
use crate::failure::Failure;
use crate::stop::Stop;

const RETRY: Duration = Duration::from_millis(500);

/// Opens the database for writing, and waits for a server that is not there yet.
pub fn open_to_write(url: &str, keeping: Keeping, runtime: &Handle, stop: &Stop) -> Result<Sink, Failure> {
    open(stop, || runtime.block_on(sink::connect(url)), SinkError::retry).map(|sink| sink.keeping(keeping))
}

/// Opens it once more for each generation that is written.
pub fn rows_by(url: &str, keeping: Keeping, runtime: &Runtime, stop: &Stop) -> MakeRows {
    let (url, runtime, stop) = (url.to_owned(), runtime.handle().clone(), stop.clone());
    Arc::new(move || open_to_write(&url, keeping.clone(), &runtime, &stop))
}

/// Opens the database for reading, and waits until a sink has made its tables.
pub fn open_to_read(url: &str, runtime: &Handle, stop: &Stop) -> Result<api::Database, Failure> {
    open(stop, || runtime.block_on(api::open_database(url)), api::OpenError::retry)
}

fn open<T, E: std::error::Error + Send + Sync + 'static>(
    stop: &Stop,
    attempt: impl Fn() -> Result<T, E>,
    passes: fn(&E) -> bool,
) -> Result<T, Failure> {
    let mut waiting = Waiting::default();
    loop {
        match attempt() {
            Ok(database) => {
                waiting.is_over();
                return Ok(database);
            }
            Err(error) if !passes(&error) => return Err(Failure::because(error.to_string(), error)),
            Err(_) if stop.asked() => return Err(Failure::Ended { doing: "to open the database".to_owned() }),
            Err(error) => {
                waiting.goes_on(&error);
                stop.rest(RETRY);
            }
        }
    }
}

/// Says that something is waited for: at the beginning, now and then, and that it is over.
#[derive(Default)]
pub struct Waiting {
    since: Option<(Instant, Instant)>,
}

const SAY_AGAIN: Duration = Duration::from_secs(15);

impl Waiting {
    pub fn goes_on(&mut self, error: &(impl std::error::Error + ?Sized)) {
        let now = Instant::now();
        let is_new = self.since.is_none();
        let (_, said) = self.since.get_or_insert((now, now));
        if is_new || said.elapsed() > SAY_AGAIN {
            *said = now;
            let causes = std::iter::successors(error.source(), |cause| cause.source());
            let causes: Vec<String> = causes.map(|cause| format!(": {cause}")).collect();
            warn!("{error}{}: waiting for it", causes.concat());
        }
    }

    pub fn is_over(&mut self) {
        if let Some((since, _)) = self.since.take() {
            info!("the database answers, after {:.1} s", since.elapsed().as_secs_f32());
        }
    }
}
