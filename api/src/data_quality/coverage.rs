//! `/data-quality/coverage`: how much of each source is known, in time and in blocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use sqlx::FromRow;

use super::measure::{Measure, Stretch};
use crate::Context;
use crate::database::Moment;
use crate::endpoint::Operation;
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::parameters::Parameters;
use crate::query::Query;
use crate::reply::Reply;

const DEFINITION: &str = "since and until are the earliest and the latest event time that the runs and the gaps of a source tell, \
     since_block and until_block the first and the last block where it numbers them; missing is what its open gaps \
     cover, what several of them cover once; covered_pct is the share of the time from since to until that is not \
     missing, in percent and rounded down, covered_blocks_pct that of the blocks; of what is before and after, nothing \
     is said";

pub(super) fn operation() -> Operation {
    super::operation(
        "How much of each source is known, in time and in blocks",
        DEFINITION,
        vec![super::source()],
        &COVERAGE,
    )
}

static COVERAGE: Object = Object {
    name: "source-coverage",
    fields: &[
        ("source", Form::Text),
        ("open_gaps", Form::Integer),
        ("healed_gaps", Form::Integer),
        ("since", Form::Integer),
        ("until", Form::Integer),
        ("missing_ms", Form::Integer),
        ("covered_pct", Form::Decimal),
        ("since_block", Form::Integer),
        ("until_block", Form::Integer),
        ("missing_blocks", Form::Integer),
        ("covered_blocks_pct", Form::Decimal),
        ("reason", Form::Text),
        ("blocks_reason", Form::Text),
    ],
    optional: &["blocks_reason"],
};

/// The coverage of a source as it is told.
#[derive(Serialize)]
pub(super) struct CoverageRow {
    source: String,
    open_gaps: usize,
    healed_gaps: usize,
    since: Option<i64>,
    until: Option<i64>,
    missing_ms: Option<u64>,
    covered_pct: Option<String>,
    since_block: Option<i64>,
    until_block: Option<i64>,
    missing_blocks: Option<u64>,
    covered_blocks_pct: Option<String>,
    /// Why something of its time is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Why something of its blocks is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocks_reason: Option<&'static str>,
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<Vec<CoverageRow>>, ApiError> {
    let asked = parameters.text("source")?;
    parameters.nothing_else()?;

    let (mut moment, asked) = (context.database.one_moment().await?, asked.as_deref());
    super::know_the_source(&mut moment, context.generation, asked).await?;
    let mut meta = super::meta(&context, &mut moment, "source-coverage/1", DEFINITION).await?;
    let mut known = known(&mut moment, context.generation, asked).await?;
    let mut gaps = gaps(&mut moment, context.generation, asked).await?;
    let sources = super::all_sources(&mut moment, context.generation).await?;
    let row =
        |source: String| CoverageRow::new(known.remove(&source), gaps.remove(&source).unwrap_or_default(), source);
    let is_asked = |source: &String| asked.is_none_or(|asked| asked == source);
    let data: Vec<CoverageRow> = sources.into_iter().filter(is_asked).map(row).collect();
    meta.complete = data.iter().all(|row| row.open_gaps == 0);
    meta.as_of = data.iter().filter_map(|row| row.until).max();
    Ok(Reply { data, meta })
}

/// What the runs of a source say that they saw.
#[derive(FromRow)]
struct Known {
    source: String,
    first_time: Option<i64>,
    last_time: Option<i64>,
    first_block: Option<i64>,
    last_block: Option<i64>,
}

async fn known(
    moment: &mut Moment,
    generation: u32,
    source: Option<&str>,
) -> Result<BTreeMap<String, Known>, sqlx::Error> {
    let mut query = Query::new(
        "SELECT source, min(first_time) AS first_time, max(last_time) AS last_time, \
         min(first_block) AS first_block, max(last_block) AS last_block FROM source_runs WHERE generation = ",
    );
    push_choice(&mut query, generation, source);
    query.push(" GROUP BY source");
    let known: Vec<Known> = moment.all(query).await?;
    Ok(known.into_iter().map(|known| (known.source.clone(), known)).collect())
}

#[derive(FromRow)]
struct Gap {
    source: String,
    from_time: i64,
    to_time: Option<i64>,
    from_block: i64,
    to_block: Option<i64>,
    is_open: bool,
}

async fn gaps(
    moment: &mut Moment,
    generation: u32,
    source: Option<&str>,
) -> Result<BTreeMap<String, Vec<Gap>>, sqlx::Error> {
    let mut query = Query::new(
        "SELECT source, from_time, to_time, from_block, to_block, healed IS NULL AS is_open \
         FROM source_gaps WHERE generation = ",
    );
    push_choice(&mut query, generation, source);
    let mut gaps: BTreeMap<String, Vec<Gap>> = BTreeMap::new();
    for gap in moment.all::<Gap>(query).await? {
        gaps.entry(gap.source.clone()).or_default().push(gap);
    }
    Ok(gaps)
}

fn push_choice(query: &mut Query, generation: u32, source: Option<&str>) {
    query.push_bind(generation);
    if let Some(source) = source {
        query.push(" AND source = ").push_bind(source);
    }
}

impl CoverageRow {
    fn new(known: Option<Known>, gaps: Vec<Gap>, source: String) -> Self {
        let times = known.as_ref().and_then(|known| known.first_time.zip(known.last_time));
        let time = Measure::of(times, gaps.iter().map(Gap::times), "no_event_time_was_told");
        let blocks = known.as_ref().and_then(|known| known.first_block.zip(known.last_block.map(behind)));
        let block = Measure::of(blocks, gaps.iter().map(Gap::blocks), "no_block_was_told");
        let open_gaps = gaps.iter().filter(|gap| gap.is_open).count();
        Self {
            source,
            open_gaps,
            healed_gaps: gaps.len() - open_gaps,
            since: time.since,
            until: time.until,
            missing_ms: time.missing,
            covered_pct: time.covered_pct,
            since_block: block.since,
            until_block: block.until.map(|until| until - 1),
            missing_blocks: block.missing,
            covered_blocks_pct: block.covered_pct,
            reason: time.reason,
            blocks_reason: block.reason,
        }
    }
}

impl Gap {
    fn times(&self) -> Stretch {
        Stretch { from: known_beginning(self.from_time), to: self.to_time, is_open: self.is_open }
    }

    fn blocks(&self) -> Stretch {
        Stretch { from: known_beginning(self.from_block), to: self.to_block.map(behind), is_open: self.is_open }
    }
}

/// 0 where it is stored says that it is not known.
fn known_beginning(from: i64) -> Option<i64> {
    (from != 0).then_some(from)
}

/// Where the block has ended.
fn behind(block: i64) -> i64 {
    block.saturating_add(1)
}
