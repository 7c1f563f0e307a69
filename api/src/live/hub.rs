//! The present of every channel and who listens to what of it, in one place: a record is applied and told, and a
//! subscription begun, one after the other.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use schemas::{Record, ResultClock, Topic, kind};

use super::outlet::{Outlet, Subscribed};
use super::shelf::{Shelf, Update};
use super::{Beginning, Filter, Offsets};
use crate::channel::{CHANNELS, Channel, Subject};
use crate::measure::Counted;

pub(crate) struct Hub {
    /// In the order of the channels.
    pub(super) shelves: Vec<Shelf>,
    listeners: HashMap<Subject, Vec<Listener>>,
    /// How many listen to each channel: what nobody hears is not made ready.
    heard_by: [usize; CHANNELS.len()],
    pub(super) next: Offsets,
    pub(super) clocks: BTreeMap<(&'static str, u32), ResultClock>,
    /// The latest clock, and when it came.
    pub(super) head: Option<(i64, Instant)>,
}

struct Listener {
    id: u64,
    filter: Filter,
    outlet: Arc<Outlet>,
    _counted: Counted,
}

impl Default for Hub {
    fn default() -> Self {
        let shelves = CHANNELS.into_iter().map(Shelf::of).collect();
        let (listeners, next, clocks, head) = Default::default();
        Self { shelves, listeners, heard_by: [0; CHANNELS.len()], next, clocks, head }
    }
}

impl Hub {
    pub(super) fn begin(&mut self, topic: &'static Topic, partition: u32, offset: u64) {
        let stands_at = self.next.entry((topic.name, partition)).or_default();
        *stands_at = offset.max(*stands_at);
        for (channel, shelf) in CHANNELS.into_iter().zip(&mut self.shelves) {
            if channel.topic.name == topic.name {
                shelf.begin(partition, offset);
            }
        }
    }

    pub(super) fn restore(&mut self, topic: &'static Topic, partition: u32, key: &[u8], value: &[u8]) {
        let record = Record { time: 0, key, value: Some(value), headers: schemas::Headers::default() };
        let kept = match Channel::of(topic, None) {
            _ if key == ResultClock::KEY => self.tick(topic, partition, value),
            Some(place) => self.shelves[place].keep_last(&record),
            None => Ok(()),
        };
        if let Err(error) = kept {
            tracing::error!(%error, topic = topic.name, partition, "a last value is not what its schema says");
        }
    }

    pub(super) fn publish(
        &mut self,
        topic: &'static Topic,
        partition: u32,
        offset: u64,
        record: &Record<'_>,
    ) -> serde_json::Result<()> {
        self.next.insert((topic.name, partition), offset + 1);
        let Some(value) = record.value else { return Ok(()) };
        match record.headers.get(kind::HEADER) {
            Some(kind::CLOCK) => self.tick(topic, partition, value),
            kind => match Channel::of(topic, kind) {
                Some(place) => self.tell(place, partition, offset, record),
                None => Ok(()),
            },
        }
    }

    fn tick(&mut self, topic: &'static Topic, partition: u32, value: &[u8]) -> serde_json::Result<()> {
        let clock: ResultClock = serde_json::from_slice(value)?;
        if self.head.is_none_or(|(head, _)| clock.time > head) {
            self.head = Some((clock.time, Instant::now()));
        }
        self.clocks.insert((topic.name, partition), clock);
        Ok(())
    }

    fn tell(&mut self, place: usize, partition: u32, offset: u64, record: &Record<'_>) -> serde_json::Result<()> {
        let channel = CHANNELS[place];
        self.shelves[place].keep_last(record)?;
        let is_kept = matches!(self.shelves[place], Shelf::Recent(_));
        if self.heard_by[place] == 0 && !is_kept {
            return Ok(());
        }
        let update = Arc::new(Update::read(channel, partition, offset, record)?);
        self.shelves[place].keep_update(&update);
        if self.heard_by[place] > 0 {
            self.hand_out(channel, &update);
        }
        Ok(())
    }

    fn hand_out(&self, channel: &Channel, update: &Arc<Update>) {
        for subject in channel.subjects(&update.row) {
            let listeners = self.listeners.get(&subject).into_iter().flatten();
            for listener in listeners.filter(|listener| listener.filter.lets(&update.row)) {
                listener.outlet.tell(listener.id, channel.tells_events(), update);
            }
        }
    }

