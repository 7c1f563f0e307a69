//! What a task has read of one partition and not applied yet.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use schemas::{Clock, Fill, Gap, LateEvent, Record, comes_after, kind};

use crate::definition::{Event, Input, Joins};
use crate::stage::{BESIDE_MS, GRACE_MS, Refused, SetAside, parse};

pub(crate) struct Lane {
    pub input: &'static Input,
    pub partition: u32,
    /// With the offset of each.
    queue: VecDeque<(u64, Queued)>,
    /// The offset behind everything that was read.
    read_to: Option<u64>,
    /// The last clock that was read of it; of one that was begun anew, where the task is.
    clock: Option<Clock>,
    /// Everything that was there when this clock had been read elsewhere has been read.
    known_to: Option<Clock>,
    /// It will be known to this clock when everything before this offset has been read.
    promise: Option<(u64, Clock)>,
    /// What is not to join before a clock, by its offset: it did not when this was computed before.
    late: BTreeMap<u64, Clock>,
}

pub(crate) enum Queued {
    Event(Event),
    Late(Box<LateEvent>),
    Gap(Gap),
    /// With the headers of its record.
    Clock(Clock, Vec<u8>),
    SetAside(SetAside),
}

/// Of a lane that is ahead of the others no more than this is kept.
const AHEAD: usize = 4_096;

impl Lane {
    pub fn new(input: &'static Input, partition: u32) -> Self {
        let (queue, late) = Default::default();
        Self { input, partition, queue, read_to: None, clock: None, known_to: None, promise: None, late }
    }

    /// A record joins at this clock and not before.
    pub fn joins_late(&mut self, offset: u64, clock: Clock) {
        self.late.insert(offset, clock);
    }

    /// A predecessor has read to here, and applied everything up to this clock.
    pub fn goes_on(&mut self, read_to: Option<u64>, clock: Option<Clock>) {
        self.read_to = read_to;
        self.clock = clock;
    }

    /// Understands a record; what nobody can read is set aside when its turn comes.
    pub fn read(&self, offset: u64, record: &Record<'_>) -> Queued {
        self.understand(record).unwrap_or_else(|Refused { reason }| {
            let (topic, partition, time) = (self.input.topic, self.partition, record.time);
            let value = record.value.unwrap_or_default().to_vec();
            Queued::SetAside(SetAside { topic, partition, offset, time, value, reason })
        })
    }

    fn understand(&self, record: &Record<'_>) -> Result<Queued, Refused> {
        let value = record.value.unwrap_or_default();
        match record.headers.get(kind::HEADER) {
            Some(kind::CLOCK) => Ok(Queued::Clock(parse(value)?, record.headers.0.to_vec())),
            Some(kind::GAP) => Ok(Queued::Gap(parse(value)?)),
            found => {
                let event = self.input.events.iter().find(|(kind, _)| *kind == found);
                let (_, read) = event.ok_or_else(|| {
                    let kind = String::from_utf8_lossy(found.unwrap_or_default());
                    Refused { reason: alloc::format!("a record of unknown kind {kind:?}") }
                })?;
                let event = read(value)?;
                Ok(self.late(&event, value).map_or_else(|| Queued::Event(event), |late| Queued::Late(Box::new(late))))
            }
        }
    }

    /// A fill that comes when the windows of its time are closed.
    fn late(&self, event: &Event, value: &[u8]) -> Option<LateEvent> {
        let clock = self.clock.filter(|clock| event.time < clock.time - GRACE_MS)?;
        let fill: &Fill = event.what.downcast_ref()?;
        Some(LateEvent {
            coin: fill.coin.clone(),
            block: fill.block,
            index: fill.index,
            time: fill.time,
            clock: clock.time,
            fill: String::from_utf8_lossy(value).into_owned(),
        })
    }

    /// A clock that does not follow the last one says nothing.
    pub fn push(&mut self, offset: u64, queued: Queued) {
        if let Queued::Clock(clock, _) = &queued {
            if self.clock.is_some_and(|last| !follows(*clock, last)) {
                return;
            }
            self.clock = Some(*clock);
        }
        self.queue.push_back((offset, queued));
    }

