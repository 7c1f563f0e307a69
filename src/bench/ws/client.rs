//! A socket of the bench → the texts of its frames, as soon as they are there.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use crate::bench::websocket::{self, CLOSE, PING, PONG, TEXT};

pub struct Client {
    stream: TcpStream,
    /// The beginning of a frame that is not whole yet.
    came: Vec<u8>,
}

/// Why nothing more comes.
#[derive(Debug)]
pub enum Cut {
    /// The server has said why.
    Closed {
        code: u16,
        reason: String,
    },
    Broken(io::Error),
}

/// So much is read of a socket at a time.
pub const MUCH: usize = 16 * 1024;

impl Client {
    /// With a receive buffer of so many bytes, where the system is not to choose one.
    pub async fn connect(address: SocketAddr, buffer: Option<u32>) -> Result<Self, Cut> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let mut stream = socket.connect(address).await?;
        stream.write_all(websocket::knock(address).as_bytes()).await?;
        let mut client = Self { stream, came: Vec::new() };
        client.enter().await?;
        Ok(client)
    }

    /// The head of the reply ends with an empty line.
    async fn enter(&mut self) -> Result<(), Cut> {
        const END: &[u8] = b"\r\n\r\n";
        loop {
            if let Some(end) = self.came.windows(END.len()).position(|bytes| bytes == END) {
                let head: Vec<u8> = self.came.drain(..end + END.len()).collect();
                let head = String::from_utf8_lossy(&head);
                let status = head.lines().next().unwrap_or_default();
                return if status.contains(" 101 ") { Ok(()) } else { Err(io::Error::other(status.to_owned()).into()) };
            }
            self.wait(MUCH).await?;
        }
    }

    pub async fn subscribe(&mut self, payload: &Value) -> Result<(), Cut> {
        self.say(TEXT, &websocket::subscribe(payload)).await
    }

    /// Waits for more, takes so many bytes of it at most, and gives each text that is whole with them. Whether we are
    /// there is answered.
    pub async fn hear(&mut self, at_most: usize, mut each: impl FnMut(&[u8])) -> Result<(), Cut> {
        self.wait(at_most).await?;
        let (mut place, mut asked) = (0, None);
        while let Some(frame) = websocket::first(&self.came[place..]) {
            match frame.kind {
                TEXT => each(frame.text),
                PING => asked = Some(frame.text.to_vec()),
                CLOSE => return Err(Cut::closed(frame.text)),
                _ => {}
            }
            place += frame.length;
        }
        self.came.drain(..place);
        if let Some(text) = asked {
            self.say(PONG, &text).await?;
        }
        Ok(())
    }

    async fn say(&mut self, kind: u8, text: &[u8]) -> Result<(), Cut> {
        Ok(self.stream.write_all(&websocket::said(kind, text)?).await?)
    }

    async fn wait(&mut self, at_most: usize) -> io::Result<()> {
        loop {
            self.stream.readable().await?;
            if self.take(at_most)? {
                return Ok(());
            }
        }
    }

    /// Whether there was anything.
    fn take(&mut self, at_most: usize) -> io::Result<bool> {
        let mut piece = [0; MUCH];
        match self.stream.try_read(&mut piece[..at_most.min(MUCH)]) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.came.extend_from_slice(&piece[..count]);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Cut {
    fn closed(text: &[u8]) -> Self {
        let (code, reason) = text.split_first_chunk().unwrap_or((&[0, 0], &[]));
        Self::Closed { code: u16::from_be_bytes(*code), reason: String::from_utf8_lossy(reason).into_owned() }
    }
}

impl From<io::Error> for Cut {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { code, reason } => write!(f, "closed with {code}: {reason}"),
            Self::Broken(error) => write!(f, "{error}"),
        }
    }
}
