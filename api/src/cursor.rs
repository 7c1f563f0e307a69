//! Where a page ended: opaque to clients, bound to the list and the generation it was made for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemas::table::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

pub(crate) fn write(generation: u32, list: &str, after: impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::json!([generation, list, after]).to_string())
}

pub(crate) fn read<T: DeserializeOwned>(generation: u32, list: &str, cursor: &str) -> Result<T, ApiError> {
    let bytes = decoded(cursor).unwrap_or_default();
    match serde_json::from_slice::<(u32, String, T)>(&bytes) {
        Ok((made_for, of_list, after)) if made_for == generation && of_list == list => Ok(after),
        Ok(_) => {
            Err(refused("the cursor belongs to another list, to other filters or to an earlier generation of the data"))
        }
        Err(_) => Err(not_ours()),
    }
}

/// What was made opaque here. None of it holds a NUL, which not every database takes.
pub(crate) fn decoded(opaque: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(opaque).ok()?;
    let holds = |what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
    (!holds(b"\\u0000")).then_some(bytes)
}

pub(crate) fn not_ours() -> ApiError {
    refused("the cursor is not one that was given out here")
}

fn refused(why: &str) -> ApiError {
    ApiError::parameter("INVALID_CURSOR", "cursor", format!("{why}; start again without a cursor"))
}

/// A value of a row, as it stands in a place.
pub(crate) fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Boolean(truth) => (*truth).into(),
        Value::Integer(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
    }
}
