//! Sources: whether they are heard, what they gave, what of it is missing, and what clients hear of that.

mod candles;
mod gaps;
mod live;
mod pages;
mod sources;

use schemas::{FeedStatus, SourceRun, SourceStatus};
use serde_json::{Value, json};

use super::fixture::Served;

fn state(source: &str, status: SourceStatus, time: i64) -> FeedStatus {
    FeedStatus::of(source, status, time, format!("said at {time}"))
}

fn gap(source: &str, times: (i64, i64), blocks: Option<(u64, u64)>) -> FeedStatus {
    FeedStatus {
        from_time: Some(times.0),
        to_time: Some(times.1),
        from_block: blocks.map(|blocks| blocks.0),
        to_block: blocks.map(|blocks| blocks.1),
        ..state(source, SourceStatus::Gap, times.1 + 1)
    }
}

fn heal(gap: &FeedStatus) -> FeedStatus {
    let time = gap.time + 1000;
    let reason = format!("found at {time}");
    FeedStatus { status: SourceStatus::GapHealed, time, healed_by: Some("archive".into()), reason, ..gap.clone() }
}

fn run(source: &str, stream: &str, started: i64, last: Option<(u64, i64)>) -> SourceRun {
    serde_json::from_value(json!({
        "source": source, "stream": stream, "started": started, "time": started + 5, "frames": 3, "bytes": 4000,
        "facts": 21, "duplicates": 1, "gaps": 2, "dead_letters": 6, "last_block": last.map(|last| last.0),
        "last_time": last.map(|last| last.1), "lag_ms": last.map(|_| 310), "cursor": "20260628/8:912345",
    }))
    .unwrap()
}

async fn reply(served: &Served, path: &str) -> Value {
    served.good(&format!("/api/v1/data-quality/{path}")).await
}
