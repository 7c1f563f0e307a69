//! The market of the hour: block after block comes out as the facts of it, and of what is told beside it. Some blocks
//! nobody has seen.

use alloc::collections::{BTreeMap, BTreeSet};

use schemas::{Amount, Clock, Coin, Gap, Market};
use simulator::{Engine, InMemory};

use super::super::whale_tapes::{FLOWS, flow_of};
use super::facts::Facts;
use super::reader;
use super::*;

/// 2026-06-28, half an hour before midnight.
pub(super) const START: i64 = 1_782_689_400_000;
pub(super) const MINUTE: i64 = 60_000;
pub(super) const MIDNIGHT: i64 = START + 30 * MINUTE;
pub(super) const END: i64 = START + 60 * MINUTE;
/// When blocks were missed, from and to: one or two, those of seconds, and those of more than two minutes.
pub(super) const MISSED: [(i64, i64); 3] = [
    (START + 7 * MINUTE + 13_000, START + 7 * MINUTE + 13_120),
    (START + 21 * MINUTE + 58_000, START + 22 * MINUTE + 3_000),
    (START + 44 * MINUTE + 20_000, START + 46 * MINUTE + 31_000),
];

const SEED: u64 = 1;
const WALLETS: u32 = 300;
/// Fills per second.
const RATE: u32 = 25;
const DEXES: [&str; 3] = ["", "xyz", "cash"];
const CONTEXTS_EVERY: i64 = 3_000;
const CANDLES_EVERY: i64 = 4 * MINUTE;
const MONEY_MOVES_EVERY: i64 = 47_000;
/// After so many minutes the wallet in this place is watched, by this name and from this size on; or no longer.
const WATCHES: [(i64, usize, &str, Option<i64>, bool); 4] = [
    (5, 1, "the fund", None, false),
    (6, 40, "", Some(2_000), false),
    (25, 1, "the fund", None, true),
    (38, 2, "late", None, false),
];

/// The facts of each block, in order.
pub(super) fn hour() -> impl Iterator<Item = Facts> {
    let mut exchange = Exchange::begun();
    core::iter::from_fn(move || exchange.next_block())
}

struct Exchange {
    market: InMemory,
    line: Vec<u8>,
    last_seen: Option<Clock>,
    clock: Clock,
    told: BTreeMap<Coin, Market>,
    heard: BTreeMap<Coin, AssetContext>,
    /// Who has traded; and of whom the exchange is asked next.
    wallets: BTreeSet<String>,
    asked: usize,
}

impl Exchange {
    fn begun() -> Self {
        Self {
            market: InMemory::new(Engine::new(SEED, WALLETS, RATE, START)),
            line: Vec::new(),
            last_seen: None,
            clock: Clock { time: 0, block: 0 },
            told: BTreeMap::new(),
            heard: BTreeMap::new(),
            wallets: BTreeSet::new(),
            asked: 0,
        }
    }

    /// Nothing when the hour is over.
    fn next_block(&mut self) -> Option<Facts> {
        let mut facts = Facts::default();
        self.market.next_block(&mut self.line);
        let previous = self.clock.time;
        let (clock, fills) = reader::block(&self.line);
        self.clock = clock;
        if MISSED.iter().all(|(from, to)| clock.time < *from || *to <= clock.time) {
            self.see(fills, &mut facts);
        }
        self.market.misc_line(&mut self.line);
        facts.ledger = reader::ledger(&self.line);
        let crosses = |every: i64| clock.time / every > previous / every;
        if crosses(CONTEXTS_EVERY) {
            self.ask_of_markets(&mut facts);
        }
        if crosses(250) {
            self.ask_of_an_account(&mut facts);
        }
        if crosses(CANDLES_EVERY) {
            self.ask_of_candles(&mut facts);
        }
        if crosses(MONEY_MOVES_EVERY) {
            self.move_money(&mut facts);
        }
        let begins = |minute: &i64| previous < START + minute * MINUTE && START + minute * MINUTE <= clock.time;
        let changes = WATCHES.iter().filter(|(minute, ..)| begins(minute));
        facts.watches =
            changes.map(|(_, at, label, least, removed)| self.watch(*at, label, *least, *removed)).collect();
        (clock.time < END + 15_000).then_some(facts)
    }

