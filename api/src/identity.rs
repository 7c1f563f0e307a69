//! What a row is called, for good: the values that make its place in its list, its time among them, as an opaque text.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemas::table::{Kind, Value};

use crate::cursor;
use crate::error::ApiError;
use crate::row::{Field, Told};

pub(crate) const ID: Field = Field { name: "id", kind: Kind::Text };

pub(crate) fn of(row: &Told, columns: &[&str]) -> Value {
    let place: Vec<serde_json::Value> = columns.iter().map(|column| cursor::json(row.value(column))).collect();
    Value::Text(URL_SAFE_NO_PAD.encode(serde_json::Value::Array(place).to_string()))
}

/// The id in a path.
pub(crate) struct AskedId(pub(crate) String);

impl AskedId {
    /// The values that it was made of.
    pub(crate) fn place(&self) -> Option<Vec<serde_json::Value>> {
        serde_json::from_slice(&cursor::decoded(&self.0)?).ok()
    }

    pub(crate) fn unknown(self) -> ApiError {
        ApiError::NoSuchRow { id: self.0 }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AskedId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let refused = |refusal| ApiError::parameter("INVALID_ID", "id", format!("{refusal}; give it as it was told"));
        Path::<String>::from_request_parts(parts, state).await.map(|Path(id)| Self(id)).map_err(refused)
    }
}
