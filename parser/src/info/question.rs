//! What can be asked of the info endpoint: the request as it is sent, and what it may cost.

use schemas::{Coin, Interval, Wallet};
use serde::Serialize;

use super::priority::Priority;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum Question {
    #[serde(rename = "meta")]
    Meta {
        #[serde(skip_serializing_if = "String::is_empty")]
        dex: String,
    },
    #[serde(rename = "perpDexs")]
    Dexs,
    #[serde(rename = "spotMeta")]
    Spot,
    #[serde(rename = "metaAndAssetCtxs")]
    Contexts { dex: String },
    #[serde(rename = "clearinghouseState")]
    Account { user: Wallet, dex: String },
    #[serde(rename = "userNonFundingLedgerUpdates")]
    Ledger { user: Wallet, start_time: i64 },
    #[serde(rename = "userFunding")]
    Funding { user: Wallet, start_time: i64 },
    #[serde(rename = "userFillsByTime")]
    Fills { user: Wallet, start_time: i64 },
    #[serde(rename = "candleSnapshot")]
    Candles { req: CandleStretch },
}

/// Both ends belong to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CandleStretch {
    pub coin: Coin,
    pub interval: Interval,
    pub start_time: i64,
    pub end_time: i64,
}

/// What a question costs of what one address may spend in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Price {
    Fixed(u32),
    /// The reply is a list, and is charged by its length too: one more for so many items.
    WithItems {
        base: u32,
        most_items: u32,
        items_per_unit: u32,
    },
}

/// So many items of a list cost one more.
const ITEMS_PER_UNIT: u32 = 20;
const CANDLES_PER_UNIT: u32 = 60;
/// No list is longer. Fills have this limit; of ledgers none is documented, of funding a lower one.
const MOST_ITEMS: u32 = 2_000;
/// The highest price there is.
pub const DEAREST: u32 = 20 + MOST_ITEMS / ITEMS_PER_UNIT;

impl Question {
    /// The request; also the key of its reply among the raw ones.
    pub fn request(&self) -> String {
        // Names, numbers and wallets: nothing that writing could fail on.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub fn price(&self) -> Price {
        match self {
            Self::Account { .. } => Price::Fixed(2),
            Self::Meta { .. } | Self::Dexs | Self::Spot | Self::Contexts { .. } => Price::Fixed(20),
            Self::Ledger { .. } | Self::Funding { .. } | Self::Fills { .. } => {
                Price::WithItems { base: 20, most_items: MOST_ITEMS, items_per_unit: ITEMS_PER_UNIT }
            }
            Self::Candles { req } => {
                Price::WithItems { base: 20, most_items: req.candles(), items_per_unit: CANDLES_PER_UNIT }
            }
        }
    }

    /// Where whoever asks knows nothing better.
    pub fn priority(&self) -> Priority {
        match self {
            Self::Meta { .. } | Self::Dexs | Self::Spot | Self::Contexts { .. } => Priority::Metadata,
            Self::Account { .. } => Priority::Accounts,
            Self::Ledger { .. } | Self::Funding { .. } => Priority::Ledgers,
            Self::Fills { .. } => Priority::Histories,
            Self::Candles { .. } => Priority::Candles,
        }
    }

    /// Whether a node answers it that serves the endpoint itself: it knows the present and no history.
    pub fn is_known_to_nodes(&self) -> bool {
        matches!(self, Self::Meta { .. } | Self::Dexs | Self::Spot | Self::Account { .. })
    }
}

impl CandleStretch {
    /// As many as there can be.
    fn candles(&self) -> u32 {
        u32::try_from((self.end_time - self.start_time) / self.interval.length_ms() + 1).unwrap_or_default()
    }
}

impl Price {
    /// What is to be set aside before the question is sent.
    pub fn most(self) -> u32 {
        match self {
            Self::Fixed(price) => price,
            Self::WithItems { base, most_items, items_per_unit } => base + most_items.div_ceil(items_per_unit),
        }
    }

    /// What it has cost, once the reply is there. How the exchange rounds is not documented: up.
    pub fn of(self, reply: &[u8]) -> u32 {
        match self {
            Self::Fixed(price) => price,
            Self::WithItems { base, most_items, items_per_unit } => {
                base + length(reply).unwrap_or(most_items).div_ceil(items_per_unit)
            }
        }
    }
}

fn length(reply: &[u8]) -> Option<u32> {
    let items: Vec<serde::de::IgnoredAny> = serde_json::from_slice(reply).ok()?;
    u32::try_from(items.len()).ok()
}