    fn see(&mut self, fills: Vec<Fill>, facts: &mut Facts) {
        let clock = self.clock;
        let missed = self.last_seen.filter(|last| last.block + 1 < clock.block);
        facts.gaps.extend(missed.map(|last| Gap {
            from_block: last.block + 1,
            to_block: clock.block - 1,
            from_time: last.time,
            to_time: clock.time,
        }));
        self.wallets.extend(fills.iter().map(|fill| fill.user.to_string()));
        facts.fills = fills;
        facts.clocks.push(clock);
        self.last_seen = Some(clock);
    }

    /// What is as it was is not told again.
    fn ask_of_markets(&mut self, facts: &mut Facts) {
        for dex in DEXES {
            let answer = self.market.answer(&json!({ "type": "metaAndAssetCtxs", "dex": dex }).to_string()).unwrap();
            reader::markets(dex, &answer, self.clock.time, facts);
        }
        let time = self.clock.time;
        facts.contexts.retain(|context| {
            let before = self.heard.insert(context.coin.clone(), context.clone());
            before.is_none_or(|before| AssetContext { time, ..before } != *context)
        });
        facts.markets.retain(|market| {
            let before = self.told.insert(market.coin.clone(), market.clone());
            before.is_none_or(|before| Market { time, ..before } != *market)
        });
    }

    /// One after the other; of every fifth wallet nobody asks.
    fn ask_of_an_account(&mut self, facts: &mut Facts) {
        let wallets: Vec<&String> =
            self.wallets.iter().enumerate().filter(|(at, _)| at % 5 > 0).map(|(_, it)| it).collect();
        let Some(wallet) = wallets.get(self.asked % wallets.len().max(1)) else { return };
        self.asked += 1;
        for dex in DEXES {
            let question = json!({ "type": "clearinghouseState", "user": wallet, "dex": dex });
            let answer = self.market.answer(&question.to_string()).unwrap();
            facts.accounts.push(reader::account(wallet, dex, &answer));
        }
    }

    /// Of which the simulator knows nothing: what it says of the account stays as it is.
    fn move_money(&self, facts: &mut Facts) {
        let Clock { time, block } = self.clock;
        let at = (time / MONEY_MOVES_EVERY) as usize;
        let Some(wallet) = self.wallets.iter().nth(at % self.wallets.len().max(1)) else { return };
        let (kind, ..) = FLOWS[at % FLOWS.len()];
        let usd = ["250000.5", "99999.99"][at / FLOWS.len() % 2];
        facts.ledger.push(serde_json::from_value(flow_of(wallet, kind, usd, (block, time))).unwrap());
    }

    fn watch(&self, at: usize, label: &str, least: Option<i64>, removed: bool) -> WhaleWatch {
        let wallet = self.wallets.iter().nth(at).unwrap().parse().unwrap();
        WhaleWatch {
            wallet,
            label: label.into(),
            min_notional: least.map(Amount::from),
            time: self.clock.time,
            removed,
        }
    }

    /// Of the minutes that are over.
    fn ask_of_candles(&self, facts: &mut Facts) {
        let (from, to) = (self.clock.time - CANDLES_EVERY - 2 * MINUTE, self.clock.time - 2 * MINUTE);
        for coin in self.told.keys() {
            let stretch = json!({ "coin": coin, "interval": "1m", "startTime": from.max(START), "endTime": to });
            let question = json!({ "type": "candleSnapshot", "req": stretch });
            let answer = self.market.answer(&question.to_string());
            facts.candles.extend(answer.iter().flat_map(|answer| reader::candles(answer, self.clock.time)));
        }
    }
}
