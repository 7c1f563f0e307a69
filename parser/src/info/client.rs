//! A question → the bytes of its reply, from the exchange within the budget, or from a node of one's own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemas::{Coin, Market};

use super::budget::Budget;
use super::metadata::{parse_meta, parse_perp_dexs};
use super::permit::Permit;
use super::priority::Priority;
use super::question::Question;
use crate::dead_letter::Reject;
use crate::public_feed::parse_spot_meta;

/// Asks an info endpoint.
#[derive(Debug, Clone)]
pub struct InfoClient {
    http: reqwest::Client,
    url: String,
    budget: Arc<Budget>,
    /// Where everything is asked that a node knows.
    node: Option<String>,
}

/// Why an endpoint gave nothing that could be used. The next poll asks again.
#[derive(Debug)]
pub enum InfoError {
    Request {
        url: String,
        source: reqwest::Error,
    },
    Status {
        url: String,
        status: u16,
    },
    /// More than any reply holds.
    TooLong {
        url: String,
    },
    /// The reply came and could not be understood: its bytes go to the dead letters.
    Reply {
        reject: Reject,
        bytes: Vec<u8>,
    },
}

const PATIENCE: Duration = Duration::from_secs(10);
/// Two thousand fills are one megabyte.
const MOST_REPLY_BYTES: usize = 16 * 1024 * 1024;
const TOO_MANY_REQUESTS: u16 = 429;

impl InfoClient {
    /// `url` is the endpoint itself, as `https://api.hyperliquid.xyz/info`. With a budget of its own.
    pub fn new(url: &str) -> Result<Self, InfoError> {
        Self::sharing(url, Arc::new(Budget::per_minute(Budget::OF_THE_EXCHANGE)))
    }

    /// With a budget that others use too. One that is unlimited is for a node of one's own, as
    /// `http://localhost:3001/info`.
    pub fn sharing(url: &str, budget: Arc<Budget>) -> Result<Self, InfoError> {
        // Another part of the process may have chosen already; either choice serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(PATIENCE).build();
        let http = http.map_err(|source| InfoError::Request { url: url.to_owned(), source })?;
        Ok(Self { http, url: url.to_owned(), budget, node: None })
    }

    /// Asks a node of one's own for everything that nodes know, without a limit, and the exchange for the rest.
    #[must_use]
    pub fn with_node(self, url: &str) -> Self {
        Self { node: Some(url.to_owned()), ..self }
    }

    /// The terms of every market of every dex, as of `time`.
    pub async fn markets(&self, time: i64) -> Result<Vec<Market>, InfoError> {
        let main = self.ask(&Question::Meta { dex: String::new() }).await?;
        let mut markets = parsed(main, |bytes| parse_meta(bytes, "", time))?;
        for dex in parsed(self.ask(&Question::Dexs).await?, parse_perp_dexs)? {
            let reply = self.ask(&Question::Meta { dex: dex.clone() }).await?;
            markets.extend(parsed(reply, |bytes| parse_meta(bytes, &dex, time))?);
        }
        Ok(markets)
    }

    /// The spot pairs, under the names that trades have.
    pub async fn spot_pairs(&self) -> Result<Vec<Coin>, InfoError> {
        parsed(self.ask(&Question::Spot).await?, parse_spot_meta)
    }

    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    pub(super) async fn ask(&self, question: &Question) -> Result<Vec<u8>, InfoError> {
        let permit = self.reserve(question, question.priority()).await;
        self.send(question, permit).await
    }

    /// Waits until the question may be asked.
    pub(super) async fn reserve(&self, question: &Question, priority: Priority) -> Permit {
        match self.node_for(question) {
            Some(_) => Permit::free(),
            None => self.budget.reserve(priority, question.price().most()).await,
        }
    }

    pub(super) async fn send(&self, question: &Question, permit: Permit) -> Result<Vec<u8>, InfoError> {
        let url = self.node_for(question).unwrap_or(&self.url);
        match self.post(url, question).await {
            Ok(bytes) => {
                permit.settle(question.price().of(&bytes));
                Ok(bytes)
            }
            Err(error) => {
                match &error {
                    InfoError::Status { status: TOO_MANY_REQUESTS, .. } => permit.refuse(),
                    InfoError::Status { .. } => permit.settle(question.price().of(b"[]")),
                    _ => drop(permit),
                }
                Err(error)
            }
        }
    }

    fn node_for(&self, question: &Question) -> Option<&str> {
        self.node.as_deref().filter(|_| question.is_known_to_nodes())
    }

    async fn post(&self, url: &str, question: &Question) -> Result<Vec<u8>, InfoError> {
        let failed = |source| InfoError::Request { url: url.to_owned(), source };
        let mut reply = self.http.post(url).json(question).send().await.map_err(failed)?;
        if !reply.status().is_success() {
            return Err(InfoError::Status { url: url.to_owned(), status: reply.status().as_u16() });
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = reply.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > MOST_REPLY_BYTES {
                return Err(InfoError::TooLong { url: url.to_owned() });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

fn parsed<T>(bytes: Vec<u8>, parse: impl FnOnce(&[u8]) -> Result<T, Reject>) -> Result<T, InfoError> {
    parse(&bytes).map_err(|reject| InfoError::Reply { reject, bytes })
}

impl fmt::Display for InfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { url, .. } => write!(f, "{url} did not answer"),
            Self::Status { url, status } => write!(f, "{url} answered with status {status}"),
            Self::TooLong { url } => write!(f, "{url} answered with more than {MOST_REPLY_BYTES} bytes"),
            Self::Reply { reject, .. } => reject.fmt(f),
        }
    }
}

impl std::error::Error for InfoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Request { source, .. } => Some(source),
            Self::Status { .. } | Self::TooLong { .. } | Self::Reply { .. } => None,
        }
    }
}
