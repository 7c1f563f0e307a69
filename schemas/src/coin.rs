//! A market's name as Hyperliquid writes it: `BTC`, `kPEPE`, `2Z`, `xyz:XYZ100`, `@107`, `PURR/USDC`, `#10`.

use core::fmt;

use ecow::EcoString;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Never upper-cased and never assumed to be letters: `kPEPE` is not `KPEPE`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coin(EcoString);

/// What is traded under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarketKind {
    /// A perpetual of the main dex or of a builder's dex.
    Perp,
    Spot,
    /// A side of an outcome market.
    Outcome,
}

/// Far beyond every name there is; keys are made of it.
const LONGEST_NAME: usize = 64;

impl Coin {
    pub fn new(name: &str) -> Self {
        Self(EcoString::from(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn kind(&self) -> MarketKind {
        match self.0.as_bytes() {
            [b'@', ..] => MarketKind::Spot,
            [b'#', ..] => MarketKind::Outcome,
            name if name.contains(&b'/') => MarketKind::Spot,
            _ => MarketKind::Perp,
        }
    }

    /// The builder's dex, or `""` for the main one.
    pub fn dex(&self) -> &str {
        self.0.split_once(':').map_or("", |(dex, _)| dex)
    }
}

impl fmt::Display for Coin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Coin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Coin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Coin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CoinVisitor;
        impl Visitor<'_> for CoinVisitor {
            type Value = Coin;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a market")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Coin, E> {
                if name.is_empty() || name.len() > LONGEST_NAME || name.contains('|') {
                    return Err(E::custom("the name of a market is empty, longer than 64 bytes, or holds a '|'"));
                }
                Ok(Coin::new(name))
            }
        }
        deserializer.deserialize_str(CoinVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_what_is_traded_and_where() {
        for (name, kind, dex) in [
            ("BTC", MarketKind::Perp, ""),
            ("kPEPE", MarketKind::Perp, ""),
            ("2Z", MarketKind::Perp, ""),
            ("xyz:XYZ100", MarketKind::Perp, "xyz"),
            ("@107", MarketKind::Spot, ""),
            ("PURR/USDC", MarketKind::Spot, ""),
            ("#10", MarketKind::Outcome, ""),
        ] {
            assert_eq!((Coin::new(name).kind(), Coin::new(name).dex()), (kind, dex), "{name}");
        }
    }
}
