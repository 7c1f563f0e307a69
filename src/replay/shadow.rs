//! What is said once more of a stretch → the topics of a generation of its own, and rows of it by whoever stores them. Nobody
//! goes on with it and nobody is told of it. What does not come to its end is dropped.

use std::sync::Arc;

use ::computer::Rules;
use schemas::{KeptStretch, Outbox, Record, Topic};
use serde_json::Value;
use tracing::error;

use super::fate::is_a_clock;
use super::{Request, is_of_coin};
use crate::failure::Failure;
use crate::log::{Log, Writer};
use crate::run::generations::{begin_another, change, drop_one, kept_rules};

pub struct Shadow {
    log: Arc<dyn Log>,
    number: u32,
    writer: Box<dyn Writer>,
    out: Outbox,
    coin: Option<String>,
    results: u64,
}

/// So much is written at once.
const COMMIT_BYTES: usize = 1024 * 1024;

impl Shadow {
    pub fn begin(
        log: &Arc<dyn Log>,
        rules: &Rules,
        request: &Request,
        (from, to): (i64, i64),
    ) -> Result<Self, Failure> {
        let Request { coin, processor, topic, .. } = request.clone();
        let stretch = KeptStretch { from, to, coin: coin.clone(), processor, topic, is_whole: false };
        let number = begin_another(log, &kept_rules(rules), Some(stretch))?;
        Self::open(log, number, coin).inspect_err(|_| gives_up(log, number))
    }

    fn open(log: &Arc<dyn Log>, number: u32, coin: Option<String>) -> Result<Self, Failure> {
        let its = log.of_generation(number)?;
        let (writer, out) = (Arc::clone(&its).writer("replay.0")?, Outbox::new(its.generation()));
        Ok(Self { log: Arc::clone(log), number, writer, out, coin, results: 0 })
    }

    pub fn take(&mut self, topic: &'static Topic, partition: u32, record: &Record<'_>) -> Result<(), Failure> {
        if !is_a_clock(record) {
            if self.coin.as_deref().is_some_and(|coin| !is_of_coin(record.key, coin)) {
                return Ok(());
            }
            self.results += 1;
        }
        let Record { time, key, value, headers } = *record;
        self.out.batch(topic, partition).push(time, key, value, headers.0);
        if self.out.bytes() >= COMMIT_BYTES { self.commit() } else { Ok(()) }
    }

    pub fn commit(&mut self) -> Result<(), Failure> {
        if self.out.records() > 0 {
            self.writer.commit(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }

    /// Its number, and how many results it has.
    pub fn end(mut self) -> Result<(Value, Value), Failure> {
        let ended = self.commit().and_then(|()| self.is_whole());
        match ended {
            Ok(()) => Ok((self.number.into(), self.results.into())),
            Err(failure) => {
                self.give_up();
                Err(failure)
            }
        }
    }

    fn is_whole(&self) -> Result<(), Failure> {
        change(&self.log, |known| {
            let its = known.kept.iter_mut().filter(|kept| kept.number == self.number);
            its.filter_map(|kept| kept.stretch.as_mut()).for_each(|stretch| stretch.is_whole = true);
            Ok(())
        })
    }

    pub fn give_up(self) {
        gives_up(&self.log, self.number);
    }
}

fn gives_up(log: &Arc<dyn Log>, number: u32) {
    if let Err(failure) = drop_one(log, number) {
        error!("generation {number} is not whole: drop it by `fathom rebuild drop {number}`: {}", failure.chain());
    }
}
