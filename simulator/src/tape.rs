//! What was traded, as the node writes it. Values go in, the bytes of a line come out; nothing is decided or booked
//! here.

use crate::crowd::Address;
use crate::markets::Market;
use crate::print::{decimal, hex, open_line, push, whole};

/// What both legs of a trade have in common.
pub(crate) struct Trade<'a> {
    pub(crate) market: &'a Market,
    pub(crate) price: i64,
    pub(crate) amount: i64,
    pub(crate) time: i64,
    pub(crate) hash: [u8; 32],
    pub(crate) tid: u64,
    pub(crate) liquidation: Option<Liquidation>,
}

impl Trade<'_> {
    pub(crate) fn value(&self) -> i64 {
        self.market.value(self.amount, self.price)
    }
}

/// What is said of a trade by which somebody is liquidated.
pub(crate) struct Liquidation {
    pub(crate) user: Address,
    pub(crate) mark: i64,
    pub(crate) method: &'static str,
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
    /// Where the numbers do not tell it.
    pub(crate) direction: Option<&'static str>,
}

/// The line of one block, while it is written.
pub(crate) struct Tape<'a> {
    line: &'a mut Vec<u8>,
    fills: usize,
}

impl<'a> Tape<'a> {
    /// Times in nanoseconds.
    pub(crate) fn open(line: &'a mut Vec<u8>, local_time: i64, block_time: i64, block: u64) -> Self {
        open_line(line, local_time, block_time, block);
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
    push(line, b"[\"", leg.user);
    push(line, b"\",{\"coin\":\"", market.coin.as_bytes());
    line.extend_from_slice(b"\",\"px\":\"");
    decimal(line, trade.price, market.price_decimals());
    line.extend_from_slice(b"\",\"sz\":\"");
    decimal(line, trade.amount, market.amount_decimals());
    push(line, b"\",\"side\":\"", if leg.buys { b"B" } else { b"A" });
    line.extend_from_slice(b"\",\"time\":");
    whole(line, trade.time as u64);
    line.extend_from_slice(b",\"startPosition\":\"");
    decimal(line, leg.start, market.amount_decimals());
    push(line, b"\",\"dir\":\"", direction(trade, leg).as_bytes());
    line.extend_from_slice(b"\",\"closedPnl\":\"");
    decimal(line, leg.closed_pnl, market.value_decimals());
    line.extend_from_slice(b"\",\"hash\":\"0x");
    hex(line, &trade.hash);
    line.extend_from_slice(b"\",\"oid\":");
    whole(line, leg.oid);
    push(line, b",\"crossed\":", if leg.crossed { b"true" } else { b"false" });
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
    if let Some(liquidation) = &trade.liquidation {
        push(line, b",\"liquidation\":{\"liquidatedUser\":\"", &liquidation.user);
        line.extend_from_slice(b"\",\"markPx\":\"");
        decimal(line, liquidation.mark, market.price_decimals());
        push(line, b"\",\"method\":\"", liquidation.method.as_bytes());
        line.extend_from_slice(b"\"}");
    }
    if let Some(builder) = leg.builder {
        push(line, b",\"builder\":\"", builder);
        line.push(b'"');
    }
    if let Some(fee) = leg.deployer_fee {
        line.extend_from_slice(b",\"deployerFee\":\"");
        decimal(line, fee, fee_decimals);
        line.push(b'"');
    }
    push(line, b",\"feeToken\":\"", market.fee_token(leg.buys).as_bytes());
    line.extend_from_slice(b"\",\"twapId\":");
    match leg.twap {
        Some(twap) => whole(line, twap),
        None => line.extend_from_slice(b"null"),
    }
    line.extend_from_slice(b"}]");
}

fn direction(trade: &Trade<'_>, leg: &Leg<'_>) -> &'static str {
    if let Some(direction) = leg.direction {
        return direction;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::markets::MARKETS;

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
            liquidation: Some(Liquidation {
                user: *b"0x5ef843ccf26810073ee689a954f6d05f5b48fccb",
                mark: 721_490,
                method: "market",
            }),
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
            direction: None,
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
            r#""cloid":"0x00000000000000000000019f08a8bdd8","#,
            r#""liquidation":{"liquidatedUser":"0x5ef843ccf26810073ee689a954f6d05f5b48fccb","markPx":"72.149","method":"market"},"#,
            r#""feeToken":"USDC","twapId":null}]]}"#
        );
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}
