//! What happens on the connections → facts, gaps and state. Knows no clock: every event comes with its time.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::{Coin, Outbox, SourceStatus, topics};

use super::coverage::Coverage;
use super::event::{Event, What};
use super::facts::Origin;
use super::frame::{Frame, understand};
use super::markets::Markets;
use super::memory::Memory;
use super::plan::{CONNECTIONS, Plan};
use super::state::{CURSOR, Entry, FeedCursor};
use super::subscription::Subscription;
use super::takeover::take_over;
use crate::dead_letter::Reject;
use crate::source_error::SourceError;

#[derive(Debug)]
pub struct Feed {
    pub(super) markets: Markets,
    pub(super) plan: Arc<Plan>,
    /// How often the plan has changed.
    pub(super) edition: u64,
    pub(super) cursor: FeedCursor,
    pub(super) memory: Memory,
    pub(super) coverage: Coverage,
    pub(super) wants_metadata: bool,
    pub(super) unsaid: Unsaid,
    /// Of each connection, its number and that of its latest frame.
    numbers: [(u64, u64); CONNECTIONS],
}

/// What is to be said when there is somebody to say it to.
#[derive(Debug, Default)]
pub(super) struct Unsaid {
    /// That the process before was connected.
    pub(super) ending: bool,
    /// What the plan leaves out.
    pub(super) left_out: bool,
}

/// So old metadata may be when it is followed: it is asked for once a minute, dex by dex, and looked at now and then.
const METADATA_AGE_MS: i64 = 75_000;

impl Feed {
    pub fn new(
        entries: impl IntoIterator<Item = Entry>,
        generation: u32,
        markets: Markets,
        time: i64,
    ) -> Result<Self, SourceError> {
        let (mut cursor, mut memory) = (FeedCursor::default(), Memory::default());
        for entry in entries {
            match entry {
                Entry::Cursor(read) => cursor = read,
                Entry::Coin(coin, latest) => memory.remember(coin, latest),
                Entry::Mid(coin, mid) => memory.remember_mid(coin, mid),
            }
        }
        if cursor.generation != 0 && cursor.generation != generation {
            return Err(SourceError::Generation { found: cursor.generation });
        }
        cursor.generation = generation;
        let plan = Arc::new(Plan::default().follow(&markets));
        let unsaid = Unsaid { ending: cursor.connected, left_out: !plan.left_out.is_empty() };
        let coverage = take_over(&mut cursor, &mut memory, &plan.coins());
        let (edition, wants_metadata, numbers) = (0, false, Default::default());
        let mut feed = Self { markets, plan, edition, cursor, memory, coverage, wants_metadata, unsaid, numbers };
        let others_were_heard = feed.cursor.heard_until > 0;
        feed.carry(feed.plan.coins(), time, others_were_heard);
        Ok(feed)
    }

    pub fn cursor(&self) -> &FeedCursor {
        &self.cursor
    }

    pub fn wants_metadata(&self) -> bool {
        self.wants_metadata
    }

    pub fn plan(&self) -> (Arc<Plan>, u64) {
        (Arc::clone(&self.plan), self.edition)
    }

    /// Newer metadata; says whether something else is wanted because of it.
    pub fn follow(&mut self, markets: Markets, time: i64) -> bool {
        let plan = self.plan.follow(&markets);
        let is_new = plan != *self.plan;
        self.unsaid.left_out |= !plan.left_out.is_empty() && plan.left_out != self.plan.left_out;
        (self.markets, self.wants_metadata, self.edition) = (markets, false, self.edition + u64::from(is_new));
        self.plan = Arc::new(plan);
        self.carry(self.plan.coins(), time, true);
        is_new
    }

