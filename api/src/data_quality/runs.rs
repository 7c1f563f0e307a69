//! `/data-quality/runs`: what each connection to a source, or each reading of its files, has given.

use std::sync::Arc;

use axum::extract::State;
use schemas::{Message, SourceRun};
use serde::Serialize;
use sqlx::FromRow;

use crate::endpoint::Operation;
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::query::Query;
use crate::reply::Reply;
use crate::{Context, cursor};

const DEFINITION: &str = "a run is one connection to a source, or one reading of its files, as it was told last, at time; it has ended \
     once ended is not null; a stream is one of several of the same kind: a folder, an address, a file; first_block and \
     first_time are the first that were told of the run; lag_ms is how long after its event time the latest fact was \
     received; cursor is where the run goes on, in the source's own terms";

pub(super) const SELECT: &str = "SELECT run.source, run.stream, run.started, run.ended, run.time, run.frames, run.bytes, run.facts, \
     run.duplicates, run.gaps, run.dead_letters, run.first_block, run.last_block, run.first_time, run.last_time, \
     run.lag_ms, run.cursor FROM source_runs AS run";

pub(super) fn operation() -> Operation {
    super::operation(
        "What each connection to a source, or each reading of its files, has given",
        DEFINITION,
        parameters(),
        &RUN,
    )
}

fn parameters() -> Vec<Parameter> {
    let [limit, cursor] = Parameter::limit_and_cursor();
    vec![super::source(), Parameter::text("stream", "hourly"), limit, cursor]
}

pub(super) static RUN: Object = Object {
    name: "source-run",
    fields: &[
        ("source", Form::Text),
        ("stream", Form::Text),
        ("started", Form::Integer),
        ("ended", Form::Integer),
        ("time", Form::Integer),
        ("frames", Form::Integer),
        ("bytes", Form::Integer),
        ("facts", Form::Integer),
        ("duplicates", Form::Integer),
        ("gaps", Form::Integer),
        ("dead_letters", Form::Integer),
        ("first_block", Form::Integer),
        ("last_block", Form::Integer),
        ("first_time", Form::Integer),
        ("last_time", Form::Integer),
        ("lag_ms", Form::Integer),
        ("cursor", Form::Text),
    ],
    optional: &[],
};

/// A run as it is told.
#[derive(Serialize, FromRow)]
pub(super) struct RunRow {
    pub(super) source: String,
    #[serde(flatten)]
    #[sqlx(flatten)]
    pub(super) run: Run,
}

#[derive(Serialize, FromRow)]
pub(super) struct Run {
    pub(super) stream: String,
    started: i64,
    ended: Option<i64>,
    pub(super) time: i64,
    frames: i64,
    bytes: i64,
    facts: i64,
    duplicates: i64,
    gaps: i64,
    dead_letters: i64,
    first_block: Option<i64>,
    last_block: Option<i64>,
    first_time: Option<i64>,
    pub(super) last_time: Option<i64>,
    lag_ms: Option<i64>,
    cursor: String,
}

/// What a page is chosen by, and where it begins.
struct Asked {
    source: Option<String>,
    stream: Option<String>,
    after: Option<(i64, String, String)>,
    limit: usize,
}

impl Asked {
    fn read(generation: u32, mut parameters: Parameters) -> Result<Self, ApiError> {
        let source = parameters.text("source")?;
        let stream = parameters.text("stream")?;
        let limit = parameters.limit()?;
        let mut asked = Self { source, stream, after: None, limit };
        if let Some(cursor) = parameters.text("cursor")? {
            asked.after = Some(cursor::read(generation, &asked.list(), &cursor)?);
        }
        parameters.nothing_else()?;
        Ok(asked)
    }

    /// A cursor of other runs says nothing.
    fn list(&self) -> String {
        format!("data-quality/runs&{:?}&{:?}", self.source, self.stream)
    }
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    parameters: Parameters,
) -> Result<Reply<Vec<RunRow>>, ApiError> {
    let asked = Asked::read(context.generation, parameters)?;

    let mut moment = context.database.one_moment().await?;
    super::know_the_source(&mut moment, context.generation, asked.source.as_deref()).await?;
    let mut meta = super::meta(&context, &mut moment, SourceRun::SCHEMA, DEFINITION).await?;
    let mut rows: Vec<RunRow> = moment.all(page(context.generation, &asked)).await?;

    if rows.len() > asked.limit {
        rows.truncate(asked.limit);
        let place = |last: &RunRow| (last.run.started, last.source.clone(), last.run.stream.clone());
        meta.next_cursor = rows.last().map(|last| cursor::write(context.generation, &asked.list(), place(last)));
    }
    meta.complete = meta.next_cursor.is_none();
    meta.as_of = rows.iter().map(|row| row.run.time).max();
    Ok(Reply { data: rows, meta })
}

/// Newest first, and one row more than the page holds: whether there is a next page.
fn page(generation: u32, asked: &Asked) -> Query {
    let mut query = Query::new(SELECT);
    query.push(" WHERE generation = ").push_bind(generation);
    for (column, value) in [("source", &asked.source), ("stream", &asked.stream)] {
        if let Some(value) = value {
            query.push(format_args!(" AND {column} = ")).push_bind(value.as_str());
        }
    }
    if let Some((started, source, stream)) = &asked.after {
        query.push(" AND (started, source, stream) < (").push_bind(*started).push(", ");
        query.push_bind(source.as_str()).push(", ").push_bind(stream.as_str()).push(")");
    }
    query.push(" ORDER BY started DESC, source DESC, stream DESC LIMIT ").push_bind(asked.limit as i64 + 1);
    query
}
