//! A wallet's address: 20 bytes, written `0x` and 40 lower-case hex digits; mixed case is understood.

use core::fmt;
use core::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hex;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wallet(pub [u8; 20]);

/// The text was not `0x` and 40 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAWallet;

pub(crate) const TEXT_BYTES: usize = 42;

impl Wallet {
    /// The other side of what the exchange books itself: nobody has its key.
    pub const NOBODY: Self = Self([0; 20]);

    /// The text, for keys.
    pub fn text(self) -> [u8; TEXT_BYTES] {
        let mut text = [0; TEXT_BYTES];
        hex::write(&self.0, &mut text);
        text
    }
}

impl FromStr for Wallet {
    type Err = NotAWallet;

    fn from_str(text: &str) -> Result<Self, NotAWallet> {
        hex::read(text).map(Self).ok_or(NotAWallet)
    }
}

impl fmt::Display for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for NotAWallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an address of 0x and 40 hex digits")
    }
}

impl core::error::Error for NotAWallet {}

impl Serialize for Wallet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(core::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Wallet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WalletVisitor;
        impl Visitor<'_> for WalletVisitor {
            type Value = Wallet;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address of 0x and 40 hex digits")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Wallet, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(WalletVisitor)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn mixed_case_in_lower_case_out() {
        let wallet: Wallet = "0x2E3d94F0562703b25c83308a05046ddaf9a8dd14".parse().expect("an address");
        assert_eq!(wallet.to_string(), "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "0x", "2e3d94f0562703b25c83308a05046ddaf9a8dd14", "0x2e3d94f0562703b25c83308a05046ddaf9a8dd1g", "0x2e"]
        {
            assert_eq!(text.parse::<Wallet>(), Err(NotAWallet), "{text}");
        }
    }
}
