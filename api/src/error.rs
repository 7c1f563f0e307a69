//! Why a request gets no data: what is wrong, and what to do about it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::cause::passes;

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
    NoSuchPath {
        path: String,
    },
    Method {
        method: Method,
    },
    NotAWebSocket,
    /// The same request may succeed later.
    Busy {
        source: sqlx::Error,
    },
    /// A fault of ours.
    Database {
        source: sqlx::Error,
    },
}

impl ApiError {
    pub(crate) fn parameter(code: &'static str, name: &str, message: String) -> Self {
        Self::Parameter { code, name: name.to_owned(), message }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Parameter { .. } => StatusCode::BAD_REQUEST,
            Self::UnknownCoin { .. } | Self::UnknownSource { .. } | Self::NoSuchPath { .. } => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAWebSocket => StatusCode::UPGRADE_REQUIRED,
            Self::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Database { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Parameter { code, .. } => code,
            Self::UnknownCoin { .. } => "UNKNOWN_COIN",
            Self::UnknownSource { .. } => "UNKNOWN_SOURCE",
            Self::NoSuchPath { .. } => "NOT_FOUND",
            Self::Method { .. } => "METHOD_NOT_ALLOWED",
            Self::NotAWebSocket => "UPGRADE_REQUIRED",
            Self::Busy { .. } => "DATABASE_BUSY",
            Self::Database { .. } => "INTERNAL",
        }
    }

    pub(crate) fn details(&self) -> Value {
        match self {
            Self::Parameter { name, .. } => json!({ "param": name }),
            Self::UnknownCoin { coin } => json!({ "coin": coin }),
            Self::UnknownSource { name } => json!({ "source": name }),
            Self::NoSuchPath { path } => json!({ "path": path }),
            Self::Method { method } => json!({ "method": method.as_str() }),
            Self::NotAWebSocket | Self::Busy { .. } | Self::Database { .. } => json!({}),
        }
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(source: sqlx::Error) -> Self {
        if passes(&source) { Self::Busy { source } } else { Self::Database { source } }
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
            Self::NoSuchPath { path } => write!(f, "there is nothing at {path}; / lists what there is"),
            Self::Method { method } => write!(f, "{method} is not understood here; use GET"),
            Self::NotAWebSocket => f.write_str("this address speaks WebSocket; connect with a WebSocket client"),
            Self::Busy { .. } => f.write_str("the database is busy or out of reach; try again in a second"),
            Self::Database { .. } => f.write_str("the database could not answer; the cause is in the log"),
        }
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Busy { source } | Self::Database { source } => Some(source),
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
