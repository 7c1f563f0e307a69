//! What happens on the connections, in the order of each. It comes from those who keep them and goes to the feed.

use schemas::Coin;

#[derive(Debug)]
pub struct Event {
    /// Which of the connections that are kept side by side.
    pub on: usize,
    pub time: i64,
    pub what: What,
}

#[derive(Debug)]
pub enum What {
    Opened,
    Frame(Vec<u8>),
    /// Every subscription of an edition of the plan was answered; the trades of these coins are heard.
    Subscribed {
        coins: Vec<Coin>,
        edition: u64,
    },
    /// And by now their backlogs should have come.
    Settled,
    Lost {
        reason: String,
    },
    /// Given up because nothing came, though nobody had closed it.
    Stale {
        reason: String,
    },
}
