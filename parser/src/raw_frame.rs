//! A frame as a source gave it → its raw record, or several when it is long.

use schemas::{Headers, Outbox, RAW_PART_BYTES, Topic, raw_parts};

pub fn keep(topic: &'static Topic, position: &str, time: i64, received: i64, frame: &[u8], out: &mut Outbox) {
    let mut headers = Vec::new();
    Headers::write(&mut headers, "received", received.to_string().as_bytes());
    let batch = out.batch(topic, 0);
    if frame.len() <= RAW_PART_BYTES {
        return batch.push(time, position.as_bytes(), Some(frame), &headers);
    }
    for (part, parts, bytes) in raw_parts(frame) {
        let mut headers = headers.clone();
        Headers::write(&mut headers, "part", format!("{part}/{parts}").as_bytes());
        batch.push(time, position.as_bytes(), Some(bytes), &headers);
    }
}
