//! A simulated market as facts, a commit for each block: its fills as the real parser makes them, with holes, a fill that
//! comes too late and a burst of liquidations; and beside them what the info endpoint and the public feed would tell.

use std::collections::BTreeMap;

use schemas::{
    AccountState, Amount, AssetContext, AssetPosition, Coin, Cursor, ExchangeCandle, Fill, GENERATION, Hash, Headers,
    HeldLeverage, HeldPosition, Interval, LedgerUpdate, Liquidation, MarginSummary, MarginTier, Market, MarketKind,
    Message, Outbox, Side, Text, Wallet, WhaleWatch, kind,
};
use serde_json::json;

use super::dice::Dice;

/// So long before the border of a minute that it comes in a short tape too.
const START: i64 = 1_782_633_600_000 - 12_000;
const WALLETS: u32 = 60;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// So many seconds of it, at so many fills a second.
pub fn facts(seconds: i64, rate: u32) -> Vec<Outbox> {
    let mut market = simulator::Engine::new(3, WALLETS, rate, START);
    let (mut line, mut cursor, mut beside) = (Vec::new(), Cursor::default(), Beside::new());
    let mut blocks = Vec::new();
    while cursor.time < START + seconds * SECOND {
        market.next_block(&mut line);
        if matches!(blocks.len() % 250, 120..122) {
            // Two holes of a block each, apart.
            market.next_block(&mut line);
        }
        let mut block = Outbox::new(GENERATION);
        beside.tell_unusual_fills(&cursor, blocks.len(), &mut block);
        parser::take_line(&of_a_node(&line), &mut cursor, &mut block);
        beside.tell_of(&cursor, &mut block);
        blocks.push(block);
    }
    blocks
}

fn of_a_node(bytes: &[u8]) -> parser::Line<'_> {
    let (layout, received) = (parser::Layout::ByBlock, START + i64::MAX / 4);
    parser::Line { bytes, layout, stream: "test", position: "test", received, keeps_raw: false }
}

/// What is told beside the fills.
struct Beside {
    dice: Dice,
    told_at: i64,
    /// Size and last price.
    held: BTreeMap<(Wallet, Coin), (Amount, Amount)>,
    prices: BTreeMap<Coin, Amount>,
    /// To be told once more when it is too late.
    old: Option<Fill>,
}

impl Beside {
    fn new() -> Self {
        Self { dice: Dice(11), told_at: 0, held: BTreeMap::new(), prices: BTreeMap::new(), old: None }
    }

    /// Before the block's clock.
    fn tell_unusual_fills(&mut self, before: &Cursor, number: usize, out: &mut Outbox) {
        if let Some(old) = self.old.take_if(|old| old.time + 11 * SECOND < before.time) {
            tell_fill(&Fill { sz: amount("0.5"), ..old }, out);
        }
        if number % 200 == 150 {
            burst(before).iter().for_each(|fill| tell_fill(fill, out));
        }
    }

    fn tell_of(&mut self, cursor: &Cursor, out: &mut Outbox) {
        for fill in fills(out) {
            if !self.prices.contains_key(&fill.coin) && fill.coin.kind() == MarketKind::Perp {
                out.send(&terms(&fill.coin, cursor.time, false));
            }
            let after = fill.end_position().unwrap();
            self.prices.insert(fill.coin.clone(), fill.px);
            self.held.insert((fill.user, fill.coin.clone()), (after, fill.px));
            if self.old.is_none() && fill.time == cursor.time {
                self.old = Some(fill);
            }
        }
        let candles = |time: i64| (time - 20 * SECOND).div_euclid(MINUTE);
        if candles(cursor.time) > candles(self.told_at) {
            self.tell_candles(candles(cursor.time) * MINUTE, cursor.time, out);
        }
        if cursor.time / SECOND > self.told_at / SECOND {
            self.told_at = cursor.time;
            self.tell_marks(cursor.time, out);
            self.tell_accounts(cursor.time, out);
        }
    }

