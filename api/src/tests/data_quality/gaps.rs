//! What is told of gaps and of runs, one by one.

use schemas::{FeedStatus, SourceRun};
use serde_json::{Value, json};

use super::{gap, heal, reply, run};
use crate::tests::fixture::serve;
use crate::tests::place::on_both;

on_both! {
    gaps_are_told_as_they_are,
    gaps_are_chosen_by_each_parameter,
    runs_are_told_newest_first,
}

async fn gaps_are_told_as_they_are(url: String) {
    let mut served = serve(&url).await;
    let blocks = gap("node-fills", (1000, 1257), Some((7, 9)));
    let lasting = FeedStatus { to_time: None, part: Some("BTC".into()), ..gap("public-feed", (2000, 2100), None) };
    served.add([blocks.clone(), lasting]).await;
    let all = reply(&served, "gaps").await;
    let open = json!({
        "source": "node-fills", "part": null, "status": "open", "from_time": 1000, "to_time": 1257, "duration_ms": 257,
        "from_block": 7, "to_block": 9, "missing_blocks": 3, "noticed": 1258, "reason": "said at 1258", "healed": null,
        "healed_by": null, "healed_reason": null,
    });
    let without_end = json!({
        "source": "public-feed", "part": "BTC", "status": "open", "from_time": 2000, "to_time": null, "duration_ms": null,
        "from_block": null, "to_block": null, "missing_blocks": null, "noticed": 2101, "reason": "said at 2101",
        "healed": null, "healed_by": null, "healed_reason": null,
    });
    assert_eq!(all["data"], json!([without_end, open]));
    assert_eq!((&all["meta"]["schema"], &all["meta"]["as_of"]), (&json!("source-gap/1"), &json!(2101)));

    let of_blocks_alone = FeedStatus { from_time: None, to_time: None, ..gap("node-fills", (0, 0), Some((20, 20))) };
    served.add([heal(&blocks), heal(&of_blocks_alone)]).await;
    let healed = reply(&served, "gaps?source=node-fills").await["data"].clone();
    let mut expected = open;
    (expected["status"], expected["healed"], expected["healed_by"]) = (json!("healed"), json!(2258), json!("archive"));
    expected["healed_reason"] = json!("found at 2258");
    assert_eq!(healed[0], expected);
    assert_eq!((&healed[1]["from_time"], &healed[1]["duration_ms"]), (&Value::Null, &Value::Null));
    assert_eq!((&healed[1]["missing_blocks"], &healed[1]["noticed"]), (&json!(1), &Value::Null));
}

async fn gaps_are_chosen_by_each_parameter(url: String) {
    let mut served = serve(&url).await;
    let healed = gap("node-fills", (300, 400), Some((7, 9)));
    served.add([heal(&healed), healed, gap("node-fills", (100, 200), Some((1, 2)))]).await;
    served
        .add([gap("public-feed", (150, 350), None), FeedStatus { to_time: None, ..gap("meta", (500, 0), None) }])
        .await;
    for (query, found) in [
        ("", vec![500, 300, 150, 100]),
        ("source=node-fills", vec![300, 100]),
        ("status=open", vec![500, 150, 100]),
        ("status=healed", vec![300]),
        ("source=meta&status=healed", vec![]),
        ("start_time=201", vec![150, 300, 500]),
        ("start_time=360&end_time=390", vec![300]),
        ("startTime=600", vec![500]),
        ("end_time=150", vec![100]),
        ("end_time=151&order=desc", vec![150, 100]),
        ("limit=2", vec![500, 300]),
        ("limit=1&order=asc", vec![100]),
    ] {
        let rows = reply(&served, &format!("gaps?{query}")).await["data"].clone();
        let from: Vec<i64> = rows.as_array().unwrap().iter().map(|row| row["from_time"].as_i64().unwrap()).collect();
        assert_eq!(from, found, "{query}");
    }
}

async fn runs_are_told_newest_first(url: String) {
    let mut served = serve(&url).await;
    let began = run("node-fills", "/hl", 20, Some((7, 70)));
    let ended = SourceRun { ended: Some(40), last_block: Some(9), last_time: Some(90), ..began.clone() };
    served.add([began, ended, run("public-feed", "wss", 30, None), run("node-fills", "/archive", 10, None)]).await;
    let all = reply(&served, "runs").await;
    let started = |reply: &Value| -> Vec<i64> {
        reply["data"].as_array().unwrap().iter().map(|row| row["started"].as_i64().unwrap()).collect()
    };
    assert_eq!((started(&all), &all["meta"]["schema"]), (vec![30, 20, 10], &json!("source-run/1")));
    assert_eq!(
        all["data"][1],
        json!({
            "source": "node-fills", "stream": "/hl", "started": 20, "ended": 40, "time": 25, "frames": 3,
            "bytes": 4000, "facts": 21, "duplicates": 1, "gaps": 2, "dead_letters": 6, "first_block": 7,
            "last_block": 9, "first_time": 70, "last_time": 90, "lag_ms": 310, "cursor": "20260628/8:912345",
        })
    );
    assert_eq!(started(&reply(&served, "runs?source=node-fills").await), [20, 10]);
    assert_eq!(started(&reply(&served, "runs?stream=wss").await), [30]);
    assert_eq!(started(&reply(&served, "runs?source=node-fills&stream=wss").await), [0_i64; 0]);
}
