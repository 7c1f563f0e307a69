//! Why a connection ended.

use std::fmt;
use std::time::Duration;

use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

#[derive(Debug)]
pub enum Lost {
    Socket(Error),
    /// The server closed it, with its reason.
    Closed(String),
    /// The bytes ended.
    Ended,
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

    pub fn closed(frame: Option<CloseFrame>) -> Self {
        Self::Closed(frame.map_or_else(String::new, |frame| format!(": {} {}", frame.code, frame.reason)))
    }
}

impl From<Error> for Lost {
    fn from(error: Error) -> Self {
        Self::Socket(error)
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(error) => error.fmt(f),
            Self::Closed(reason) => write!(f, "the server closed the connection{reason}"),
            Self::Ended => f.write_str("the connection ended"),
            Self::NoAnswer => f.write_str("the server did not answer"),
            Self::Mute(time) => write!(f, "nothing came for {time:?} after a ping"),
            Self::Silent(time) => write!(f, "nothing of the market came for {time:?}"),
            Self::NothingLeft => f.write_str("nothing is left for it to carry"),
            Self::Limit => f.write_str("a limit of the exchange is reached"),
            Self::NobodyReads => f.write_str("nobody reads"),
        }
    }
}
