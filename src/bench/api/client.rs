//! Questions → how long each answer takes, from the first byte that is sent to the last one that is read. As small as a
//! client of HTTP can be, so that what is measured is the server.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::questions::Question;
use crate::failure::Failure;

pub struct Client {
    stream: BufReader<TcpStream>,
}

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Longer than the server thinks about anything.
const PATIENCE: Duration = Duration::from_secs(40);

/// A question that takes long is asked less often: that it does is known by then.
const ENOUGH: Duration = Duration::from_secs(2);

/// Milliseconds of so many answers at most, asked by so many clients at a time.
pub fn measure(address: SocketAddr, question: &Question, requests: u32, clients: u32) -> Result<Vec<f64>, Failure> {
    let each = requests.div_ceil(clients);
    let ask = || -> Result<Vec<f64>, Failure> {
        let (mut client, began) = (Client::connect(address)?, Instant::now());
        (0..each).take_while(|_| began.elapsed() < ENOUGH).map(|_| client.time(question)).collect()
    };
    thread::scope(|scope| {
        let asking: Vec<_> = (0..clients).map(|_| scope.spawn(ask)).collect();
        let mut all = Vec::new();
        for client in asking {
            all.extend(client.join().unwrap_or_else(|_| Err(Failure::stop("a client panicked: this is a bug")))?);
        }
        Ok(all)
    })
}

impl Client {
    pub fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let connected = TcpStream::connect(address).and_then(|stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            Ok(Self { stream: BufReader::with_capacity(256 * 1024, stream) })
        });
        connected.map_err(|cause| Failure::because("a client could not connect", cause))
    }

    pub fn get(&mut self, url: &str) -> Result<Answer, Failure> {
        self.exchange(url).map_err(|cause| Failure::because(format!("no answer to {url}"), cause))
    }

    pub fn json(&mut self, url: &str) -> Result<Value, Failure> {
        let answer = self.get(url)?;
        serde_json::from_slice(&answer.body).map_err(|cause| Failure::because(format!("{url} is no JSON"), cause))
    }

    fn time(&mut self, question: &Question) -> Result<f64, Failure> {
        let began = Instant::now();
        let answer = self.get(&question.url)?;
        match answer.status {
            200 => Ok(began.elapsed().as_secs_f64() * 1_000.0),
            status => {
                Err(Failure::stop(format!("{}: {status} {}", question.url, String::from_utf8_lossy(&answer.body))))
            }
        }
    }

    fn exchange(&mut self, url: &str) -> io::Result<Answer> {
        let request = format!("GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?.split(' ').nth(1).and_then(|status| status.parse().ok());
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().map_err(io::Error::other)?,
                Some(("transfer-encoding", value)) => is_chunked = value.contains("chunked"),
                Some(_) => {}
                None => break,
            }
        }
        let body = if is_chunked { self.chunks()? } else { self.bytes(length)? };
        let status = status.ok_or_else(|| io::Error::other("an answer without a status"))?;
        Ok(Answer { status, body })
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
            body.extend(self.bytes(length)?);
            self.line()?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    fn bytes(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}
