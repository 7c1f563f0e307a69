//! What can be subscribed to: which frame a subscription begins with, and which frames follow from a block.

use axum::extract::ws::Utf8Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::feed::Published;
use crate::feed_contexts::Contexts;
use crate::frames::frame;
use crate::now::Now;

/// What a client leaves out is in the echo.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(super) enum Subscription {
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

#[derive(Serialize)]
struct Told<'a, T> {
    coin: &'a str,
    ctx: T,
}

impl Subscription {
    /// Whether the market has what is asked for.
    pub(super) fn exists(&self, now: &Now) -> bool {
        match self {
            Self::Trades { coin } | Self::ActiveAssetCtx { coin } => now.books.listed(coin).is_some(),
            Self::AllDexsAssetCtxs => true,
            Self::AllMids { dex } => now.contexts.of_dex(dex).is_some(),
        }
    }

    /// How things stand. Trades of the past carry no mark that says so.
    pub(super) fn first(&self, now: &Now) -> Utf8Bytes {
        match self {
            Self::Trades { coin } => frame("trades", &now.recent(coin)),
            _ => self.told(&now.contexts),
        }
    }

    pub(super) fn next(&self, published: &Published) -> Option<Utf8Bytes> {
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
            Self::ActiveAssetCtx { coin } | Self::Trades { coin } => match contexts.of_spot(coin) {
                Some(context) => frame("activeSpotAssetCtx", &Told { coin, ctx: context }),
                None => frame("activeAssetCtx", &Told { coin, ctx: contexts.of_coin(coin) }),
            },
            Self::AllDexsAssetCtxs => frame("allDexsAssetCtxs", &json!({ "ctxs": contexts.all() })),
        }
    }
}
