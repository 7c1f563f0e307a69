//! An element of the reply to `userFillsByTime` → a fill of a wallet, in the form in which nodes' fills go on.

use schemas::{Fill, Outbox, Wallet, kind, topics, unnumbered};

use super::object::with_front;
use super::origin::Origin;

/// A fill as the endpoint tells it, which knows neither its block nor its place in it: its time stands for the one,
/// and for the other its place among the fills of this wallet at this time.
#[derive(Debug)]
pub struct HistoryFill {
    pub read: Fill,
    /// The exchange's own, and the end of its object.
    fields: String,
}

impl HistoryFill {
    /// Its place is not known yet.
    pub fn parse(user: Wallet, object: &str) -> Result<Self, String> {
        let front = format!(r#""block":0,"index":0,"user":"{user}","#);
        let text = with_front(&front, object).map_err(not_a_fill)?;
        let read: Fill = serde_json::from_str(&text).map_err(not_a_fill)?;
        if read.sz.sign() < 0 {
            return Err(not_a_fill("its size is below zero"));
        }
        read.end_position().map_err(|_| not_a_fill("the position after it has more than 28 digits"))?;
        let fields = text[1 + front.len()..].to_owned();
        Ok(Self { read: Fill { block: unnumbered(read.time), ..read }, fields })
    }

    /// Among the fills of one wallet and one millisecond.
    pub fn id(&self) -> String {
        let Fill { coin, side, sz, start_position, oid, tid, .. } = &self.read;
        match tid {
            Some(tid) if *tid > 0 => format!("{coin}|{tid}|{side:?}"),
            _ => format!("{coin}|{oid}|{sz}|{start_position}"),
        }
    }

    /// The exchange's own object goes on, with `block`, `index` and `user` put in front; `index` is its place.
    pub fn send(&self, index: u32, origin: &Origin<'_>, out: &mut Outbox) {
        let Fill { block, user, .. } = &self.read;
        let text = format!(r#"{{"block":{block},"index":{index},"user":"{user}",{}"#, self.fields);
        let height = block.to_string();
        let more = [(kind::HEADER, kind::FILL), ("block", height.as_bytes())];
        origin.send_to(&topics::FILLS_HISTORY, &self.read, &text, &more, out);
    }
}

fn not_a_fill(reason: impl std::fmt::Display) -> String {
    format!("not a fill: {reason}")
}