    fn tell_marks(&mut self, time: i64, out: &mut Outbox) {
        for (coin, px) in self.prices.iter().filter(|(coin, _)| coin.kind() == MarketKind::Perp) {
            let moved = Amount::from(990 + self.dice.below(20) as i64).times(amount("0.001")).unwrap();
            let context = context(coin, time - self.dice.below(900) as i64, px.times(moved).unwrap());
            let mut headers = Vec::new();
            Headers::write(&mut headers, kind::HEADER, kind::CONTEXT);
            context.append_to(out.batch(AssetContext::TOPIC, context.partition(GENERATION.partitions)), &headers);
        }
        if self.dice.below(20) == 0
            && let Some(coin) = self.prices.keys().find(|coin| coin.as_str() == "ENA")
        {
            out.send(&terms(coin, time, true));
        }
    }

    /// The exchange's, of a minute that is over, whatever was traded in it.
    fn tell_candles(&mut self, end: i64, asked_at: i64, out: &mut Outbox) {
        for (coin, px) in self.prices.iter().filter(|(coin, _)| is_perp(coin)) {
            let (open, high, low, close) = (*px, *px, *px, *px);
            let (volume, trades) = (amount("0.5"), self.dice.below(3));
            let (coin, interval, time) = (coin.clone(), Interval::OneMinute, end - MINUTE);
            out.send(&ExchangeCandle { asked_at, coin, interval, time, open, high, low, close, volume, trades });
        }
    }

    fn tell_accounts(&mut self, time: i64, out: &mut Outbox) {
        let wallets: Vec<Wallet> = self.held.keys().map(|(wallet, _)| *wallet).collect();
        for _ in 0..6.min(wallets.len()) {
            let wallet = wallets[self.dice.below(wallets.len() as u64) as usize];
            out.send(&self.account(wallet, time - 200));
        }
        let Some(wallet) = wallets.get(self.dice.below(60) as usize).copied() else { return };
        if self.dice.below(3) == 0 {
            out.send(&ledger_update(wallet, time, &mut self.dice));
        }
        if self.dice.below(6) == 0 {
            let removed = self.dice.below(3) == 0;
            out.send(&WhaleWatch { wallet, label: Text::from("watched"), min_notional: None, time, removed });
        }
    }

    /// What the exchange would say of it, with terms of its own.
    fn account(&mut self, user: Wallet, time: i64) -> AccountState {
        let held = self.held.range((user, Coin::new(""))..).take_while(|((wallet, _), _)| *wallet == user);
        let perps = held.filter(|((_, coin), (size, _))| coin.dex().is_empty() && is_perp(coin) && !size.is_zero());
        let asset_positions: Vec<AssetPosition> = perps
            .map(|((_, coin), (size, px))| {
                let value = size.magnitude().times(*px).unwrap();
                let is_cross = self.dice.below(3) > 0;
                let kind = Text::from(if is_cross { "cross" } else { "isolated" });
                let raw_usd = (!is_cross).then(|| amount("50.5"));
                let leverage = HeldLeverage { kind, value: 1 + self.dice.below(20) as u32, raw_usd };
                AssetPosition {
                    position: HeldPosition {
                        coin: coin.clone(),
                        szi: *size,
                        leverage,
                        entry_px: Some(*px),
                        position_value: value,
                        unrealized_pnl: Amount::ZERO,
                        liquidation_px: None,
                        margin_used: value.times(amount("0.1")).unwrap(),
                        max_leverage: Some(40),
                    },
                }
            })
            .collect();
        let worth = Amount::from(1_000 + self.dice.below(500_000) as i64);
        let margin_summary = MarginSummary {
            account_value: worth,
            total_ntl_pos: Amount::ZERO,
            total_raw_usd: worth,
            total_margin_used: Amount::ZERO,
        };
        AccountState {
            user,
            dex: String::new(),
            time,
            cross_margin_summary: margin_summary.clone(),
            margin_summary,
            cross_maintenance_margin_used: Some(Amount::ZERO),
            asset_positions,
        }
    }
}

