//! The reply to `metaAndAssetCtxs` → the dex's listed markets, and what was traded of each in a day.

use schemas::{Amount, Coin};
use serde::Deserialize;
use serde_json::Value;

/// In the order in which the exchange lists them. A volume that cannot be read is none: it only says who goes first.
pub fn volumes(reply: &[u8]) -> Result<Vec<(Coin, Amount)>, String> {
    let (meta, contexts) = serde_json::from_slice::<(Meta, Vec<Context>)>(reply).map_err(not_volumes)?;
    if meta.universe.len() != contexts.len() {
        return Err(not_volumes("there are not as many as markets"));
    }
    let listed = meta.universe.into_iter().zip(contexts).filter(|(listing, _)| !listing.is_delisted);
    Ok(listed.map(|(listing, context)| (listing.name, context.volume())).collect())
}

#[derive(Deserialize)]
struct Meta {
    universe: Vec<Listing>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listing {
    name: Coin,
    #[serde(default)]
    is_delisted: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    #[serde(default)]
    day_ntl_vlm: Value,
}

impl Context {
    fn volume(&self) -> Amount {
        self.day_ntl_vlm.as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

fn not_volumes(reason: impl std::fmt::Display) -> String {
    format!("not the volumes of a dex: {reason}")
}
