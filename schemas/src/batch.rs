//! Records of one partition, one after the other in one buffer: what a stage writes, what a log stores and what a
//! reader walks through without copying.
//!
//! A record is `time: i64, key: u32, value: u32, headers: u32` (little-endian lengths; a value of `u32::MAX` is a
//! tombstone), then the bytes of the three.

use alloc::vec::Vec;

/// Records in order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Batch {
    bytes: Vec<u8>,
    count: u32,
    first_time: i64,
    last_time: i64,
}

/// One record of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Event time, in milliseconds UTC.
    pub time: i64,
    pub key: &'a [u8],
    /// `None` takes the key away from a compacted topic.
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
}

/// Names and values beside the record; no part of what must be the same on a second run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Headers<'a>(pub &'a [u8]);

const HEAD: usize = 20;
/// So much memory is kept for what comes next.
const KEPT_BYTES: usize = 64 * 1024;
const TOMBSTONE: u32 = u32::MAX;

impl Batch {
    /// What was stored with [`Batch::bytes`]; refused when it is cut short or says more than it holds.
    pub fn from_stored(bytes: Vec<u8>) -> Option<Self> {
        let mut batch = Self { bytes, ..Self::default() };
        let mut at = 0;
        let mut times = Vec::new();
        while at < batch.bytes.len() {
            let (record, next) = record_at(&batch.bytes, at)?;
            times.push(record.time);
            at = next;
        }
        batch.count = u32::try_from(times.len()).ok()?;
        batch.first_time = times.iter().copied().min().unwrap_or_default();
        batch.last_time = times.iter().copied().max().unwrap_or_default();
        Some(batch)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The earliest event time in it.
    pub fn first_time(&self) -> i64 {
        self.first_time
    }

    /// The latest event time in it.
    pub fn last_time(&self) -> i64 {
        self.last_time
    }

    /// What a large one took is given back.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.count = 0;
    }

    pub fn push(&mut self, time: i64, key: &[u8], value: Option<&[u8]>, headers: &[u8]) {
        match value {
            Some(value) => self.push_with(time, headers, |out| out.extend(key), |out| out.extend(value)),
            None => self.push_tombstone(time, key, headers),
        }
    }

    /// Everything that is in another one, behind what is here.
    pub fn append(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        self.first_time = if self.count == 0 { other.first_time } else { self.first_time.min(other.first_time) };
        self.last_time = if self.count == 0 { other.last_time } else { self.last_time.max(other.last_time) };
        self.count += other.count;
        self.bytes.extend_from_slice(&other.bytes);
    }

    /// A record whose key and value are written straight into the batch.
    pub fn push_with(
        &mut self,
        time: i64,
        headers: &[u8],
        write_key: impl FnOnce(&mut Vec<u8>),
        write_value: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = self.start(time, headers);
        write_key(&mut self.bytes);
        let key_end = self.bytes.len();
        write_value(&mut self.bytes);
        let value_end = self.bytes.len();
        self.bytes.extend_from_slice(headers);
        self.length(start + 8, key_end - start - HEAD);
        self.length(start + 12, value_end - key_end);
    }

    fn push_tombstone(&mut self, time: i64, key: &[u8], headers: &[u8]) {
        let start = self.start(time, headers);
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(headers);
        self.length(start + 8, key.len());
        self.bytes[start + 12..start + 16].copy_from_slice(&TOMBSTONE.to_le_bytes());
    }

    fn start(&mut self, time: i64, headers: &[u8]) -> usize {
        let start = self.bytes.len();
        self.first_time = if self.count == 0 { time } else { self.first_time.min(time) };
        self.last_time = if self.count == 0 { time } else { self.last_time.max(time) };
        self.count += 1;
        self.bytes.extend_from_slice(&time.to_le_bytes());
        self.bytes.extend_from_slice(&[0; 8]);
        self.bytes.extend_from_slice(&(headers.len() as u32).to_le_bytes());
        start
    }

    fn length(&mut self, at: usize, length: usize) {
        self.bytes[at..at + 4].copy_from_slice(&(length as u32).to_le_bytes());
    }

    pub fn records(&self) -> Records<'_> {
        Records { bytes: &self.bytes, at: 0 }
    }
}

/// Walks through a batch.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (record, next) = record_at(self.bytes, self.at)?;
        self.at = next;
        Some(record)
    }
}

