//! What can be subscribed to: which frame a subscription begins with, and which frames follow from a block.

use axum::extract::ws::Utf8Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::feed::{Now, Published};
use crate::feed_contexts::Contexts;
use crate::frames::frame;
use crate::markets::MARKETS;

/// What a client leaves out is in the echo.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum Subscription {
    Trades {
        coin: String,
    },
    ActiveAssetCtx {
        coin: String,
    },
    AllDexsAssetCtxs,
    AllMids {
        #[serde(default)]
        dex: String,
    },
}

impl Subscription {
    /// Whether the market has what is asked for.
    pub(crate) fn exists(&self, now: &Now) -> bool {
        match self {
            Self::Trades { coin } => MARKETS.iter().any(|market| market.coin == coin),
            Self::ActiveAssetCtx { coin } => now.contexts.of_coin(coin).is_some(),
            Self::AllDexsAssetCtxs => true,
            Self::AllMids { dex } => now.contexts.of_dex(dex).is_some(),
        }
    }

    /// How things stand. Trades of the past carry no mark that says so.
    pub(crate) fn first(&self, now: &Now) -> Utf8Bytes {
        match self {
            Self::Trades { coin } => frame("trades", &now.recent(coin)),
            _ => self.told(&now.contexts),
        }
    }

    pub(crate) fn next(&self, published: &Published) -> Option<Utf8Bytes> {
        match self {
            Self::Trades { coin } => {
                published.trades.iter().find(|(traded, _)| traded == coin).map(|(_, frame)| frame.clone())
            }
            _ => published.contexts.as_deref().map(|contexts| self.told(contexts)),
        }
    }

    fn told(&self, contexts: &Contexts) -> Utf8Bytes {
        match self {
            Self::AllMids { dex } if dex.is_empty() => frame("allMids", &json!({ "mids": contexts.mids(dex) })),
            Self::AllMids { dex } => frame("allMids", &json!({ "dex": dex, "mids": contexts.mids(dex) })),
            Self::ActiveAssetCtx { coin } | Self::Trades { coin } => {
                frame("activeAssetCtx", &json!({ "coin": coin, "ctx": contexts.of_coin(coin) }))
            }
            Self::AllDexsAssetCtxs => frame("allDexsAssetCtxs", &json!({ "ctxs": contexts.all() })),
        }
    }
}
