//! Servers that behave and misbehave.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use futures_util::{SinkExt as _, StreamExt as _};
use schemas::SourceStatus;

use crate::fill_stream::{FillStream, News, StreamConfig};
use crate::public_feed::Patience;

/// What does not come within this time does not come.
const LONGEST: Duration = Duration::from_secs(30);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONGEST, future).await.expect("that does not come")
}

struct Server(TcpListener);

impl Server {
    async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// A stream of this server, with whatever else its file says.
    fn stream(&self, more: Value) -> FillStream {
        let mut file = json!({
            "name": "own", "url": format!("ws://{}/stream", self.0.local_addr().unwrap()),
            "headers": { "x-api-key": "${KEY}" }, "subscribe": { "method": "subscribe" }, "fills": "data", "layout": "blocks"
        });
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let config = StreamConfig::parse(&file.to_string(), |_| Some("s3cret".to_owned())).unwrap();
        let pause = Duration::from_millis(5);
        FillStream::open(config, Patience { first_pause: pause, longest_pause: pause, ..Patience::default() })
    }

    /// The connection, and the key that came with it.
    async fn accept(&self) -> (WebSocketStream<TcpStream>, String) {
        let (stream, _) = soon(self.0.accept()).await.unwrap();
        let mut key = String::new();
        #[expect(clippy::result_large_err, reason = "the type of a refusal is not ours")]
        let look = |request: &Request, response: Response| {
            key = request.headers()["x-api-key"].to_str().unwrap().to_owned();
            Ok(response)
        };
        let socket = soon(accept_hdr_async(stream, look)).await.unwrap();
        (socket, key)
    }
}

async fn heard(socket: &mut WebSocketStream<TcpStream>) -> String {
    soon(socket.next()).await.unwrap().unwrap().into_text().unwrap().to_string()
}

async fn say(socket: &mut WebSocketStream<TcpStream>, text: impl Into<String>) {
    soon(socket.send(Message::text(text.into()))).await.unwrap();
}

/// Lines until something else is told.
async fn read(stream: &mut FillStream, lines: &mut Vec<String>) -> News {
    soon(async {
        loop {
            if let Some(news) = stream.look(1) {
                return news;
            }
            match stream.line() {
                Some(line) => lines.push(String::from_utf8(line.to_vec()).unwrap()),
                None => tokio::time::sleep(Duration::from_millis(1)).await,
            }
            stream.pass_line();
        }
    })
    .await
}

fn lost(news: News) -> (SourceStatus, String) {
    match news {
        News::Lost { status, reason } => (status, reason),
        News::Odd { .. } => panic!("{news:?}"),
    }
}

#[tokio::test]
async fn what_is_subscribed_comes_and_comes_again_after_a_reconnect() {
    let server = Server::start().await;
    let mut stream = server.stream(json!({ "subscribe": [{ "method": "subscribe" }, "more"] }));
    for round in 0..2 {
        let (mut socket, key) = server.accept().await;
        assert_eq!(key, "s3cret");
        assert_eq!([heard(&mut socket).await, heard(&mut socket).await], [r#"{"method":"subscribe"}"#, "more"]);
        say(&mut socket, r#"{"channel":"subscribed"}"#).await;
        say(&mut socket, format!(r#"{{"data":{{"block_number":{round}}}}}"#)).await;
        soon(socket.send(Message::binary(br#"{"data":[{"a":1},{"b":2}]}"#.to_vec()))).await.unwrap();
        let mut lines = Vec::new();
        if round == 0 {
            soon(socket.close(None)).await.unwrap();
        } else {
            drop(socket);
        }
        let (status, reason) = lost(read(&mut stream, &mut lines).await);
        assert_eq!(lines, [format!(r#"{{"block_number":{round}}}"#), r#"{"a":1}"#.into(), r#"{"b":2}"#.into()]);
        assert_eq!(status, SourceStatus::Disconnected, "{reason}");
    }
}

#[tokio::test]
async fn a_key_that_is_refused_is_said_and_tried_again() {
    let server = Server::start().await;
    let mut stream = server.stream(json!({}));
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let (mut socket, _) = soon(server.0.accept()).await.unwrap();
        let mut request = [0; 4096];
        soon(socket.read(&mut request)).await.unwrap();
        soon(socket.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes())).await.unwrap();
        let (_, reason) = lost(read(&mut stream, &mut Vec::new()).await);
        let said = format!("the provider refuses the key (HTTP {status}): no fills come from there; check `headers`");
        assert!(reason.starts_with(&said), "{reason}");
        assert!(!reason.contains("s3cret"));
    }
    server.accept().await;
}

#[tokio::test]
async fn silence_ends_a_connection_however_many_answers_come() {
    let server = Server::start().await;
    let mut stream = server.stream(json!({ "silence_seconds": 1 }));
    let (mut socket, _) = server.accept().await;
    let chatter = async {
        while socket.send(Message::text(r#"{"channel":"pong"}"#)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let mut lines = Vec::new();
    let (said, ()) = tokio::join!(read(&mut stream, &mut lines), chatter);
    let (status, reason) = lost(said);
    assert_eq!(status, SourceStatus::Stale);
    assert!(reason.contains("for 1 s: connecting again (`silence_seconds`"), "{reason}");
    server.accept().await;
}

#[tokio::test]
async fn a_ping_is_said_as_often_as_the_file_says() {
    let server = Server::start().await;
    let _stream = server.stream(json!({ "ping": { "message": "ping", "every_seconds": 1 } }));
    let (mut socket, _) = server.accept().await;
    assert_eq!(heard(&mut socket).await, r#"{"method":"subscribe"}"#);
    assert_eq!([heard(&mut socket).await, heard(&mut socket).await], ["ping", "ping"]);
}

#[tokio::test]
async fn whoever_does_not_read_is_not_flooded_and_misses_nothing() {
    const FRAMES: usize = 200;
    let server = Server::start().await;
    let mut stream = server.stream(json!({}));
    let (mut socket, _) = server.accept().await;
    let padding = "x".repeat(1024 * 1024);
    let mut sent = 0;
    // More than the queue and the buffers of both sockets take.
    while sent < FRAMES {
        let frame = Message::text(format!(r#"{{"data":{{"number":{sent},"padding":"{padding}"}}}}"#));
        match tokio::time::timeout(Duration::from_millis(500), socket.feed(frame)).await {
            Ok(done) => done.unwrap(),
            Err(_) => break,
        }
        sent += 1;
    }
    assert!((20..100).contains(&sent), "{sent} MiB were taken without a reader");
    let flush = async { soon(socket.flush()).await.unwrap() };
    let mut numbers = Vec::new();
    let reading = soon(async {
        while numbers.len() < sent {
            assert!(stream.look(1).is_none());
            match stream.line() {
                Some(line) => numbers.push(serde_json::from_slice::<Value>(line).unwrap()["number"].as_u64().unwrap()),
                None => tokio::time::sleep(Duration::from_millis(1)).await,
            }
            stream.pass_line();
        }
    });
    tokio::join!(flush, reading);
    assert!(numbers.iter().copied().eq(0..sent as u64), "{numbers:?}");
}

#[tokio::test]
async fn a_stream_that_nobody_holds_any_more_hangs_up() {
    let server = Server::start().await;
    let stream = server.stream(json!({}));
    let (mut socket, _) = server.accept().await;
    heard(&mut socket).await;
    drop(stream);
    assert!(!matches!(soon(socket.next()).await, Some(Ok(Message::Text(_)))));
}
