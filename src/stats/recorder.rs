//! Where everything that is counted in this process comes together.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::names::{Kind, METRICS};
use crate::run::now_ms;

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// From a frame on this machine to a log that is read again after hours.
const SECONDS: [f64; 17] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 600.0, 3_600.0];
/// What was measured is summed up so often, so that it does not pile up where nobody asks for it.
const SUM_UP_EVERY: Duration = Duration::from_secs(5);

/// Nothing is counted before this.
pub fn begin() {
    // Only an empty list is refused.
    let builder = PrometheusBuilder::new().set_buckets(&SECONDS).unwrap_or_default();
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() || RECORDER.set(handle).is_err() {
        return;
    }
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.about),
            Kind::Gauge => describe_gauge!(metric.name, metric.about),
            Kind::Histogram => describe_histogram!(metric.name, metric.about),
        }
    }
    gauge!("process_start_time_seconds").set(now_ms() as f64 / 1_000.0);
    gauge!("fathom_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

pub fn render() -> String {
    RECORDER.get().map(PrometheusHandle::render).unwrap_or_default()
}

pub async fn keep() {
    loop {
        tokio::time::sleep(SUM_UP_EVERY).await;
        if let Some(recorder) = RECORDER.get() {
            recorder.run_upkeep();
        }
    }
}

/// A task of this stage begins again; with 0, it has not so far.
pub fn restarts(stage: &'static str, times: u64) {
    counter!("fathom_task_restarts_total", "stage" => stage).increment(times);
}
