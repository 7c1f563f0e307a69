//! What is asked of a table, so many rows from a place on → those rows, or all that follow.

use std::sync::Arc;

use futures_util::stream::{self, Stream};

use crate::Context;
use crate::database::Moment;
use crate::error::ApiError;
use crate::export::AT_ONCE;
use crate::query::Query;
use crate::row::{Shape, Stored, Told};

/// Rows in an order in which each has its place.
pub(crate) trait Asked: Send + Sync + 'static {
    fn shape(&self) -> &'static Shape;

    /// How many are wanted in all.
    fn limit(&self) -> usize;

    fn query(&self, generation: u32, count: usize) -> Query;

    /// So many rows up to this one are told: what is asked now is what comes behind it.
    fn has_told(&mut self, count: usize, last: &Told);
}

pub(crate) async fn read(
    moment: &mut Moment,
    generation: u32,
    asked: &impl Asked,
    count: usize,
) -> Result<Vec<Told>, ApiError> {
    let stored: Vec<Stored> = moment.all(asked.query(generation, count)).await?;
    Ok(stored.into_iter().map(|row| asked.shape().told(row)).collect())
}

/// All rows from there on, each page of a moment of its own: a long one would keep the database from clearing up.
pub(crate) fn all(
    context: Arc<Context>,
    asked: impl Asked,
) -> impl Stream<Item = Result<Vec<Told>, ApiError>> + Send + 'static {
    stream::try_unfold(Some(asked), move |asked| {
        let context = Arc::clone(&context);
        async move {
            let Some(mut asked) = asked else { return Ok(None) };
            let (mut moment, count) = (context.database.one_moment().await?, AT_ONCE.min(asked.limit()));
            let rows = read(&mut moment, context.generation, &asked, count).await?;
            let is_full = rows.len() == count;
            if let Some(last) = rows.last() {
                asked.has_told(rows.len(), last);
            }
            let goes_on = is_full && asked.limit() > 0;
            Ok(Some((rows, goes_on.then_some(asked))))
        }
    })
}
