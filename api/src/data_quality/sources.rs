//! `/data-quality/sources`: whether each source is heard, and how far each of its streams is.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use sqlx::FromRow;

use super::runs::{self, Run, RunRow};
use crate::Context;
use crate::database::Moment;
use crate::endpoint::Operation;
use crate::error::ApiError;
use crate::openapi::form::{Form, Object, joined};
use crate::parameters::Parameters;
use crate::query::Query;
use crate::reply::Reply;
use crate::time_of_day::now;

const DEFINITION: &str = "status is what was said last of the connection to the source; streams are several of the same kind, such as \
     folders, addresses or files, each with its latest run; age_ms is how long ago its latest event time was when this \
     was told, lag_ms how long after its event time the latest fact was received";

pub(super) fn operation() -> Operation {
    super::operation("Whether each source is heard, and how far it is", DEFINITION, Vec::new(), &SOURCE)
}

static SOURCE: Object = Object {
    name: "source",
    fields: &[
        ("source", Form::Text),
        ("status", Form::Text),
        ("status_time", Form::Integer),
        ("status_reason", Form::Text),
        ("streams", Form::List(&Form::Object(&STREAM))),
        ("reason", Form::Text),
    ],
    optional: &[],
};

static STREAM: Object = Object {
    name: "stream",
    fields: &joined::<18>(&[runs::RUN.fields.split_at(1).1, &[("age_ms", Form::Integer), ("reason", Form::Text)]]),
    optional: &[],
};

/// A source as it is told.
#[derive(Serialize)]
pub(super) struct SourceRow {
    source: String,
    status: Option<String>,
    status_time: Option<i64>,
    status_reason: Option<String>,
    streams: Vec<StreamRow>,
    /// Why there is no status.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// The latest run of one of its streams.
#[derive(Serialize)]
struct StreamRow {
    #[serde(flatten)]
    run: Run,
    age_ms: Option<i64>,
    /// Why there is no age.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    parameters: Parameters,
) -> Result<Reply<Vec<SourceRow>>, ApiError> {
    parameters.nothing_else()?;

    let mut moment = context.database.one_moment().await?;
    let mut meta = super::meta(&context, &mut moment, "source/1", DEFINITION).await?;
    let mut said = said_last(&mut moment, context.generation).await?;
    let mut streams = streams(&mut moment, context.generation).await?;
    let sources = super::all_sources(&mut moment, context.generation).await?;
    let row =
        |source: String| SourceRow::new(said.remove(&source), streams.remove(&source).unwrap_or_default(), source);
    let data: Vec<SourceRow> = sources.into_iter().map(row).collect();
    meta.as_of = data.iter().filter_map(SourceRow::as_of).max();
    Ok(Reply { data, meta })
}

#[derive(FromRow)]
struct Said {
    source: String,
    status: String,
    time: i64,
    reason: String,
}

async fn said_last(moment: &mut Moment, generation: u32) -> Result<BTreeMap<String, Said>, sqlx::Error> {
    let mut query = Query::new("SELECT source, status, time, reason FROM source_states WHERE generation = ");
    query.push_bind(generation);
    let said: Vec<Said> = moment.all(query).await?;
    Ok(said.into_iter().map(|said| (said.source.clone(), said)).collect())
}

/// The latest run of each stream, by source.
async fn streams(moment: &mut Moment, generation: u32) -> Result<BTreeMap<String, Vec<StreamRow>>, sqlx::Error> {
    let mut query = Query::new(runs::SELECT);
    query.push(" JOIN (SELECT source, stream, max(started) AS started FROM source_runs WHERE generation = ");
    query.push_bind(generation).push(
        " GROUP BY source, stream) AS latest \
         ON latest.source = run.source AND latest.stream = run.stream AND latest.started = run.started \
         WHERE run.generation = ",
    );
    query.push_bind(generation).push(" ORDER BY run.source, run.stream");
    let (runs, now): (Vec<RunRow>, i64) = (moment.all(query).await?, now());
    let mut streams: BTreeMap<String, Vec<StreamRow>> = BTreeMap::new();
    for RunRow { source, run } in runs {
        streams.entry(source).or_default().push(StreamRow::new(run, now));
    }
    Ok(streams)
}

impl SourceRow {
    fn new(said: Option<Said>, streams: Vec<StreamRow>, source: String) -> Self {
        let reason = said.is_none().then_some("no_status_was_said_yet");
        let (status, time_and_reason) = said.map(|said| (said.status, (said.time, said.reason))).unzip();
        let (status_time, status_reason) = time_and_reason.unzip();
        Self { source, status, status_time, status_reason, streams, reason }
    }

    fn as_of(&self) -> Option<i64> {
        self.streams.iter().map(|stream| stream.run.time).chain(self.status_time).max()
    }
}

impl StreamRow {
    fn new(run: Run, now: i64) -> Self {
        let age_ms = run.last_time.map(|time| now.saturating_sub(time));
        Self { run, age_ms, reason: age_ms.is_none().then_some("no_event_time_was_told_yet") }
    }
}
