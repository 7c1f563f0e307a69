//! A generation that nobody keeps any more → nothing: its roles end, then its topics go, and its rows, a few at a time, as the
//! others go on.

use std::time::{Duration, Instant};

use schemas::Dropped;
use sink::SinkError;
use tokio::runtime::Handle;
use tracing::{error, info};

use super::{MakeRows, Running, change};
use crate::failure::Failure;
use crate::run::Shared;
use crate::run::database::Waiting;

/// What this process removes.
pub struct Removal {
    pub facts: Shared,
    pub dropped: Dropped,
    /// When this process makes it.
    pub running: Option<Running>,
    pub takes_it_off_the_log: bool,
    pub rows: Option<MakeRows>,
    pub runtime: Handle,
    /// Nothing else is done here.
    pub is_all: bool,
}

const RETRY: Duration = Duration::from_millis(500);
/// Whoever makes it elsewhere has heard by then that it does so no longer.
const OTHERS_END: Duration = Duration::from_secs(10);

impl Removal {
    /// What could not be done now is done by the next start.
    pub fn run(mut self) {
        let number = self.dropped.number;
        if let Some(Running { shared, roles, .. }) = self.running.take() {
            shared.stop.ask();
            match roles.wait() {
                Ok(()) => info!("generation {number} is made no longer"),
                Err(failure) => info!("generation {number} is made no longer: {}", failure.chain()),
            }
            if !self.facts.log.is_of_one_process() {
                self.facts.stop.rest(OTHERS_END);
            }
        }
        match self.remove() {
            Err(failure) if !self.facts.stop.asked() => {
                error!("what is left of generation {number} is removed at the next start: {}", failure.chain());
            }
            _ => {}
        }
        if self.is_all && !self.facts.stop.asked() {
            info!("generation {number} was dropped, and this process was there for it alone: it ends");
            self.facts.stop.ask();
        }
    }

    fn remove(&self) -> Result<(), Failure> {
        let number = self.dropped.number;
        if self.takes_it_off_the_log && !self.dropped.is_off_the_log {
            self.insist(|| Ok(self.facts.log.forget(number)?))?;
            self.insist(|| self.note(|dropped| dropped.is_off_the_log = true))?;
            info!("generation {number} is off the log");
        }
        if let Some(rows) = self.rows.as_ref().filter(|_| !self.dropped.has_no_rows) {
            let removed = self.remove_rows(rows)?;
            self.insist(|| self.note(|dropped| dropped.has_no_rows = true))?;
            info!("generation {number} has no rows any more: {removed} are gone");
        }
        Ok(())
    }

    fn remove_rows(&self, rows: &MakeRows) -> Result<u64, Failure> {
        let (sink, mut waiting, mut removed) = (rows()?, Waiting::default(), 0);
        loop {
            let began = Instant::now();
            match self.runtime.block_on(sink.forget_some(self.dropped.number)) {
                Ok(0) => return Ok(removed),
                Ok(some) => {
                    waiting.is_over();
                    removed += some;
                    // Half of the time is for who writes other rows.
                    self.goes_on(began.elapsed())?;
                }
                Err(error) if error.retry() => {
                    waiting.goes_on(&error);
                    self.goes_on(RETRY)?;
                }
                Err(error) => return Err(refused(error)),
            }
        }
    }

    fn note(&self, note: impl Fn(&mut Dropped)) -> Result<(), Failure> {
        change(&self.facts.log, |known| {
            known.dropped.iter_mut().filter(|dropped| dropped.number == self.dropped.number).for_each(&note);
            known.dropped.retain(|dropped| !dropped.is_off_the_log || !dropped.has_no_rows);
            Ok(())
        })
    }

    /// Somebody else may do the same just now.
    fn insist(&self, attempt: impl Fn() -> Result<(), Failure>) -> Result<(), Failure> {
        loop {
            match attempt() {
                Err(Failure::Again { .. }) => self.goes_on(RETRY)?,
                outcome => return outcome,
            }
        }
    }

    fn goes_on(&self, after: Duration) -> Result<(), Failure> {
        self.facts.stop.rest(after);
        if self.facts.stop.asked() {
            return Err(Failure::Ended { doing: format!("to remove generation {}", self.dropped.number) });
        }
        Ok(())
    }
}

fn refused(error: SinkError) -> Failure {
    Failure::because("could not remove rows", error)
}
