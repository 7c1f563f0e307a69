//! How everything ends: the first signal asks for a clean end, in the order of the flow, within a grace; a second one
//! ends the process at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// After this long nobody waits for anybody any more. Whatever was not committed is done again at the next start.
const GRACE: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub struct Stop {
    inner: Arc<Inner>,
}

struct Inner {
    asked_at: Mutex<Option<Instant>>,
    changed: Condvar,
    sender: watch::Sender<bool>,
    /// Shared with whoever only looks at a flag.
    flag: Arc<AtomicBool>,
    /// Who ends with it.
    parts: Mutex<Vec<Weak<Inner>>>,
}

impl Stop {
    pub fn new() -> Self {
        let (sender, _) = watch::channel(false);
        let (asked_at, changed, flag) = (Mutex::new(None), Condvar::new(), Arc::new(AtomicBool::new(false)));
        Self { inner: Arc::new(Inner { asked_at, changed, sender, flag, parts: Mutex::default() }) }
    }

    /// The end of a part: it ends with the whole, or before.
    pub fn of_a_part(&self) -> Self {
        let part = Self::new();
        let mut parts = self.inner.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.push(Arc::downgrade(&part.inner));
        drop(parts);
        if self.asked() {
            part.ask();
        }
        part
    }

    /// Asks everyone to end.
    pub fn ask(&self) {
        let mut asked_at = self.inner.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        asked_at.get_or_insert_with(Instant::now);
        self.inner.flag.store(true, Ordering::Relaxed);
        self.inner.sender.send_replace(true);
        self.inner.changed.notify_all();
        drop(asked_at);
        self.parts().for_each(|part| part.ask());
    }

    /// There is nothing more to begin: everyone ends when all that is there has been done, however long that takes.
    pub fn finish(&self) {
        let asked_at = self.inner.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.flag.store(true, Ordering::Relaxed);
        self.inner.sender.send_replace(true);
        self.inner.changed.notify_all();
        drop(asked_at);
        self.parts().for_each(|part| part.finish());
    }

    fn parts(&self) -> impl Iterator<Item = Self> {
        let parts = self.inner.parts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        parts.into_iter().filter_map(|part| Some(Self { inner: part.upgrade()? }))
    }

    pub fn asked(&self) -> bool {
        self.inner.flag.load(Ordering::Relaxed)
    }

    /// The grace is over: end between two commits, whatever is still to be read.
    pub fn at_once(&self) -> bool {
        let asked_at = *self.inner.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        asked_at.is_some_and(|at| at.elapsed() >= GRACE)
    }

    /// Rests for a while; an end that is asked for ends the rest.
    pub fn rest(&self, duration: Duration) {
        let asked_at = self.inner.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.inner.changed.wait_timeout_while(asked_at, duration, |_| !self.asked()));
    }

    pub fn flag(&self) -> &AtomicBool {
        &self.inner.flag
    }

    pub fn watch(&self) -> watch::Receiver<bool> {
        self.inner.sender.subscribe()
    }

    /// Ends when an end was asked for.
    pub async fn wait(&self) {
        // The sender lives in `self`.
        let _ = self.watch().wait_for(|asked| *asked).await;
    }

    /// Turns SIGINT and SIGTERM into [`Stop::ask`]; the second one ends the process.
    pub async fn listen(self) -> std::io::Result<()> {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        for round in 0.. {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if round > 0 {
                std::process::exit(130);
            }
            self.ask();
        }
        Ok(())
    }
}

/// Those whose records somebody reads: as long as one of them runs, more may come.
#[derive(Clone, Default)]
pub struct Upstream {
    running: Arc<AtomicUsize>,
}

/// Held by a task as long as it runs.
pub struct Running {
    running: Arc<AtomicUsize>,
}

impl Upstream {
    pub fn enter(&self) -> Running {
        self.running.fetch_add(1, Ordering::SeqCst);
        Running { running: Arc::clone(&self.running) }
    }

    pub fn has_ended(&self) -> bool {
        self.running.load(Ordering::SeqCst) == 0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.running.fetch_sub(1, Ordering::SeqCst);
    }
}
