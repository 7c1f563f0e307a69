//! How long is waited for what.

use std::time::Duration;

#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// A ping goes out when nothing was sent for so long: the server closes a connection that is silent for a minute.
    pub until_ping: Duration,
    /// For a pong, for the answers to subscriptions, for a connection, for bytes to be sent.
    pub for_answers: Duration,
    /// For anything of the market on a connection that carries what ticks. Contexts come every second or so and the
    /// slowest that was ever seen of anything was 5.6 seconds; after ten, whoever looks at prices is to know.
    pub for_ticks: Duration,
    /// For the backlogs, once everything is subscribed.
    pub for_backlogs: Duration,
    /// From one attempt to connect to the next, of all connections together: they neither come nor return at once.
    pub between_attempts: Duration,
    /// Before the second attempt of one connection, and at most.
    pub first_pause: Duration,
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            until_ping: Duration::from_secs(30),
            for_answers: Duration::from_secs(10),
            for_ticks: Duration::from_secs(8),
            for_backlogs: Duration::from_secs(5),
            between_attempts: Duration::from_millis(500),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
        }
    }
}
