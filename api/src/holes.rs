//! Table `source_gaps` → whether fills of a stretch of time are missing in what was summed up of it.

use schemas::NODE_FILLS;

use crate::database::Moment;
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
