//! `/data-quality/…` and the live channel `data_quality`: which sources are heard, what each of them has given, and what
//! of it is missing.

mod candles;
mod channel;
mod coverage;
mod gaps;
mod latency;
mod measure;
mod runs;
mod sources;

use axum::routing::get;
use schemas::{Topic, topics};

pub(crate) use channel::CHANNEL;

use crate::database::Moment;
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::query::Query;
use crate::reply::{Coverage, Meta};
use crate::{Context, standing};

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new("/api/v1/data-quality/sources", get(sources::list), sources::operation()),
        Endpoint::new("/api/v1/data-quality/gaps", get(gaps::list), gaps::operation()),
        Endpoint::new("/api/v1/data-quality/runs", get(runs::list), runs::operation()),
        Endpoint::new("/api/v1/data-quality/coverage", get(coverage::list), coverage::operation()),
        Endpoint::new("/api/v1/data-quality/candles", get(candles::list), candles::operation()),
        Endpoint::new("/api/v1/data-quality/latency", get(latency::list), latency::operation()),
    ]
}

fn operation(summary: &'static str, definition: &str, parameters: Vec<Parameter>, row: &'static Object) -> Operation {
    let (description, answer) = (definition.to_owned(), Answer::Rows(Form::Object(row)));
    Operation { summary, description, parameters, answer, examples: &[] }
}

/// One that is there on every machine that follows the exchange.
fn source() -> Parameter {
    Parameter::text("source", "node-fills")
}

/// Where sources tell of themselves.
const TOPICS: [&Topic; 2] = [&topics::FEED_STATUS, &topics::SOURCE_RUNS];
/// The tables that are made of it.
const TABLES: [&str; 3] = ["source_states", "source_gaps", "source_runs"];

async fn meta(
    context: &Context,
    moment: &mut Moment,
    schema: &'static str,
    definition: &'static str,
) -> Result<Meta, sqlx::Error> {
    let standing = standing::of(moment, context.generation, &TOPICS).await?;
    Ok(Meta {
        coverage: Coverage::REPORTS,
        definition: Some(definition),
        reason: standing.source().is_empty().then_some("no_source_was_heard_yet"),
        ..Meta::new(context, &standing, schema)
    })
}

/// Refuses a source that nobody has heard of.
async fn know_the_source(moment: &mut Moment, generation: u32, asked: Option<&str>) -> Result<(), ApiError> {
    let Some(asked) = asked else { return Ok(()) };
    match all_sources(moment, generation).await?.iter().any(|source| source == asked) {
        true => Ok(()),
        false => Err(ApiError::UnknownSource { name: asked.to_owned() }),
    }
}

/// Every source that has told anything of itself, by name.
async fn all_sources(moment: &mut Moment, generation: u32) -> Result<Vec<String>, sqlx::Error> {
    let mut query = Query::new("SELECT source FROM (");
    for (place, table) in TABLES.into_iter().enumerate() {
        query.push(if place == 0 { "" } else { " UNION " });
        query.push(format_args!("SELECT source FROM {table} WHERE generation = ")).push_bind(generation);
    }
    query.push(") AS every ORDER BY source");
    let sources: Vec<(String,)> = moment.all(query).await?;
    Ok(sources.into_iter().map(|(source,)| source).collect())
}
