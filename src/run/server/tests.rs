//! Clients that do not behave, and those beside them that do.
#![allow(clippy::unwrap_used)]

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use api::NoRoom;
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::routing::get;
use tokio::runtime::Runtime;

use super::connection::Manners;
use super::{Most, Server, listen};
use crate::stop::Stop;

/// Longer than anything takes that does not fail.
const PATIENCE: Duration = Duration::from_secs(20);

struct Served {
    server: Server,
    address: SocketAddr,
    stop: Stop,
    runtime: Runtime,
}

const MANY: Most = Most { in_all: 100, from_one_address: 100, proxies: Vec::new() };
const SHORT: Manners = Manners { head_within: Duration::from_millis(300), taken_within: Duration::from_millis(300) };

fn serve(most: Most, manners: Manners) -> Served {
    let runtime = crate::run::up::runtime().unwrap();
    let (listener, address) = listen("127.0.0.1:0".parse().unwrap(), &runtime, "--http").unwrap();
    let app = Router::new()
        .route("/", get(hello))
        .route("/much", get(async || vec![b'x'; 64 * 1024 * 1024]))
        .route("/panic", get(async || -> String { panic!("as it shall") }));
    let stop = Stop::new();
    let server = Server::with_manners(listener, app, most, manners, &stop, &runtime);
    Served { server, address, stop, runtime }
}

async fn hello(ConnectInfo(address): ConnectInfo<SocketAddr>, request: Request) -> (StatusCode, String) {
    match request.extensions().get::<NoRoom>() {
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why:?}")),
        None => (StatusCode::OK, address.ip().to_string()),
    }
}

impl Served {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// One that asks, and stays.
    fn guest(&self) -> (TcpStream, String) {
        let mut stream = self.connect();
        let said = ask(&mut stream);
        (stream, said)
    }
}

fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut head = [0; 4096];
    let count = stream.read(&mut head).unwrap();
    String::from_utf8_lossy(&head[..count]).into_owned()
}

/// What is still said until the connection is closed.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => rest,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => rest,
        Err(error) => panic!("it was not closed: {error}"),
    }
}

#[test]
fn who_says_no_whole_request_is_cut_off() {
    let served = serve(MANY, SHORT);
    let began = Instant::now();
    let (mut silent, mut slow) = (served.connect(), served.connect());
    slow.write_all(b"GET / HTTP/1.1\r\nHost: local").unwrap();
    let (mut idle, said) = served.guest();
    assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("127.0.0.1"), "{said}");
    // Each is closed; the silent ones hear nothing before.
    assert_eq!([&mut silent, &mut slow, &mut idle].map(|stream| rest(stream).len()), [0; 3]);
    assert!(began.elapsed() < PATIENCE);
}

#[test]
fn who_takes_nothing_is_cut_off_and_nobody_waits() {
    let served = serve(Most { in_all: 1, from_one_address: 1, proxies: Vec::new() }, SHORT);
    let mut greedy = served.connect();
    greedy.write_all(b"GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let began = Instant::now();
    // Its place is given to somebody else as soon as it is cut off.
    while !served.guest().1.starts_with("HTTP/1.1 200") {
        assert!(began.elapsed() < PATIENCE, "the place was never given back");
    }
    let got = rest(&mut greedy).len();
    assert!(got < 64 * 1024 * 1024, "all {got} bytes were sent");
}

#[cfg(target_os = "linux")]
#[test]
fn little_is_kept_for_who_does_not_read() {
    let served = serve(Most { in_all: 1, from_one_address: 1, proxies: Vec::new() }, SHORT);
    let mut stalled = served.connect();
    socket2::SockRef::from(&stalled).set_recv_buffer_size(4 * 1024).unwrap();
    stalled.write_all(b"GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let began = Instant::now();
    while !served.guest().1.starts_with("HTTP/1.1 200") {
        assert!(began.elapsed() < PATIENCE, "the place was never given back");
    }
    let got = rest(&mut stalled).len();
    assert!(got < 512 * 1024, "the system had taken {got} bytes");
}

#[test]
fn whoever_comes_on_top_is_told_and_the_others_go_on() {
    let served = serve(Most { in_all: 3, from_one_address: 2, proxies: Vec::new() }, Manners::default());
    let (mut first, _) = served.guest();
    let (second, _) = served.guest();
    let (mut third, said) = served.guest();
    assert!(said.contains("503") && said.ends_with("ForTheAddress"), "{said}");
    assert!(rest(&mut third).is_empty(), "it is closed");
    // Another address, of which this machine has more than one.
    let (_neighbour, said) = from([127, 0, 0, 2], served.address);
    assert!(said.ends_with("127.0.0.2"), "{said}");
    let (_, said) = from([127, 0, 0, 3], served.address);
    assert!(said.ends_with("ForAnyone"), "{said}");
    assert!(ask(&mut first).starts_with("HTTP/1.1 200"));
    drop(second);
    let began = Instant::now();
    while !served.guest().1.starts_with("HTTP/1.1 200") {
        assert!(began.elapsed() < PATIENCE, "a place that is free is given to nobody");
    }
}

fn from(address: [u8; 4], to: SocketAddr) -> (TcpStream, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((IpAddr::from(Ipv4Addr::from(address)), 0).into()).unwrap();
        socket.connect(to).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = stream;
    let said = ask(&mut stream);
    (stream, said)
}

#[test]
fn a_head_without_end_is_refused() {
    let served = serve(MANY, Manners::default());
    let mut stream = served.connect();
    let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Much: {}\r\n", "x".repeat(2 * 64 * 1024));
    // It may be refused before everything was said.
    let _ = stream.write_all(head.as_bytes());
    let said = String::from_utf8(rest(&mut stream)).unwrap();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
}

#[test]
fn what_breaks_for_one_breaks_for_nobody_else() {
    let served = serve(MANY, Manners::default());
    let mut broken = served.connect();
    broken.write_all(b"GET /panic HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(rest(&mut broken).is_empty());
    assert!(served.guest().1.starts_with("HTTP/1.1 200"));
}

#[test]
fn the_end_is_not_held_up_by_those_who_stay() {
    let served = serve(MANY, Manners::default());
    let (mut idle, _) = served.guest();
    let began = Instant::now();
    served.stop.ask();
    served.server.end(&served.runtime);
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    assert!(rest(&mut idle).is_empty());
}
