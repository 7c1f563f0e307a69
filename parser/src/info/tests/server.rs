//! An info endpoint that answers as a test tells it to, and keeps what it was asked.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Value>>>,
    task: JoinHandle<()>,
}

pub enum Reply {
    Body(String),
    Status(u16, &'static str),
    /// The connection is closed without one.
    None,
}

/// What does not come within this time does not come.
const LONGEST: Duration = Duration::from_secs(30);

pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONGEST, future).await.expect("that does not come")
}

impl Server {
    pub async fn start(mut answer: impl FnMut(&Value) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/info", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        let answer = Arc::new(Mutex::new(move |question: Value| {
            let reply = answer(&question);
            kept.lock().unwrap().push(question);
            reply
        }));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let mut connection = Connection { stream, bytes: Vec::new() };
                    while let Some(question) = connection.question().await {
                        let reply = (answer.lock().unwrap())(question);
                        if !connection.reply(reply).await {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, asked, task }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Connection {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Connection {
    /// The body of the next request; `None` when the other side has gone.
    async fn question(&mut self) -> Option<Value> {
        let head = loop {
            match self.bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => self.read().await?,
            }
        };
        let text = String::from_utf8(self.bytes[..head].to_ascii_lowercase()).unwrap();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let end = head + length.parse::<usize>().unwrap();
        while self.bytes.len() < end {
            self.read().await?;
        }
        let question = serde_json::from_slice(&self.bytes[head..end]).unwrap();
        self.bytes.drain(..end);
        Some(question)
    }

    async fn read(&mut self) -> Option<()> {
        let mut chunk = [0; 16 * 1024];
        loop {
            self.stream.readable().await.ok()?;
            match self.stream.try_read(&mut chunk) {
                Ok(0) => return None,
                Ok(length) => {
                    self.bytes.extend_from_slice(&chunk[..length]);
                    return Some(());
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
    }

    /// Whether the connection is still there.
    async fn reply(&mut self, reply: Reply) -> bool {
        let (status, body) = match reply {
            Reply::Body(body) => (200, body),
            Reply::Status(status, body) => (status, body.to_owned()),
            Reply::None => return false,
        };
        let reply = format!("HTTP/1.1 {status} -\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let mut rest = reply.as_bytes();
        while !rest.is_empty() {
            if self.stream.writable().await.is_err() {
                return false;
            }
            match self.stream.try_write(rest) {
                Ok(length) => rest = &rest[length..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return false,
            }
        }
        true
    }
}
