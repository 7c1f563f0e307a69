//! Where in a frame the fills are.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

/// Names of members and places in lists, from the outside in: `/data/block` (a JSON pointer) or `data.block`. Without
/// any, the frame itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FramePath {
    steps: Vec<String>,
}

impl FramePath {
    pub fn parse(text: &str) -> Self {
        let steps = match text.strip_prefix('/') {
            _ if text.is_empty() => Vec::new(),
            Some(pointer) => pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect(),
            None => text.split('.').map(str::to_owned).collect(),
        };
        Self { steps }
    }

    pub fn is_whole_frame(&self) -> bool {
        self.steps.is_empty()
    }

    /// What is there, to the byte; nothing, where the frame has no such place.
    pub fn find<'a>(&self, frame: &'a [u8]) -> Result<Option<&'a RawValue>, serde_json::Error> {
        let mut found: &RawValue = serde_json::from_slice(frame)?;
        for step in &self.steps {
            let Some(member) = member(found, step)? else { return Ok(None) };
            found = member;
        }
        Ok((found.get() != "null").then_some(found))
    }
}

fn member<'a>(of: &'a RawValue, name: &str) -> Result<Option<&'a RawValue>, serde_json::Error> {
    match of.get().as_bytes().first() {
        Some(b'{') => {
            let mut members: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(of.get())?;
            Ok(members.remove(name))
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(of.get())?;
            Ok(name.parse().ok().and_then(|place: usize| elements.get(place).copied()))
        }
        _ => Ok(None),
    }
}

impl fmt::Display for FramePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_whole_frame() { f.write_str("the frame itself") } else { f.write_str(&self.steps.join(".")) }
    }
}
