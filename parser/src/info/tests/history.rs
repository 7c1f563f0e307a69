//! A wallet's fills, asked for page by page of an exchange that remembers the latest only.

use std::sync::Arc;

use schemas::{Fill, GENERATION, Outbox};

use super::server::{Reply, Server, soon};
use super::{Log, NOW, wallet};
use crate::{Budget, InfoClient, InfoError};

const PAGE: usize = 2_000;
const REMEMBERED: usize = 10_000;

fn fill(time: i64, number: usize) -> String {
    // Dust has no number of its own.
    let tid = if number.is_multiple_of(5) { 0 } else { number };
    format!(
        r#"{{"coin":"BTC","px":"10.0","sz":"1.50","side":"B","time":{time},"startPosition":"{number}.0","dir":"Open Long","closedPnl":"0.0","hash":"0x{:064x}","oid":1,"crossed":true,"fee":"0.0","tid":{tid},"feeToken":"USDC","new":{{"kept":[1.50,"x"]}}}}"#,
        0
    )
}

/// Answers as the exchange does: the oldest first, both ends inclusive.
async fn exchange(times: Vec<i64>) -> Server {
    Server::start(move |question| {
        let (from, to) = (question["startTime"].as_i64().unwrap(), question["endTime"].as_i64().unwrap());
        let remembered = times.iter().enumerate().skip(times.len().saturating_sub(REMEMBERED));
        let page = remembered.filter(|(_, time)| (from..=to).contains(*time)).take(PAGE);
        let page: Vec<String> = page.map(|(number, time)| fill(*time, number)).collect();
        Reply::Body(format!("[{}]", page.join(",")))
    })
    .await
}

struct Walk {
    fills: Vec<Fill>,
    log: Log,
}

impl Walk {
    async fn over(server: &Server, from: i64, to: i64, now: i64) -> Self {
        let client = InfoClient::sharing(server.url(), Arc::new(Budget::unlimited())).unwrap();
        let mut history = client.history(wallet(1), from, to);
        let (mut fills, mut log, mut out) = (Vec::new(), Log::default(), Outbox::new(GENERATION));
        while let Some(page) = soon(history.next(now)).await.unwrap() {
            page.set_down(&mut out);
            fills.extend(page.fills().cloned());
            log.commit(&mut out);
        }
        assert!(history.next(now).await.unwrap().is_none());
        let told: Vec<Fill> = log.fills.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        assert_eq!(told, fills);
        assert!(told.iter().all(|fill| fill.user == wallet(1)));
        Self { fills, log }
    }

    fn numbers(&self) -> Vec<usize> {
        let start = |fill: &Fill| fill.start_position.to_string();
        self.fills.iter().map(|fill| start(fill).strip_suffix(".0").unwrap().parse().unwrap()).collect()
    }

    fn missing(&self) -> Vec<(i64, i64)> {
        self.log.statuses.iter().map(|gap| (gap.from_time.unwrap(), gap.to_time.unwrap())).collect()
    }
}

/// Three to a millisecond, so that pages end in the middle of one.
fn threes(count: usize) -> Vec<i64> {
    (0..count).map(|number| 1_000 + number as i64 / 3).collect()
}

#[tokio::test]
async fn each_fill_comes_once_whatever_the_pages_borders_cut() {
    let server = exchange(threes(7_000)).await;
    let walk = Walk::over(&server, 0, NOW, NOW).await;
    assert_eq!(walk.numbers(), (0..7_000).collect::<Vec<_>>());
    assert_eq!(walk.missing(), [], "the exchange remembers more than that");
    let front = format!(r#"{{"block":1000000000000,"index":1,"user":"{}","#, wallet(1));
    assert_eq!(walk.log.fills[1], format!("{front}{}", &fill(1_000, 1)[1..]));
    let places = walk.fills.iter().enumerate().all(|(number, fill)| fill.index as usize == number % 3);
    assert!(places, "also where a page ended in the middle of a millisecond");
    let asked = server.asked();
    assert_eq!((asked.len(), walk.log.raw.len()), (5, 7), "long pages are kept in two parts, the last one not at all");
    assert_eq!(asked[1]["startTime"], 1_000 + 1_999 / 3, "from the last millisecond, not from the one behind it");
}

#[tokio::test]
async fn a_millisecond_that_fills_a_page_is_said_to_be_incomplete_and_the_rest_comes() {
    let mut times = threes(1_500);
    times.extend([5_000; 2_300]);
    times.extend([5_000, 5_001, 5_002, 5_002]);
    let walk = Walk::over(&exchange(times).await, 0, NOW, NOW).await;
    let numbers = walk.numbers();
    assert_eq!(numbers[..3_500], (0..3_500).collect::<Vec<_>>());
    assert_eq!(numbers[3_500..], [3_801, 3_802, 3_803]);
    assert_eq!(walk.missing(), [(5_000, 5_000)]);
}

#[tokio::test]
async fn what_the_exchange_has_forgotten_is_said() {
    let server = exchange(threes(10_600)).await;
    let walk = Walk::over(&server, 500, NOW, NOW).await;
    assert_eq!(walk.numbers(), (600..10_600).collect::<Vec<_>>());
    assert_eq!(walk.missing(), [(500, 1_199)]);
    let walk = Walk::over(&server, 1_100, 1_210, NOW).await;
    assert_eq!((walk.numbers().len(), walk.missing()), (33, vec![(1_100, 1_199)]));
    let walk = Walk::over(&server, 1_100, 1_150, NOW).await;
    assert_eq!((walk.numbers().len(), walk.missing()), (0, vec![(1_100, 1_150)]));
    let walk = Walk::over(&server, 1_200, 1_201, NOW).await;
    assert_eq!((walk.numbers().len(), walk.missing()), (6, vec![]));
}

#[tokio::test]
async fn what_is_no_fill_is_set_aside_once_and_what_is_no_page_is_an_error() {
    let good = [fill(1_000, 1), fill(1_001, 2)];
    let bad = r#"{"coin":"BTC","time":1000}"#;
    let page = format!("[{},{bad},{}]", good[0], good[1]);
    let mut replies = vec![page.clone(), page, "null".to_owned()];
    let server = Server::start(move |_| Reply::Body(replies.pop().unwrap_or("[]".to_owned()))).await;
    let client = InfoClient::sharing(server.url(), Arc::new(Budget::unlimited())).unwrap();
    let mut history = client.history(wallet(1), 1_000, NOW);
    let Err(InfoError::Reply { bytes, .. }) = soon(history.next(NOW)).await else { panic!("null is a page") };
    assert_eq!(bytes, b"null");
    let (mut log, mut out, mut fills) = (Log::default(), Outbox::new(GENERATION), 0);
    while let Some(page) = soon(history.next(NOW)).await.unwrap() {
        fills += page.fills().count();
        page.set_down(&mut out);
        log.commit(&mut out);
    }
    assert_eq!(fills, 2);
    let [letter] = log.letters.as_slice() else { panic!("{:?}", log.letters) };
    assert_eq!((letter.text.as_deref(), &letter.position[letter.position.len() - 2..]), (Some(bad), "#1"));
}
