//! What an admin has asked for that takes long → a thread that does it, one at a time; how far it is, what came of it and of
//! those before, for whoever looks; and its end between two steps, when that is asked for.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tracing::info;

use super::now_ms;
use crate::control::{Answers, Question};
use crate::failure::Failure;

#[derive(Clone)]
pub struct Jobs {
    answers: Answers,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    last_id: u64,
    /// The oldest first.
    jobs: VecDeque<Job>,
}

/// As it is told.
#[derive(Clone, Serialize)]
pub struct Job {
    pub id: u64,
    /// What was asked for, and how.
    what: Value,
    state: State,
    began: i64,
    ended: Option<i64>,
    plan: Value,
    progress: Value,
    /// The first lines that it said.
    said: Vec<Value>,
    summary: Value,
    failure: Option<String>,
    #[serde(skip)]
    is_to_end: Arc<AtomicBool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Running,
    Done,
    Failed,
    Cancelled,
}

/// So many are remembered, and so many lines of each.
const REMEMBERED: usize = 100;
const LINES: usize = 100;

impl Jobs {
    pub fn new(answers: Answers) -> Self {
        Self { answers, known: Arc::default() }
    }

    /// Begins it, unless another one runs: then its number is given back as an error.
    pub fn begin(&self, what: Value, question: Question) -> Result<Job, u64> {
        let mut known = self.known();
        if let Some(running) = known.jobs.iter().find(|job| job.state == State::Running) {
            return Err(running.id);
        }
        known.last_id += 1;
        let job = Job::begun(known.last_id, what);
        known.jobs.push_back(job.clone());
        if known.jobs.len() > REMEMBERED {
            known.jobs.pop_front();
        }
        drop(known);
        let (jobs, id) = (self.clone(), job.id);
        info!("job {id} begins: {}", job.what);
        tokio::task::spawn_blocking(move || jobs.run(id, &question));
        Ok(job)
    }

    /// The latest first.
    pub fn all(&self) -> Vec<Job> {
        self.known().jobs.iter().rev().cloned().collect()
    }

    pub fn one(&self, id: u64) -> Option<Job> {
        self.known().jobs.iter().find(|job| job.id == id).cloned()
    }

    /// Has it end between two steps, if it still runs.
    pub fn cancel(&self, id: u64) -> Option<Job> {
        let job = self.one(id)?;
        job.is_to_end.store(true, Ordering::Relaxed);
        Some(job)
    }

    fn run(&self, id: u64, question: &Question) {
        let work = || (self.answers)(question, &mut |line| self.hear(id, line));
        let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            Err(Failure::stop("it panicked: this is a bug, and the log of the process says where"))
        });
        self.change(id, |job| {
            job.ended = Some(now_ms());
            job.state = match &outcome {
                Ok(()) => State::Done,
                Err(Failure::Ended { .. }) => State::Cancelled,
                Err(_) => State::Failed,
            };
            job.failure = outcome.err().filter(|_| job.state == State::Failed).map(|failure| failure.chain());
            info!("job {id} has ended: {:?}", job.state);
        });
    }

    fn hear(&self, id: u64, mut line: Value) -> Result<(), Failure> {
        let mut is_to_end = false;
        self.change(id, |job| {
            is_to_end = job.is_to_end.load(Ordering::Relaxed);
            if line.get("plan").is_some() {
                job.plan = line["plan"].take();
            } else if line.get("progress").is_some() {
                job.progress = line["progress"].take();
            } else if line.get("summary").is_some() {
                job.summary = line["summary"].take();
            } else if job.said.len() < LINES {
                job.said.push(line.take());
            }
        });
        if is_to_end { Err(Failure::Ended { doing: format!("job {id}") }) } else { Ok(()) }
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.known().jobs.iter_mut().find(|job| job.id == id) {
            change(job);
        }
    }

    /// Nothing can fail half-way while it is held.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    fn begun(id: u64, what: Value) -> Self {
        let (began, nothing) = (now_ms(), Value::Null);
        Self {
            id,
            what,
            state: State::Running,
            began,
            ended: None,
            plan: nothing.clone(),
            progress: nothing.clone(),
            said: Vec::new(),
            summary: nothing,
            failure: None,
            is_to_end: Arc::default(),
        }
    }
}
