//! What somebody wants to have watched → the topic `whale-watches`, from which every computer hears of it. One after the
//! other, by one thread: who asks waits for a place, or is refused.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use ::computer::BESIDE_MS;
use api::{Live, Watched};
use schemas::{GENERATION, Message, Outbox, WhaleWatch, topics};
use tracing::warn;

use super::{Shared, now_ms, state};
use crate::failure::Failure;
use crate::log::Writer;

/// Who wants a watch to begin or to end asks here.
pub struct Watches {
    asked: SyncSender<Asked>,
}

struct Asked {
    watch: WhaleWatch,
    /// Nobody waits for it any longer.
    until: Instant,
    answer: SyncSender<Watched>,
}

/// So many may wait.
const WAITING: usize = 64;
/// So long the log may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A computer applies it when its clock has come so much further: by then it has read it, and does at that clock also when
/// everything is read again. Clocks take less to come here.
const TAKES_EFFECT_MS: i64 = 500;
/// Another process may be writing its own at the same time.
const TRIES: usize = 5;

impl Watches {
    pub fn start(shared: &Shared, live: &Live) -> Result<Self, Failure> {
        let (asked, waiting) = sync_channel(WAITING);
        let mut keeper = Keeper { shared: shared.clone(), live: live.clone(), writers: HashMap::new() };
        let keep = move || keeper.keep(&waiting);
        let started = thread::Builder::new().name("watches".to_owned()).spawn(keep);
        started.map_err(|cause| Failure::because("could not start the writer of watches".to_owned(), cause))?;
        Ok(Self { asked })
    }

    /// Begins or ends a watch.
    pub fn write(&self, watch: WhaleWatch) -> Watched {
        let (answer, answered) = sync_channel(1);
        let asked = Asked { watch, until: Instant::now() + PATIENCE, answer };
        if self.asked.try_send(asked).is_err() {
            return Watched::Refused;
        }
        answered.recv_timeout(PATIENCE).unwrap_or(Watched::Refused)
    }
}

struct Keeper {
    shared: Shared,
    live: Live,
    /// By partition. Each shuts all others out when it is made; who is shut out makes another one.
    writers: HashMap<u32, Box<dyn Writer>>,
}

impl Keeper {
    /// Ends when nobody can ask any more.
    fn keep(&mut self, waiting: &Receiver<Asked>) {
        for Asked { watch, until, answer } in waiting {
            if Instant::now() < until {
                // Who has gone is told nothing.
                let _ = answer.send(self.write(&watch));
            }
        }
    }

    fn write(&mut self, watch: &WhaleWatch) -> Watched {
        let mut outcome = self.try_to_write(watch, false);
        for _ in 1..TRIES {
            match outcome {
                Err(Failure::Again { .. }) => outcome = self.try_to_write(watch, true),
                _ => break,
            }
        }
        outcome.unwrap_or_else(|failure| {
            warn!("a watch was not written: {}", failure.chain());
            Watched::Refused
        })
    }

    /// With a writer that has shut all others out before it looks. What was tried may be there without an answer.
    fn try_to_write(&mut self, watch: &WhaleWatch, again: bool) -> Result<Watched, Failure> {
        let (shared, partition) = (&self.shared, watch.partition(GENERATION.partitions));
        let mut writer = match self.writers.remove(&partition) {
            Some(writer) => writer,
            None => shared.log.of_the_facts()?.writer(&format!("api.watches.{partition}"))?,
        };
        if watch.removed && !is_watched(shared, partition, watch)? {
            return Ok(if again { Watched::Written(watch.clone()) } else { Watched::NotThere });
        }
        let now = self.live.head_by_now().unwrap_or_else(now_ms);
        let watch = WhaleWatch { time: now - BESIDE_MS + TAKES_EFFECT_MS, ..watch.clone() };
        let mut out = Outbox::new(shared.log.generation());
        out.send(&watch);
        writer.commit(&out)?;
        self.writers.insert(partition, writer);
        Ok(Watched::Written(watch))
    }
}

fn is_watched(shared: &Shared, partition: u32, watch: &WhaleWatch) -> Result<bool, Failure> {
    let mut key = Vec::new();
    watch.write_key(&mut key);
    let last: Option<WhaleWatch> =
        state::read(shared.log.as_ref(), &topics::WHALE_WATCHES, partition, &key, "a watch")?;
    Ok(last.is_some_and(|last| !last.removed))
}
