//! How long ago the exchange's word had been received when a hop had done its part: from the header `received`, which every
//! record made of it carries on.

use metrics::histogram;
use schemas::{Outbox, Record};

use crate::log::Slice;
use crate::run::now_ms;

/// A commit stands at this hop.
pub fn committed(hop: &'static str, out: &Outbox) {
    waited(hop, out.filled().filter_map(|(.., batch)| batch.records().next()));
}

/// What was read has passed this hop.
pub fn passed(hop: &'static str, slices: &[Slice]) {
    waited(hop, slices.iter().flat_map(|slice| &slice.batches).filter_map(|batch| batch.records().next()));
}

/// Of each batch the first record waited longest; of all of them, the one that was received first.
fn waited<'a>(hop: &'static str, firsts: impl Iterator<Item = Record<'a>>) {
    if let Some(received) = firsts.filter_map(|record| record.headers.received()).min() {
        let seconds = (now_ms() - received).max(0) as f64 / 1_000.0;
        histogram!("fathom_latency_seconds", "hop" => hop).record(seconds);
    }
}
