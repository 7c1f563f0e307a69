//! A processor: two plain functions over one table. They are function pointers, so they can capture nothing, and
//! their types say which topics they read and write.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;

use schemas::{Gap, Message, Outbox, Topic};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::table::{Table, TableKey};

/// Where a fold puts what it has to say.
#[derive(Debug)]
pub struct Out<M>(Vec<M>);

impl<M> Out<M> {
    pub fn push(&mut self, message: M) {
        self.0.push(message);
    }
}

/// A tick of event time: a block is whole.
#[derive(Debug, Clone)]
pub struct Tick {
    pub time: i64,
    pub block: u64,
    /// Time of the tick before.
    pub previous: i64,
    /// The latest holes in the input, as times.
    pub holes: Vec<(i64, i64)>,
}

impl Tick {
    /// Whether a border of so many milliseconds lies between the tick before and this one.
    pub fn crosses(&self, ms: i64) -> bool {
        self.time.div_euclid(ms) > self.previous.div_euclid(ms)
    }
}

/// What the registry says of a processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub stage: &'static str,
    pub name: &'static str,
    pub reads: &'static Topic,
    /// Per event and per tick; the same topic twice when a processor has only one.
    pub writes: [&'static Topic; 2],
}

/// Reads `In`; says `A` at once and `B` at ticks.
pub(crate) struct Processor<K, V, In, A, B> {
    name: &'static str,
    table: Table<K, V>,
    fold: Fold<K, V, In, A>,
    tick: Fold<K, V, Tick, B>,
    gap: fn(&mut Table<K, V>, &Gap),
    said: Out<A>,
    said_at_ticks: Out<B>,
}

type Fold<K, V, In, M> = fn(&mut Table<K, V>, &In, &mut Out<M>);

/// The types of a processor taken away, so that a stage is a list.
pub(crate) trait Run: Send {
    fn describe(&self, stage: &'static str) -> Description;
    /// Folds the event if it is of this processor's kind; what it says at once is handed to `next` as well.
    fn fold(&mut self, event: &dyn Any, out: &mut Outbox, next: &mut [Box<dyn Run>]);
    fn tick(&mut self, tick: &Tick, out: &mut Outbox, next: &mut [Box<dyn Run>]);
    fn gap(&mut self, gap: &Gap);
    fn begin_tick(&mut self, tick: u64);
    fn save(&mut self, out: &mut Outbox, topic: &'static Topic, partition: u32);
    fn restore(&mut self, key: &str, value: &[u8]) -> Option<()>;
    fn restored(&mut self, tick: u64);
    fn entries(&self) -> usize;
}

/// Hands an event to each of these processors, in order.
pub(crate) fn offer(processors: &mut [Box<dyn Run>], event: &dyn Any, out: &mut Outbox) {
    let mut rest = processors;
    while let Some((first, next)) = rest.split_first_mut() {
        first.fold(event, out, next);
        rest = next;
    }
}

impl<K, V, In, A, B> Processor<K, V, In, A, B>
where
    K: TableKey + Send + 'static,
    V: Default + Serialize + DeserializeOwned + Send + 'static,
    In: Message + 'static,
    A: Message + Send + 'static,
    B: Message + Send + 'static,
{
    pub(crate) fn boxed(
        name: &'static str,
        fold: Fold<K, V, In, A>,
        tick: Fold<K, V, Tick, B>,
        gap: fn(&mut Table<K, V>, &Gap),
    ) -> Box<dyn Run> {
        Box::new(Self {
            name,
            table: Table::default(),
            fold,
            tick,
            gap,
            said: Out(Vec::new()),
            said_at_ticks: Out(Vec::new()),
        })
    }
}

impl<K, V, In, A, B> Run for Processor<K, V, In, A, B>
where
    K: TableKey + Send + 'static,
    V: Default + Serialize + DeserializeOwned + Send + 'static,
    In: Message + 'static,
    A: Message + Send + 'static,
    B: Message + Send + 'static,
{
    fn describe(&self, stage: &'static str) -> Description {
        Description { stage, name: self.name, reads: In::TOPIC, writes: [A::TOPIC, B::TOPIC] }
    }

    fn fold(&mut self, event: &dyn Any, out: &mut Outbox, next: &mut [Box<dyn Run>]) {
        if let Some(event) = event.downcast_ref::<In>() {
            (self.fold)(&mut self.table, event, &mut self.said);
            say(&mut self.said, out, next);
        }
    }

    fn tick(&mut self, tick: &Tick, out: &mut Outbox, next: &mut [Box<dyn Run>]) {
        (self.tick)(&mut self.table, tick, &mut self.said_at_ticks);
        say(&mut self.said_at_ticks, out, next);
    }

    fn gap(&mut self, gap: &Gap) {
        (self.gap)(&mut self.table, gap);
    }

    fn begin_tick(&mut self, tick: u64) {
        self.table.begin_tick(tick);
    }

    fn save(&mut self, out: &mut Outbox, topic: &'static Topic, partition: u32) {
        self.table.save(self.name, out.batch(topic, partition));
    }

    fn restore(&mut self, key: &str, value: &[u8]) -> Option<()> {
        let key = key.strip_prefix(self.name)?.strip_prefix('|')?;
        self.table.restore(key, value)
    }

    fn restored(&mut self, tick: u64) {
        self.table.restored(tick);
    }

    fn entries(&self) -> usize {
        self.table.len()
    }
}

fn say<M: Message + 'static>(said: &mut Out<M>, out: &mut Outbox, next: &mut [Box<dyn Run>]) {
    for message in said.0.drain(..) {
        out.send(&message);
        offer(next, &message, out);
    }
}
