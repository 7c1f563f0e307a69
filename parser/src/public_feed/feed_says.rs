//! What is said on `feed-status`: which connection is heard, lost or silent, and what is missing.

use schemas::{FeedStatus, Outbox, SourceStatus};

use super::facts::SOURCE;
use super::feed::Feed;
use super::gap::{count, name};

impl Feed {
    /// Once, by the first who can: the process that ended could not say it.
    pub(super) fn say_the_ending(&mut self, out: &mut Outbox) {
        if std::mem::take(&mut self.unsaid.ending) {
            let (time, reason) = (self.cursor.last_frame_time, "the process that was connected has ended");
            out.send(&FeedStatus::of(SOURCE, SourceStatus::Disconnected, time, reason));
        }
    }

    pub(super) fn say_connected(&mut self, on: usize, coins: usize, time: i64, out: &mut Outbox) {
        let connection = &mut self.cursor.connections[on];
        let is_news = !connection.connected;
        (connection.connected, connection.stale) = (true, false);
        if is_news {
            let mut reason = format!("{}: {} followed", name(on), are(coins));
            if std::mem::take(&mut self.unsaid.left_out) {
                reason = format!("{reason}; {}", self.plan.what_is_left_out());
            }
            out.send(&FeedStatus::of(SOURCE, SourceStatus::Connected, time, reason));
        }
        self.sum_up();
    }

    /// A connection that was silent is not said to be lost as well, nor to be silent again when its successor is.
    pub(super) fn say_lost(&mut self, on: usize, status: SourceStatus, reason: &str, time: i64, out: &mut Outbox) {
        let connection = &mut self.cursor.connections[on];
        let is_stale = status == SourceStatus::Stale;
        let is_news = connection.connected || (is_stale && !connection.stale);
        (connection.connected, connection.stale) = (false, connection.stale || is_stale);
        if is_news {
            out.send(&FeedStatus::of(SOURCE, status, time, format!("{}: {reason}", name(on))));
        }
        self.sum_up();
    }

    pub(super) fn say_gaps(&mut self, time: i64, out: &mut Outbox) {
        for gap in std::mem::take(&mut self.coverage.unsaid) {
            self.cursor.gaps += 1;
            out.send(&gap.status(time));
        }
    }

    fn sum_up(&mut self) {
        self.cursor.connected = self.plan.in_use().all(|on| self.cursor.connections[on].connected);
    }
}

fn are(coins: usize) -> String {
    format!("{} {}", count(coins), if coins == 1 { "is" } else { "are" })
}
