//! Table `source_gaps`, or what sources have said → whether fills of a stretch of time are missing in what was summed up of it.

use schemas::{FeedStatus, NODE_FILLS, SourceStatus};

use crate::data_quality;
use crate::database::Moment;
use crate::live::Live;
use crate::query::Query;

/// Whether a hole lies in it in part, also one that was healed: what is found later is in no sum. Without an end it is
/// everything since.
pub(crate) async fn are_in(
    moment: &mut Moment,
    generation: u32,
    (from, until): (i64, Option<i64>),
) -> Result<bool, sqlx::Error> {
    let mut query = Query::new("SELECT from_time FROM source_gaps WHERE generation = ");
    query.push_bind(generation).push(" AND source = ").push_bind(NODE_FILLS);
    query.push(" AND (to_time IS NULL OR to_time > ").push_bind(from).push(")");
    if let Some(until) = until {
        query.push(" AND from_time < ").push_bind(until);
    }
    query.push(" ORDER BY from_time DESC LIMIT 1");
    let hole: Option<(i64,)> = moment.first(query).await?;
    Ok(hole.is_some())
}

/// The same, without the database: of what the log still tells of gaps.
pub(crate) fn are_known_in(live: &Live, (from, until): (i64, i64)) -> bool {
    let said: Vec<FeedStatus> = live.last_and_ended(&data_quality::CHANNEL);
    let is_a_gap = |said: &FeedStatus| matches!(said.status, SourceStatus::Gap | SourceStatus::GapHealed);
    let of_fills = said.iter().filter(|said| &*said.source == NODE_FILLS && is_a_gap(said));
    let lies_in_it = |gap: &FeedStatus| {
        gap.from_time.unwrap_or_default() < until && gap.to_time.is_none_or(|to_time| to_time > from)
    };
    of_fills.into_iter().any(lies_in_it)
}