    /// Which connection is to carry which coin. A market that was listed since the metadata before may have been traded
    /// unheard, if others were heard.
    pub(super) fn carry(&mut self, carriers: BTreeMap<Coin, usize>, time: i64, others_were_heard: bool) {
        let unheard_since = others_were_heard.then(|| self.cursor.markets_time.saturating_sub(METADATA_AGE_MS));
        self.coverage.follow(carriers, unheard_since, time, &self.cursor, &mut self.memory);
        self.cursor.markets_time = time;
    }

    pub fn take(&mut self, event: &Event, out: &mut Outbox) {
        let (on, time) = (event.on, event.time);
        self.say_the_ending(out);
        match &event.what {
            What::Opened => self.open(on),
            What::Frame(bytes) => self.take_frame(on, bytes, time, out),
            What::Subscribed { coins, edition } => {
                if *edition == self.edition {
                    self.coverage.subscribe(on, coins, time, &mut self.cursor, &mut self.memory);
                }
                self.say_connected(on, coins.len(), time, out);
            }
            What::Settled => self.coverage.settle(on, &mut self.memory),
            What::Lost { reason } => self.lose(on, SourceStatus::Disconnected, reason, time, out),
            What::Stale { reason } => self.lose(on, SourceStatus::Stale, reason, time, out),
        }
        self.say_gaps(time, out);
    }

    fn open(&mut self, on: usize) {
        self.cursor.connection += 1;
        self.numbers[on] = (self.cursor.connection, 0);
    }

    fn lose(&mut self, on: usize, status: SourceStatus, reason: &str, time: i64, out: &mut Outbox) {
        self.say_lost(on, status, reason, time, out);
        self.coverage.lose(on, &self.cursor, &mut self.memory);
    }

    fn take_frame(&mut self, on: usize, bytes: &[u8], received: i64, out: &mut Outbox) {
        let (connection, frame) = &mut self.numbers[on];
        *frame += 1;
        self.cursor.frames += 1;
        self.cursor.last_frame_time = received;
        let position = format!("{connection}-{frame}");
        let origin = Origin { on, position: &position, received };
        let facts_before = self.facts();
        match understand(bytes) {
            Ok(Frame::Trades(elements)) => self.take_trades(&elements, &origin, out),
            Ok(Frame::AllContexts(dexs)) => {
                dexs.iter().for_each(|(dex, contexts)| self.take_contexts(dex, contexts, &origin, out));
            }
            Ok(Frame::Context(coin, context)) => {
                if self.plan.share(on).publishes(&Subscription::Context { coin: coin.clone() }) {
                    self.take_context(&coin, context, "", &origin, out);
                }
            }
            Ok(Frame::Mids(dex, mids)) => self.take_mids(&dex, &mids, &origin, out),
            Ok(Frame::Error(_)) => self.cursor.errors += 1,
            Ok(Frame::Greeting | Frame::Accepted(_) | Frame::Pong | Frame::Other) => {}
            Err(reject) => self.set_aside("", bytes, &reject, &origin, out),
        }
        if self.facts() > facts_before {
            origin.keep_raw(bytes, out);
        }
    }

    fn facts(&self) -> u64 {
        self.cursor.trades + self.cursor.contexts + self.cursor.mids
    }

    pub(super) fn set_aside(
        &mut self,
        place: &str,
        bytes: &[u8],
        reject: &Reject,
        origin: &Origin<'_>,
        out: &mut Outbox,
    ) {
        origin.set_aside(place, bytes, reject, out);
        self.cursor.dead_letters += 1;
    }

    /// What has changed since it was written last; what newer metadata has ended may not have been said yet.
    pub fn write_state(&mut self, out: &mut Outbox) {
        self.say_gaps(self.cursor.last_frame_time, out);
        let batch = out.batch(&topics::STATE_PARSER_PUBLIC_FEED, 0);
        self.memory.write(self.cursor.last_frame_time, batch);
        let Ok(value) = serde_json::to_vec(&self.cursor) else { return };
        batch.push(self.cursor.last_frame_time, CURSOR.as_bytes(), Some(&value), &[]);
    }
}
