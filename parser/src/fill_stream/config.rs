//! A file that describes a stream → where to connect, what to say there, and where the fills are in what comes.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue};

use super::path::FramePath;
use super::secrets::{Secrets, Unset};
use crate::node::Layout;

/// One stream. What came from the environment is shown to nobody.
#[derive(Clone)]
pub struct StreamConfig {
    pub name: String,
    pub layout: Layout,
    pub(super) fills: FramePath,
    pub(super) subscribe: Vec<String>,
    pub(super) ping: Option<Ping>,
    pub(super) silence: Duration,
    pub(super) secrets: Secrets,
    url: String,
    headers: HeaderMap,
}

/// What is said when nothing was for a while.
#[derive(Debug, Clone)]
pub struct Ping {
    pub message: String,
    pub every: Duration,
}

/// What is wrong with the file. Says no value of a variable.
#[derive(Debug)]
pub enum StreamConfigError {
    /// Not JSON, or a key that is not there or that nobody knows.
    Form(serde_json::Error),
    Variable {
        place: String,
        unset: Unset,
    },
    Name(String),
    Url(String),
    Header(String),
    /// A time that is none.
    Seconds(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    subscribe: Option<Value>,
    fills: String,
    layout: FileLayout,
    #[serde(default)]
    ping: Option<FilePing>,
    #[serde(default = "usual_silence")]
    silence_seconds: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum FileLayout {
    Blocks,
    Fills,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilePing {
    message: Value,
    every_seconds: u64,
}

/// The chain has a block each tenth of a second, and 80 fills a second on a quiet night.
fn usual_silence() -> u64 {
    10
}

const LONGEST_NAME: usize = 64;

impl StreamConfig {
    /// The text of the file; `variable` gives what the environment holds by a name.
    pub fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, StreamConfigError> {
        let file: File = serde_json::from_str(text).map_err(StreamConfigError::Form)?;
        if !is_a_name(&file.name) {
            return Err(StreamConfigError::Name(file.name));
        }
        if file.silence_seconds == 0 {
            return Err(StreamConfigError::Seconds("silence_seconds"));
        }
        let mut secrets = Secrets::default();
        let mut filled = |place: &str, text: &str| {
            let filled = secrets.fill(text, &variable);
            filled.map_err(|unset| StreamConfigError::Variable { place: place.to_owned(), unset })
        };
        let url = filled("url", &file.url)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &file.headers {
            let value = filled(&format!("headers.{name}"), value)?;
            let (name, value) = header(name, &value).ok_or_else(|| StreamConfigError::Header(name.clone()))?;
            headers.append(name, value);
        }
        let subscribe = messages(file.subscribe, |text| filled("subscribe", text))?;
        let ping = file.ping.map(|ping| ping.filled(|text| filled("ping.message", text))).transpose()?;
        let config = Self {
            name: file.name,
            layout: match file.layout {
                FileLayout::Blocks => Layout::ByBlock,
                FileLayout::Fills => Layout::Fills,
            },
            fills: FramePath::parse(&file.fills),
            subscribe,
            ping,
            silence: Duration::from_secs(file.silence_seconds),
            secrets,
            url,
            headers,
        };
        config.request().map(|_| config.clone()).map_err(StreamConfigError::Url)
    }

    /// The request that opens a connection; a new one for each.
    pub(super) fn request(&self) -> Result<Request, String> {
        if !self.url.starts_with("ws://") && !self.url.starts_with("wss://") {
            return Err("it does not begin with ws:// or wss://".to_owned());
        }
        let request = self.url.as_str().into_client_request();
        let mut request = request.map_err(|error| self.secrets.hide(&error.to_string()))?;
        request.headers_mut().extend(self.headers.clone());
        Ok(request)
    }
}

impl FilePing {
    fn filled(self, filled: impl FnMut(&str) -> Result<String, StreamConfigError>) -> Result<Ping, StreamConfigError> {
        if self.every_seconds == 0 {
            return Err(StreamConfigError::Seconds("ping.every_seconds"));
        }
        Ok(Ping { message: message(self.message, filled)?, every: Duration::from_secs(self.every_seconds) })
    }
}

/// It stands in positions, in keys and in what is said.
fn is_a_name(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(is_plain)
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
}

/// One message, or a list of them.
fn messages(
    value: Option<Value>,
    mut filled: impl FnMut(&str) -> Result<String, StreamConfigError>,
) -> Result<Vec<String>, StreamConfigError> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) => values.into_iter().map(|value| message(value, &mut filled)).collect(),
        Some(value) => Ok(vec![message(value, filled)?]),
    }
}

/// JSON as it goes over the wire; a text is sent as it is, without quotes.
fn message(
    mut value: Value,
    mut filled: impl FnMut(&str) -> Result<String, StreamConfigError>,
) -> Result<String, StreamConfigError> {
    fill_in(&mut value, &mut filled)?;
    Ok(match value {
        Value::String(text) => text,
        value => value.to_string(),
    })
}

fn fill_in(
    value: &mut Value,
    filled: &mut impl FnMut(&str) -> Result<String, StreamConfigError>,
) -> Result<(), StreamConfigError> {
    match value {
        Value::String(text) => *text = filled(text)?,
        Value::Array(values) => values.iter_mut().try_for_each(|value| fill_in(value, filled))?,
        Value::Object(members) => members.values_mut().try_for_each(|value| fill_in(value, filled))?,
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

impl fmt::Debug for StreamConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamConfig").field("name", &self.name).field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl fmt::Display for StreamConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(error) => error.fmt(f),
            Self::Variable { place, unset } => write!(f, "`{place}` {unset}"),
            Self::Name(name) => {
                write!(f, "`name` {name:?} is to have 1 to {LONGEST_NAME} letters, digits, `-`, `_` or `.`")
            }
            Self::Url(reason) => write!(f, "`url` is not the address of a WebSocket: {reason}"),
            Self::Header(name) => write!(f, "`headers.{name}` is not a header that HTTP can carry"),
            Self::Seconds(key) => write!(f, "`{key}` is to be 1 or more"),
        }
    }
}

impl std::error::Error for StreamConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Form(error) => Some(error),
            Self::Variable { .. } | Self::Name(_) | Self::Url(_) | Self::Header(_) | Self::Seconds(_) => None,
        }
    }
}
