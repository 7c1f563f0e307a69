//! What is asked of the feed, as it is sent and as it comes back in echoes and errors.

use std::fmt;

use schemas::Coin;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Request {
    pub method: Method,
    pub subscription: Subscription,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    Subscribe,
    Unsubscribe,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Subscription {
    #[serde(rename = "allDexsAssetCtxs")]
    AllContexts,
    /// Of one dex; with those of the main one come those of spot and outcome markets.
    #[serde(rename = "allMids")]
    Mids {
        #[serde(default, deserialize_with = "null_is_the_main_dex", skip_serializing_if = "String::is_empty")]
        dex: String,
    },
    #[serde(rename = "activeAssetCtx")]
    Context { coin: Coin },
    #[serde(rename = "trades")]
    Trades { coin: Coin },
}

impl Request {
    pub fn text(&self) -> String {
        // Names and texts always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Subscription {
    /// The one that the text of an error quotes, if it quotes one.
    pub fn quoted_in(error: &str) -> Option<Self> {
        let json = &error[error.find('{')?..];
        let quoted = serde_json::Deserializer::from_str(json).into_iter::<Value>().next()?.ok()?;
        let subscription = quoted.get("subscription").unwrap_or(&quoted);
        serde_json::from_value(subscription.clone()).ok()
    }

    /// The coin whose trades it brings.
    pub fn traded(&self) -> Option<&Coin> {
        match self {
            Self::Trades { coin } => Some(coin),
            Self::AllContexts | Self::Mids { .. } | Self::Context { .. } => None,
        }
    }

    /// Whether it brings something every few seconds as long as the exchange is alive, whoever trades.
    pub fn ticks(&self) -> bool {
        match self {
            Self::AllContexts | Self::Context { .. } => true,
            Self::Mids { dex } => dex.is_empty(),
            Self::Trades { .. } => false,
        }
    }
}

impl fmt::Display for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllContexts => f.write_str("all contexts"),
            Self::Mids { dex } => write!(f, "the mids of dex {dex:?}"),
            Self::Context { coin } => write!(f, "the context of {coin}"),
            Self::Trades { coin } => write!(f, "the trades of {coin}"),
        }
    }
}

fn null_is_the_main_dex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
