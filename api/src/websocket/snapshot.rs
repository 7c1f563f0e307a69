//! The rows a subscription begins with, and the offsets from which live results are new to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use schemas::Topic;
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};

use super::frames::{self, Place, SnapshotPart};
use super::writer::Frame;
use crate::channel::{Channel, Subject};
use crate::database::Moment;
use crate::query::Query;
use crate::{Context, standing};

/// What a subscription needs to go on with live results.
pub(crate) struct Snapshot {
    pub(crate) last_seq: u64,
    /// Live results before these are in the rows.
    pub(crate) next: BTreeMap<u32, u64>,
}

/// Why there is none.
pub(crate) enum NoSnapshot {
    /// The rows are too far behind the live results, or the database does not answer.
    Unavailable,
    /// The client does not take it.
    NotTaken,
    /// The connection has ended.
    Gone,
}

/// Where the parts go: few of them wait for a slow client at a time, the rest stay in the database.
#[derive(Clone)]
pub(crate) struct Outlet {
    pub(crate) queue: mpsc::Sender<Frame>,
    pub(crate) parts: Arc<Semaphore>,
}

pub(crate) const PARTS_WAITING: usize = 4;
const ROWS_PER_PART: usize = 1000;
const UNAVAILABLE_AFTER: Duration = Duration::from_secs(10);
/// A moment of the database is not kept open for longer.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);
/// A client that takes nothing for so long does not keep others waiting.
const PART_TAKEN_WITHIN: Duration = Duration::from_secs(5);
const ASK_AGAIN: Duration = Duration::from_millis(15);

/// `told` are the next offsets as they were when the connection already listened: whatever it cannot hear is before
/// them, so it has to be in the rows.
pub(crate) async fn send(
    context: Arc<Context>,
    channel: &'static Channel,
    subject: Subject,
    told: BTreeMap<u32, u64>,
    outlet: Outlet,
) -> Result<Snapshot, NoSnapshot> {
    let turn = async {
        // The semaphore is never closed.
        let turn = context.live.snapshots.acquire().await.map_err(|_| NoSnapshot::Gone)?;
        let (moment, next) = caught_up(&context, channel.topic, &told).await;
        Ok((turn, moment, next))
    };
    let (_turn, mut moment, next) = timeout(UNAVAILABLE_AFTER, turn).await.map_err(|_| NoSnapshot::Unavailable)??;
    let sending = send_parts(&context, &mut moment, channel, &subject, &next, &outlet);
    let last_seq = timeout(TAKEN_WITHIN, sending).await.map_err(|_| NoSnapshot::NotTaken)??;
    Ok(Snapshot { last_seq, next })
}

/// A moment in which the rows hold everything that was told.
async fn caught_up(
    context: &Context,
    topic: &'static Topic,
    told: &BTreeMap<u32, u64>,
) -> (Moment, BTreeMap<u32, u64>) {
    loop {
        match moment(context, topic).await {
            Ok((moment, next)) if reached(&next, told) => return (moment, next),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the rows for a snapshot could not be read"),
        }
        sleep(ASK_AGAIN).await;
    }
}

async fn moment(context: &Context, topic: &'static Topic) -> Result<(Moment, BTreeMap<u32, u64>), sqlx::Error> {
    let mut moment = context.database.one_moment().await?;
    let next = standing::of(&mut moment, context.generation, &[topic]).await?.next();
    Ok((moment, next))
}

fn reached(next: &BTreeMap<u32, u64>, told: &BTreeMap<u32, u64>) -> bool {
    told.iter().all(|(partition, told)| next.get(partition).copied().unwrap_or_default() >= *told)
}

async fn send_parts(
    context: &Context,
    moment: &mut Moment,
    channel: &Channel,
    subject: &Subject,
    next: &BTreeMap<u32, u64>,
    outlet: &Outlet,
) -> Result<u64, NoSnapshot> {
    let count = count(context, moment, channel, subject).await?;
    let parts = count.div_ceil(ROWS_PER_PART as u64).max(1);
    let cursor = cursor(context.generation, next);
    let mut query = Query::default();
    (channel.push_rows)(&mut query, context.generation, subject);
    let mut rows = (channel.rows)(moment, query).map_err(unavailable)?;
    for part in 1..=parts {
        let mut data: Vec<Box<RawValue>> = Vec::new();
        while data.len() < ROWS_PER_PART {
            let Some(row) = rows.try_next().await.map_err(unavailable)? else { break };
            data.push(row);
        }
        let place = Place::new(subject, part);
        let payload = SnapshotPart { place, part, parts, cursor: &cursor, data: &data };
        let text = frames::data("snapshot", payload).map_err(unavailable)?;
        let permit = timeout(PART_TAKEN_WITHIN, Arc::clone(&outlet.parts).acquire_owned()).await;
        let permit = permit.map_err(|_| NoSnapshot::NotTaken)?.map_err(|_| NoSnapshot::Gone)?;
        outlet.queue.send(Frame { text, received: None, _permit: Some(permit) }).await.map_err(|_| NoSnapshot::Gone)?;
    }
    Ok(parts)
}

async fn count(
    context: &Context,
    moment: &mut Moment,
    channel: &Channel,
    subject: &Subject,
) -> Result<u64, NoSnapshot> {
    let mut query = Query::new("SELECT count(*) FROM (");
    (channel.push_rows)(&mut query, context.generation, subject);
    query.push(") AS counted");
    let count: Option<(i64,)> = moment.first(query).await.map_err(unavailable)?;
    Ok(count.map_or(0, |(count,)| count.cast_unsigned()))
}

fn unavailable(error: impl std::error::Error) -> NoSnapshot {
    tracing::warn!(%error, "the rows for a snapshot could not be read");
    NoSnapshot::Unavailable
}

fn cursor(generation: u32, next: &BTreeMap<u32, u64>) -> String {
    next.iter().fold(generation.to_string(), |text, (partition, next)| format!("{text};{partition}:{next}"))
}
