//! An object as the source wrote it → the fact: fields of ours in front, and nothing of it lost.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Fields that are put in front, each with its JSON.
pub type Front<'a> = &'a [(&'a str, String)];

/// The fact, and what the contract reads of it. The source's own text goes on as it is wherever that can be read.
pub fn fact<T: DeserializeOwned>(front: Front<'_>, object: &str, decimals: &[&str]) -> Result<(String, T), String> {
    let fields = object.strip_prefix('{').map(str::trim_start).filter(|fields| !fields.starts_with('}'));
    let fields = fields.ok_or("an object with fields was expected")?;
    let ours: String = front.iter().map(|(name, json)| format!("\"{name}\":{json},")).collect();
    let fact = format!("{{{ours}{fields}");
    match serde_json::from_str(&fact) {
        Ok(read) => Ok((fact, read)),
        Err(error) => rewritten(front, object, decimals).ok_or_else(|| error.to_string()),
    }
}

/// Bare decimals get quotes, digit by digit as they are, and a name that is ours stands once.
fn rewritten<T: DeserializeOwned>(front: Front<'_>, object: &str, decimals: &[&str]) -> Option<(String, T)> {
    let Fields(fields) = serde_json::from_str(object).ok()?;
    let ours = front.iter().map(|(name, json)| format!("\"{name}\":{json}"));
    let theirs = fields.iter().filter(|(name, _)| front.iter().all(|(our, _)| our != name));
    let theirs = theirs.map(|(name, value)| {
        let is_decimal = decimals.contains(&name.as_str());
        let quote = if is_decimal && is_bare_number(value.get()) { "\"" } else { "" };
        format!("{}:{quote}{}{quote}", serde_json::Value::from(name.as_str()), value.get())
    });
    let fact = format!("{{{}}}", ours.chain(theirs).collect::<Vec<_>>().join(","));
    let read = serde_json::from_str(&fact).ok()?;
    Some((fact, read))
}

fn is_bare_number(json: &str) -> bool {
    json.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// The fields in their order.
#[derive(Debug)]
pub struct Fields<'a>(pub Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}
