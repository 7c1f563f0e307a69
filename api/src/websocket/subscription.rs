//! One subscription: live results wait until its snapshot is sent, then those follow that are not in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use tokio::sync::oneshot;

use super::frames::{self, LiveUpdate, Place};
use super::snapshot::Snapshot;
use crate::channel::Subject;
use crate::live::Update;
use crate::measure::Counted;

pub(crate) struct Subscription {
    /// Of the last frame; the first frame has 1.
    seq: u64,
    stage: Stage,
    _counted: Counted,
}

enum Stage {
    Waiting {
        heard: Vec<Arc<Update>>,
        /// Dropped with the subscription: the snapshot is not wanted then.
        _wanted: oneshot::Sender<()>,
    },
    Live {
        /// Results before these offsets were in the snapshot.
        next: BTreeMap<u32, u64>,
    },
}

/// What a live result is to a subscription.
pub(crate) enum Told {
    Frame(Utf8Bytes),
    /// It was in the snapshot, or waits for it.
    Nothing,
    /// More has come than can wait.
    TooMuch,
}

/// More than a market does while a snapshot is read.
const MAX_WAITING: usize = 65_536;

impl Subscription {
    /// With what ends when the subscription does.
    pub(crate) fn waiting() -> (Self, oneshot::Receiver<()>) {
        let (wanted, dropped) = oneshot::channel();
        (
            Self {
                seq: 0,
                stage: Stage::Waiting { heard: Vec::new(), _wanted: wanted },
                _counted: Counted::subscription(),
            },
            dropped,
        )
    }

    pub(crate) fn tell(&mut self, subject: &Subject, update: &Arc<Update>) -> Told {
        match &mut self.stage {
            Stage::Waiting { heard, .. } if heard.len() >= MAX_WAITING => Told::TooMuch,
            Stage::Waiting { heard, .. } => {
                heard.push(Arc::clone(update));
                Told::Nothing
            }
            Stage::Live { .. } => self.next_frame(subject, update).map_or(Told::Nothing, Told::Frame),
        }
    }

    /// Returns what has come meanwhile.
    pub(crate) fn go_live(&mut self, snapshot: Snapshot) -> Vec<Arc<Update>> {
        self.seq = snapshot.last_seq;
        match std::mem::replace(&mut self.stage, Stage::Live { next: snapshot.next }) {
            Stage::Waiting { heard, .. } => heard,
            Stage::Live { .. } => Vec::new(),
        }
    }

    /// Nothing when the snapshot had it.
    pub(crate) fn next_frame(&mut self, subject: &Subject, update: &Update) -> Option<Utf8Bytes> {
        let Stage::Live { next } = &self.stage else { return None };
        if update.offset < next.get(&update.partition).copied().unwrap_or_default() {
            return None;
        }
        let Update { partition, offset, ref data, .. } = *update;
        let payload = LiveUpdate { place: Place::new(subject, self.seq + 1), partition, offset, data };
        match frames::data("update", payload) {
            Ok(text) => {
                self.seq += 1;
                Some(text)
            }
            Err(error) => {
                tracing::error!(%error, offset, "a live result could not be written");
                None
            }
        }
    }
}
