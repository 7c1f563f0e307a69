//! Tags of replies: the same as long as the data are, whatever they stand on.

use std::io::{Read, Write};
use std::net::TcpStream;

use schemas::{FeedStatus, SourceStatus, topics};

use super::fixture::{Served, position, ratio, serve, wallet};
use super::place::on_both;
use super::wallets::summary;

on_both! {
    what_is_known_is_not_told_again,
    what_is_no_longer_whole_is_told_again,
    final_pages_hold_and_running_ones_do_not,
}

async fn what_is_known_is_not_told_again(url: String) {
    let mut served = serve(&url).await;
    served.add([position("BTC", 1, "28.0")]).await;
    let (path, (_, head, _)) = ("/api/v1/positions", served.get_text("/api/v1/positions").await);
    let tag = header(&head, "etag").to_owned();
    assert_eq!((&tag[..3], header(&head, "vary")), ("W/\"", "accept, accept-encoding"));
    served.compute(&[&topics::POSITIONS, &topics::POSITION_RISKS]).await;
    for known in [tag.clone(), format!("\"other\", {tag}"), tag.replace("W/", ""), "*".to_owned()] {
        let (status, head, body) = ask(&served, path, &known).await;
        assert_eq!((status, body.as_str()), (304, ""), "{known}: the data are the same, what they stand on has moved");
        assert_eq!(header(&head, "etag"), tag);
    }
    served.add([position("BTC", 2, "1")]).await;
    let (status, head, _) = ask(&served, path, &tag).await;
    assert_eq!(status, 200);
    assert_ne!(header(&head, "etag"), tag);
    let (_, head, _) = served.get_text("/api/v1/positions?side=up").await;
    assert_eq!(header(&head, "cache-control"), "no-store");
}

async fn what_is_no_longer_whole_is_told_again(url: String) {
    let mut served = serve(&url).await;
    served.add([summary(1, ["1"; 4], ["1"; 4], (1, 1))]).await;
    let path = format!("/api/v1/wallets/{}", wallet(1));
    let (_, head, whole) = served.get_text(&path).await;
    let gap = FeedStatus::of("node-fills", SourceStatus::Gap, 9, "missing".to_owned());
    served.add([FeedStatus { from_time: Some(3), to_time: Some(9), ..gap }]).await;
    let (status, _, torn) = ask(&served, &path, header(&head, "etag")).await;
    assert_eq!(status, 200);
    assert!(whole.contains(r#""complete":true"#) && torn.contains(r#""complete":false"#), "{whole} {torn}");
}

async fn final_pages_hold_and_running_ones_do_not(url: String) {
    let mut served = serve(&url).await;
    let rows = (0..5).map(|n| {
        let mut row = ratio("BTC", "1m", n * 60_000, "1.5");
        row.r#final = n < 4;
        row
    });
    served.add(rows).await;
    for (query, holds) in [
        ("?start_time=0&limit=2", "private, max-age=3600"),
        // Its end moves, and so does the beginning of the other way.
        ("?start_time=0&limit=5", "private, max-age=1"),
        ("?limit=2", "private, max-age=1"),
    ] {
        let (_, head, _) = served.get_text(&format!("/api/v1/long-short-ratio/BTC/history{query}")).await;
        assert_eq!(header(&head, "cache-control"), holds, "{query}");
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(its, _)| *its == name).map(|(_, value)| value).next().unwrap_or_default()
}

async fn ask(served: &Served, path: &str, known: &str) -> (u16, String, String) {
    let (address, path, known) = (served.address, path.to_owned(), known.to_owned());
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\nIf-None-Match: {known}\r\n\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    });
    let reply = asked.await.unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
}
