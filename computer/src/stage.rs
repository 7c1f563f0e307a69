//! One task of a stage: the records of its lanes in, results and state out. It can be dropped at any moment and made
//! again from what it last saved.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use schemas::{Checkpoint, Clock, Gap, Generation, Headers, LateJoin, Outbox, Record, ResultClock, Topic};

use crate::definition::{Definition, Joins, Rules};
use crate::lane::{Lane, Queued, follows, is_due};
use crate::processor::{Run, Tick, offer};

/// A window closes when the clock is this far past its end; what comes later is late.
pub const GRACE_MS: i64 = 10_000;

/// What has no clock of its own is applied when the clock is this far past its time.
pub const BESIDE_MS: i64 = 1_000;

/// How often the result topics are told the time.
const CLOCK_EVERY_MS: i64 = 1_000;

pub struct Stage {
    definition: &'static Definition,
    generation: Generation,
    share: u32,
    lanes: Vec<Lane>,
    processors: Vec<Box<dyn Run>>,
    /// Topics of which this task alone writes its partitions: it says the clock there.
    told_the_time: Vec<&'static Topic>,
    checkpoint: Checkpoint,
    set_aside: Vec<SetAside>,
    late_beside: u64,
}

/// A record that no fold could read. The bytes will not change: it is set aside and the stream goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub reason: String,
}

/// One that was set aside, and where it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    pub topic: &'static Topic,
    pub partition: u32,
    pub offset: u64,
    pub time: i64,
    pub value: Vec<u8>,
    pub reason: String,
}

impl Stage {
    /// A task for one share of the work, before anything has been restored.
    pub(crate) fn of(definition: &'static Definition, rules: &Rules, generation: Generation, share: u32) -> Self {
        Self {
            definition,
            generation,
            share,
            lanes: definition.lanes(generation, share).map(|(input, partition)| Lane::new(input, partition)).collect(),
            processors: (definition.processors)(rules),
            told_the_time: definition.writes_alone(),
            checkpoint: Checkpoint { generation: generation.number, ..Checkpoint::default() },
            set_aside: Vec::new(),
            late_beside: 0,
        }
    }

    /// The stage that reads `fills`.
    pub fn coin(generation: Generation, share: u32) -> Self {
        crate::COIN.task(generation, share)
    }

    /// The stage that reads `asset-contexts`.
    pub fn price(generation: Generation, share: u32) -> Self {
        crate::PRICE.task(generation, share)
    }

