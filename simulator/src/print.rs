//! What was traded, as the node writes it. Values go in, the bytes of a line come out; nothing is decided or booked
//! here.

use chrono::DateTime;

use crate::crowd::Address;
use crate::markets::Market;

/// What both legs of a trade have in common.
pub(crate) struct Trade<'a> {
    pub(crate) market: &'a Market,
    pub(crate) price: i64,
    pub(crate) amount: i64,
    pub(crate) time: i64,
    pub(crate) hash: [u8; 32],
    pub(crate) tid: u64,
}

/// What is one side's own.
pub(crate) struct Leg<'a> {
    pub(crate) user: &'a Address,
    pub(crate) buys: bool,
    pub(crate) start: i64,
    pub(crate) closed_pnl: i64,
    pub(crate) oid: u64,
    pub(crate) crossed: bool,
    pub(crate) fee: i64,
    pub(crate) builder_fee: Option<i64>,
    pub(crate) cloid: Option<u128>,
    pub(crate) builder: Option<&'a Address>,
    pub(crate) deployer_fee: Option<i64>,
    pub(crate) twap: Option<u64>,
    pub(crate) dust: bool,
}

/// The line of one block, while it is written.
pub(crate) struct Tape<'a> {
    line: &'a mut Vec<u8>,
    fills: usize,
}

impl<'a> Tape<'a> {
    /// Times in nanoseconds.
    pub(crate) fn open(line: &'a mut Vec<u8>, local_time: i64, block_time: i64, block: u64) -> Self {
        line.clear();
        line.extend_from_slice(b"{\"local_time\":\"");
        moment(line, local_time);
        line.extend_from_slice(b"\",\"block_time\":\"");
        moment(line, block_time);
        line.extend_from_slice(b"\",\"block_number\":");
        whole(line, block);
        line.extend_from_slice(b",\"events\":[");
        Self { line, fills: 0 }
    }

    pub(crate) fn leg(&mut self, trade: &Trade<'_>, leg: &Leg<'_>) {
        if self.fills > 0 {
            self.line.push(b',');
        }
        self.fills += 1;
        write_leg(self.line, trade, leg);
    }

    pub(crate) fn fills(&self) -> usize {
        self.fills
    }

    /// Ends the line, all but its line feed.
    pub(crate) fn close(self) -> usize {
        self.line.extend_from_slice(b"]}");
        self.fills
    }
}

fn write_leg(line: &mut Vec<u8>, trade: &Trade<'_>, leg: &Leg<'_>) {
    let market = trade.market;
    let fee_decimals = market.value_decimals();
    text(line, b"[\"", leg.user);
    text(line, b"\",{\"coin\":\"", market.coin.as_bytes());
    line.extend_from_slice(b"\",\"px\":\"");
    decimal(line, trade.price, market.price_decimals());
    line.extend_from_slice(b"\",\"sz\":\"");
    decimal(line, trade.amount, market.amount_decimals());
    text(line, b"\",\"side\":\"", if leg.buys { b"B" } else { b"A" });
    line.extend_from_slice(b"\",\"time\":");
    whole(line, trade.time as u64);
    line.extend_from_slice(b",\"startPosition\":\"");
    decimal(line, leg.start, market.amount_decimals());
    text(line, b"\",\"dir\":\"", direction(trade, leg).as_bytes());
    line.extend_from_slice(b"\",\"closedPnl\":\"");
    decimal(line, leg.closed_pnl, market.value_decimals());
    line.extend_from_slice(b"\",\"hash\":\"0x");
    hex(line, &trade.hash);
    line.extend_from_slice(b"\",\"oid\":");
    whole(line, leg.oid);
    text(line, b",\"crossed\":", if leg.crossed { b"true" } else { b"false" });
    line.extend_from_slice(b",\"fee\":\"");
    decimal(line, leg.fee, fee_decimals);
    line.push(b'"');
    if let Some(fee) = leg.builder_fee {
        line.extend_from_slice(b",\"builderFee\":\"");
        decimal(line, fee, fee_decimals);
        line.push(b'"');
    }
    line.extend_from_slice(b",\"tid\":");
    whole(line, trade.tid);
    if let Some(cloid) = leg.cloid {
        line.extend_from_slice(b",\"cloid\":\"0x");
        hex(line, &cloid.to_be_bytes());
        line.push(b'"');
    }
    if let Some(builder) = leg.builder {
        text(line, b",\"builder\":\"", builder);
        line.push(b'"');
    }
    if let Some(fee) = leg.deployer_fee {
        line.extend_from_slice(b",\"deployerFee\":\"");
        decimal(line, fee, fee_decimals);
        line.push(b'"');
    }
    text(line, b",\"feeToken\":\"", market.fee_token(leg.buys).as_bytes());
    line.extend_from_slice(b"\",\"twapId\":");
    match leg.twap {
        Some(twap) => whole(line, twap),
        None => line.extend_from_slice(b"null"),
    }
    line.extend_from_slice(b"}]");
}

