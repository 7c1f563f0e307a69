//! Why a connection ended.

use std::fmt;
use std::time::Duration;

use tokio_tungstenite::tungstenite::Error;

use crate::web_socket::Ending;

#[derive(Debug)]
pub enum Lost {
    Over(Ending),
    /// To a subscription, or the attempt to connect.
    NoAnswer,
    /// Nothing at all comes, not even an answer to a ping.
    Mute(Duration),
    /// Nothing comes of what never is silent.
    Silent(Duration),
    /// One of the exchange's limits is reached: what an older connection held is counted for a while.
    Limit,
    /// Everything that it carried is followed no more.
    NothingLeft,
    /// Nobody wants to know any more.
    NobodyReads,
}

impl Lost {
    /// Whether it was a connection as far as anybody knew.
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Mute(_) | Self::Silent(_))
    }
}

impl From<Ending> for Lost {
    fn from(ending: Ending) -> Self {
        Self::Over(ending)
    }
}

impl From<Error> for Lost {
    fn from(error: Error) -> Self {
        Self::Over(Ending::Socket(error))
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over(ending) => ending.fmt(f),
            Self::NoAnswer => f.write_str("the server did not answer"),
            Self::Mute(time) => write!(f, "nothing came for {time:?} after a ping"),
            Self::Silent(time) => write!(f, "nothing of the market came for {time:?}"),
            Self::NothingLeft => f.write_str("nothing is left for it to carry"),
            Self::Limit => f.write_str("a limit of the exchange is reached"),
            Self::NobodyReads => f.write_str("nobody reads"),
        }
    }
}
