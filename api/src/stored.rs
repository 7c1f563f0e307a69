//! Columns of text → the JSON or the exact decimals in them, as they are told.

use schemas::{Amount, AmountError};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Json<T>(pub(crate) T);

#[derive(Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct Decimal(pub(crate) Amount);

#[derive(Default, Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct MaybeDecimal(pub(crate) Option<Amount>);

impl<T: DeserializeOwned> TryFrom<String> for Json<T> {
    type Error = serde_json::Error;

    fn try_from(stored: String) -> Result<Self, Self::Error> {
        serde_json::from_str(&stored).map(Self)
    }
}

/// A column that may be null.
impl<T: DeserializeOwned> TryFrom<Option<String>> for Json<Option<T>> {
    type Error = serde_json::Error;

    fn try_from(stored: Option<String>) -> Result<Self, Self::Error> {
        stored.map(|stored| serde_json::from_str(&stored)).transpose().map(Self)
    }
}

impl TryFrom<String> for Decimal {
    type Error = AmountError;

    fn try_from(stored: String) -> Result<Self, Self::Error> {
        stored.parse().map(Self)
    }
}

impl TryFrom<Option<String>> for MaybeDecimal {
    type Error = AmountError;

    fn try_from(stored: Option<String>) -> Result<Self, Self::Error> {
        stored.map(|stored| stored.parse()).transpose().map(Self)
    }
}