fn is_perp(coin: &Coin) -> bool {
    coin.kind() == MarketKind::Perp
}

pub fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn fills(out: &Outbox) -> Vec<Fill> {
    let batches = out.filled().filter(|(topic, ..)| *topic == Fill::TOPIC);
    let records = batches.flat_map(|(_, _, batch)| batch.records());
    let fills = records.filter(|record| record.headers.get(kind::HEADER) == Some(kind::FILL));
    fills.map(|record| serde_json::from_slice(record.value.unwrap()).unwrap()).collect()
}

pub fn tell_fill(fill: &Fill, out: &mut Outbox) {
    let mut headers = Vec::new();
    Headers::write(&mut headers, kind::HEADER, kind::FILL);
    fill.append_to(out.batch(Fill::TOPIC, fill.partition(GENERATION.partitions)), &headers);
}

pub fn terms(coin: &Coin, time: i64, delisted: bool) -> Market {
    let tier = |lower_bound: i64, max_leverage| MarginTier { lower_bound: Amount::from(lower_bound), max_leverage };
    Market {
        coin: coin.clone(),
        dex: coin.dex().to_owned(),
        size_decimals: 4,
        max_leverage: 40,
        margin_tiers: vec![tier(0, 40), tier(1_000_000, 20)],
        isolated_only: false,
        delisted,
        time,
    }
}

pub fn context(coin: &Coin, time: i64, mark_px: Amount) -> AssetContext {
    AssetContext {
        coin: coin.clone(),
        time,
        mark_px,
        oracle_px: mark_px,
        mid_px: Some(mark_px),
        funding: amount("0.0000125"),
        open_interest: amount("1000"),
        prev_day_px: mark_px,
        day_ntl_vlm: amount("12000000"),
        premium: None,
    }
}

fn ledger_update(user: Wallet, time: i64, dice: &mut Dice) -> LedgerUpdate {
    let usdc = (50_000 + dice.below(2_000_000)).to_string();
    let delta = match dice.below(3) {
        0 => json!({ "type": "withdraw", "usdc": usdc, "nonce": 1, "fee": "1.0" }),
        1 => json!({ "type": "funding", "coin": "BTC", "usdc": "-1.5", "szi": "2.0", "fundingRate": "0.0000125" }),
        _ => json!({ "type": "deposit", "usdc": usdc }),
    };
    LedgerUpdate { id: format!("{time}|{user}"), user, time, hash: hash(time.unsigned_abs()), delta }
}

fn hash(number: u64) -> Hash {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Hash(bytes)
}

pub fn wallet(number: u64) -> Wallet {
    format!("0x{number:040x}").parse().unwrap()
}

/// Longs of as many wallets as make a cascade, taken over by one.
fn burst(before: &Cursor) -> Vec<Fill> {
    let legs = (0..7_u64).flat_map(|place| {
        let victim = Fill {
            block: before.block + 1,
            index: 5_000 + 2 * place as u32,
            user: wallet(0xdead + place),
            coin: Coin::new("WLD"),
            px: amount("0.4"),
            sz: Amount::from(9_000 + place as i64),
            side: Side::Sell,
            time: before.time,
            start_position: Amount::from(9_000 + place as i64),
            dir: Text::from("Close Long"),
            closed_pnl: Some(amount("-10.5")),
            hash: hash(place),
            oid: 77_000 + place,
            crossed: true,
            fee: Some(amount("0.1")),
            tid: Some(880_000 + before.block * 10 + place),
            liquidation: Some(Liquidation {
                liquidated_user: Some(wallet(0xdead + place)),
                mark_px: amount("0.41"),
                method: Text::from(if place % 3 == 0 { "backstop" } else { "market" }),
            }),
            fee_token: None,
            twap_id: None,
        };
        let other = Fill {
            index: victim.index + 1,
            user: wallet(0xbeef),
            side: Side::Buy,
            start_position: Amount::ZERO,
            dir: Text::from("Open Long"),
            crossed: false,
            ..victim.clone()
        };
        [victim, other]
    });
    legs.collect()
}