    /// Everything before this offset has been read.
    pub fn has_read(&mut self, next: u64) {
        self.read_to = Some(next);
        if let Some((_, clock)) = self.promise.take_if(|(end, _)| *end <= next) {
            self.known_to = Some(clock);
        }
    }

    /// It ended here when this clock had been read elsewhere.
    pub fn ends_at(&mut self, end: u64, clock: Clock) {
        if end <= self.read_to.unwrap_or_default() {
            self.known_to = Some(clock);
            self.promise = None;
        } else {
            self.promise = Some((end, clock));
        }
    }

    /// Whether nothing of what is due by this clock can be missing.
    pub fn is_known_to(&self, clock: Clock) -> bool {
        !self.queue.is_empty() || self.known_to.is_some_and(|known| !follows(clock, known))
    }

    /// Whether it has been said how far it has to be read.
    pub fn has_a_promise(&self) -> bool {
        self.promise.is_some()
    }

    /// What a successor has to read first: the oldest that was not applied.
    pub fn next(&self) -> Option<u64> {
        self.queue.front().map(|(offset, _)| *offset).or(self.read_to)
    }

    /// Whether more of it is needed before the others have come so far.
    pub fn wants_more(&self) -> bool {
        self.queue.len() < AHEAD || self.input.joins == Joins::ByClock && self.first_clock().is_none()
    }

    /// The next clock in it.
    pub fn first_clock(&self) -> Option<Clock> {
        self.queue.iter().find_map(|(_, queued)| if let Queued::Clock(clock, _) = queued { Some(*clock) } else { None })
    }

    /// Takes out what stands before this clock, and the clock, whose headers are given back; nothing when the next
    /// clock is another.
    pub fn take_up_to(&mut self, clock: Clock, between: &mut Vec<Queued>) -> Option<Vec<u8>> {
        if self.first_clock() != Some(clock) {
            return None;
        }
        while let Some((_, queued)) = self.queue.pop_front() {
            match queued {
                Queued::Clock(_, headers) => {
                    // What a large block took is given back.
                    self.queue.shrink_to(AHEAD);
                    return Some(headers);
                }
                other => between.push(other),
            }
        }
        None
    }

    /// Of which time the oldest one is, when it joins by this clock; what has none goes before all others.
    pub fn due_by(&self, clock: Clock) -> Option<i64> {
        let (offset, oldest) = self.queue.front()?;
        let is_held_back = self.late.get(offset).is_some_and(|joins| follows(*joins, clock));
        let time = oldest.time().unwrap_or(i64::MIN);
        (!is_held_back && is_due(time, clock)).then_some(time)
    }

    /// Takes out the oldest one, with its offset.
    pub fn take_first(&mut self) -> Option<(u64, Queued)> {
        self.queue.pop_front()
    }

    /// The last clock that was read of it.
    pub fn last_clock(&self) -> Option<Clock> {
        self.clock
    }
}

impl Queued {
    /// Of what has one.
    pub fn time(&self) -> Option<i64> {
        if let Self::Event(event) = self { Some(event.time) } else { None }
    }

    /// Where it stands among what came between the same two clocks of other lanes: holes first, then what happened.
    pub fn place(&self) -> (Option<i64>, u64, u32, &str) {
        match self {
            Self::Event(Event { time, block, index, coin, .. }) => {
                (Some(*time), *block, *index, coin.as_ref().map_or("", |coin| coin.as_str()))
            }
            Self::Gap(gap) => (None, gap.from_block, 0, ""),
            Self::Late(_) | Self::Clock(..) | Self::SetAside(_) => (None, 0, 0, ""),
        }
    }

    /// Each lane tells of the same holes.
    pub fn is_the_hole(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Gap(one), Self::Gap(other)) if one == other)
    }
}

/// What has no clock of its own joins once the clock is past its time.
pub(crate) fn is_due(time: i64, clock: Clock) -> bool {
    time <= clock.time - BESIDE_MS
}

pub(crate) fn follows(one: Clock, other: Clock) -> bool {
    comes_after((one.block, 0, one.time), (other.block, 0, other.time))
}
