//! Why a request gets no data: what is wrong, and what to do about it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use schemas::Wallet;
use serde_json::{Value, json};

use crate::cause::{is_cut_short, passes};
use crate::past::Unread;
use crate::replay::OF_A_CALLER;
use crate::{NoRoom, Scope};

#[derive(Debug)]
pub(crate) enum ApiError {
    /// The request is wrong and stays wrong.
    Parameter {
        code: &'static str,
        name: String,
        message: String,
    },
    UnknownCoin {
        coin: String,
    },
    UnknownSource {
        name: String,
    },
    NoSuchRow {
        id: String,
    },
    NoSuchPath {
        path: String,
    },
    Method {
        method: Method,
    },
    NotAWebSocket,
    AddressTooLong {
        most: usize,
    },
    NulInAddress,
    HeadersTooLarge {
        headers: usize,
        bytes: usize,
    },
    BodyTooLarge {
        most: usize,
    },
    BodyTooSlow,
    /// What could not be read of it, in the words of whoever tried.
    Unread {
        status: StatusCode,
        said: String,
    },
    NoKey,
    UnknownKey,
    ScopeMissing {
        needed: Scope,
    },
    /// Seconds from now on it may be asked again.
    TooManyRequests {
        after: u64,
    },
    /// As much is replayed already as may be at once.
    TooManyReplays {
        of_the_caller: bool,
    },
    /// The log keeps no more what was then.
    NotRetained,
    /// There are too many connections already.
    NoRoom(NoRoom),
    NotWatched {
        wallet: Wallet,
    },
    /// How things stood at a moment cannot be told, in words.
    NotKnownThen {
        said: String,
    },
    /// How things stood at another moment is being computed.
    BusyWithThePast,
    /// The log did not take it.
    NotWritten,
    /// The log does not tell what it keeps.
    LogUnread,
    /// What is on the log is still being read: the same request succeeds later.
    NotReady,
    /// The same request may succeed later.
    Busy {
        source: sqlx::Error,
    },
    /// The database was not allowed to go on for so long.
    TooDear {
        source: sqlx::Error,
    },
    TookTooLong,
    /// A fault of ours.
    Database {
        source: sqlx::Error,
    },
    Panicked,
}

impl ApiError {
    pub(crate) fn parameter(code: &'static str, name: &str, message: String) -> Self {
        Self::Parameter { code, name: name.to_owned(), message }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Parameter { .. } | Self::NulInAddress => StatusCode::BAD_REQUEST,
            Self::UnknownCoin { .. }
            | Self::UnknownSource { .. }
            | Self::NoSuchRow { .. }
            | Self::NotWatched { .. }
            | Self::NoSuchPath { .. } => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAWebSocket => StatusCode::UPGRADE_REQUIRED,
            Self::AddressTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::HeadersTooLarge { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Unread { status, .. } => *status,
            Self::NotKnownThen { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NoKey | Self::UnknownKey => StatusCode::UNAUTHORIZED,
            Self::ScopeMissing { .. } => StatusCode::FORBIDDEN,
            Self::NotRetained => StatusCode::GONE,
            Self::TooManyRequests { .. } | Self::TooManyReplays { .. } | Self::NoRoom(NoRoom::ForTheAddress) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::NoRoom(NoRoom::ForAnyone)
            | Self::NotReady
            | Self::NotWritten
            | Self::BusyWithThePast
            | Self::LogUnread
            | Self::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooDear { .. } | Self::TookTooLong => StatusCode::GATEWAY_TIMEOUT,
            Self::Database { .. } | Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Parameter { code, .. } => code,
            Self::UnknownCoin { .. } => "UNKNOWN_COIN",
            Self::UnknownSource { .. } => "UNKNOWN_SOURCE",
            Self::NoSuchRow { .. } => "UNKNOWN_ID",
            Self::NoSuchPath { .. } => "NOT_FOUND",
            Self::Method { .. } => "METHOD_NOT_ALLOWED",
            Self::NotAWebSocket => "UPGRADE_REQUIRED",
            Self::AddressTooLong { .. } => "ADDRESS_TOO_LONG",
            Self::NulInAddress => "NUL_IN_ADDRESS",
            Self::HeadersTooLarge { .. } => "HEADERS_TOO_LARGE",
            Self::BodyTooLarge { .. } => "BODY_TOO_LARGE",
            Self::BodyTooSlow => "BODY_TOO_SLOW",
            Self::Unread { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, .. } => "UNSUPPORTED_MEDIA_TYPE",
            Self::Unread { .. } => "UNREADABLE",
            Self::NoKey => "NO_KEY",
            Self::UnknownKey => "UNKNOWN_KEY",
            Self::ScopeMissing { .. } => "SCOPE_MISSING",
            Self::TooManyRequests { .. } => "RATE_LIMITED",
            Self::TooManyReplays { .. } => "TOO_MANY_REPLAYS",
            Self::NotRetained => "NOT_RETAINED",
            Self::NoRoom(_) => "TOO_MANY_CONNECTIONS",
            Self::NotReady => "NOT_READY",
            Self::NotWatched { .. } => "NOT_WATCHED",
            Self::NotWritten | Self::LogUnread => "LOG_UNAVAILABLE",
            Self::NotKnownThen { .. } => "NOT_KNOWN_THEN",
            Self::BusyWithThePast => "BUSY_WITH_THE_PAST",
            Self::Busy { .. } => "DATABASE_BUSY",
            Self::TooDear { .. } => "QUERY_TOO_SLOW",
            Self::TookTooLong => "TIMEOUT",
            Self::Database { .. } | Self::Panicked => "INTERNAL",
        }
    }

    pub(crate) fn details(&self) -> Value {
        match self {
            Self::Parameter { name, .. } => json!({ "param": name }),
            Self::UnknownCoin { coin } => json!({ "coin": coin }),
            Self::UnknownSource { name } => json!({ "source": name }),
            Self::NoSuchRow { id } => json!({ "id": id }),
            Self::NotWatched { wallet } => json!({ "wallet": wallet }),
            Self::NoSuchPath { path } => json!({ "path": path }),
            Self::Method { method } => json!({ "method": method.as_str() }),
            Self::ScopeMissing { needed } => json!({ "scope": needed }),
            Self::AddressTooLong { most } | Self::BodyTooLarge { most } => json!({ "max_bytes": most }),
            Self::HeadersTooLarge { headers, bytes } => json!({ "max_headers": headers, "max_bytes": bytes }),
            _ => json!({}),
        }
    }

    /// After how many seconds the same may be asked again, where it may.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyRequests { after } => Some(*after),
            Self::NotReady | Self::NotWritten | Self::LogUnread | Self::BusyWithThePast | Self::Busy { .. } => Some(1),
            Self::TooManyReplays { .. } | Self::NoRoom(_) | Self::TooDear { .. } | Self::TookTooLong => Some(10),
            _ => None,
        }
    }
}

