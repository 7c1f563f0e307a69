//! Which letters were given to the parser again, and what became of each: records of its state, in the commit of what was
//! made of them.

use std::collections::BTreeMap;

use schemas::{Outbox, topics};
use serde::{Deserialize, Serialize};

use super::Filed;
use crate::source_error::SourceError;

/// What became of a letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "became", rename_all = "snake_case")]
pub enum Became {
    /// Facts, and the block that they are, when they are a whole one.
    Redriven {
        facts: usize,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        block: Option<u64>,
    },
    /// Nothing: all that it says was known already.
    Known,
    /// A new letter.
    FiledAgain,
}

/// By the offset of the letter.
#[derive(Debug, Default)]
pub struct Memory(BTreeMap<u64, Became>);

const KEY: &str = "redriven|";

impl Memory {
    /// Takes a record of the state, if it is one of ours.
    pub fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), SourceError> {
        let Some((offset, became)) = Became::read(key, value)? else { return Ok(()) };
        self.0.insert(offset, became);
        Ok(())
    }

    pub fn became(&self, offset: u64) -> Option<&Became> {
        self.0.get(&offset)
    }

    /// The blocks that were redriven.
    pub fn blocks(&self) -> impl Iterator<Item = u64> {
        self.0.values().filter_map(|became| match became {
            Became::Redriven { block, .. } => *block,
            Became::Known | Became::FiledAgain => None,
        })
    }

    pub fn remember(&mut self, filed: &Filed, became: Became, out: &mut Outbox) {
        if let Ok(value) = serde_json::to_vec(&became) {
            let batch = out.batch(&topics::STATE_PARSER_NODE_FILLS, 0);
            batch.push(filed.letter.time, key(filed.offset).as_bytes(), Some(&value), &[]);
        }
        self.0.insert(filed.offset, became);
    }

    pub fn forget_before(&mut self, first: u64, out: &mut Outbox) {
        let kept = self.0.split_off(&first);
        for offset in std::mem::replace(&mut self.0, kept).into_keys() {
            out.batch(&topics::STATE_PARSER_NODE_FILLS, 0).push(0, key(offset).as_bytes(), None, &[]);
        }
    }
}

impl Became {
    /// Of which letter a record of the state tells what became; nothing, when it is about something else.
    pub fn read(key: &[u8], value: &[u8]) -> Result<Option<(u64, Self)>, SourceError> {
        let offset = std::str::from_utf8(key).ok().and_then(|key| key.strip_prefix(KEY)?.parse().ok());
        let Some(offset) = offset else { return Ok(None) };
        let failed = |source| SourceError::State { key: format!("{KEY}{offset}"), source };
        Ok(Some((offset, serde_json::from_slice(value).map_err(failed)?)))
    }
}

fn key(offset: u64) -> String {
    format!("{KEY}{offset}")
}
