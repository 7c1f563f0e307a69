//! The facts of a market in which everybody holds something: so many positions, each opened by one fill, of wallets that
//! hold four each. Of one wallet in ten the account is known.

use std::sync::Arc;

use schemas::{
    AccountState, Amount, AssetContext, AssetPosition, Clock, Coin, Fill, GENERATION, Hash, Headers, HeldLeverage,
    HeldPosition, MarginSummary, MarginTier, Market, Message, Outbox, Side, Text, Wallet, kind, topics,
};

use crate::failure::Failure;
use crate::log::Writer;
use crate::run::Shared;

pub const COINS: u64 = 200;
const HELD_BY_EACH: u64 = 4;
const START: i64 = 1_782_633_600_000;
const FILLS_PER_BLOCK: u64 = 1_000;
/// What a second of the exchange has.
const BLOCKS_PER_SECOND: u64 = 14;
/// After the last fill, so that nothing is provisional any more.
const QUIET_SECONDS: u64 = 80;

pub struct Positions {
    count: u64,
    block: u64,
    out: Outbox,
}

impl Positions {
    pub fn of(count: u64) -> Self {
        Self { count, block: 0, out: Outbox::new(GENERATION) }
    }

    /// Writes all of it.
    pub fn open(mut self, shared: &Shared) -> Result<(), Failure> {
        let mut writer = Arc::clone(&shared.log).writer("facts.0")?;
        for coin in 0..COINS {
            self.out.send(&terms(coin));
        }
        self.tell_marks(0);
        for number in 0..self.count {
            self.tell(&fill(number, self.block + 1), kind::FILL);
            let (holder, last) = (number / HELD_BY_EACH, number % HELD_BY_EACH + 1 == HELD_BY_EACH);
            if last && holder.is_multiple_of(10) {
                self.out.send(&account(holder, self.time()));
            }
            if (number + 1).is_multiple_of(FILLS_PER_BLOCK) {
                self.end_block();
                self.commit(writer.as_mut())?;
            }
        }
        for _ in 0..QUIET_SECONDS * BLOCKS_PER_SECOND {
            self.end_block();
        }
        self.commit(writer.as_mut())
    }

    /// Goes on behind all of that.
    pub fn move_marks(mut self, shared: &Shared, seconds: u64) -> Result<(), Failure> {
        let mut writer = Arc::clone(&shared.log).writer("facts.0")?;
        self.block = self.count / FILLS_PER_BLOCK + QUIET_SECONDS * BLOCKS_PER_SECOND;
        for second in 1..=seconds {
            self.tell_marks(second);
            (0..BLOCKS_PER_SECOND).for_each(|_| self.end_block());
            self.commit(writer.as_mut())?;
        }
        Ok(())
    }

    /// Of the block that is being made.
    fn time(&self) -> i64 {
        START + (self.block * 1_000 / BLOCKS_PER_SECOND).cast_signed()
    }

    fn end_block(&mut self) {
        let time = self.time();
        self.block += 1;
        let (clock, mut headers) = (Clock { time, block: self.block }, Vec::new());
        Headers::write(&mut headers, kind::HEADER, kind::CLOCK);
        let value = serde_json::to_vec(&clock).unwrap_or_default();
        for partition in 0..GENERATION.partitions {
            self.out.batch(&topics::FILLS, partition).push(time, kind::CLOCK, Some(&value), &headers);
        }
    }

    fn tell_marks(&mut self, moved: u64) {
        let time = self.time();
        (0..COINS).for_each(|coin| self.tell(&context(coin, time, moved), kind::CONTEXT));
    }

    fn tell<M: Message>(&mut self, fact: &M, kind: &[u8]) {
        let mut headers = Vec::new();
        Headers::write(&mut headers, kind::HEADER, kind);
        fact.append_to(self.out.batch(M::TOPIC, fact.partition(GENERATION.partitions)), &headers);
    }

    fn commit(&mut self, writer: &mut dyn Writer) -> Result<(), Failure> {
        writer.commit(&self.out)?;
        self.out.clear();
        Ok(())
    }
}

fn coin(number: u64) -> Coin {
    Coin::new(&format!("COIN{number}"))
}

