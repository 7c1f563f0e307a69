//! What happened, as the parser would write it: facts of every kind go in, each in its own list and with its place
//! among all others; what was known at a clock comes out.

use schemas::{Clock, Gap, Market, kind};

use super::*;

/// Each list in the order in which it was told.
#[derive(Default)]
pub(crate) struct Facts {
    pub fills: Vec<Fill>,
    pub clocks: Vec<Clock>,
    pub gaps: Vec<Gap>,
    pub contexts: Vec<AssetContext>,
    pub markets: Vec<Market>,
    pub accounts: Vec<AccountState>,
    pub ledger: Vec<LedgerUpdate>,
    pub candles: Vec<ExchangeCandle>,
    pub watches: Vec<WhaleWatch>,
}

impl Facts {
    /// Adds what a block has told and was told beside it, and gives the records of it.
    pub fn add(&mut self, mut more: Self) -> Outbox {
        let mut records = Outbox::new(GENERATION);
        more.gaps.iter().for_each(|gap| to_every_coin(&mut records, kind::GAP, gap.to_time, &json!(gap)));
        more.fills.iter().for_each(|fill| append(&mut records, fill, Some(kind::FILL)));
        more.clocks.iter().for_each(|clock| to_every_coin(&mut records, kind::CLOCK, clock.time, &json!(clock)));
        more.contexts.iter().for_each(|context| append(&mut records, context, Some(kind::CONTEXT)));
        more.markets.iter().for_each(|market| append(&mut records, market, None));
        more.accounts.iter().for_each(|account| append(&mut records, account, None));
        more.ledger.iter().for_each(|update| append(&mut records, update, None));
        more.candles.iter().for_each(|candle| append(&mut records, candle, None));
        more.watches.iter().for_each(|watch| append(&mut records, watch, None));
        self.fills.append(&mut more.fills);
        self.clocks.append(&mut more.clocks);
        self.gaps.append(&mut more.gaps);
        self.contexts.append(&mut more.contexts);
        self.markets.append(&mut more.markets);
        self.accounts.append(&mut more.accounts);
        self.ledger.append(&mut more.ledger);
        self.candles.append(&mut more.candles);
        self.watches.append(&mut more.watches);
        records
    }
}

fn append<M: schemas::Message>(records: &mut Outbox, message: &M, kind: Option<&[u8]>) {
    let mut headers = Vec::new();
    if let Some(kind) = kind {
        Headers::write(&mut headers, kind::HEADER, kind);
    }
    let partition = message.partition(GENERATION.partitions);
    message.append_to(records.batch(M::TOPIC, partition), &headers);
}

fn to_every_coin(records: &mut Outbox, kind: &[u8], time: i64, value: &Value) {
    let mut headers = Vec::new();
    Headers::write(&mut headers, kind::HEADER, kind);
    for partition in 0..GENERATION.partitions {
        records.batch(&topics::FILLS, partition).push(time, kind, Some(value.to_string().as_bytes()), &headers);
    }
}
