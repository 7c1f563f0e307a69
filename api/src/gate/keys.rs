//! A token → whose it is, and what it opens. Nothing is known of a token but its fingerprint: who reads that cannot ask
//! for anything with it.

use std::collections::HashMap;
use std::fmt;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a key may be used for. None of them is part of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything that is only told.
    Read,
    /// What somebody has watched: setting it, and taking it away.
    Watch,
    /// How everything runs, on the listener that is for it alone.
    Admin,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub id: String,
    /// Whose it is, in words.
    pub name: String,
    pub scopes: Vec<Scope>,
    /// When it was made, in milliseconds UTC.
    pub made: i64,
    /// SHA-256 of the token, in hexadecimal digits. Tokens are 256 random bits: nobody finds one by trying.
    pub sha256: String,
}

/// All that are good.
#[derive(Debug, Default)]
pub struct Keys {
    by_fingerprint: HashMap<String, Key>,
}

impl Keys {
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        Self { by_fingerprint: keys.into_iter().map(|key| (key.sha256.clone(), key)).collect() }
    }

    pub fn all(&self) -> impl Iterator<Item = &Key> {
        self.by_fingerprint.values()
    }

    pub fn of(&self, token: &str) -> Option<&Key> {
        self.with(&fingerprint(token))
    }

    pub(super) fn with(&self, fingerprint: &str) -> Option<&Key> {
        self.by_fingerprint.get(fingerprint)
    }
}

pub fn fingerprint(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Browsers set no header when they open a WebSocket, but they name what they would speak: one of those is the token.
const AS_A_PROTOCOL: &str = "fathom.key.";

/// The token that comes with a request.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(AUTHORIZATION.as_str()).and_then(|said| {
        let (scheme, token) = said.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    let protocol = || {
        let spoken = text(SEC_WEBSOCKET_PROTOCOL.as_str())?.split(',').map(str::trim);
        spoken.filter_map(|protocol| protocol.strip_prefix(AS_A_PROTOCOL)).next()
    };
    bearer.or_else(|| text("x-api-key")).or_else(protocol)
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Watch => "watch",
            Self::Admin => "admin",
        })
    }
}
