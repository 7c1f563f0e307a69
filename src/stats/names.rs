//! The name of everything that is counted: what it is, and which roles tell it. `docs/metrics.md` is printed from here.

pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static str,
    pub told_by: &'static str,
    pub about: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

const EVERY: &str = "parser, computer, sink, api";
const OF_TASK: &str = "stage, partition, generation";
const OF_SOURCE: &str = "source";

/// One line each: a table.
#[rustfmt::skip]
pub const METRICS: [Metric; 46] = [
    // Work.
    counter("fathom_records_in_total", OF_TASK, EVERY, "Records that a task has read; lines of files, at the parser."),
    counter("fathom_records_out_total", OF_TASK, EVERY, "Records that a task has written, state included; rows, at the sink."),
    counter("fathom_records_rejected_total", OF_TASK, EVERY, "Records that a task has set aside as dead letters."),
    counter("fathom_records_late_total", OF_TASK, EVERY, "Records beside the clocks that came after the clock they were due by."),
    counter("fathom_commits_total", OF_TASK, EVERY, "Commits of a task: transactions on the log, or in the database."),
    counter("fathom_task_restarts_total", "stage", EVERY, "How often a task began again where it had committed last."),
    gauge("fathom_lag_records", OF_TASK, EVERY, "Records that a task has still to read: its queue."),
    gauge("fathom_lag_seconds", OF_TASK, EVERY, "How long ago the event time is that a task has reached."),
    gauge("fathom_clock_timestamp_seconds", OF_TASK, EVERY, "The event time that a task has reached, as Unix time."),
    histogram("fathom_latency_seconds", "hop", EVERY, "From the moment the exchange's word was received until a hop had done its part. Hops are parser, misc-events, public-feed and info, the stages of the computer, sink (in the rows), feed (read by the API) and websocket (written to a client). Of each commit, what had waited longest; at websocket, each frame."),
    // What comes in.
    gauge("fathom_source_block", OF_SOURCE, "parser", "The last block that was read."),
    gauge("fathom_source_bytes_behind", OF_SOURCE, "parser", "Bytes of the node's files that are still to be read."),
    gauge("fathom_source_open_gaps", OF_SOURCE, "parser", "Holes in the blocks that are still open."),
    counter("fathom_source_fills_total", OF_SOURCE, "parser", "Fills published."),
    counter("fathom_source_gaps_total", OF_SOURCE, "parser", "Holes that were noticed."),
    counter("fathom_source_blocks_missed_total", OF_SOURCE, "parser", "Blocks that the source never gave."),
    counter("fathom_source_blocks_repeated_total", OF_SOURCE, "parser", "Blocks that the source gave again."),
    counter("fathom_source_blocks_healed_total", OF_SOURCE, "parser", "Blocks of holes that were found elsewhere."),
    counter("fathom_dead_letters_total", OF_SOURCE, "parser", "Lines and fills that could not be understood."),
    gauge("fathom_feed_connected", OF_SOURCE, "parser", "Whether the public feed is connected."),
    gauge("fathom_feed_last_frame_timestamp_seconds", OF_SOURCE, "parser", "When the public feed was heard last, as Unix time."),
    counter("fathom_feed_bytes_total", OF_SOURCE, "parser", "Bytes of frames received."),
    counter("fathom_feed_trades_total", OF_SOURCE, "parser", "Trades published."),
    counter("fathom_feed_contexts_total", OF_SOURCE, "parser", "Contexts published."),
    counter("fathom_feed_duplicates_total", OF_SOURCE, "parser", "Trades that came again."),
    counter("fathom_feed_gaps_total", OF_SOURCE, "parser", "Stretches of time in which trades may be missing."),
    counter("fathom_feed_connections_total", OF_SOURCE, "parser", "Connections made."),
    counter("fathom_info_requests_total", OF_SOURCE, "parser", "Requests sent to the info endpoint."),
    counter("fathom_info_failed_total", OF_SOURCE, "parser", "Requests without a reply."),
    counter("fathom_info_refused_total", OF_SOURCE, "parser", "Requests refused (429)."),
    gauge("fathom_info_weight", OF_SOURCE, "parser", "Weight spent in the last minute, of 1200 per address."),
    gauge("fathom_info_accounts", OF_SOURCE, "parser", "Accounts that are followed."),
    gauge("fathom_info_oldest_account_seconds", OF_SOURCE, "parser", "How long ago the account was asked that was asked longest ago."),
    // What is kept.
    gauge("fathom_topic_records", "topic", EVERY, "Records kept of a topic; on Kafka, of what this process reads or writes."),
    gauge("fathom_topic_bytes", "topic", EVERY, "Bytes kept of a topic, compressed; 0 on Kafka, whose brokers know."),
    gauge("fathom_log_disk_bytes", "", "up", "What the embedded log takes on the disk."),
    // What is served.
    counter("fathom_http_requests_total", "method, route, status", "api", "Requests answered. Route is the pattern, or none where there is no such path."),
    histogram("fathom_http_request_seconds", "route", "api", "From a request's head to its reply's head; the end of an export comes later."),
    gauge("fathom_ws_connections", "", "api", "WebSocket clients that are connected."),
    gauge("fathom_ws_subscriptions", "", "api", "Their subscriptions."),
    counter("fathom_ws_frames_total", "", "api", "Frames written to them."),
    counter("fathom_ws_lagged_total", "", "api", "Clients that were cut off (4009), because they read too slowly."),
    gauge("fathom_replays", "", "api", "Stretches of the past that are told to clients, over HTTP and WebSocket."),
    gauge("fathom_live_queue_updates", "", "api", "Live results that the slowest client has still to take."),
    // The process.
    gauge("process_start_time_seconds", "", EVERY, "When the process began, as Unix time."),
    gauge("fathom_build_info", "version", EVERY, "1, with the version of the program."),
];

const fn counter(name: &'static str, labels: &'static str, told_by: &'static str, about: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, labels, told_by, about }
}

const fn gauge(name: &'static str, labels: &'static str, told_by: &'static str, about: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, told_by, about }
}

const fn histogram(name: &'static str, labels: &'static str, told_by: &'static str, about: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, labels, told_by, about }
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}
