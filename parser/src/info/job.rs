//! What is asked again and again, and by which lane it goes.

use schemas::Wallet;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Job {
    Dexs,
    /// Of a dex.
    Contexts(String),
    /// Of a wallet on a dex.
    Account(Wallet, String),
    Ledger(Wallet),
    Funding(Wallet),
    Fills(Wallet),
    /// What is traded of a dex's markets.
    Volumes(String),
    /// Of whichever market was asked for longest ago.
    Candles,
}

/// What is asked for in the same way, and fails together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Dexs,
    Contexts,
    Account,
    Ledger,
    Funding,
    Fills,
    Volumes,
    Candles,
}

impl Kind {
    /// How much its lateness counts. A few questions an hour are asked of markets: as late as accounts may be where there
    /// are many, they would come once in a day.
    pub fn urgency(self) -> i64 {
        match self {
            Self::Dexs | Self::Volumes | Self::Candles => 1_000,
            Self::Contexts | Self::Account | Self::Ledger | Self::Funding | Self::Fills => 1,
        }
    }
}

impl Job {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Dexs => Kind::Dexs,
            Self::Contexts(_) => Kind::Contexts,
            Self::Account(..) => Kind::Account,
            Self::Ledger(_) => Kind::Ledger,
            Self::Funding(_) => Kind::Funding,
            Self::Fills(_) => Kind::Fills,
            Self::Volumes(_) => Kind::Volumes,
            Self::Candles => Kind::Candles,
        }
    }

    pub fn wallet(&self) -> Option<Wallet> {
        match self {
            Self::Dexs | Self::Contexts(_) | Self::Volumes(_) | Self::Candles => None,
            Self::Account(wallet, _) | Self::Ledger(wallet) | Self::Funding(wallet) | Self::Fills(wallet) => {
                Some(*wallet)
            }
        }
    }
}
