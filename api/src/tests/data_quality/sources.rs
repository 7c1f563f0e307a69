//! What is told of sources, and of how much of each is known.

use schemas::{FeedStatus, SourceRun, SourceStatus};
use serde_json::{Value, json};

use super::{gap, heal, reply, run, state};
use crate::tests::fixture::serve;
use crate::tests::place::on_both;
use crate::time_of_day::now;

on_both! {
    before_anything_is_heard_nothing_is_known,
    a_source_is_told_with_the_latest_run_of_each_stream,
    coverage_is_told_to_the_last_digit,
    a_wrong_choice_is_told,
}

async fn before_anything_is_heard_nothing_is_known(url: String) {
    let mut served = serve(&url).await;
    for path in ["sources", "gaps", "runs", "coverage"] {
        let nothing = reply(&served, path).await;
        assert_eq!((&nothing["data"], &nothing["meta"]["reason"]), (&json!([]), &json!("no_source_was_heard_yet")));
        assert_eq!(nothing["meta"]["coverage"]["source"], "reports of the sources");
    }
    assert_eq!(served.bad("/api/v1/data-quality/gaps?source=meta").await, (404, "UNKNOWN_SOURCE".to_owned()));
    served.add([state("meta", SourceStatus::Connected, 5)]).await;
    let no_gap = reply(&served, "gaps?source=meta").await;
    assert_eq!((&no_gap["data"], &no_gap["meta"]["reason"]), (&json!([]), &Value::Null), "that there is none is known");
    let coverage = reply(&served, "coverage").await;
    assert_eq!(
        coverage["data"],
        json!([{
            "source": "meta", "open_gaps": 0, "healed_gaps": 0, "since": null, "until": null, "missing_ms": null,
            "covered_pct": null, "since_block": null, "until_block": null, "missing_blocks": null,
            "covered_blocks_pct": null, "reason": "no_event_time_was_told", "blocks_reason": "no_block_was_told",
        }])
    );
}

async fn a_source_is_told_with_the_latest_run_of_each_stream(url: String) {
    let mut served = serve(&url).await;
    served.add([state("node-fills", SourceStatus::Connected, 5), state("node-fills", SourceStatus::Stale, 9)]).await;
    served.add([gap("meta", (1, 2), None)]).await;
    let ended = SourceRun { ended: Some(40), ..run("node-fills", "/hl", 20, Some((7, 70))) };
    served.add([ended, run("node-fills", "/hl", 50, Some((8, 80))), run("node-fills", "/archive", 30, None)]).await;
    let mut all = reply(&served, "sources").await;
    let age = all["data"][1]["streams"][1]["age_ms"].take().as_i64().unwrap();
    assert!((0..60_000).contains(&(now() - 80 - age)), "{age}");
    let stream = json!({
        "stream": "/hl", "started": 50, "ended": null, "time": 55, "frames": 3, "bytes": 4000, "facts": 21,
        "duplicates": 1, "gaps": 2, "dead_letters": 6, "first_block": 8, "last_block": 8, "first_time": 80,
        "last_time": 80, "lag_ms": 310, "cursor": "20260628/8:912345", "age_ms": null,
    });
    let archive = &all["data"][1]["streams"][0];
    assert_eq!((&archive["stream"], &archive["started"]), (&json!("/archive"), &json!(30)));
    assert_eq!((&archive["age_ms"], &archive["reason"]), (&Value::Null, &json!("no_event_time_was_told_yet")));
    let archive = archive.clone();
    assert_eq!(
        all["data"],
        json!([
            { "source": "meta", "status": null, "status_time": null, "status_reason": null, "streams": [],
              "reason": "no_status_was_said_yet" },
            { "source": "node-fills", "status": "stale", "status_time": 9, "status_reason": "said at 9",
              "streams": [archive, stream] },
        ])
    );
    let mut meta = all["meta"].take();
    assert!(meta["definition"].take().as_str().unwrap().starts_with("status is what was said last"));
    assert_eq!(
        meta,
        json!({
            "next_cursor": null, "complete": true, "as_of": 55, "watermark": null, "block_height": null,
            "generation": 1, "simulated": true, "source": { "feed-status/0": 3, "source-runs/0": 3 },
            "coverage": { "method": "exact", "source": "reports of the sources", "since_block": null, "since_time": null },
            "schema": "source/1", "definition": null,
        })
    );
}

