//! The live channel `data_quality`: what each source says of itself, as it says it. A subscription begins with the
//! state of the source and its open gaps.

use schemas::{FeedStatus, Message, Record, SourceStatus};
use serde::Serialize;

use super::gaps::Extent;
use crate::channel::{ALL_THERE_IS, Channel, Kept, Key, LiveRow, NarrowedBy, Tells, whole};
use crate::openapi::form::{Form, Object};
use crate::ratio_series::Series;

pub(crate) static CHANNEL: Channel = Channel {
    name: "data_quality",
    alias: None,
    topic: FeedStatus::TOPIC,
    kind: FeedStatus::KIND,
    by_wallet: false,
    by_name: true,
    by_interval: false,
    by_kind: false,
    tells: Tells::EventsOverState(keep),
    reaches_back: ALL_THERE_IS,
    filters: &[],
    row: Form::Object(&EVENT),
    live: |value| {
        let said: FeedStatus = serde_json::from_slice(value)?;
        let keys = vec![Key::All, Key::Name(said.source.to_string())];
        Ok(LiveRow {
            keys,
            interval: None,
            series: Series::default(),
            narrowed_by: NarrowedBy::default(),
            data: serde_json::value::to_raw_value(&EventRow::from(said))?,
        })
    },
};

/// The state of a source, and each gap by where it begins: one that was healed is not opened again.
fn keep(record: &Record<'_>) -> serde_json::Result<Kept> {
    let said: FeedStatus = serde_json::from_slice(record.value.unwrap_or_default())?;
    let gap = || {
        let FeedStatus { source, from_time, from_block, part, .. } = &said;
        let part = part.as_deref().unwrap_or_default();
        format!("{}|{}|{}|{part}", &**source, from_time.unwrap_or_default(), from_block.unwrap_or_default())
    };
    let (group, is_the_end) = match said.status {
        SourceStatus::Gap => (gap(), false),
        SourceStatus::GapHealed => (gap(), true),
        _ => (said.source.to_string(), false),
    };
    Ok(Kept { group: group.into_bytes(), rank: is_the_end.into(), value: whole(record), is_the_end })
}

static EVENT: Object = Object {
    name: "source-event",
    fields: &[
        ("type", Form::Words(&["connected", "disconnected", "stale", "gap", "gap-healed"])),
        ("source", Form::Text),
        ("time", Form::Integer),
        ("part", Form::Text),
        ("from_time", Form::Integer),
        ("to_time", Form::Integer),
        ("duration_ms", Form::Integer),
        ("from_block", Form::Integer),
        ("to_block", Form::Integer),
        ("missing_blocks", Form::Integer),
        ("healed_by", Form::Text),
        ("reason", Form::Text),
    ],
    optional: &["part", "from_time", "to_time", "duration_ms", "from_block", "to_block", "missing_blocks", "healed_by"],
};

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
