//! Roles as threads of one process; the first one that fails ends all.

use std::thread::JoinHandle;

use super::Shared;
use crate::failure::Failure;
use crate::stop::Upstream;

pub struct Roles {
    pub shared: Shared,
    running: Vec<(String, JoinHandle<Result<(), Failure>>)>,
}

impl Roles {
    pub fn new(shared: &Shared) -> Self {
        Self { shared: shared.clone(), running: Vec::new() }
    }

    pub fn start(
        &mut self,
        name: &str,
        kind: &Upstream,
        role: impl FnOnce(&Shared) -> Result<(), Failure> + Send + 'static,
    ) {
        let (shared, running) = (self.shared.clone(), kind.enter());
        let body = move || {
            // Also when the role panics: nobody may wait for one that has gone.
            let _running = running;
            let mut ender = EndsAllUnlessAsked(Some(shared.clone()));
            let outcome = match role(&shared) {
                // The end came while it waited for something, or had to begin again.
                Err(Failure::Ended { .. }) => Ok(()),
                Err(Failure::Again { .. }) if shared.stop.asked() => Ok(()),
                outcome => outcome,
            };
            shared.log.wake();
            if outcome.is_ok() && shared.stop.asked() {
                ender.0 = None;
            }
            outcome
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body);
        match thread {
            Ok(thread) => self.running.push((name.to_owned(), thread)),
            Err(cause) => {
                self.shared.stop.ask();
                let failed = Failure::because(format!("could not start {name}"), cause);
                self.running.push((name.to_owned(), std::thread::spawn(move || Err(failed))));
            }
        }
    }

    /// Waits for all; gives back what the first one that failed says.
    pub fn wait(self) -> Result<(), Failure> {
        let mut outcome = Ok(());
        for (name, thread) in self.running {
            let ended = thread.join().unwrap_or_else(|_| Err(Failure::stop(format!("{name} panicked: this is a bug"))));
            outcome = outcome.and(ended);
        }
        outcome
    }
}

struct EndsAllUnlessAsked(Option<Shared>);

impl Drop for EndsAllUnlessAsked {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            shared.stop.ask();
            shared.log.wake();
        }
    }
}