fn wallet(number: u64) -> Wallet {
    let mut bytes = [0xab; 20];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    Wallet(bytes)
}

/// The n-th position: whose, in which coin, how large and at which price.
fn held(number: u64) -> (Wallet, u64, Amount, Amount) {
    let (holder, place) = (number / HELD_BY_EACH, number % HELD_BY_EACH);
    let size = decimal(1_000 + number * 7_919 % 900_000, 4);
    let coin = (holder * 31 + place * 53) % COINS;
    (wallet(holder), coin, if number.is_multiple_of(3) { size.negated() } else { size }, px(coin, number % 100))
}

/// A price of the coin, so many hundredths of a percent above its first one.
fn px(coin: u64, moved: u64) -> Amount {
    decimal((coin + 1) * (10_000 + moved), 4)
}

/// A whole number of parts of one.
fn decimal(parts: u64, places: i32) -> Amount {
    let unit = Amount::power_of_ten(-places).unwrap_or_default();
    Amount::from(parts.cast_signed()).times(unit).unwrap_or_default()
}

fn fill(number: u64, block: u64) -> Fill {
    let (user, coin_number, size, px) = held(number);
    Fill {
        block,
        index: (number % FILLS_PER_BLOCK) as u32,
        user,
        coin: coin(coin_number),
        px,
        sz: size.magnitude(),
        side: if size.sign() > 0 { Side::Buy } else { Side::Sell },
        time: START + ((block - 1) * 1_000 / BLOCKS_PER_SECOND).cast_signed(),
        start_position: Amount::ZERO,
        dir: Text::from(if size.sign() > 0 { "Open Long" } else { "Open Short" }),
        closed_pnl: Some(Amount::ZERO),
        hash: Hash([0; 32]),
        oid: 400_000_000_000 + number,
        crossed: number.is_multiple_of(2),
        fee: Some(decimal(number % 1_000, 4)),
        tid: Some(number + 1),
        liquidation: None,
        fee_token: None,
        twap_id: None,
    }
}

fn terms(number: u64) -> Market {
    let tier = |lower_bound: i64, max_leverage| MarginTier { lower_bound: Amount::from(lower_bound), max_leverage };
    Market {
        coin: coin(number),
        dex: String::new(),
        size_decimals: 4,
        max_leverage: 20,
        margin_tiers: vec![tier(0, 20), tier(1_000_000, 10)],
        isolated_only: false,
        delisted: false,
        time: START - 10_000,
    }
}

fn context(number: u64, time: i64, moved: u64) -> AssetContext {
    let mark_px = px(number, 10 + moved * 3 % 50);
    AssetContext {
        coin: coin(number),
        time,
        mark_px,
        oracle_px: mark_px,
        mid_px: Some(mark_px),
        funding: decimal(125, 7),
        open_interest: Amount::from(1_000_000),
        prev_day_px: px(number, 0),
        day_ntl_vlm: Amount::from(90_000_000),
        premium: None,
    }
}

/// As the exchange would tell of it right after its positions were opened.
fn account(holder: u64, time: i64) -> AccountState {
    let numbers = holder * HELD_BY_EACH..(holder + 1) * HELD_BY_EACH;
    let positions = numbers.map(held).map(|(_, coin_number, szi, px)| HeldPosition {
        coin: coin(coin_number),
        szi,
        leverage: HeldLeverage { kind: Text::from("cross"), value: 10, raw_usd: None },
        entry_px: Some(px),
        position_value: szi.magnitude().times(px).unwrap_or_default(),
        unrealized_pnl: Amount::ZERO,
        liquidation_px: None,
        margin_used: Amount::ZERO,
        max_leverage: Some(20),
    });
    let margin_summary = MarginSummary {
        account_value: Amount::from(2_000),
        total_ntl_pos: Amount::ZERO,
        total_raw_usd: Amount::from(2_000),
        total_margin_used: Amount::ZERO,
    };
    AccountState {
        user: wallet(holder),
        dex: String::new(),
        time,
        cross_margin_summary: margin_summary.clone(),
        margin_summary,
        cross_maintenance_margin_used: Some(Amount::ZERO),
        asset_positions: positions.map(|position| AssetPosition { position }).collect(),
    }
}