fn record_at(bytes: &[u8], at: usize) -> Option<(Record<'_>, usize)> {
    let head = bytes.get(at..at + HEAD)?;
    let time = i64::from_le_bytes(head[..8].try_into().ok()?);
    let length = |from: usize| head[from..from + 4].try_into().ok().map(u32::from_le_bytes);
    let (key_length, value_length, header_length) = (length(8)?, length(12)?, length(16)?);
    let key_end = at.checked_add(HEAD)?.checked_add(key_length as usize)?;
    let key = bytes.get(at + HEAD..key_end)?;
    let (value, value_end) = if value_length == TOMBSTONE {
        (None, key_end)
    } else {
        let end = key_end.checked_add(value_length as usize)?;
        (Some(bytes.get(key_end..end)?), end)
    };
    let end = value_end.checked_add(header_length as usize)?;
    let headers = Headers(bytes.get(value_end..end)?);
    Some((Record { time, key, value, headers }, end))
}

impl<'a> Headers<'a> {
    /// Writes one more header behind those in `out`. A value longer than 64 KiB is cut.
    pub fn write(out: &mut Vec<u8>, name: &str, value: &[u8]) {
        let (name, value) = (&name.as_bytes()[..name.len().min(255)], &value[..value.len().min(65_535)]);
        out.push(name.len() as u8);
        out.extend_from_slice(name);
        out.extend_from_slice(&(value.len() as u16).to_le_bytes());
        out.extend_from_slice(value);
    }

    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// When what the record was made of was received, in milliseconds UTC.
    pub fn received(self) -> Option<i64> {
        core::str::from_utf8(self.get("received")?).ok()?.parse().ok()
    }

    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (&name_length, tail) = rest.split_first()?;
            let (name, tail) = tail.split_at_checked(usize::from(name_length))?;
            let (length, tail) = tail.split_first_chunk::<2>()?;
            let (value, tail) = tail.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            rest = tail;
            Some((core::str::from_utf8(name).ok()?, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Owned = (i64, Vec<u8>, Option<Vec<u8>>);

    proptest! {
        #[test]
        fn what_goes_in_comes_out(records in prop::collection::vec(any::<Owned>(), 0..20)) {
            let mut batch = Batch::default();
            for (time, key, value) in &records {
                batch.push(*time, key, value.as_deref(), &[]);
            }
            let read = Batch::from_stored(batch.bytes().to_vec()).expect("a whole batch");
            let out: Vec<Owned> = read.records().map(|r| (r.time, r.key.to_vec(), r.value.map(<[u8]>::to_vec))).collect();
            prop_assert_eq!(out, records);
            prop_assert_eq!(read, batch);
        }

        #[test]
        fn one_behind_the_other_is_both(records in prop::collection::vec(any::<Owned>(), 0..20), first in 0usize..20) {
            let batch_of = |records: &[Owned]| {
                let mut batch = Batch::default();
                records.iter().for_each(|(time, key, value)| batch.push(*time, key, value.as_deref(), b""));
                batch
            };
            let (first, second) = records.split_at(first.min(records.len()));
            let mut both = batch_of(first);
            both.append(&batch_of(second));
            prop_assert_eq!(both, batch_of(&records));
        }

        #[test]
        fn bytes_cut_short_are_refused(cut in 1usize..30) {
            let mut batch = Batch::default();
            batch.push(1, b"key", Some(b"value"), b"");
            batch.push(2, b"key", None, b"");
            let bytes = batch.bytes();
            prop_assume!(cut != 23 && cut < bytes.len());
            prop_assert_eq!(Batch::from_stored(bytes[..bytes.len() - cut].to_vec()), None);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Batch::from_stored(bytes.clone()).map(|batch| batch.records().count());
            let _ = Headers(&bytes).iter().count();
        }
    }

    #[test]
    fn headers_are_found_by_name() {
        let mut bytes = Vec::new();
        Headers::write(&mut bytes, "kind", b"fill");
        Headers::write(&mut bytes, "received", b"17");
        assert_eq!(Headers(&bytes).get("received"), Some(b"17".as_slice()));
        assert_eq!(Headers(&bytes).received(), Some(17));
        assert_eq!(Headers(&bytes).get("block"), None);
    }
}
