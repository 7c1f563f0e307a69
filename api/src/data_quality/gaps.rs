//! `/data-quality/gaps`: what of the sources is or may be missing, and what of that was found again.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use sqlx::FromRow;

use crate::endpoint::Operation;
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::parameters::{Parameters, TimeRange};
use crate::query::Query;
use crate::reply::Reply;
use crate::{Context, cursor};

const DEFINITION: &str = "a gap is a stretch of event time, and of blocks where the source numbers them, of which something is or may be \
     missing; of a part of the source where that is not everything (coins, a wallet); it is healed once all of it was found elsewhere; duration_ms is from from_time to to_time, missing_blocks \
     counts both ends and is null where blocks are not numbered; a range of times finds what lies in it in part";

pub(super) fn operation() -> Operation {
    super::operation("What of the sources is or may be missing", DEFINITION, parameters(), &GAP)
}

fn parameters() -> Vec<Parameter> {
    let mut parameters = vec![super::source(), Parameter::words("status", &["healed", "open"])];
    parameters.extend(Parameter::range_and_order());
    parameters.extend(Parameter::limit_and_cursor());
    parameters
}

static GAP: Object = Object {
    name: "source-gap",
    fields: &[
        ("source", Form::Text),
        ("part", Form::Text),
        ("status", Form::Words(&["open", "healed"])),
        ("from_time", Form::Integer),
        ("to_time", Form::Integer),
        ("duration_ms", Form::Integer),
        ("from_block", Form::Integer),
        ("to_block", Form::Integer),
        ("missing_blocks", Form::Integer),
        ("noticed", Form::Integer),
        ("reason", Form::Text),
        ("healed", Form::Integer),
        ("healed_by", Form::Text),
        ("healed_reason", Form::Text),
    ],
    optional: &[],
};

/// A gap as it is told.
#[derive(Serialize)]
pub(super) struct GapRow {
    source: String,
    part: Option<String>,
    status: &'static str,
    #[serde(flatten)]
    extent: Extent,
    noticed: Option<i64>,
    reason: Option<String>,
    healed: Option<i64>,
    healed_by: Option<String>,
    healed_reason: Option<String>,
}

/// From where to where something is missing, and how much that is; null is what is not known.
#[derive(Serialize)]
pub(super) struct Extent {
    from_time: Option<i64>,
    to_time: Option<i64>,
    duration_ms: Option<i64>,
    from_block: Option<i64>,
    to_block: Option<i64>,
    missing_blocks: Option<i64>,
}

impl Extent {
    /// Beginnings that are not known are 0 where they are stored.
    pub(super) fn new(times: [Option<i64>; 2], blocks: [Option<i64>; 2]) -> Self {
        let [from_time, from_block] = [times[0], blocks[0]].map(|from| from.filter(|from| *from != 0));
        let [to_time, to_block] = [times[1], blocks[1]];
        let length = |from: Option<i64>, to: Option<i64>| Some(to?.saturating_sub(from?));
        let (duration_ms, steps) = (length(from_time, to_time), length(from_block, to_block));
        let missing_blocks = steps.map(|steps| steps.saturating_add(1));
        Self { from_time, to_time, duration_ms, from_block, to_block, missing_blocks }
    }
}

#[derive(FromRow)]
struct StoredGap {
    source: String,
    from_time: i64,
    to_time: Option<i64>,
    from_block: i64,
    to_block: Option<i64>,
    part: String,
    noticed: Option<i64>,
    reason: Option<String>,
    healed: Option<i64>,
    healed_by: Option<String>,
    healed_reason: Option<String>,
}

impl From<StoredGap> for GapRow {
    fn from(gap: StoredGap) -> Self {
        Self {
            source: gap.source,
            part: Some(gap.part).filter(|part| !part.is_empty()),
            status: if gap.healed.is_some() { "healed" } else { "open" },
            extent: Extent::new([Some(gap.from_time), gap.to_time], [Some(gap.from_block), gap.to_block]),
            noticed: gap.noticed,
            reason: gap.reason,
            healed: gap.healed,
            healed_by: gap.healed_by,
            healed_reason: gap.healed_reason,
        }
    }
}

