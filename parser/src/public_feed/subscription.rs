//! What is asked of the feed, as it is sent and as it comes back in echoes and errors.

use schemas::Coin;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Subscription {
    #[serde(rename = "allDexsAssetCtxs")]
    AllContexts,
    #[serde(rename = "activeAssetCtx")]
    Context { coin: Coin },
    #[serde(rename = "trades")]
    Trades { coin: Coin },
}

impl Subscription {
    pub fn request(&self) -> String {
        json!({ "method": "subscribe", "subscription": self }).to_string()
    }

    /// The one that the text of an error quotes, if it quotes one.
    pub fn quoted_in(error: &str) -> Option<Self> {
        let json = &error[error.find('{')?..];
        let quoted = serde_json::Deserializer::from_str(json).into_iter::<Value>().next()?.ok()?;
        let subscription = quoted.get("subscription").unwrap_or(&quoted);
        serde_json::from_value(subscription.clone()).ok()
    }
}
