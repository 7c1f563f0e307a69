//! A processor: plain functions over what it remembers. They are function pointers, so they can capture nothing, and
//! their types say which topics they read and write.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;

use schemas::{Gap, Message, Outbox, Topic};

use crate::table::State;

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
    /// Somebody wants to know how everything stands: whatever has a state says all of it, changed or not.
    pub tells_all: bool,
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
    pub reads: Vec<&'static Topic>,
    /// Per event and per tick; the same topic twice when a processor has only one.
    pub writes: [&'static Topic; 2],
}

/// Says `A` at once and `B` at ticks, of what it remembers in `S`.
pub(crate) struct Processor<S, A, B> {
    name: &'static str,
    state: S,
    reads: Vec<(&'static Topic, Reads<S, A>)>,
    tick: Fold<S, Tick, B>,
    gap: fn(&mut S, &Gap),
    said: Out<A>,
    said_at_ticks: Out<B>,
}

type Fold<S, In, M> = fn(&mut S, &In, &mut Out<M>);

/// A fold whose input's type is taken away: it takes what is of its kind.
type Reads<S, A> = Box<dyn Fn(&mut S, &dyn Any, &mut Out<A>) + Send>;

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

impl<S, A, B> Processor<S, A, B>
where
    S: State + 'static,
    A: Message + Send + 'static,
    B: Message + Send + 'static,
{
    /// One that reads one topic.
    pub(crate) fn boxed<In: Message + 'static>(
        name: &'static str,
        fold: Fold<S, In, A>,
        tick: Fold<S, Tick, B>,
        gap: fn(&mut S, &Gap),
    ) -> Box<dyn Run> {
        Self::new(name, tick, gap).reads(fold).boxed_up()
    }

    /// One that reads nothing yet.
    pub(crate) fn new(name: &'static str, tick: Fold<S, Tick, B>, gap: fn(&mut S, &Gap)) -> Self {
        let (said, said_at_ticks) = (Out(Vec::new()), Out(Vec::new()));
        Self { name, state: S::default(), reads: Vec::new(), tick, gap, said, said_at_ticks }
    }

    /// With what it is told once: it is no part of what it remembers.
    pub(crate) fn given(mut self, give: impl FnOnce(&mut S)) -> Self {
        give(&mut self.state);
        self
    }

    pub(crate) fn boxed_up(self) -> Box<dyn Run> {
        Box::new(self)
    }

    pub(crate) fn reads<In: Message + 'static>(mut self, fold: Fold<S, In, A>) -> Self {
        let fold_its_kind = move |state: &mut S, event: &dyn Any, out: &mut Out<A>| {
            if let Some(event) = event.downcast_ref::<In>() {
                fold(state, event, out);
            }
        };
        self.reads.push((In::TOPIC, Box::new(fold_its_kind)));
        self
    }
}

impl<S, A, B> Run for Processor<S, A, B>
where
    S: State + 'static,
    A: Message + Send + 'static,
    B: Message + Send + 'static,
{
    fn describe(&self, stage: &'static str) -> Description {
        let mut reads: Vec<&'static Topic> = self.reads.iter().map(|(topic, _)| *topic).collect();
        reads.dedup();
        Description { stage, name: self.name, reads, writes: [A::TOPIC, B::TOPIC] }
    }

    fn fold(&mut self, event: &dyn Any, out: &mut Outbox, next: &mut [Box<dyn Run>]) {
        self.reads.iter().for_each(|(_, fold)| fold(&mut self.state, event, &mut self.said));
        say(&mut self.said, out, next);
    }

    fn tick(&mut self, tick: &Tick, out: &mut Outbox, next: &mut [Box<dyn Run>]) {
        (self.tick)(&mut self.state, tick, &mut self.said_at_ticks);
        say(&mut self.said_at_ticks, out, next);
    }

    fn gap(&mut self, gap: &Gap) {
        (self.gap)(&mut self.state, gap);
    }

    fn begin_tick(&mut self, tick: u64) {
        self.state.begin_tick(tick);
    }

    fn save(&mut self, out: &mut Outbox, topic: &'static Topic, partition: u32) {
        self.state.save(self.name, out.batch(topic, partition));
    }

    fn restore(&mut self, key: &str, value: &[u8]) -> Option<()> {
        self.state.restore(self.name, key, value)
    }

    fn restored(&mut self, tick: u64) {
        self.state.restored(tick);
    }

    fn entries(&self) -> usize {
        self.state.len()
    }
}

fn say<M: Message + 'static>(said: &mut Out<M>, out: &mut Outbox, next: &mut [Box<dyn Run>]) {
    for message in said.0.drain(..) {
        out.send(&message);
        offer(next, &message, out);
    }
}
