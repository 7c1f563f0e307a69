//! Numbers, times and envelopes as the node writes them: values go in, bytes of a line come out.

use chrono::DateTime;

const LOCAL_TIME: &[u8] = b"{\"local_time\":\"";

/// The beginning of a block's line, up to its events; times in nanoseconds.
pub(crate) fn open_line(line: &mut Vec<u8>, local_time: i64, block_time: i64, block: u64) {
    line.clear();
    line.extend_from_slice(LOCAL_TIME);
    moment(line, local_time);
    line.extend_from_slice(b"\",\"block_time\":\"");
    moment(line, block_time);
    line.extend_from_slice(b"\",\"block_number\":");
    whole(line, block);
    line.extend_from_slice(b",\"events\":[");
}

/// A line as it is written once more: all is the same but its local time, in nanoseconds.
pub(crate) fn again(bytes: &mut Vec<u8>, line: &[u8], local_time: i64) {
    let rest = line.iter().skip(LOCAL_TIME.len()).position(|byte| *byte == b'"').map(|at| at + LOCAL_TIME.len());
    bytes.extend_from_slice(LOCAL_TIME);
    moment(bytes, local_time);
    bytes.extend_from_slice(&line[rest.unwrap_or(0)..]);
}

/// A text and what stands before it.
pub(crate) fn push(line: &mut Vec<u8>, before: &[u8], text: &[u8]) {
    line.extend_from_slice(before);
    line.extend_from_slice(text);
}

/// UTC without a zone, with the shortest of 0, 3, 6 or 9 fraction digits that is exact.
pub(crate) fn moment(line: &mut Vec<u8>, nanoseconds: i64) {
    let moment = DateTime::from_timestamp_nanos(nanoseconds).naive_utc();
    line.extend_from_slice(moment.format("%Y-%m-%dT%H:%M:%S%.f").to_string().as_bytes());
}

pub(crate) fn whole(line: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    line.extend_from_slice(&digits[at..]);
}

/// `value / 10^decimals`: no trailing zeros, but always a fraction digit.
pub(crate) fn decimal(line: &mut Vec<u8>, value: i64, decimals: u32) {
    if value < 0 {
        line.push(b'-');
    }
    let one = 10_u64.pow(decimals);
    whole(line, value.unsigned_abs() / one);
    line.push(b'.');
    let first = line.len();
    let (mut rest, mut place) = (value.unsigned_abs() % one, one);
    while rest > 0 || line.len() == first {
        place = (place / 10).max(1);
        line.push(b'0' + (rest / place) as u8);
        rest %= place;
    }
}

/// A decimal that stands alone.
pub(crate) fn text(value: i64, decimals: u32) -> String {
    let mut text = Vec::new();
    decimal(&mut text, value, decimals);
    String::from_utf8_lossy(&text).into_owned()
}

/// The value of a decimal that was printed.
pub(crate) fn units(text: &str, decimals: u32) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.trim_start_matches('-').bytes().chain(fraction.bytes());
    let places = decimals.saturating_sub(fraction.len() as u32);
    let size = digits.take(whole.trim_start_matches('-').len() + decimals as usize);
    let units = size.fold(0, |units, digit| 10 * units + i64::from(digit - b'0')) * 10_i64.pow(places);
    if whole.starts_with('-') { -units } else { units }
}

pub(crate) fn hex(line: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        line.push(DIGITS[usize::from(byte >> 4)]);
        line.push(DIGITS[usize::from(byte & 15)]);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn printed(print: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut line = Vec::new();
        print(&mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn decimals_have_no_trailing_zeros_but_a_fraction() {
        for (value, decimals, text) in [
            (0, 0, "0.0"),
            (0, 6, "0.0"),
            (28, 0, "28.0"),
            (-28_000, 3, "-28.0"),
            (-16_260, 2, "-162.6"),
            (721_530, 4, "72.153"),
            (-1_255, 6, "-0.001255"),
            (1, 8, "0.00000001"),
            (100_000_001, 8, "1.00000001"),
            (i64::MIN, 1, "-922337203685477580.8"),
        ] {
            assert_eq!(printed(|line| decimal(line, value, decimals)), text);
        }
    }

    #[test]
    fn what_was_printed_is_read_back() {
        for (value, decimals) in [(0, 0), (28, 0), (-28_000, 3), (-16_260, 2), (721_530, 4), (-1_255, 6), (1, 8)] {
            assert_eq!(units(&text(value, decimals), decimals), value);
        }
    }

    #[test]
    fn times_have_the_shortest_exact_fraction() {
        for (nanoseconds, text) in [
            (1_782_636_233_257_028_820, "2026-06-28T08:43:53.257028820"),
            (1_782_636_233_257_028_000, "2026-06-28T08:43:53.257028"),
            (1_782_636_233_257_000_000, "2026-06-28T08:43:53.257"),
            (1_782_636_233_000_000_000, "2026-06-28T08:43:53"),
        ] {
            assert_eq!(printed(|line| moment(line, nanoseconds)), text);
        }
    }
}
