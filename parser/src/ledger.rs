//! A change of an account besides its fills → its id, the same whichever source saw it.

use std::fmt;

use schemas::{Hash, Wallet};
use serde_json::Value;

/// Time, wallet and type are there for people; the last part tells apart what these have in common. Two changes that
/// agree in all of it are one.
#[derive(Debug, Clone, Copy)]
pub struct LedgerId<'a> {
    pub time: i64,
    pub user: Wallet,
    pub hash: Hash,
    pub delta: &'a Value,
}

impl LedgerId<'_> {
    /// Of the transaction's hash and the change itself: FNV-1a, which is the same in every program.
    pub fn fingerprint(&self) -> u64 {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let mut text = self.hash.to_string();
        write_canonical(self.delta, &mut text);
        text.bytes().fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
    }
}

impl fmt::Display for LedgerId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.delta["type"].as_str().unwrap_or_default();
        write!(f, "{}-{}-{kind}-{:016x}", self.time, self.user, self.fingerprint())
    }
}

/// Names in their order, no spaces, and no field that is null: some sources leave those out.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            write_list('{', '}', &fields, out, |(name, value), out| {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_canonical(value, out);
            });
        }
        Value::Array(values) => write_list('[', ']', values, out, write_canonical),
        other => out.push_str(&other.to_string()),
    }
}

fn write_list<T>(open: char, close: char, elements: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    out.push(open);
    for (at, element) in elements.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(element, out);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn id(delta: &str) -> String {
        let delta = serde_json::from_str(delta).unwrap();
        let user = "0x2222222222222222222222222222222222222222".parse().unwrap();
        LedgerId { time: 7, user, hash: Hash([0x5f; 32]), delta: &delta }.to_string()
    }

    #[test]
    fn the_order_of_fields_spaces_and_nulls_make_no_difference_and_everything_else_does() {
        let first = id(r#"{"type":"withdraw","usdc":"2010.0","nonce":1752682946447000,"fee":"1.0"}"#);
        assert_eq!(first, "7-0x2222222222222222222222222222222222222222-withdraw-3da2a481ccf95428");
        let same = r#"{ "fee":"1.0", "usdc":"2010.0", "token":null, "nonce":1752682946447000, "type":"withdraw" }"#;
        assert_eq!(id(same), first);
        for other in ["2010", "2010.00"] {
            assert_ne!(id(&same.replace("2010.0", other)), first);
        }
    }
}
