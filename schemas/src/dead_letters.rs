//! `dead-letters`: what could not be understood, with its exact bytes, so that nothing is lost and nothing stops.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::{Belongs, Keeps, Topic};

pub static TOPIC: Topic = Topic {
    name: "dead-letters",
    belongs: Belongs::Facts,
    schema: include_str!("../topics/dead-letters/schema.json"),
    partitioned_by: &[],
    key: "source and position",
    keeps: Keeps::Recent { hours: 720, mib: 256 },
    about: "bytes that could not be parsed, exactly, with source, position, reason and attempt",
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub source: String,
    /// Where the bytes stood: `20260628/8:104857` is a byte offset in the file of an hour.
    pub position: String,
    pub reason: String,
    pub attempt: u32,
    /// When they were received, in milliseconds UTC.
    pub time: i64,
    /// The bytes when they are UTF-8; JSON's escapes give them back exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes when they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

impl Message for DeadLetter {
    const TOPIC: &'static Topic = &TOPIC;
    const SCHEMA: &'static str = "dead-letter/1";

    fn write_key(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self.source.as_bytes());
        key.push(b'|');
        key.extend_from_slice(self.position.as_bytes());
    }

    fn partition(&self, _: u32) -> u32 {
        0
    }

    fn time(&self) -> i64 {
        self.time
    }
}
