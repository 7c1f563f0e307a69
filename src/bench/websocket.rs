//! As much of the WebSocket as the benches' own clients need: what they say → bytes, and bytes that came → frames.

use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};

/// Kinds of frames.
pub const TEXT: u8 = 1;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

pub struct Frame<'a> {
    pub kind: u8,
    pub text: &'a [u8],
    /// Of the frame with its head.
    pub length: usize,
}

/// The request that opens one. The key is only there so that no cache answers: any 16 bytes will do.
pub fn knock(address: SocketAddr) -> String {
    format!(
        "GET /api/v1/ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
}

/// The text that asks for a channel.
pub fn subscribe(payload: &Value) -> Vec<u8> {
    json!({ "type": "subscribe", "payload": payload, "timestamp": 0 }).to_string().into()
}

/// One frame, as short as what is said here; what clients say is masked, if only with zeros.
pub fn said(kind: u8, text: &[u8]) -> io::Result<Vec<u8>> {
    const WHOLE: u8 = 0x80;
    const MASKED: u8 = 0x80;
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 126);
    let length = length.ok_or_else(|| io::Error::other("what is to be said is too long"))?;
    Ok([&[WHOLE | kind, MASKED | length, 0, 0, 0, 0], text].concat())
}

/// The first frame of what has come, when all of it is there.
pub fn first(came: &[u8]) -> Option<Frame<'_>> {
    let (length, head): (u64, usize) = match *came.get(1)? {
        126 => (u16::from_be_bytes(came.get(2..4)?.try_into().ok()?).into(), 4),
        127 => (u64::from_be_bytes(came.get(2..10)?.try_into().ok()?), 10),
        short => (short.into(), 2),
    };
    let end = head.checked_add(usize::try_from(length).ok()?)?;
    Some(Frame { kind: came[0] & 0x0f, text: came.get(head..end)?, length: end })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_there_when_all_of_it_is() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let head: Vec<u8> = match length {
                0..126 => vec![length as u8],
                126..65_536 => [&[126], &(length as u16).to_be_bytes()[..]].concat(),
                _ => [&[127], &(length as u64).to_be_bytes()[..]].concat(),
            };
            let whole = [&[0x81], &head[..], &vec![b'x'; length], b"next"].concat();
            let frame = first(&whole).unwrap();
            assert_eq!((frame.kind, frame.text.len(), &whole[frame.length..]), (TEXT, length, &b"next"[..]));
            assert!((0..frame.length).all(|so_far| first(&whole[..so_far]).is_none()), "{length}");
        }
    }
}
