//! `/api/v1/status`: what is running.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::{Topic, topics};
use serde::Serialize;

use crate::Context;
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::parameters::Parameters;
use crate::reply::{Meta, Reply};
use crate::standing;

/// What is running; how far it is, the rows and the live results say themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub version: String,
    pub market: String,
    /// Each topic's name and how many records it holds.
    pub topics: Vec<(String, u64)>,
    /// Where the data are kept.
    pub data: String,
}

pub(crate) fn endpoint() -> Endpoint {
    let operation = Operation {
        summary: "What is running, and how far it is",
        description:
            "the latest block that was heard of, up to which event time everything is in the rows, and how many \
             records each topic holds"
                .to_owned(),
        parameters: Vec::new(),
        answer: Answer::One(Form::Object(&STATUS)),
        examples: &[],
    };
    Endpoint::new("/api/v1/status", get(status), operation)
}

static STATUS: Object = Object {
    name: "status",
    fields: &[
        ("version", Form::Text),
        ("market", Form::Text),
        ("started", Form::Integer),
        ("head_block", Form::Integer),
        ("head_time", Form::Integer),
        ("clock", Form::Integer),
        ("topics", Form::List(&Form::Object(&TOPIC))),
        ("data", Form::Text),
    ],
    optional: &[],
};

static TOPIC: Object =
    Object { name: "topic", fields: &[("name", Form::Text), ("records", Form::Integer)], optional: &[] };

#[derive(Serialize)]
struct StatusRow {
    version: String,
    market: String,
    started: i64,
    /// The latest clock that was told, of whatever partition.
    head_block: Option<u64>,
    head_time: Option<i64>,
    /// Everything up to this event time is in the rows.
    clock: Option<i64>,
    topics: Vec<TopicRow>,
    data: String,
}

#[derive(Serialize)]
struct TopicRow {
    name: String,
    records: u64,
}

/// Whose clocks say how far the rows are.
const COMPUTED: [&Topic; 3] = [&topics::POSITIONS, &topics::LONG_SHORT_RATIOS, &topics::LIQUIDATIONS];

async fn status(State(context): State<Arc<Context>>, parameters: Parameters) -> Result<Reply<StatusRow>, ApiError> {
    parameters.nothing_else()?;
    let mut moment = context.database.one_moment().await?;
    let standing = standing::of(&mut moment, context.generation, &COMPUTED).await?;
    let mut meta = Meta::new(&context, &standing, "status/1");
    meta.as_of = meta.watermark;
    let (now, head) = ((context.describe)(), context.live.head());
    let data = StatusRow {
        version: now.version,
        market: now.market,
        started: context.started,
        head_block: head.map(|clock| clock.block),
        head_time: head.map(|clock| clock.time),
        clock: meta.watermark,
        topics: now.topics.into_iter().map(|(name, records)| TopicRow { name, records }).collect(),
        data: now.data,
    };
    Ok(Reply { data, meta })
}