async fn coverage_is_told_to_the_last_digit(url: String) {
    let mut served = serve(&url).await;
    let healed = gap("node-fills", (2000, 2100), Some((20, 29)));
    served.add([run("node-fills", "/hl", 5, Some((10, 1000))), run("node-fills", "/hl", 5, Some((109, 4000)))]).await;
    served.add([run("public-feed", "wss", 7, Some((0, 1000)))].map(|run| SourceRun { last_block: None, ..run })).await;
    // Two open ones overlap, and one of them begins before anything else is known.
    served
        .add([gap("node-fills", (3000, 3500), Some((50, 59))), gap("node-fills", (3400, 3600), Some((58, 60)))])
        .await;
    served.add([gap("node-fills", (900, 1000), Some((7, 9))), healed.clone(), heal(&healed)]).await;
    let all = reply(&served, "coverage").await;
    assert_eq!(
        all["data"],
        json!([
            { "source": "node-fills", "open_gaps": 3, "healed_gaps": 1, "since": 900, "until": 4000,
              "missing_ms": 700, "covered_pct": "77.419354", "since_block": 7, "until_block": 109,
              "missing_blocks": 14, "covered_blocks_pct": "86.407766" },
            { "source": "public-feed", "open_gaps": 0, "healed_gaps": 0, "since": 1000, "until": 1000,
              "missing_ms": 0, "covered_pct": null, "since_block": null, "until_block": null, "missing_blocks": null,
              "covered_blocks_pct": null, "reason": "nothing_between_since_and_until",
              "blocks_reason": "no_block_was_told" },
        ])
    );
    assert_eq!((&all["meta"]["complete"], &all["meta"]["as_of"]), (&json!(false), &json!(4000)));

    let unknown = FeedStatus { from_block: None, to_block: None, ..gap("node-fills", (3600, 3700), None) };
    served.add([unknown, FeedStatus { to_time: None, ..gap("public-feed", (3000, 0), None) }]).await;
    served.add([run("public-feed", "wss", 7, Some((0, 5000)))].map(|run| SourceRun { last_block: None, ..run })).await;
    let one = reply(&served, "coverage?source=node-fills").await["data"].clone();
    assert_eq!((&one[0]["missing_ms"], &one[1]), (&json!(800), &Value::Null));
    assert_eq!(
        (&one[0]["covered_blocks_pct"], &one[0]["blocks_reason"]),
        (&Value::Null, &json!("a_gap_has_no_beginning")),
        "how many blocks it is of is not known"
    );
    let goes_on = reply(&served, "coverage?source=public-feed").await["data"][0].clone();
    assert_eq!((&goes_on["missing_ms"], &goes_on["covered_pct"]), (&json!(2000), &json!("50.000000")));
}

async fn a_wrong_choice_is_told(url: String) {
    let mut served = serve(&url).await;
    served.add([state("meta", SourceStatus::Connected, 5)]).await;
    for (query, status, code) in [
        ("sources?source=meta", 400, "UNKNOWN_PARAMETER"),
        ("gaps?status=shut", 400, "INVALID_STATUS"),
        ("gaps?start_time=5&end_time=5", 400, "INVALID_TIME_RANGE"),
        ("gaps?start_time=now", 400, "INVALID_TIME"),
        ("gaps?limit=1001", 400, "INVALID_LIMIT"),
        ("gaps?cursor=what", 400, "INVALID_CURSOR"),
        ("gaps?coin=BTC", 400, "UNKNOWN_PARAMETER"),
        ("gaps?source=metal", 404, "UNKNOWN_SOURCE"),
        ("runs?source=metal", 404, "UNKNOWN_SOURCE"),
        ("runs?start_time=5", 400, "UNKNOWN_PARAMETER"),
        ("runs?limit=0", 400, "INVALID_LIMIT"),
        ("runs?source=meta&source=meta", 400, "REPEATED_PARAMETER"),
        ("coverage?source=META", 404, "UNKNOWN_SOURCE"),
        ("coverage?limit=1", 400, "UNKNOWN_PARAMETER"),
        ("nothing", 404, "NOT_FOUND"),
    ] {
        let path = format!("/api/v1/data-quality/{query}");
        assert_eq!(served.bad(&path).await, (status, code.to_owned()), "{query}");
    }
    let (_, unknown) = served.get("/api/v1/data-quality/gaps?source=metal").await;
    assert_eq!(unknown["error"]["details"], json!({ "source": "metal" }));
}
