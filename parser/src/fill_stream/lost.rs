//! Why there is no connection to a stream, or no longer.

use std::fmt;
use std::time::Duration;

use schemas::SourceStatus;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::http::StatusCode;

use crate::web_socket::Ending;

#[derive(Debug)]
pub enum Lost {
    Over(Ending),
    /// The key is missing, wrong, or not paid for.
    Refused(StatusCode),
    /// The request cannot be made.
    Request(String),
    /// To the attempt to connect, or to what was to be sent.
    NoAnswer,
    /// Connected, but nothing of any fill came for so long.
    Silent(Duration),
    NobodyReads,
}

impl Lost {
    /// What asking again soon will not change.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    pub fn status(&self) -> SourceStatus {
        if matches!(self, Self::Silent(_)) { SourceStatus::Stale } else { SourceStatus::Disconnected }
    }
}

impl From<Ending> for Lost {
    fn from(ending: Ending) -> Self {
        Self::Over(ending)
    }
}

impl From<Error> for Lost {
    fn from(error: Error) -> Self {
        match error {
            Error::Http(reply) if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&reply.status()) => {
                Self::Refused(reply.status())
            }
            error => Self::Over(Ending::Socket(error)),
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over(ending) => ending.fmt(f),
            Self::Refused(status) => write!(
                f,
                "the provider refuses the key (HTTP {status}): no fills come from there; check `headers` and `url` of \
                 the stream's file, the variables they name and the subscription, and start again with the right \
                 key; the same one is tried again every few minutes"
            ),
            Self::Request(reason) => write!(f, "no request can be made: {reason}"),
            Self::NoAnswer => f.write_str("the server did not answer"),
            Self::Silent(silence) => write!(
                f,
                "nothing at the path of the fills for {} s: connecting again (`silence_seconds` for one that is quieter)",
                silence.as_secs()
            ),
            Self::NobodyReads => f.write_str("nobody reads"),
        }
    }
}
