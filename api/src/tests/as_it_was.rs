//! How things stood at a moment: told in the same rows, at the mark of then, page by page; or why it is not known.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use schemas::{LiquidationMap, Message, PositionSide, Topic, examples, topics};
use serde_json::{Value, json};

use super::fixture::{Served, clock, market, position, ratio, serve_with};
use super::place::on_both;
use crate::{AsItWas, NotKnown};

on_both! {
    positions_are_told_page_by_page_at_the_mark_of_then,
    of_the_buckets_of_then_the_latest_one_is_told,
    what_is_not_known_is_said,
}

/// Who is asked, and what it was asked.
#[derive(Clone, Default)]
struct Past {
    asked: Arc<Mutex<Vec<Asked>>>,
    computed: Arc<AtomicUsize>,
}

/// Topic, coin and time.
type Asked = (&'static str, String, i64);

impl Past {
    async fn serve(
        &self,
        url: &str,
        answer: impl Fn() -> Result<Vec<Vec<u8>>, NotKnown> + Send + Sync + 'static,
    ) -> Served {
        let past = self.clone();
        let mut served = serve_with(url, |mut context| {
            context.as_it_was = Arc::new(move |topic: &'static Topic, coin: &str, time| {
                past.computed.fetch_add(1, Ordering::Relaxed);
                past.asked.lock().unwrap().push((topic.name, coin.to_owned(), time));
                let mark = Some(("70000".parse().unwrap(), 39));
                let values = answer()?;
                Ok(Arc::new(AsItWas { values, clock: clock(40), snapshot: Some(30), records: 12, mark }))
            });
            context
        })
        .await;
        let known = served.append([market("BTC", false)]);
        served.publish(&known);
        served
    }
}

fn values(messages: impl IntoIterator<Item = impl serde::Serialize>) -> Vec<Vec<u8>> {
    messages.into_iter().map(|message| serde_json::to_vec(&message).unwrap()).collect()
}

async fn positions_are_told_page_by_page_at_the_mark_of_then(url: String) {
    let past = Past::default();
    let then = || {
        let mut all: Vec<_> = (1..=5).map(|n| position("BTC", n, if n % 2 == 0 { "-2" } else { "1.5" })).collect();
        all[4].side = PositionSide::Flat;
        all[4].size = "0".parse().unwrap();
        all
    };
    let mut served = past.serve(&url, move || Ok(values(then()))).await;
    served.add([position("BTC", 9, "77")]).await;
    let (mut told, mut cursor) = (Vec::new(), None);
    loop {
        let more = cursor.map_or_else(String::new, |cursor: String| format!("&cursor={cursor}"));
        let page = served.good(&format!("/api/v1/positions?coin=btc&as_of=41&limit=3{more}")).await;
        told.extend(page["data"].as_array().unwrap().clone());
        assert_eq!((&page["meta"]["as_of"], &page["meta"]["watermark"]), (&json!(40), &json!(40)));
        assert_eq!(page["meta"]["recomputed"], json!({ "snapshot": 30, "records": 12 }));
        cursor = page["meta"]["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
        assert_eq!(page["meta"]["complete"], false);
    }
    let sizes: Vec<&str> = told.iter().map(|row| row["size"].as_str().unwrap()).collect();
    assert_eq!(sizes, ["1.5", "-2", "1.5", "-2"], "what was closed, and what is held now, is none of it");
    let first = &told[0];
    assert_eq!((&first["mark_px"], &first["mark_time"]), (&json!("70000"), &json!(39)));
    assert_eq!((&first["notional"], &first["unrealised_pnl"]), (&json!("105000"), &json!("5084.625")));
    assert_eq!(first["liquidation_px"], Value::Null);
    let short = served.good("/api/v1/positions?coin=BTC&as_of=41&side=short").await;
    assert_eq!(short["data"].as_array().unwrap().len(), 2);
    let asked = past.asked.lock().unwrap().clone();
    assert!(asked.iter().all(|asked| *asked == (topics::POSITIONS.name, "BTC".to_owned(), 41)), "{asked:?}");
    // A cursor of one moment says nothing of another one, nor of the present.
    let page = served.good("/api/v1/positions?coin=BTC&as_of=41&limit=1").await;
    let cursor = page["meta"]["next_cursor"].as_str().unwrap();
    for other in ["as_of=42&", ""] {
        let refused = served.bad(&format!("/api/v1/positions?coin=BTC&{other}cursor={cursor}")).await;
        assert_eq!(refused, (400, "INVALID_CURSOR".to_owned()), "{other}");
    }
}

async fn of_the_buckets_of_then_the_latest_one_is_told(url: String) {
    let (past, ratios) = (Past::default(), |coin: &str| {
        [("1m", 60_000), ("1m", 120_000), ("5m", 0)].map(|(interval, time)| ratio(coin, interval, time, "1.5"))
    });
    let served = past.serve(&url, move || Ok(values(ratios("BTC")))).await;
    let told = served.good("/api/v1/long-short-ratio/BTC?as_of=41").await;
    assert_eq!((&told["data"]["time"], &told["data"]["interval"]), (&json!(120_000), &json!("1m")));
    let told = served.good("/api/v1/long-short-ratio/BTC?as_of=41&interval=5m").await;
    assert_eq!((&told["data"]["time"], &told["meta"]["as_of"]), (&json!(0), &json!(40)));
    let none = served.good("/api/v1/long-short-ratio/BTC?as_of=41&kind=top_accounts").await;
    assert_eq!((&none["data"], &none["meta"]["reason"]), (&Value::Null, &json!("nobody_in_the_cohort_yet")));
    let map = || {
        let (_, bytes) = examples::of(LiquidationMap::TOPIC).into_iter().find(|(case, _)| case != "clock").unwrap();
        Ok(vec![bytes])
    };
    let served = Past::default().serve(&url, map).await;
    let told = served.good("/api/v1/liquidation-map/BTC?as_of=41").await;
    assert_eq!(told["data"]["coin"], "BTC");
    assert_eq!(told["meta"]["recomputed"]["records"], 12);
}

async fn what_is_not_known_is_said(url: String) {
    let paths = ["positions?coin=BTC&as_of=41", "long-short-ratio/BTC?as_of=41", "liquidation-map/BTC?as_of=41"];
    for (answer, expected) in [
        (NotKnown::Then("nothing is known of then".to_owned()), (422, "NOT_KNOWN_THEN")),
        (NotKnown::Busy, (503, "BUSY_WITH_THE_PAST")),
        (NotKnown::Failed, (503, "LOG_UNAVAILABLE")),
    ] {
        let served = Past::default().serve(&url, move || Err(answer.clone())).await;
        for path in paths {
            assert_eq!(served.bad(&format!("/api/v1/{path}")).await, (expected.0, expected.1.to_owned()), "{path}");
        }
    }
    let past = Past::default();
    let served = past.serve(&url, || Ok(Vec::new())).await;
    for (path, expected) in [
        ("positions?as_of=41", (400, "MISSING_COIN")),
        ("positions?coin=BTC&as_of=yesterday", (400, "INVALID_TIME")),
        ("positions?coin=NONE&as_of=41", (404, "UNKNOWN_COIN")),
        ("long-short-ratio/BTC?as_of=x", (400, "INVALID_TIME")),
        ("candles/BTC?as_of=41", (400, "UNKNOWN_PARAMETER")),
    ] {
        assert_eq!(served.bad(&format!("/api/v1/{path}")).await, (expected.0, expected.1.to_owned()), "{path}");
    }
    assert_eq!(past.computed.load(Ordering::Relaxed), 0, "nothing was computed for any of them");
}
