//! Lists that do not fit on a page.

use std::collections::BTreeSet;

use schemas::{FeedStatus, Text};
use serde_json::Value;

use super::{gap, heal, reply, run};
use crate::tests::fixture::{Served, serve};
use crate::tests::place::on_both;

on_both! {
    gaps_and_runs_are_told_in_pages,
}

/// Several of the same time, of few sources: what is told page by page is what is told at once.
async fn gaps_and_runs_are_told_in_pages(url: String) {
    let mut served = serve(&url).await;
    let mut random: u32 = 3;
    let mut next = |below: u32| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) % below
    };
    let names = ["meta", "node-fills", "public-feed"];
    let gaps: Vec<FeedStatus> = (0..300)
        .map(|_| {
            let (from, block) = (i64::from(next(20)), u64::from(next(5)));
            let gap = gap(names[next(3) as usize], (from, from + 5), (block > 0).then_some((block, block)));
            let part = ["BTC", "ETH"].get(next(3) as usize).map(|part| Text::from(*part));
            FeedStatus { part, ..gap }
        })
        .collect();
    served.add(gaps.iter().filter(|gap| gap.from_time != Some(4)).map(heal)).await;
    served.add(gaps).await;
    served.add((0..300).map(|_| run(names[next(3) as usize], names[next(3) as usize], next(30).into(), None))).await;
    for list in [
        "gaps?",
        "gaps?order=asc&",
        "gaps?source=meta&",
        "gaps?source=meta&order=asc&",
        "gaps?status=open&",
        "gaps?start_time=6&end_time=12&",
        "runs?",
        "runs?source=node-fills&",
        "runs?stream=meta&",
        "runs?source=meta&stream=meta&",
    ] {
        let whole = reply(&served, &format!("{list}limit=1000")).await;
        let whole = whole["data"].as_array().unwrap();
        let distinct: BTreeSet<String> = whole.iter().map(Value::to_string).collect();
        assert!(whole.len() > 8 && distinct.len() == whole.len(), "{list}: {}", whole.len());
        for limit in [1, 7, whole.len() - 1, whole.len()] {
            assert_eq!(pages(&served, list, limit).await, *whole, "{list} by {limit}");
        }
    }
    let cursor = reply(&served, "gaps?limit=1").await["meta"]["next_cursor"].as_str().unwrap().to_owned();
    for other in ["gaps?order=asc&", "runs?"] {
        let path = format!("/api/v1/data-quality/{other}cursor={cursor}");
        assert_eq!(served.bad(&path).await, (400, "INVALID_CURSOR".to_owned()), "{other}");
    }
}

async fn pages(served: &Served, list: &str, limit: usize) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = reply(served, &format!("{list}limit={limit}{cursor}")).await;
        assert!(page["data"].as_array().unwrap().len() <= limit);
        rows.extend(page["data"].as_array().unwrap().iter().cloned());
        let next = page["meta"]["next_cursor"].as_str();
        assert_eq!(page["meta"]["complete"].as_bool().unwrap(), next.is_none());
        match next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}