/// What a page is chosen by, and where it begins.
struct Asked {
    source: Option<String>,
    is_open: Option<bool>,
    range: TimeRange,
    after: Option<(i64, String, i64, String)>,
    limit: usize,
}

impl Asked {
    fn read(generation: u32, mut parameters: Parameters) -> Result<Self, ApiError> {
        let source = parameters.text("source")?;
        let is_open = parameters.word("status", "INVALID_STATUS", &[("open", true), ("healed", false)])?;
        let range = parameters.time_range()?;
        let limit = parameters.limit()?;
        let mut asked = Self { source, is_open, range, after: None, limit };
        if let Some(cursor) = parameters.text("cursor")? {
            asked.after = Some(cursor::read(generation, &asked.list(), &cursor)?);
        }
        parameters.nothing_else()?;
        Ok(asked)
    }

    /// A cursor of one direction, or of other gaps, says nothing in another.
    fn list(&self) -> String {
        let way = if self.range.oldest_first { "asc" } else { "desc" };
        format!("data-quality/gaps/{way}&{:?}&{:?}", self.source, self.is_open)
    }
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    parameters: Parameters,
) -> Result<Reply<Vec<GapRow>>, ApiError> {
    let asked = Asked::read(context.generation, parameters)?;

    let mut moment = context.database.one_moment().await?;
    super::know_the_source(&mut moment, context.generation, asked.source.as_deref()).await?;
    let mut meta = super::meta(&context, &mut moment, "source-gap/1", DEFINITION).await?;
    let mut rows: Vec<StoredGap> = moment.all(page(context.generation, &asked)).await?;

    if rows.len() > asked.limit {
        rows.truncate(asked.limit);
        let place = |last: &StoredGap| (last.from_time, last.source.clone(), last.from_block, last.part.clone());
        meta.next_cursor = rows.last().map(|last| cursor::write(context.generation, &asked.list(), place(last)));
    }
    meta.complete = meta.next_cursor.is_none();
    meta.as_of = rows.iter().flat_map(|row| [row.noticed, row.healed]).flatten().max();
    Ok(Reply { data: rows.into_iter().map(GapRow::from).collect(), meta })
}

/// One row more than the page holds: whether there is a next page.
fn page(generation: u32, asked: &Asked) -> Query {
    let mut query = Query::new(
        "SELECT source, from_time, to_time, from_block, to_block, part, noticed, reason, healed, healed_by, healed_reason \
         FROM source_gaps WHERE generation = ",
    );
    query.push_bind(generation);
    if let Some(source) = &asked.source {
        query.push(" AND source = ").push_bind(source.as_str());
    }
    if let Some(is_open) = asked.is_open {
        query.push(if is_open { " AND healed IS NULL" } else { " AND healed IS NOT NULL" });
    }
    if let Some(start) = asked.range.start {
        query.push(" AND (to_time IS NULL OR to_time >= ").push_bind(start).push(")");
    }
    if let Some(end) = asked.range.end {
        query.push(" AND from_time < ").push_bind(end);
    }
    let (beyond, way) = if asked.range.oldest_first { (">", "") } else { ("<", " DESC") };
    if let Some((time, source, block, part)) = &asked.after {
        query.push(format_args!(" AND (from_time, source, from_block, part) {beyond} (")).push_bind(*time);
        query.push(", ").push_bind(source.as_str()).push(", ").push_bind(*block);
        query.push(", ").push_bind(part.as_str()).push(")");
    }
    query.push(format_args!(" ORDER BY from_time{way}, source{way}, from_block{way}, part{way} LIMIT "));
    query.push_bind(asked.limit as i64 + 1);
    query
}
