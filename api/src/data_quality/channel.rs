//! The live channel `data_quality`: what each source says of itself, as it says it. A subscription begins with the
//! state of the source and its open gaps.

use schemas::{FeedStatus, Message, SourceStatus};
use serde::Serialize;
use sqlx::FromRow;

use super::gaps::Extent;
use crate::channel::{Channel, Key, LiveRow, Subject, raw};
use crate::query::Query;
use crate::ratio_series::Series;

pub(crate) static CHANNEL: Channel = Channel {
    name: "data_quality",
    topic: FeedStatus::TOPIC,
    kind: FeedStatus::KIND,
    by_wallet: false,
    by_source: true,
    by_interval: false,
    by_kind: false,
    push_rows: push_states_and_open_gaps,
    rows: |moment, query| moment.told(query, |row: StoredEvent| raw(&EventRow::from(row))),
    live: |value| {
        let said: FeedStatus = serde_json::from_slice(value)?;
        let keys = vec![Key::All, Key::Source(said.source.to_string())];
        Ok(LiveRow {
            keys,
            interval: None,
            series: Series::default(),
            data: serde_json::value::to_raw_value(&EventRow::from(said))?,
        })
    },
};

fn push_states_and_open_gaps(query: &mut Query, generation: u32, subject: &Subject) {
    let gaps = "SELECT 'gap' AS type, source, part, noticed AS time, from_time, to_time, from_block, to_block, reason \
         FROM source_gaps WHERE healed IS NULL AND generation = ";
    let states = " UNION ALL SELECT status, source, '', time, NULL, NULL, NULL, NULL, reason \
         FROM source_states WHERE generation = ";
    query.push("SELECT * FROM (");
    for select in [gaps, states] {
        query.push(select).push_bind(generation);
        if let Key::Source(source) = &subject.key {
            query.push(" AND source = ").push_bind(source.as_str());
        }
    }
    query.push(") AS said ORDER BY time, source, type, from_time, from_block, part");
}

/// What a source said, as it is told.
#[derive(Serialize)]
struct EventRow {
    r#type: String,
    source: String,
    time: i64,
    /// Of a gap, if it is not of everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<String>,
    #[serde(flatten)]
    extent: Option<Extent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    healed_by: Option<String>,
    reason: String,
}

#[derive(FromRow)]
struct StoredEvent {
    r#type: String,
    source: String,
    part: String,
    time: i64,
    from_time: Option<i64>,
    to_time: Option<i64>,
    from_block: Option<i64>,
    to_block: Option<i64>,
    reason: String,
}

impl From<StoredEvent> for EventRow {
    fn from(stored: StoredEvent) -> Self {
        let StoredEvent { r#type, source, part, time, from_time, to_time, from_block, to_block, reason } = stored;
        let part = Some(part).filter(|part| !part.is_empty());
        let extent = (r#type == "gap").then(|| Extent::new([from_time, to_time], [from_block, to_block]));
        Self { r#type, source, time, part, extent, healed_by: None, reason }
    }
}

impl From<FeedStatus> for EventRow {
    fn from(said: FeedStatus) -> Self {
        let (r#type, is_of_a_gap) = match said.status {
            SourceStatus::Connected => ("connected", false),
            SourceStatus::Disconnected => ("disconnected", false),
            SourceStatus::Stale => ("stale", false),
            SourceStatus::Gap => ("gap", true),
            SourceStatus::GapHealed => ("gap-healed", true),
        };
        let blocks = [said.from_block, said.to_block].map(|block| block.map(u64::cast_signed));
        Self {
            r#type: r#type.to_owned(),
            source: said.source.to_string(),
            time: said.time,
            part: said.part.map(|part| part.to_string()),
            extent: is_of_a_gap.then(|| Extent::new([said.from_time, said.to_time], blocks)),
            healed_by: said.healed_by.map(|by| by.to_string()),
            reason: said.reason,
        }
    }
}