    /// Gives it back when the log alone knows what has happened since then.
    pub(super) fn subscribe(
        &mut self,
        outlet: &Arc<Outlet>,
        mut subscribed: Subscribed,
        beginning: &Beginning,
    ) -> Option<Subscribed> {
        let channel = subscribed.channel;
        let place = Channel::of(channel.topic, channel.kind)?;
        let of_topic = self.next.iter().filter(|((topic, _), _)| *topic == channel.topic.name);
        let next = of_topic.map(|((_, partition), next)| (*partition, *next)).collect();
        let (shelf, subject, filter) = (&self.shelves[place], &subscribed.subject, &subscribed.filter);
        let heard = if let Beginning::Behind(heard) = beginning { heard.within(&next) } else { None };
        let unheard = heard.as_ref().and_then(|heard| shelf.since(heard, subject, filter));
        if heard.is_some() && unheard.is_none() && channel.can_be_read_again() {
            return Some(subscribed);
        }
        let rows = unheard.is_none().then(|| shelf.rows(subject, filter));
        self.listen(place, outlet, &subscribed);
        subscribed.next = next;
        match (heard, unheard) {
            (Some(heard), Some(unheard)) => outlet.resume(Subscribed { next: heard.next, ..subscribed }, unheard),
            _ => outlet.begin(subscribed, rows.unwrap_or_default(), beginning.cut_by()),
        }
        None
    }

    /// Of what was read from the log for it so far: whether all that follows is told from here on.
    pub(super) fn go_on(&mut self, outlet: &Arc<Outlet>, id: u64, generation: u32, beginning: &Beginning) -> bool {
        // When it is known no more, somebody has ended it meanwhile, or another generation tells it.
        let subscribed = outlet.subscribed(id).filter(|subscribed| subscribed.generation == generation);
        subscribed.is_none_or(|subscribed| self.subscribe(outlet, subscribed, beginning).is_none())
    }

    fn listen(&mut self, place: usize, outlet: &Arc<Outlet>, subscribed: &Subscribed) {
        let listener = Listener {
            id: subscribed.id,
            filter: subscribed.filter.clone(),
            outlet: Arc::clone(outlet),
            _counted: Counted::subscription(),
        };
        self.listeners.entry(subscribed.subject.clone()).or_default().push(listener);
        self.heard_by[place] += 1;
    }

    pub(super) fn unsubscribe(&mut self, outlet: &Arc<Outlet>, subject: &Subject, id: u64) {
        outlet.forget(id);
        let Some(listeners) = self.listeners.get_mut(subject) else { return };
        let before = listeners.len();
        listeners.retain(|listener| listener.id != id || !Arc::ptr_eq(&listener.outlet, outlet));
        let gone = before - listeners.len();
        if listeners.is_empty() {
            self.listeners.remove(subject);
        }
        self.count_out(subject.channel, gone);
    }

    /// A connection has ended.
    pub(super) fn leave(&mut self, outlet: &Arc<Outlet>) {
        for (subject, id) in outlet.subscriptions() {
            self.unsubscribe(outlet, &subject, id);
        }
    }

    fn count_out(&mut self, channel: &str, gone: usize) {
        if let Some(place) = CHANNELS.iter().position(|known| known.name == channel) {
            self.heard_by[place] -= gone;
        }
    }

    #[cfg(test)]
    pub(super) fn is_heard(&self) -> bool {
        self.heard_by.iter().any(|listeners| *listeners > 0)
    }

    /// How many updates wait for the connection for which most do.
    pub(super) fn waiting(&self) -> usize {
        self.listeners.values().flatten().map(|listener| listener.outlet.updates_waiting()).max().unwrap_or_default()
    }

    pub(super) fn knows(&self, coin: &str) -> bool {
        self.shelves.iter().any(|shelf| shelf.knows(coin))
    }

    /// Each once, in their order.
    pub(super) fn coins(&self) -> Vec<String> {
        let mut coins: Vec<String> = self.shelves.iter().flat_map(Shelf::coins).collect();
        coins.sort_unstable();
        coins.dedup();
        coins
    }
}