    pub fn name(&self) -> &'static str {
        self.definition.name
    }

    pub fn state(&self) -> &'static Topic {
        self.definition.state
    }

    /// What this task reads, and from where: from the oldest, when nothing of it was applied yet.
    pub fn lanes(&self) -> impl Iterator<Item = (&'static Topic, u32, Option<u64>)> {
        let next = |lane: &Lane| self.checkpoint.next.get(&name_of(lane)).copied();
        self.lanes.iter().map(move |lane| (lane.input.topic, lane.partition, next(lane)))
    }

    /// The oldest offset of a lane that was not applied: what a successor would have to read.
    pub(crate) fn needs(&self, lane: usize) -> u64 {
        self.lanes[lane].next().unwrap_or_default()
    }

    /// Whether more of a lane is needed now; where it is not, the others come first.
    pub fn wants_more_of(&self, lane: usize) -> bool {
        self.lanes[lane].wants_more()
    }

    /// A record joins at this clock and not before, as it did when this was computed before.
    pub fn joins_late(&mut self, join: &LateJoin) {
        let LateJoin { topic, partition, offset, clock, block, .. } = join;
        let is_it = |lane: &&mut Lane| lane.partition == *partition && lane.input.topic.name == topic;
        let clock = Clock { time: *clock, block: *block };
        self.lanes.iter_mut().filter(is_it).for_each(|lane| lane.joins_late(*offset, clock));
    }

    /// Takes one record of a lane.
    pub fn take(&mut self, lane: usize, offset: u64, record: &Record<'_>, out: &mut Outbox) {
        if record.value.is_none() {
            // That an entry of a compacted topic is gone is told by the record before.
            return;
        }
        let lane = &mut self.lanes[lane];
        let queued = lane.read(offset, record);
        if lane.input.joins == Joins::AtOnce {
            // Where nobody tells the time, it is that of what has come.
            self.checkpoint.clock = self.checkpoint.clock.max(queued.time().unwrap_or_default());
            out.inherit(record.headers);
            self.apply(queued, out);
        } else {
            lane.push(offset, queued);
        }
    }

    /// All records of a lane before this offset have been taken.
    pub fn has_read(&mut self, lane: usize, next: u64) {
        self.lanes[lane].has_read(next);
    }

    /// There is nothing more of a lane for now.
    pub fn has_all_of(&mut self, lane: usize) {
        self.ends_at(lane, 0);
    }

    /// A lane ended here when everything that was taken of the others had been taken.
    pub fn ends_at(&mut self, lane: usize, end: u64) {
        let by_clock = self.lanes.iter().filter(|lane| lane.input.joins == Joins::ByClock);
        let last =
            by_clock.filter_map(Lane::last_clock).reduce(|last, clock| if follows(clock, last) { clock } else { last });
        if let Some(last) = last {
            self.lanes[lane].ends_at(end, last);
        }
    }

    /// Applies what nothing has to be waited for any more. The lane that it waits for is given back, when somebody has
    /// to say how far that one reaches now.
    pub fn go_on(&mut self, out: &mut Outbox) -> Option<usize> {
        self.go_on_until(usize::MAX, out)
    }

    /// The same, but no further than to the clock with which so many bytes are said.
    pub fn go_on_until(&mut self, bytes: usize, out: &mut Outbox) -> Option<usize> {
        self.go_on_while(|_, out| out.bytes() < bytes, out)
    }

    /// The same, of clocks up to a time.
    pub fn go_on_up_to(&mut self, time: i64, out: &mut Outbox) -> Option<usize> {
        self.go_on_while(|clock, _| clock.time <= time, out)
    }

    fn go_on_while(&mut self, goes_on: impl Fn(Clock, &Outbox) -> bool, out: &mut Outbox) -> Option<usize> {
        while let Some(clock) = self.next_clock().filter(|clock| goes_on(*clock, out)) {
            if let Some(lane) = self.apply_beside(clock, out) {
                return Some(lane).filter(|lane| !self.lanes[*lane].has_a_promise());
            }
            self.apply_up_to(clock, out);
        }
        None
    }

    /// Whether the clock that comes next is behind a time.
    pub fn is_past(&self, time: i64) -> bool {
        self.next_clock().is_some_and(|clock| clock.time > time)
    }

    /// Whether a clock can be applied at once.
    pub fn can_go_on(&self) -> bool {
        let is_known = |clock| self.lanes.iter().all(|lane| !is_beside(lane) || lane.is_known_to(clock));
        self.next_clock().is_some_and(is_known)
    }

    /// The clock that comes next, once every lane has come so far.
    fn next_clock(&self) -> Option<Clock> {
        let mut by_clock = self.lanes.iter().filter(|lane| lane.input.joins == Joins::ByClock);
        let first = by_clock.next()?.first_clock()?;
        by_clock.try_fold(first, |first, lane| {
            lane.first_clock().map(|clock| if follows(first, clock) { clock } else { first })
        })
    }

    /// What has no clock and is due by this one, of all lanes in the order of its times: whichever of them was read
    /// first makes no difference. The lane is given back of which it is not known yet whether it has more.
    fn apply_beside(&mut self, clock: Clock, out: &mut Outbox) -> Option<usize> {
        loop {
            let waits_for = self.lanes.iter().position(|lane| is_beside(lane) && !lane.is_known_to(clock));
            if waits_for.is_some() {
                return waits_for;
            }
            let beside = self.lanes.iter().enumerate().filter(|(_, lane)| is_beside(lane));
            let due = beside.filter_map(|(at, lane)| lane.due_by(clock).map(|time| (time, at)));
            let (_, at) = due.min()?;
            let (offset, queued) = self.lanes[at].take_first()?;
            let last = Clock { time: self.checkpoint.clock, block: self.checkpoint.block };
            if let Some(time) = queued.time().filter(|time| is_due(*time, last)) {
                self.late_beside += 1;
                out.send(&self.late_join((at, offset), time, clock));
            }
            self.apply(queued, out);
        }
    }

    fn late_join(&self, (lane, offset): (usize, u64), time: i64, clock: Clock) -> LateJoin {
        let Lane { input, partition, .. } = &self.lanes[lane];
        LateJoin {
            stage: self.definition.name.to_string(),
            share: self.share,
            topic: input.topic.name.to_string(),
            partition: *partition,
            offset,
            fact_time: time,
            clock: clock.time,
            block: clock.block,
        }
    }

    fn apply_up_to(&mut self, clock: Clock, out: &mut Outbox) {
        let (mut lanes, mut between) = (0, Vec::new());
        for lane in self.lanes.iter_mut().filter(|lane| lane.input.joins == Joins::ByClock) {
            lanes += 1;
            if let Some(headers) = lane.take_up_to(clock, &mut between) {
                out.inherit(Headers(&headers));
            }
        }
        if lanes > 1 {
            between.sort_by(|one, other| one.place().cmp(&other.place()));
            between.dedup_by(|one, other| one.is_the_hole(other));
        }
        between.into_iter().for_each(|queued| self.apply(queued, out));
        self.clock(&clock, out);
    }

    fn apply(&mut self, queued: Queued, out: &mut Outbox) {
        match queued {
            Queued::Event(event) => offer(&mut self.processors, &*event.what, out),
            Queued::Late(late) => out.send(&*late),
            Queued::Gap(gap) => self.gap(&gap, out),
            Queued::SetAside(record) => self.set_aside.push(record),
            Queued::Clock(..) => {}
        }
    }

    fn clock(&mut self, clock: &Clock, out: &mut Outbox) {
        let tick = self.advance(clock);
        self.tick(&tick, out);
        self.tell_the_time(&tick, out);
        for processor in &mut self.processors {
            processor.begin_tick(self.checkpoint.ticks);
        }
    }

    fn tick(&mut self, tick: &Tick, out: &mut Outbox) {
        let mut rest = self.processors.as_mut_slice();
        while let Some((first, next)) = rest.split_first_mut() {
            first.tick(tick, out, next);
            rest = next;
        }
    }

    /// How everything stands that has a state, as of the last clock. Nothing goes on from here: what is told now counts as
    /// told.
    pub fn tell_all(&mut self, out: &mut Outbox) {
        let Checkpoint { clock: time, block, .. } = self.checkpoint;
        self.tick(&Tick { time, block, previous: time, holes: self.holes(), tells_all: true }, out);
    }

    fn advance(&mut self, clock: &Clock) -> Tick {
        let holes = self.holes();
        let Clock { time, block } = *clock;
        let tick = Tick { time, block, previous: self.checkpoint.clock, holes, tells_all: false };
        self.checkpoint.clock = clock.time;
        self.checkpoint.block = clock.block;
        self.checkpoint.ticks += 1;
        tick
    }

    fn holes(&self) -> Vec<(i64, i64)> {
        self.checkpoint.holes.iter().map(|gap| (gap.from_time, gap.to_time)).collect()
    }

    /// To the next stage each clock, to everybody else one a second.
    fn tell_the_time(&mut self, tick: &Tick, out: &mut Outbox) {
        let &Tick { time, block, .. } = tick;
        let since = self.checkpoint.since.get_or_insert(Clock { time, block });
        let clock = ResultClock { time, block, since_time: since.time, since_block: since.block };
        let is_told = |topic: &Topic| is_for_a_stage(topic) || tick.crosses(CLOCK_EVERY_MS);
        for topic in self.told_the_time.iter().filter(|topic| is_told(topic)) {
            for partition in self.generation.share(topic, self.definition.by, self.share) {
                out.send_clock(topic, partition, &clock);
            }
        }
    }

    fn gap(&mut self, gap: &Gap, out: &mut Outbox) {
        // What ended before this hole and may still be begun, by a late event, is told of the ones before it.
        let is_over = |later: &Gap| later.from_time + GRACE_MS <= self.checkpoint.clock;
        let over = self.checkpoint.holes.iter().skip(1).take_while(|later| is_over(later)).count();
        self.checkpoint.holes.drain(..over);
        self.checkpoint.holes.push(*gap);
        for processor in &mut self.processors {
            processor.gap(gap);
        }
        for topic in self.told_the_time.iter().filter(|topic| is_read_by_a_stage(topic)) {
            for partition in self.generation.share(topic, self.definition.by, self.share) {
                out.send_gap(topic, partition, gap);
            }
        }
    }

    /// What no fold could read since the last time.
    pub fn set_aside(&mut self) -> Vec<SetAside> {
        core::mem::take(&mut self.set_aside)
    }

    /// How many records beside the clocks came after the clock that they were due by.
    pub fn late_beside(&self) -> u64 {
        self.late_beside
    }

    /// Whether there is anything to save since the last time.
    pub fn has_gone_on(&self) -> bool {
        self.lanes.iter().any(|lane| lane.next() != self.checkpoint.next.get(&name_of(lane)).copied())
    }

    /// Adds to the outbox what brings a successor here: the changed entries, and the places that they stand for.
    pub fn save(&mut self, out: &mut Outbox) {
        for processor in &mut self.processors {
            processor.save(out, self.definition.state, self.share);
        }
        let places = self.lanes.iter().filter_map(|lane| lane.next().map(|next| (name_of(lane), next)));
        self.checkpoint.next = places.collect();
        let checkpoint = &self.checkpoint;
        out.batch(self.definition.state, self.share).push_with(
            checkpoint.clock,
            &[],
            |key| key.extend_from_slice(Checkpoint::KEY),
            |value| {
                let written = serde::Serialize::serialize(checkpoint, &mut serde_json::Serializer::new(value));
                debug_assert!(written.is_ok(), "a checkpoint could not be written");
            },
        );
    }

    /// Puts back one record of the state.
    pub fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Refused> {
        if key == Checkpoint::KEY {
            self.goes_on_from(parse(value)?);
            return Ok(());
        }
        let restored = core::str::from_utf8(key)
            .ok()
            .and_then(|key| self.processors.iter_mut().find_map(|processor| processor.restore(key, value)));
        restored.ok_or_else(|| Refused {
            reason: alloc::format!("no table takes the state entry {:?}", String::from_utf8_lossy(key)),
        })
    }

    /// Where a predecessor ended.
    pub fn goes_on_from(&mut self, checkpoint: Checkpoint) {
        let Checkpoint { clock: time, block, ticks, .. } = checkpoint;
        for lane in &mut self.lanes {
            lane.goes_on(checkpoint.next.get(&name_of(lane)).copied(), (ticks > 0).then_some(Clock { time, block }));
        }
        self.checkpoint = checkpoint;
    }

    /// All of the state is back.
    pub fn restored(&mut self) {
        for processor in &mut self.processors {
            processor.restored(self.checkpoint.ticks);
        }
    }

    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Entries in all tables.
    pub fn entries(&self) -> usize {
        self.processors.iter().map(|processor| processor.entries()).sum()
    }
}

/// What is read by another stage, of which each task has a part of its own.
fn is_for_a_stage(topic: &Topic) -> bool {
    topic.partitioned_by.len() > 1
}

fn is_read_by_a_stage(topic: &Topic) -> bool {
    crate::stages().into_iter().flat_map(|stage| stage.inputs).any(|input| core::ptr::eq(input.topic, topic))
}

fn is_beside(lane: &Lane) -> bool {
    lane.input.joins == Joins::Beside
}

/// How a lane is called in the state.
fn name_of(lane: &Lane) -> String {
    alloc::format!("{}/{}", lane.input.topic.name, lane.partition)
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(value: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(value).map_err(|error| Refused { reason: error.to_string() })
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl core::error::Error for Refused {}
