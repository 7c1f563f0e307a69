//! A client of the WebSocket, as small as one can be: it subscribes to everything and notes when it has which block. A
//! thread of its own waits for nothing but the socket, so that no scheduler stands between a frame and its time.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;

use super::matching::{Frames, Sight};
use crate::bench::websocket::{self, CLOSE, PING, PONG, TEXT};
use crate::failure::Failure;
use crate::run::Shared;

pub struct Client {
    stream: BufReader<TcpStream>,
}

const POSITIONS: &str = "positions";
const LIQUIDATIONS: &str = "liquidations";
/// Longer than the server is ever silent.
const PATIENCE: Duration = Duration::from_secs(30);

impl Client {
    /// Connects, and waits until both subscriptions stand.
    pub fn subscribe(address: SocketAddr) -> Result<Self, Failure> {
        Self::connect(address)
            .and_then(|mut client| {
                for channel in [POSITIONS, LIQUIDATIONS] {
                    client.say(&json!({ "channel": channel, "key": "*" }))?;
                    while kind_of(&client.frame()?) != "snapshot" {}
                }
                Ok(client)
            })
            .map_err(|cause| Failure::because("the client could not subscribe", cause))
    }

    /// Hears updates until the server ends.
    pub fn hear(mut self, shared: &Shared) -> Result<Frames, Failure> {
        let mut frames = Frames::default();
        loop {
            match self.frame() {
                Ok(text) => note(&text, Instant::now(), &mut frames)?,
                Err(_) if shared.stop.asked() => return Ok(frames),
                Err(cause) => return Err(Failure::because("the client was cut off while it listened", cause)),
            }
        }
    }

    fn connect(address: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(websocket::knock(address).as_bytes())?;
        let mut client = Self { stream: BufReader::new(stream) };
        let status = client.line()?;
        while !client.line()?.is_empty() {}
        if status.contains(" 101 ") { Ok(client) } else { Err(io::Error::other(status)) }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn say(&mut self, payload: &serde_json::Value) -> io::Result<()> {
        self.send(TEXT, &websocket::subscribe(payload))
    }

    fn send(&mut self, kind: u8, text: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(&websocket::said(kind, text)?)
    }

    /// The next text; the end is an error. Whether we are there is answered.
    fn frame(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.any_frame()? {
                (PING, text) => self.send(PONG, &text)?,
                (CLOSE, text) => {
                    let reason = String::from_utf8_lossy(text.get(2..).unwrap_or_default()).into_owned();
                    return Err(io::Error::other(reason));
                }
                (_, text) => return Ok(text),
            }
        }
    }

    fn any_frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let [first, second] = self.bytes()?;
        let length = match second {
            126 => u64::from(u16::from_be_bytes(self.bytes()?)),
            127 => u64::from_be_bytes(self.bytes()?),
            short => u64::from(short),
        };
        let mut text = Vec::new();
        self.stream.by_ref().take(length).read_to_end(&mut text)?;
        if text.len() as u64 == length { Ok((first & 0x0f, text)) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

#[derive(Deserialize)]
struct Update {
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    channel: String,
    partition: u32,
    data: OfBlock,
}

#[derive(Deserialize)]
struct OfBlock {
    block: u64,
}

fn note(text: &[u8], at: Instant, frames: &mut Frames) -> Result<(), Failure> {
    if kind_of(text) != "update" {
        return Ok(());
    }
    let read: Result<Update, _> = serde_json::from_slice(text);
    let Update { payload } = read.map_err(|cause| Failure::because("an update does not say its block", cause))?;
    let of_channel = if payload.channel == POSITIONS { &mut frames.positions } else { &mut frames.liquidations };
    of_channel.push(Sight { block: payload.data.block, partition: payload.partition, at });
    Ok(())
}

fn kind_of(text: &[u8]) -> String {
    #[derive(Deserialize)]
    struct OfKind {
        r#type: String,
    }
    serde_json::from_slice(text).map(|of: OfKind| of.r#type).unwrap_or_default()
}