fn direction(trade: &Trade<'_>, leg: &Leg<'_>) -> &'static str {
    if leg.dust {
        return "Spot Dust Conversion";
    }
    match (trade.market.is_spot(), leg.buys, leg.start) {
        (true, true, _) => "Buy",
        (true, false, _) => "Sell",
        (_, true, 0..) => "Open Long",
        (_, true, start) if start + trade.amount > 0 => "Short > Long",
        (_, true, _) => "Close Short",
        (_, false, ..=0) => "Open Short",
        (_, false, start) if start < trade.amount => "Long > Short",
        (_, false, _) => "Close Long",
    }
}

fn text(line: &mut Vec<u8>, before: &[u8], text: &[u8]) {
    line.extend_from_slice(before);
    line.extend_from_slice(text);
}

/// UTC without a zone, with the shortest of 0, 3, 6 or 9 fraction digits that is exact.
fn moment(line: &mut Vec<u8>, nanoseconds: i64) {
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
    use crate::markets::MARKETS;

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

    #[test]
    fn a_recorded_line_comes_out_byte_for_byte() {
        let mut hash = [0; 32];
        hash[0] = 0xdc;
        let trade = Trade {
            market: &MARKETS[2],
            price: 721_530,
            amount: 58,
            time: 1_782_636_233_257,
            hash,
            tid: 340_554_939_716_632,
        };
        let leg = Leg {
            user: b"0xa775d1bd91ee2cc4cae6113e5fd9c0c17b355277",
            buys: false,
            start: -16_260,
            closed_pnl: 0,
            oid: 481_702_553_903,
            crossed: false,
            fee: -1_255,
            builder_fee: None,
            cloid: Some(0x019f_08a8_bdd8),
            builder: None,
            deployer_fee: None,
            twap: None,
            dust: false,
        };
        let mut line = Vec::new();
        let mut tape = Tape::open(&mut line, 1_782_636_233_687_645_997, 1_782_636_233_257_028_820, 1_052_527_672);
        tape.leg(&trade, &leg);
        assert_eq!(tape.close(), 1);
        let expected = concat!(
            r#"{"local_time":"2026-06-28T08:43:53.687645997","block_time":"2026-06-28T08:43:53.257028820","#,
            r#""block_number":1052527672,"events":[["0xa775d1bd91ee2cc4cae6113e5fd9c0c17b355277",{"coin":"SOL","#,
            r#""px":"72.153","sz":"0.58","side":"A","time":1782636233257,"startPosition":"-162.6","#,
            r#""dir":"Open Short","closedPnl":"0.0","#,
            r#""hash":"0xdc00000000000000000000000000000000000000000000000000000000000000","#,
            r#""oid":481702553903,"crossed":false,"fee":"-0.001255","tid":340554939716632,"#,
            r#""cloid":"0x00000000000000000000019f08a8bdd8","feeToken":"USDC","twapId":null}]]}"#
        );
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}
