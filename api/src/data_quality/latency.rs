//! `/data-quality/latency`: how long it takes from the moment the exchange's word was received to each hop.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use crate::Context;
use crate::endpoint::Operation;
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::parameters::Parameters;
use crate::reply::Reply;

const DEFINITION: &str = "from the moment the exchange's word was received until a hop had done its part, since the process \
     began: p50_ms is what half of the measurements did not exceed, and so on, estimated within the bounds of the \
     histogram that /metrics tells; of each commit what waited longest is measured, at websocket each frame. Hops are \
     parser, misc-events, public-feed and info, the stages of the computer, sink (in the rows), feed (read by the API) \
     and websocket (written to a client); those of other processes are in the metrics of those processes";

pub(super) fn operation() -> Operation {
    super::operation("How long it takes from receipt to each hop", DEFINITION, Vec::new(), &LATENCY)
}

static LATENCY: Object = Object {
    name: "latency",
    fields: &[
        ("hop", Form::Text),
        ("measurements", Form::Integer),
        ("p50_ms", Form::Integer),
        ("p95_ms", Form::Integer),
        ("p99_ms", Form::Integer),
    ],
    optional: &[],
};

/// A hop as it is told.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct LatencyRow {
    hop: String,
    measurements: u64,
    p50_ms: u64,
    p95_ms: u64,
    p99_ms: u64,
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    parameters: Parameters,
) -> Result<Reply<Vec<LatencyRow>>, ApiError> {
    parameters.nothing_else()?;
    let mut moment = context.database.one_moment().await?;
    let mut meta = super::meta(&context, &mut moment, "latency/1", DEFINITION).await?;
    let data = rows(&(context.metrics)());
    meta.reason = data.is_empty().then_some("nothing_was_measured_yet");
    Ok(Reply { data, meta })
}

/// Of how many measurements each bound was not exceeded, by the bound in seconds.
type Buckets = Vec<(f64, u64)>;

fn rows(metrics: &str) -> Vec<LatencyRow> {
    let mut hops = BTreeMap::<&str, Buckets>::new();
    for (hop, bucket) in metrics.lines().filter_map(bucket) {
        hops.entry(hop).or_default().push(bucket);
    }
    hops.into_iter().filter_map(|(hop, buckets)| row(hop, buckets)).collect()
}

/// The hop and the bucket, where a line of the metrics tells one.
fn bucket(line: &str) -> Option<(&str, (f64, u64))> {
    let labels = line.strip_prefix("fathom_latency_seconds_bucket{hop=\"")?;
    let (hop, rest) = labels.split_once("\",le=\"")?;
    let (bound, count) = rest.split_once("\"} ")?;
    Some((hop, (bound.parse().ok()?, count.parse().ok()?)))
}

fn row(hop: &str, mut buckets: Buckets) -> Option<LatencyRow> {
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    let measurements = buckets.last()?.1;
    let ms = |share| (quantile(&buckets, share) * 1_000.0).round() as u64;
    let [p50_ms, p95_ms, p99_ms] = [0.5, 0.95, 0.99].map(ms);
    (measurements > 0).then(|| LatencyRow { hop: hop.to_owned(), measurements, p50_ms, p95_ms, p99_ms })
}

/// In seconds, as Prometheus estimates it: evenly within a bucket; of what exceeds all bounds, the last bound.
fn quantile(buckets: &[(f64, u64)], share: f64) -> f64 {
    let rank = share * buckets.last().map_or(0, |bucket| bucket.1) as f64;
    let (mut low, mut before) = (0.0, 0);
    for &(high, count) in buckets {
        if count as f64 >= rank && count > before {
            let within = (rank - before as f64) / (count - before) as f64;
            return if high.is_finite() { low + (high - low) * within } else { low };
        }
        (low, before) = (high, count);
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = r#"
# TYPE fathom_latency_seconds histogram
fathom_latency_seconds_bucket{hop="coin",le="0.01"} 50
fathom_latency_seconds_bucket{hop="coin",le="0.1"} 100
fathom_latency_seconds_bucket{hop="coin",le="+Inf"} 100
fathom_latency_seconds_sum{hop="coin"} 1.5
fathom_latency_seconds_bucket{hop="api",le="0.01"} 0
fathom_latency_seconds_bucket{hop="api",le="0.1"} 0
fathom_latency_seconds_bucket{hop="api",le="+Inf"} 4
fathom_latency_seconds_bucket{hop="sink",le="+Inf"} 0
fathom_http_request_seconds_bucket{route="/",le="0.1"} 7
"#;

    #[test]
    fn quantiles_are_estimated_within_their_bucket_and_never_beyond_the_last_bound() {
        let row = |hop: &str, measurements, [p50_ms, p95_ms, p99_ms]: [u64; 3]| LatencyRow {
            hop: hop.to_owned(),
            measurements,
            p50_ms,
            p95_ms,
            p99_ms,
        };
        assert_eq!(rows(METRICS), [row("api", 4, [100, 100, 100]), row("coin", 100, [10, 91, 98])]);
    }
}
