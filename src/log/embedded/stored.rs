//! How the embedded log writes batches, last values and extents as bytes, and reads them back.

use schemas::{Batch, Headers, Keeps, Topic};

use super::Extent;

pub(super) fn key(place: &[u8], offset: u64) -> Vec<u8> {
    [place, &offset.to_be_bytes()[..]].concat()
}

pub(super) fn offset_of(key: &[u8]) -> u64 {
    key.last_chunk().map_or(0, |offset| u64::from_be_bytes(*offset))
}

/// What is stored of a batch: count, latest time, length, and the lz4 block. Of state only the last values are kept.
pub(super) fn store(topic: &Topic, batch: &Batch) -> Option<Vec<u8>> {
    if matches!(topic.keeps, Keeps::State) {
        return None;
    }
    let mut stored = Vec::with_capacity(16 + batch.bytes().len() / 3);
    stored.extend_from_slice(&batch.count().to_be_bytes());
    stored.extend_from_slice(&batch.last_time().to_be_bytes());
    stored.extend_from_slice(&lz4_flex::block::compress_prepend_size(batch.bytes()));
    Some(stored)
}

pub(super) fn stored_head(stored: &[u8]) -> Option<(u32, i64)> {
    let (count, rest) = stored.split_first_chunk()?;
    let (time, _) = rest.split_first_chunk()?;
    Some((u32::from_be_bytes(*count), i64::from_be_bytes(*time)))
}

pub(super) fn unstore(stored: &[u8]) -> Option<Batch> {
    let (count, _) = stored_head(stored)?;
    let batch = Batch::from_stored(lz4_flex::block::decompress_size_prepended(stored.get(12..)?).ok()?)?;
    (batch.count() == count).then_some(batch)
}

pub(super) fn without_first(batch: &Batch, records: u64) -> Batch {
    let mut rest = Batch::default();
    for record in batch.records().skip(usize::try_from(records).unwrap_or(usize::MAX)) {
        let Headers(headers) = record.headers;
        rest.push(record.time, record.key, record.value, headers);
    }
    rest
}

pub(super) fn latest_parts(value: &[u8]) -> Option<(u64, i64, &[u8])> {
    let (offset, rest) = value.split_first_chunk()?;
    let (time, value) = rest.split_first_chunk()?;
    Some((u64::from_be_bytes(*offset), i64::from_be_bytes(*time), value))
}

pub(super) fn encode_extent(extent: &Extent) -> Vec<u8> {
    [extent.first, extent.next, extent.bytes, extent.last_time.cast_unsigned()]
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect()
}

pub(super) fn decode_extent(bytes: &[u8]) -> Option<Extent> {
    let mut numbers = bytes.chunks_exact(8).map(|chunk| chunk.try_into().map(u64::from_be_bytes));
    let mut next = || numbers.next()?.ok();
    Some(Extent { first: next()?, next: next()?, bytes: next()?, last_time: next()?.cast_signed() })
}
