//! A stage's tasks: one thread per partition that is ours, made anew when it was shut out or its commit was given up,
//! ended when its partition goes to another process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use schemas::{Outbox, Topic};
use tracing::info;

use super::{PATIENCE, Shared};
use crate::failure::Failure;
use crate::log::Writer;
use crate::stats;

/// A task's leave to work; it ends between two commits.
#[derive(Clone, Default)]
pub struct Lease {
    over: Arc<AtomicBool>,
}

impl Lease {
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Whoever was shut out and hears nothing of the group for so long still has the partition: longer than a group needs
/// to notice that a member is gone.
const SHUT_OUT: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(200);

/// Runs `task` for each partition that is ours until the end is asked for, or one of them fails for good.
pub fn keep(
    shared: &Shared,
    stage: &'static str,
    topic: &'static Topic,
    task: impl Fn(&Shared, u32, &Lease) -> Result<(), Failure> + Sync,
) -> Result<(), Failure> {
    let mut membership = shared.log.membership(stage, topic)?;
    stats::restarts(stage, 0);
    std::thread::scope(|scope| {
        let mut tasks = Tasks { scope, shared, stage, task: &task, ours: None, states: BTreeMap::new() };
        let outcome = loop {
            match membership.assigned(PATIENCE) {
                Ok(Some(ours)) => tasks.share(ours),
                Ok(None) => {}
                Err(error) => break Err(error.into()),
            }
            if let Err(failure) = tasks.look_after() {
                break Err(failure);
            }
            // What is still to be done when the end is asked for is done, also by tasks that had not begun yet.
            let is_shared = tasks.ours.is_some() || shared.ends_at_once();
            if shared.stop.asked() && is_shared && tasks.states.is_empty() {
                break Ok(());
            }
        };
        tasks.states.values().for_each(State::end);
        outcome
    })
}

/// Commits what a task says at its end. Whoever was shut out has nothing to say.
pub fn say_last(writer: &mut dyn Writer, out: &Outbox) -> Result<(), Failure> {
    match writer.commit(out) {
        Err(error) if error.again() => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Also when it is nothing: whoever stands by is not stuck.
pub fn say_share(stage: &str, ours: &BTreeSet<u32>) {
    if ours.is_empty() {
        info!("{stage} works on no partition: it stands by for the processes that have them");
    } else {
        info!("{stage} works on the partitions {ours:?}");
    }
}

struct Tasks<'scope, 'env, F> {
    scope: &'scope Scope<'scope, 'env>,
    shared: &'env Shared,
    stage: &'static str,
    task: &'scope F,
    /// Unknown before the first share.
    ours: Option<BTreeSet<u32>>,
    states: BTreeMap<u32, State<'scope>>,
}

enum State<'scope> {
    Running(Lease, ScopedJoinHandle<'scope, Result<(), Failure>>),
    /// To be started, but not before then.
    Waiting(Instant),
}

impl State<'_> {
    fn end(&self) {
        if let Self::Running(lease, _) = self {
            lease.end();
        }
    }
}

impl<'scope, F: Fn(&Shared, u32, &Lease) -> Result<(), Failure> + Sync> Tasks<'scope, '_, F> {
    /// A new share: what is ours no longer ends; what is ours again after all is started at once.
    fn share(&mut self, ours: BTreeSet<u32>) {
        if self.ours.as_ref() != Some(&ours) {
            say_share(self.stage, &ours);
        }
        for (_, state) in self.states.iter().filter(|(partition, _)| !ours.contains(partition)) {
            state.end();
        }
        let now = Instant::now();
        for partition in &ours {
            match self.states.get_mut(partition) {
                Some(State::Running(..)) => {}
                Some(State::Waiting(at)) => *at = now,
                None => drop(self.states.insert(*partition, State::Waiting(now))),
            }
        }
        self.ours = Some(ours);
    }

    /// What the first one that failed for good says; the others are still there to be ended.
    fn look_after(&mut self) -> Result<(), Failure> {
        let mut outcome = Ok(());
        for (partition, state) in std::mem::take(&mut self.states) {
            match self.next(partition, state) {
                Ok(Some(state)) => drop(self.states.insert(partition, state)),
                Ok(None) => {}
                Err(failure) => outcome = outcome.and(Err(failure)),
            }
        }
        outcome
    }

    /// What becomes of a partition's task; nothing, when the partition is not ours any more.
    fn next(&self, partition: u32, state: State<'scope>) -> Result<Option<State<'scope>>, Failure> {
        let is_ours = self.ours.as_ref().is_some_and(|ours| ours.contains(&partition)) && !self.shared.ends_at_once();
        match state {
            State::Running(lease, thread) if !thread.is_finished() => Ok(Some(State::Running(lease, thread))),
            State::Running(_, thread) => {
                let again = self.ended(partition, thread)?;
                let goes_on = is_ours && !self.shared.stop.asked();
                Ok(goes_on.then(|| State::Waiting(Instant::now() + again)))
            }
            State::Waiting(at) if is_ours && at <= Instant::now() => Ok(Some(self.start(partition))),
            State::Waiting(at) => Ok(is_ours.then_some(State::Waiting(at))),
        }
    }

    fn start(&self, partition: u32) -> State<'scope> {
        let (lease, shared, task) = (Lease::default(), self.shared.clone(), self.task);
        let theirs = lease.clone();
        State::Running(lease, self.scope.spawn(move || task(&shared, partition, &theirs)))
    }

    /// After how long an ended task is started again, if it is.
    fn ended(&self, partition: u32, thread: ScopedJoinHandle<'_, Result<(), Failure>>) -> Result<Duration, Failure> {
        match thread.join() {
            Ok(Ok(()) | Err(Failure::Ended { .. })) => Ok(AGAIN),
            Ok(Err(Failure::Again { what, at_once })) => {
                stats::restarts(self.stage, 1);
                info!("{}/{partition} begins again where it committed last: {what}", self.stage);
                Ok(if at_once { AGAIN } else { SHUT_OUT })
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::stop(format!("{}/{partition} panicked: this is a bug", self.stage))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use schemas::{GENERATION, topics};

    use super::*;
    use crate::log::embedded::Embedded;
    use crate::stop::Stop;

    #[test]
    fn tasks_that_had_not_begun_when_everything_is_to_be_finished_do_what_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(Embedded::open(folder.path(), GENERATION).unwrap());
        let shared = Shared::new(log, Stop::new(), true);
        shared.stop.finish();
        let done = std::sync::Mutex::new(BTreeSet::new());
        keep(&shared, "test", &topics::FILLS, |_, partition, _| {
            assert!(done.lock().unwrap().insert(partition), "{partition} is done twice");
            Ok(())
        })
        .unwrap();
        assert_eq!(done.into_inner().unwrap(), BTreeSet::from([0, 1, 2, 3]));
    }

    #[test]
    fn when_one_task_fails_for_good_the_others_end_and_it_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(Embedded::open(folder.path(), GENERATION).unwrap());
        let shared = Shared::new(log, Stop::new(), false);
        let (sender, ended) = std::sync::mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let outcome = keep(&shared, "test", &topics::FILLS, |_, partition, lease| {
                if partition == 0 {
                    return Err(Failure::stop("the first one fails"));
                }
                while !lease.is_over() {
                    std::thread::park_timeout(Duration::from_millis(1));
                }
                Ok(())
            });
            sender.send(outcome.unwrap_err().to_string()).unwrap();
        });
        assert_eq!(ended.recv_timeout(Duration::from_secs(20)).unwrap(), "the first one fails");
    }
}
