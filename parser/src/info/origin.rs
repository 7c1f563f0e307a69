//! Where and when a reply came: what every record that is made of it says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::{DeadLetter, Headers, Message, Outbox, RAW_PART_BYTES, Topic, raw_parts, topics};

pub struct Origin<'a> {
    pub request: &'a str,
    pub received: i64,
}

pub const SOURCE: &str = "info";

impl Origin<'_> {
    /// `text` is the fact as it goes on, `message` what was read of it.
    pub fn send<M: Message>(&self, message: &M, text: &str, out: &mut Outbox) {
        self.send_to(M::TOPIC, message, text, &[], out);
    }

    /// The same with another topic than the message's own, and with more headers.
    pub fn send_to<M: Message>(
        &self,
        topic: &'static Topic,
        message: &M,
        text: &str,
        more: &[(&str, &[u8])],
        out: &mut Outbox,
    ) {
        let (mut key, mut headers) = (Vec::new(), self.headers());
        message.write_key(&mut key);
        Headers::write(&mut headers, "schema", M::SCHEMA.as_bytes());
        Headers::write(&mut headers, "source", self.request.as_bytes());
        more.iter().for_each(|(name, value)| Headers::write(&mut headers, name, value));
        let partition = message.partition(out.generation().partitions(topic));
        out.batch(topic, partition).push(message.time(), &key, Some(text.as_bytes()), &headers);
    }

    /// Bytes that could not be understood; `place` says where in the reply, if they are not all of it.
    pub fn set_aside(&self, place: &str, bytes: &[u8], reason: &str, out: &mut Outbox) {
        let (text, base64) = match std::str::from_utf8(bytes) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(STANDARD.encode(bytes))),
        };
        let (source, position) = (SOURCE.to_owned(), format!("{}{place}", self.request));
        let (reason, attempt, time) = (reason.to_owned(), 1, self.received);
        out.inherit(Headers(&self.headers()));
        out.send(&DeadLetter { source, position, reason, attempt, time, text, base64 });
        out.inherit(Headers::default());
    }

    pub fn keep_raw(&self, reply: &[u8], out: &mut Outbox) {
        let batch = out.batch(&topics::RAW_INFO, 0);
        for (part, parts, bytes) in raw_parts(reply) {
            let mut headers = self.headers();
            if reply.len() > RAW_PART_BYTES {
                Headers::write(&mut headers, "part", format!("{part}/{parts}").as_bytes());
            }
            batch.push(self.received, self.request.as_bytes(), Some(bytes), &headers);
        }
    }

    fn headers(&self) -> Vec<u8> {
        let mut headers = Vec::new();
        Headers::write(&mut headers, "received", self.received.to_string().as_bytes());
        headers
    }
}
