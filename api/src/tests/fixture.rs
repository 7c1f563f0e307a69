//! A server of each test's own: rows through the sink, results through the live side.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use axum::Router;
use schemas::{
    Batch, Coin, Fill, GENERATION, Headers, LongShortRatio, Market, Message, Position, PositionSide, Price, RatioKind,
    ResultClock, Topic, Wallet, kind, topics,
};
use serde_json::{Value, json};
use sink::{Part, Sink};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::{Context, Database, Dependency, Live, Serving, Status, gate, open_database, resources};

pub(crate) struct Served {
    pub(crate) sink: Sink,
    pub(crate) url: String,
    pub(crate) live: Live,
    pub(crate) serving: Serving,
    pub(crate) address: SocketAddr,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) next: BTreeMap<(&'static str, u32), u64>,
}

pub(crate) async fn serve(url: &str) -> Served {
    serve_with(url, |context| context).await
}

/// While what is on the log is still read.
pub(crate) async fn serve_not_ready(url: &str) -> Served {
    serve_live(url, Router::new(), |context| context).await
}

pub(crate) async fn serve_with(url: &str, change: impl FnOnce(Context) -> Context) -> Served {
    serve_beside(url, Router::new(), change).await
}

/// With routes of the test's own.
pub(crate) async fn serve_beside(
    url: &str,
    routes: Router<Serving>,
    change: impl FnOnce(Context) -> Context,
) -> Served {
    let served = serve_live(url, routes, change).await;
    served.live.is_present();
    served
}

