//! The reply to `clearinghouseState` → the account of a wallet on a dex.

use schemas::{AccountState, Wallet};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::object::with_front;

/// What the contract reads of it, and the fact: the exchange's own object with `user` and `dex` put in front. One
/// without a time, as in 2023, gets that of its arrival.
pub fn account(user: Wallet, dex: &str, reply: &[u8], received: i64) -> Result<(AccountState, String), String> {
    let object = std::str::from_utf8(reply).map_err(not_an_account)?;
    let Timed { time } = serde_json::from_str(object).map_err(not_an_account)?;
    let time = if time.is_none() { format!(r#""time":{received},"#) } else { String::new() };
    let front = format!(r#""user":"{user}","dex":{},{time}"#, Value::from(dex));
    let text = with_front(&front, object).map_err(not_an_account)?;
    let state = serde_json::from_str(&text).map_err(not_an_account)?;
    Ok((state, text))
}

#[derive(Deserialize)]
struct Timed {
    time: Option<IgnoredAny>,
}

fn not_an_account(reason: impl std::fmt::Display) -> String {
    format!("not an account: {reason}")
}
