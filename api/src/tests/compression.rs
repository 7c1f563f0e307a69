//! Replies in fewer bytes, for who can read them: the same when they are unpacked, a list to its end as well.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::fixture::{Served, market, serve};
use super::place::on_both;

on_both! {
    a_reply_is_told_in_fewer_bytes_to_who_can_read_them,
}

async fn a_reply_is_told_in_fewer_bytes_to_who_can_read_them(url: String) {
    let mut served = serve(&url).await;
    served.add((0..200).map(|n| market(&format!("COIN{n}"), false))).await;
    let (head, plain) = told(&served, "identity").await;
    assert!(!head.contains("content-encoding"), "{head}");
    let (head, packed) = told(&served, "gzip").await;
    assert!(head.contains("content-encoding: gzip") && packed.len() * 5 < plain.len(), "{head}: {}", packed.len());
    assert!(head.contains("vary: ") && head.contains("etag: W/"), "{head}");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert!(unpacked == plain);
    let (head, packed) = told(&served, "gzip;q=0.5, zstd").await;
    assert!(head.contains("content-encoding: zstd"), "{head}");
    assert!(zstd::decode_all(packed.as_slice()).unwrap() == plain);
}

/// Head and body as they come.
async fn told(served: &Served, accepted: &str) -> (String, Vec<u8>) {
    let asked = format!("GET /api/v1/markets HTTP/1.0\r\nhost: x\r\naccept-encoding: {accepted}\r\n\r\n");
    let address = served.address;
    let ask = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(asked.as_bytes()).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        reply
    };
    let reply = tokio::task::spawn_blocking(ask).await.unwrap();
    let end = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    (String::from_utf8_lossy(&reply[..end]).to_lowercase().replace("etag: w/", "etag: W/"), reply[end + 4..].to_vec())
}
