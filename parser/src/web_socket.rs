//! What a WebSocket has given last → the bytes of a message, nothing, or why the connection is at its end.

use std::fmt;

use tokio_tungstenite::tungstenite::{Error, Message};

#[derive(Debug)]
pub enum Ending {
    Socket(Error),
    /// The server closed it, with its reason.
    Closed(String),
    /// The bytes ended.
    Ended,
}

/// Nothing, when it is the protocol's own business.
pub fn heard(message: Option<Result<Message, Error>>) -> Result<Option<Vec<u8>>, Ending> {
    match message.ok_or(Ending::Ended)?.map_err(Ending::Socket)? {
        Message::Close(frame) => {
            Err(Ending::Closed(frame.map_or_else(String::new, |frame| format!(": {} {}", frame.code, frame.reason))))
        }
        message @ (Message::Text(_) | Message::Binary(_)) => Ok(Some(Vec::from(message.into_data()))),
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(error) => error.fmt(f),
            Self::Closed(reason) => write!(f, "the server closed the connection{reason}"),
            Self::Ended => f.write_str("the connection ended"),
        }
    }
}
