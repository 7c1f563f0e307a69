//! Table `sink_positions` → what the rows of some topics stand for, in the same moment as those rows.

use std::collections::BTreeMap;

use schemas::{GENERATION, ResultClock, Topic};
use sqlx::FromRow;

use crate::database::Moment;
use crate::query::Query;

/// How far the rows of some topics reach.
pub(crate) struct Standing {
    written: Vec<Written>,
    /// How many partitions the topics have in all.
    partitions: usize,
}

#[derive(FromRow)]
struct Written {
    topic: String,
    partition: i64,
    next: i64,
    clock: Option<i64>,
    block: Option<i64>,
    since_time: Option<i64>,
    since_block: Option<i64>,
}

pub(crate) async fn of(moment: &mut Moment, generation: u32, topics: &[&Topic]) -> Result<Standing, sqlx::Error> {
    let mut query = Query::new(
        "SELECT topic, partition, next, clock, block, since_time, since_block FROM sink_positions WHERE generation = ",
    );
    query.push_bind(generation).push(" AND topic IN (");
    for (place, topic) in topics.iter().enumerate() {
        query.push(if place == 0 { "" } else { ", " }).push_bind(topic.name);
    }
    query.push(")");
    let partitions = topics.iter().map(|topic| GENERATION.partitions(topic) as usize).sum();
    Ok(Standing { written: moment.all(query).await?, partitions })
}

impl Standing {
    /// Of what is known without the database.
    pub(crate) fn of_state(
        topics: &[&'static Topic],
        next: &BTreeMap<(&'static str, u32), u64>,
        clocks: &BTreeMap<(&'static str, u32), ResultClock>,
    ) -> Self {
        let of_topic = |(topic, _): &(&'static str, u32)| topics.iter().any(|asked| asked.name == *topic);
        let written = next.iter().filter(|(place, _)| of_topic(place)).map(|(place, next)| {
            let clock = clocks.get(place);
            Written {
                topic: place.0.to_owned(),
                partition: place.1.into(),
                next: next.cast_signed(),
                clock: clock.map(|clock| clock.time),
                block: clock.map(|clock| clock.block.cast_signed()),
                since_time: clock.map(|clock| clock.since_time),
                since_block: clock.map(|clock| clock.since_block.cast_signed()),
            }
        });
        let partitions = topics.iter().map(|topic| GENERATION.partitions(topic) as usize).sum();
        Self { written: written.collect(), partitions }
    }

    /// The offset behind the last record that is in the rows, per partition.
    pub(crate) fn source(&self) -> BTreeMap<String, u64> {
        let place = |written: &Written| format!("{}/{}", written.topic, written.partition);
        self.written.iter().map(|written| (place(written), written.next.cast_unsigned())).collect()
    }

    /// What every partition has in its rows: up to the earliest of their clocks, since the latest of their beginnings.
    /// Unknown while one of them has had no clock.
    pub(crate) fn clock(&self) -> Option<ResultClock> {
        let clocks: Vec<ResultClock> = self.written.iter().filter_map(Written::clock).collect();
        let (earliest, latest) =
            (clocks.iter().min_by_key(|it| it.time)?, clocks.iter().max_by_key(|it| it.since_time)?);
        let whole = ResultClock { since_time: latest.since_time, since_block: latest.since_block, ..*earliest };
        (clocks.len() >= self.partitions).then_some(whole)
    }

    /// Why there are no rows, when it is because nothing has ever been computed for them.
    pub(crate) fn reason_for_nothing(&self) -> Option<&'static str> {
        self.written.iter().all(|written| written.clock.is_none()).then_some("needs_node_fills")
    }
}

impl Written {
    fn clock(&self) -> Option<ResultClock> {
        Some(ResultClock {
            time: self.clock?,
            block: self.block?.cast_unsigned(),
            since_time: self.since_time?,
            since_block: self.since_block?.cast_unsigned(),
        })
    }
}