impl From<Unread> for ApiError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Gone => Self::NotRetained,
            Unread::Failed => Self::LogUnread,
        }
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(source: sqlx::Error) -> Self {
        match () {
            () if is_cut_short(&source) => Self::TooDear { source },
            () if passes(&source) => Self::Busy { source },
            () => Self::Database { source },
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter { message, .. } => f.write_str(message),
            Self::UnknownCoin { coin } => {
                write!(
                    f,
                    "no market is called {coin:?} and nothing was traded under that name; /api/v1/markets lists all"
                )
            }
            Self::UnknownSource { name } => {
                write!(
                    f,
                    "no source called {name:?} was heard so far; /api/v1/data-quality/sources lists those that were"
                )
            }
            Self::NoSuchRow { id } => {
                write!(f, "there is no {id:?} here, or it is there no longer; the list tells the ids")
            }
            Self::NoSuchPath { path } => write!(f, "there is nothing at {path}; / lists what there is"),
            Self::Method { method } => write!(f, "{method} is not understood here; the header Allow says what is"),
            Self::NotAWebSocket => f.write_str("this address speaks WebSocket; connect with a WebSocket client"),
            Self::NulInAddress => f.write_str("the address holds %00, and nothing has a name with that; leave it out"),
            Self::AddressTooLong { most } => {
                write!(f, "path and query are longer than {most} bytes; ask for less at once")
            }
            Self::HeadersTooLarge { headers, bytes } => {
                write!(f, "the request has more than {headers} headers, or more than {bytes} bytes of them; send fewer")
            }
            Self::BodyTooLarge { most } => write!(f, "the body is longer than {most} bytes; send less"),
            Self::BodyTooSlow => f.write_str("the body did not come in time; send it at once"),
            Self::Unread { said, .. } => f.write_str(said),
            Self::NoKey => f.write_str("this takes a key: Authorization: Bearer, or X-API-Key"),
            Self::UnknownKey => f.write_str("this key is not known here, or not any more"),
            Self::ScopeMissing { needed } => write!(f, "this takes a key of scope {needed}; yours is not"),
            Self::TooManyRequests { after } => write!(f, "you have asked too much; ask again in {after} s"),
            Self::TooManyReplays { of_the_caller: true } => {
                write!(f, "you have {OF_A_CALLER} replays already; end one, or wait until one is over")
            }
            Self::TooManyReplays { of_the_caller: false } => {
                f.write_str("as many replays go on as there may be; try again in a while")
            }
            Self::NotRetained => {
                f.write_str("the log keeps no more what was then; `fathom schemas` says for how long it does")
            }
            Self::NoRoom(NoRoom::ForAnyone) => {
                f.write_str("as many connections are open as there may be; try again in a while")
            }
            Self::NoRoom(NoRoom::ForTheAddress) => {
                f.write_str("your address has as many connections open as one may; close some, or use them again")
            }
            Self::TooDear { .. } => f.write_str(
                "the database needed too long for this; ask for less: a shorter time, a coin, a smaller limit",
            ),
            Self::TookTooLong => f.write_str("no reply was ready in time; try again in a while, or ask for less"),
            Self::Panicked => f.write_str("the request met a fault of ours; the cause is in the log"),
            Self::NotWatched { wallet } => {
                write!(f, "{wallet} is not watched; /api/v1/whales/watches lists those that are")
            }
            Self::NotKnownThen { said } => f.write_str(said),
            Self::BusyWithThePast => {
                f.write_str("how things stood at another moment is being computed; try again in a second")
            }
            Self::NotWritten => {
                f.write_str("the log did not answer in time: it may be written or not; look, and try again")
            }
            Self::LogUnread => f.write_str("the log does not answer; try again in a second"),
            Self::NotReady => f.write_str("what is on the log is still being read; try again in a second"),
            Self::Busy { .. } => f.write_str("the database is busy or out of reach; try again in a second"),
            Self::Database { .. } => f.write_str("the database could not answer; the cause is in the log"),
        }
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Busy { source } | Self::TooDear { source } | Self::Database { source } => Some(source),
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    /// Only the status: the body is written where it is known whether the market is simulated.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
