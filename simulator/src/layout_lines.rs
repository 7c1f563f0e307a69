//! A block's line goes in; the same block as each further layout has it comes out, in as many lines as it takes, each
//! with its line feed.

use serde::Serialize;

use crate::layouts::Layout;
use crate::pairs::{self, Leg, Pair};
use crate::print::push;

impl Layout {
    /// Adds the lines of a block to what `text` holds. The line is the one by block, without its line feed.
    pub(crate) fn write(self, line: &[u8], text: &mut Vec<u8>) {
        match self {
            Self::NodeFills => fills(line).for_each(|fill| push(text, fill.as_bytes(), b"\n")),
            Self::Streaming => write_streaming(line, text),
            Self::NodeTrades => write_trades(line, text),
            Self::MiscEvents => misc_events(line).for_each(|event| push(text, event.as_bytes(), b"\n")),
        }
    }
}

/// Each with its user, as they stand in a block's line.
pub(crate) fn fills(line: &[u8]) -> impl Iterator<Item = &str> {
    events(line, ",[\"0x")
}

/// Of a line of `misc_events_by_block`.
pub(crate) fn misc_events(line: &[u8]) -> impl Iterator<Item = &str> {
    events(line, ",{\"time\":")
}

/// What each event but the first begins with stands nowhere else.
fn events<'a>(line: &'a [u8], next: &'static str) -> impl Iterator<Item = &'a str> {
    let (_, events) = parts(line);
    let mut rest = events.strip_suffix("]}").unwrap_or_default();
    std::iter::from_fn(move || {
        let event = &rest[..rest.find(next).unwrap_or(rest.len())];
        rest = rest[event.len()..].strip_prefix(',').unwrap_or_default();
        (!event.is_empty()).then_some(event)
    })
}

/// What stands before a line's first event, and the rest.
fn parts(line: &[u8]) -> (&str, &str) {
    const EVENTS: &str = "\"events\":[";
    // The engine's lines are ASCII.
    let line = str::from_utf8(line).unwrap_or_default();
    line.split_at(line.find(EVENTS).map_or(line.len(), |at| at + EVENTS.len()))
}

fn write_streaming(line: &[u8], text: &mut Vec<u8>) {
    let (envelope, _) = parts(line);
    for fill in fills(line) {
        push(text, envelope.as_bytes(), fill.as_bytes());
        text.extend_from_slice(b"]}\n");
    }
}

#[derive(Serialize)]
struct NodeTrade<'a> {
    coin: &'a str,
    side: &'a str,
    time: &'a str,
    px: &'a str,
    sz: &'a str,
    hash: &'a str,
    trade_dir_override: &'a str,
    side_info: [SideInfo<'a>; 2],
}

#[derive(Serialize)]
struct SideInfo<'a> {
    user: &'a str,
    start_pos: &'a str,
    oid: u64,
    twap_id: Option<u64>,
    cloid: Option<&'a str>,
}

fn write_trades(line: &[u8], text: &mut Vec<u8>) {
    let pairs = pairs::of_line(line);
    for pair in &pairs.pairs {
        // Texts and numbers always have a JSON form.
        let trade = serde_json::to_vec(&NodeTrade::of(pair, pairs.block_time)).unwrap_or_default();
        push(text, &trade, b"\n");
    }
}

impl<'a> NodeTrade<'a> {
    fn of(pair: &'a Pair<'a>, time: &'a str) -> Self {
        let Leg { coin, px, sz, hash, .. } = pair.bought;
        let side_info = [SideInfo::of(&pair.bought), SideInfo::of(&pair.sold)];
        let trade_dir_override = if pair.is_trade() { "Na" } else { pair.bought.dir };
        Self { coin, side: pair.side(), time, px, sz, hash, trade_dir_override, side_info }
    }
}

impl<'a> SideInfo<'a> {
    fn of(leg: &Leg<'a>) -> Self {
        Self { user: leg.user, start_pos: leg.start_position, oid: leg.oid, twap_id: leg.twap_id, cloid: leg.cloid }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ENVELOPE: &str = concat!(
        r#"{"local_time":"2025-07-16T10:46:43.5","block_time":"2025-07-16T10:46:43.184115013","#,
        r#""block_number":7,"events":["#
    );
    const BOUGHT: &str = concat!(
        r#"["0xecb6",{"coin":"BTC","px":"118992.0","sz":"0.01037","side":"B","time":1752662803184,"#,
        r#""startPosition":"-669.47734","dir":"Close Short","hash":"0x6835","oid":114941371504,"crossed":true,"tid":9,"#,
        r#""cloid":"0x9000","twapId":null}]"#
    );
    const SOLD: &str = concat!(
        r#"["0xef5f",{"coin":"BTC","px":"118992.0","sz":"0.01037","side":"A","time":1752662803184,"#,
        r#""startPosition":"-4.64665","dir":"Open Short","hash":"0x6835","oid":114941345988,"crossed":false,"tid":9,"#,
        r#""twapId":3}]"#
    );
    const DUST: &str = concat!(
        r#"["0x1234",{"coin":"@107","px":"1.0","sz":"0.1","side":"A","time":1752662803184,"startPosition":"0.1","#,
        r#""dir":"Spot Dust Conversion","hash":"0x0000","oid":5,"crossed":true,"tid":0,"twapId":null}]"#
    );

    fn written(layout: Layout, line: &str) -> String {
        let mut text = Vec::new();
        layout.write(line.as_bytes(), &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn each_layout_has_the_events_of_the_line_in_its_own_way() {
        let line = format!("{ENVELOPE}{BOUGHT},{DUST},{SOLD}]}}");
        assert_eq!(written(Layout::NodeFills, &line), format!("{BOUGHT}\n{DUST}\n{SOLD}\n"));
        let streamed = [BOUGHT, DUST, SOLD].map(|fill| format!("{ENVELOPE}{fill}]}}\n")).concat();
        assert_eq!(written(Layout::Streaming, &line), streamed);
        let trade = concat!(
            r#"{"coin":"BTC","side":"B","time":"2025-07-16T10:46:43.184115013","px":"118992.0","sz":"0.01037","#,
            r#""hash":"0x6835","trade_dir_override":"Na","#,
            r#""side_info":[{"user":"0xecb6","start_pos":"-669.47734","oid":114941371504,"twap_id":null,"cloid":"0x9000"},"#,
            r#"{"user":"0xef5f","start_pos":"-4.64665","oid":114941345988,"twap_id":3,"cloid":null}]}"#,
            "\n"
        );
        assert_eq!(written(Layout::NodeTrades, &line), trade);
    }

    #[test]
    fn an_empty_block_is_no_line() {
        for layout in [Layout::NodeFills, Layout::Streaming, Layout::NodeTrades, Layout::MiscEvents] {
            assert_eq!(written(layout, &format!("{ENVELOPE}]}}")), "");
        }
    }

    #[test]
    fn misc_events_are_told_apart_by_their_times() {
        let funding = r#"{"time":"2025-07-16T11:00:00","hash":"0x1","inner":{"Funding":{"deltas":[{"user":"0xa"},{"user":"0xb"}]}}}"#;
        let deposit =
            r#"{"time":"2025-07-16T11:00:00","hash":"0x2","inner":{"CDeposit":{"user":"0xa","amount":"5.0"}}}"#;
        let line = format!("{ENVELOPE}{funding},{deposit}]}}");
        assert_eq!(written(Layout::MiscEvents, &line), format!("{funding}\n{deposit}\n"));
    }
}