async fn serve_live(url: &str, routes: Router<Serving>, change: impl FnOnce(Context) -> Context) -> Served {
    let sink = sink::connect(url).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let live = Live::new(stopped);
    let context = change(context(url, &live).await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = Serving::of(Arc::new(context));
    let app = gate::guard(resources().merge(routes), &serving).with_state(serving.clone());
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Served { sink, url: url.to_owned(), live, serving, address, stop, next: BTreeMap::new() }
}

/// What is told of the generation that there is first.
pub(crate) async fn context(url: &str, live: &Live) -> Context {
    let database = open_database(url).await.unwrap();
    Context {
        database,
        live: live.clone(),
        gate: crate::Gate::default(),
        generation: GENERATION.number,
        simulated: true,
        started: 7,
        describe: Arc::new(status),
        metrics: Arc::new(|| METRICS.to_owned()),
        ready: Arc::new(Vec::new),
        read_again: Arc::new(|_, _, _| Err(crate::Unread::Gone)),
        as_it_was: Arc::new(|_, _, _| Err(crate::NotKnown::Busy)),
        replay: Arc::new(|_, _, each| {
            each(crate::Passing::From(BTreeMap::new()));
            Ok(())
        }),
        watch: Arc::new(|_| crate::Watched::Refused),
    }
}

pub(crate) const METRICS: &str = "fathom_up 1\nfathom_latency_seconds_bucket{hop=\"parser\",le=\"0.1\"} 3\n";

fn status() -> Status {
    Status {
        version: "0.1.0".to_owned(),
        market: "a made-up market".to_owned(),
        topics: vec![("fills".to_owned(), 3)],
        data: "./data".to_owned(),
    }
}

pub(crate) fn not_ready() -> Vec<Dependency> {
    vec![Dependency { name: "sink".to_owned(), ok: false, reason: "it has not written for 9 s".to_owned() }]
}

/// Records of one topic, with the partition and offset that each one has on the log.
pub(crate) struct Written {
    pub(crate) topic: &'static schemas::Topic,
    pub(crate) parts: BTreeMap<u32, (u64, Batch)>,
}

impl Written {
    pub(crate) fn publish_to(&self, live: &Live) {
        for (partition, (from, batch)) in &self.parts {
            for (offset, record) in (*from..).zip(batch.records()) {
                live.publish(self.topic, *partition, offset, &record);
            }
        }
    }
}

impl Served {
    /// Gives messages their places on the log.
    pub(crate) fn append<M: Message>(&mut self, messages: impl IntoIterator<Item = M>) -> Written {
        let mut parts: BTreeMap<u32, (u64, Batch)> = BTreeMap::new();
        for message in messages {
            let partition = message.partition(GENERATION.partitions);
            let next = self.next.entry((M::TOPIC.name, partition)).or_default();
            let (_, batch) = parts.entry(partition).or_insert((*next, Batch::default()));
            let mut headers = Vec::new();
            if let Some(kind) = M::KIND {
                Headers::write(&mut headers, kind::HEADER, kind);
            }
            message.append_to(batch, &headers);
            *next += 1;
        }
        Written { topic: M::TOPIC, parts }
    }

    /// The clock of a result topic, in each of its partitions.
    pub(crate) fn tick(&mut self, topic: &'static Topic, clock: ResultClock) -> Written {
        let mut headers = Vec::new();
        Headers::write(&mut headers, kind::HEADER, kind::CLOCK);
        let value = serde_json::to_vec(&clock).unwrap();
        let mut parts = BTreeMap::new();
        for partition in 0..GENERATION.partitions(topic) {
            let next = self.next.entry((topic.name, partition)).or_default();
            let mut batch = Batch::default();
            batch.push(clock.time, ResultClock::KEY, Some(&value), &headers);
            parts.insert(partition, (*next, batch));
            *next += 1;
        }
        Written { topic, parts }
    }

    pub(crate) fn publish(&self, written: &Written) {
        written.publish_to(&self.live);
    }

    pub(crate) async fn store(&mut self, written: &Written) {
        let parts: Vec<Part<'_>> = written
            .parts
            .iter()
            .map(|(partition, (from, batch))| Part {
                topic: written.topic,
                partition: *partition,
                expected: (*from > 0).then_some(*from),
                next: from + u64::from(batch.count()),
                batch: std::slice::from_ref(batch),
            })
            .collect();
        self.sink.write(GENERATION.number, &parts).await.unwrap();
    }

    pub(crate) async fn add<M: Message>(&mut self, messages: impl IntoIterator<Item = M>) {
        let written = self.append(messages);
        self.publish(&written);
        self.store(&written).await;
    }

    /// Legs of trades, as the parser tells them live.
    pub(crate) async fn add_facts(&mut self, fills: impl IntoIterator<Item = Fill>) {
        self.add_fills(&topics::FILLS, fills).await;
    }

    /// And as it tells them when they were found later.
    pub(crate) async fn add_history(&mut self, fills: impl IntoIterator<Item = Fill>) {
        self.add_fills(&topics::FILLS_HISTORY, fills).await;
    }

    async fn add_fills(&mut self, topic: &'static Topic, fills: impl IntoIterator<Item = Fill>) {
        let mut batch = Batch::default();
        let mut headers = Vec::new();
        Headers::write(&mut headers, kind::HEADER, kind::FILL);
        fills.into_iter().for_each(|fill| fill.append_to(&mut batch, &headers));
        let next = self.next.entry((topic.name, 0)).or_default();
        let parts = BTreeMap::from([(0, (*next, batch.clone()))]);
        *next += u64::from(batch.count());
        self.store(&Written { topic, parts }).await;
    }

    pub(crate) async fn database(&self) -> Database {
        open_database(&self.url).await.unwrap()
    }

    /// Everything up to time 900 and block 99 is in the rows of these topics, since time and block 1.
    pub(crate) async fn compute(&mut self, topics: &[&'static Topic]) {
        for topic in topics {
            let ticked = self.tick(topic, clock(900));
            self.publish(&ticked);
            self.store(&ticked).await;
        }
    }

    /// Status, head and body of a reply.
    pub(crate) async fn get_text(&self, path: &str) -> (u16, String, String) {
        self.get_as(path, "*/*").await
    }

    /// The same, in a form: without the pieces in which the later version sends what has no length.
    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> (u16, String, String) {
        self.ask(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n")).await
    }

    /// Whatever is said, word for word.
    pub(crate) async fn ask(&self, request: String) -> (u16, String, String) {
        let address = self.address;
        let ask = move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut reply = String::new();
            stream.read_to_string(&mut reply).unwrap();
            reply
        };
        let reply = tokio::task::spawn_blocking(ask).await.unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let (status, _, body) = self.get_text(path).await;
        let body: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"));
        (status, body)
    }

    /// Status and body of the reply to JSON that is sent; null where there is none.
    pub(crate) async fn send(&self, verb: &str, path: &str, body: &Value) -> (u16, Value) {
        let (address, body) = (self.address, body.to_string());
        let head = format!(
            "{verb} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let ask = move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all((head + &body).as_bytes()).unwrap();
            let mut reply = String::new();
            stream.read_to_string(&mut reply).unwrap();
            reply
        };
        let reply = tokio::task::spawn_blocking(ask).await.unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    /// The reply when it is a good one.
    pub(crate) async fn good(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        assert_eq!(body["meta"]["simulated"], true, "{path}: {body}");
        body
    }

    /// The code of the error that the reply is.
    pub(crate) async fn bad(&self, path: &str) -> (u16, String) {
        let (status, body) = self.get(path).await;
        assert_eq!(body["simulated"], true, "{path}: {body}");
        assert!(body["error"]["details"].is_object(), "{path}: {body}");
        assert!(!body["error"]["message"].as_str().unwrap().is_empty());
        (status, body["error"]["code"].as_str().unwrap().to_owned())
    }
}

pub(crate) fn clock(time: i64) -> ResultClock {
    ResultClock { time, block: time.unsigned_abs() / 9 - 1, since_time: 1, since_block: 1 }
}

pub(crate) fn wallet(n: u32) -> Wallet {
    let mut bytes = [0xab; 20];
    bytes[16..].copy_from_slice(&n.to_be_bytes());
    Wallet(bytes)
}

pub(crate) fn position(coin: &str, n: u32, size: &str) -> Position {
    let size = size.parse().unwrap();
    Position {
        coin: Coin::new(coin),
        wallet: wallet(n),
        side: PositionSide::of(size),
        size,
        opened_at: Some(5),
        changed_at: 6,
        entry_px: Some("66610.25".parse().unwrap()),
        realised_pnl: Some("-0.061384".parse().unwrap()),
        last_px: "66653.0".parse().unwrap(),
        block: 7,
        index: 1,
        clock: 1000,
    }
}

/// Of which nothing but the mark matters.
pub(crate) fn price(coin: &str, mark: &str) -> Price {
    serde_json::from_value(json!({
        "coin": coin, "time": 850, "mark_px": mark, "oracle_px": mark, "funding": "0", "open_interest": "1",
        "open_interest_notional": mark, "previous_day_px": "1", "day_notional": "1",
    }))
    .unwrap()
}

pub(crate) fn ratio(coin: &str, interval: &str, time: i64, close: &str) -> LongShortRatio {
    let close = close.parse().unwrap();
    LongShortRatio {
        coin: Coin::new(coin),
        kind: RatioKind::Accounts,
        cohort: None,
        interval: interval.parse().unwrap(),
        time,
        accounts: 5,
        of_accounts: None,
        long_accounts: 3,
        short_accounts: 2,
        long_size: None,
        short_size: None,
        long_ratio: Some("0.6".parse().unwrap()),
        short_ratio: Some("0.4".parse().unwrap()),
        open: Some(close),
        high: Some(close),
        low: Some(close),
        close: Some(close),
        oi_coverage_pct: Some("99.5".parse().unwrap()),
        complete: true,
        r#final: true,
        block: 7,
        clock: time + 60_000,
    }
}

pub(crate) fn market(coin: &str, delisted: bool) -> Market {
    Market {
        coin: Coin::new(coin),
        dex: Coin::new(coin).dex().to_owned(),
        size_decimals: 5,
        max_leverage: 40,
        margin_tiers: vec![schemas::MarginTier { lower_bound: "0.0".parse().unwrap(), max_leverage: 40 }],
        isolated_only: false,
        delisted,
        time: 4,
    }
}
