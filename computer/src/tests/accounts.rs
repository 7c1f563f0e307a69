//! The wallet stage against a small exchange that keeps its own books: whatever it has told of accounts and whenever,
//! what is said of a position is what the exchange's books say at that clock.

use alloc::collections::BTreeMap;

use proptest::prelude::*;
use schemas::{Amount, Generation, MarginTier};

use super::liquidation_price::tiers;
use super::*;
use crate::{Exposure, liquidation_price, maintenance_margin};

const ONE: Generation = Generation { number: 1, partitions: 1 };
const START: i64 = 1_782_636_000_000;
const COINS: [&str; 3] = ["BTC", "ETH", "xyz:CL"];
const DEXES: [&str; 2] = ["", "xyz"];
const LEVERAGE: i64 = 5;

#[derive(Debug, Clone)]
enum Step {
    Trade {
        wallet: usize,
        coin: usize,
        size: i64,
        px: i64,
    },
    Mark {
        coin: usize,
        px: i64,
    },
    /// The exchange tells of an account, as it is now.
    Told {
        wallet: usize,
        dex: usize,
    },
    /// The block ends, and the next one begins so much later.
    Clock {
        pause: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![-8_i64..0, 1_i64..9];
    prop_oneof![
        6 => (0..4_usize, 0..3_usize, size, 80..120_i64).prop_map(|(wallet, coin, size, px)| Step::Trade { wallet, coin, size, px }),
        2 => (0..3_usize, 70..130_i64).prop_map(|(coin, px)| Step::Mark { coin, px }),
        // The fourth wallet is never told of.
        2 => (0..3_usize, 0..2_usize).prop_map(|(wallet, dex)| Step::Told { wallet, dex }),
        5 => prop_oneof![3 => 50..900_i64, 1 => 1_000..90_000_i64].prop_map(|pause| Step::Clock { pause }),
    ]
}

/// The exchange's own books.
#[derive(Default, Clone)]
struct Exchange {
    cash: BTreeMap<(usize, usize), Amount>,
    size: BTreeMap<(usize, usize), Amount>,
    /// Of the isolated ones.
    raw: BTreeMap<(usize, usize), Amount>,
    cost: BTreeMap<(usize, usize), Amount>,
    marks: BTreeMap<usize, Amount>,
    /// When the exchange has told of an account.
    told: BTreeMap<(usize, usize), Vec<i64>>,
    /// When a position with a margin of its own was opened last: that it has one nobody knows before it is told.
    opened_isolated: BTreeMap<(usize, usize), i64>,
    changes: BTreeMap<(usize, usize), Vec<i64>>,
}

fn dex_of(coin: usize) -> usize {
    usize::from(COINS[coin].contains(':'))
}

fn is_isolated(wallet: usize, coin: usize) -> bool {
    (wallet + coin) % 3 == 1
}

fn terms(coin: usize) -> Vec<MarginTier> {
    tiers([&[(0, 40), (900, 20)][..], &[(0, 25)], &[(0, 10)]][coin])
}

fn number(value: i64) -> Amount {
    Amount::from(value)
}

impl Exchange {
    fn size_of(&self, wallet: usize, coin: usize) -> Amount {
        self.size.get(&(wallet, coin)).copied().unwrap_or(Amount::ZERO)
    }

    fn trade(&mut self, wallet: usize, coin: usize, size: Amount, px: Amount, fee: Amount) {
        let (key, before) = ((wallet, coin), self.size_of(wallet, coin));
        let after = before.plus(size).unwrap();
        let cash = self.cash.entry((wallet, dex_of(coin))).or_insert(number(10_000));
        *cash = cash.minus(fee).unwrap();
        if is_isolated(wallet, coin) {
            let raw = self.raw.entry(key).or_insert(Amount::ZERO);
            // First what is closed, with its part of what the position is worth; then what is opened, with a margin.
            let closes = before.sign() * size.sign() < 0;
            let left = if !closes {
                before
            } else if after.sign() == before.sign() {
                after
            } else {
                Amount::ZERO
            };
            if closes {
                let kept = if left.is_zero() { Amount::ZERO } else { raw.times(left).unwrap().over(before).unwrap() };
                let worth = |raw: Amount, size: Amount| raw.plus(size.times(px).unwrap()).unwrap();
                *cash = cash.plus(worth(*raw, before).minus(worth(kept, left)).unwrap()).unwrap();
                *raw = kept;
            }
            let value = after.minus(left).unwrap().times(px).unwrap();
            let margin = value.magnitude().over(number(LEVERAGE)).unwrap();
            *cash = cash.minus(margin).unwrap();
            *raw = raw.plus(margin).unwrap().minus(value).unwrap();
        } else {
            *cash = cash.minus(size.times(px).unwrap()).unwrap();
        }
        self.size.insert(key, after);
        self.cost.insert(key, after.magnitude().times(px).unwrap());
    }

    fn worth(&self, wallet: usize, coin: usize) -> Option<Amount> {
        self.size_of(wallet, coin).times(*self.marks.get(&coin)?).ok()
    }

    fn cross(&self, wallet: usize, dex: usize) -> Vec<usize> {
        let is_held = |coin: &usize| !self.size_of(wallet, *coin).is_zero();
        (0..COINS.len()).filter(|coin| dex_of(*coin) == dex && !is_isolated(wallet, *coin)).filter(is_held).collect()
    }

    /// Cash and all that is cross at the marks; what all of it asks for.
    fn cross_account(&self, wallet: usize, dex: usize) -> Option<(Amount, Amount)> {
        let mut value = self.cash[&(wallet, dex)];
        let mut asked = Amount::ZERO;
        for coin in self.cross(wallet, dex) {
            let worth = self.worth(wallet, coin)?;
            value = value.plus(worth).unwrap();
            asked = asked.plus(maintenance_margin(worth.magnitude(), &terms(coin)).unwrap()).unwrap();
        }
        Some((value, asked))
    }

    fn liquidation_px(&self, wallet: usize, coin: usize) -> Option<Option<Amount>> {
        let (size, worth) = (self.size_of(wallet, coin), self.worth(wallet, coin)?);
        let own = maintenance_margin(worth.magnitude(), &terms(coin)).unwrap();
        let (equity, other_maintenance) = if is_isolated(wallet, coin) {
            (self.raw[&(wallet, coin)].plus(worth).unwrap(), Amount::ZERO)
        } else {
            let (value, asked) = self.cross_account(wallet, dex_of(coin))?;
            (value, asked.minus(own).unwrap())
        };
        let exposure = Exposure { size, notional: worth.magnitude(), equity, other_maintenance };
        Some(liquidation_price(&exposure, &terms(coin)).unwrap())
    }

    /// The reply to `clearinghouseState`.
    fn account(&self, wallet: usize, dex: usize, time: i64) -> Option<Value> {
        let cash = self.cash.get(&(wallet, dex))?;
        let (value, asked) = self.cross_account(wallet, dex)?;
        let coins = (0..COINS.len()).filter(|coin| dex_of(*coin) == dex && !self.size_of(wallet, *coin).is_zero());
        let mut positions = Vec::new();
        for coin in coins {
            let worth = self.worth(wallet, coin)?;
            let raw = is_isolated(wallet, coin).then(|| self.raw[&(wallet, coin)]);
            let mut leverage = json!({ "type": "cross", "value": LEVERAGE });
            if let Some(raw) = raw {
                leverage = json!({ "type": "isolated", "value": LEVERAGE, "rawUsd": raw });
            }
            let used = raw.map_or(worth.magnitude(), |raw| raw.plus(worth).unwrap());
            positions.push(json!({ "position": {
                "coin": COINS[coin], "szi": self.size_of(wallet, coin), "leverage": leverage, "positionValue": worth.magnitude(),
                "unrealizedPnl": "0.0", "liquidationPx": self.liquidation_px(wallet, coin)?, "marginUsed": used,
            }}));
        }
        let summary =
            json!({ "accountValue": value, "totalNtlPos": "0.0", "totalRawUsd": cash, "totalMarginUsed": "0.0" });
        Some(json!({
            "user": address(wallet), "dex": DEXES[dex], "time": time, "marginSummary": summary, "crossMarginSummary": summary,
            "crossMaintenanceMarginUsed": asked, "assetPositions": positions,
        }))
    }
}

fn address(wallet: usize) -> String {
    format!("0x{:040x}", wallet + 1)
}

/// The records of each lane, in the order in which they were written, with the books at each clock.
struct Tape {
    changes: Vec<(&'static str, Value)>,
    accounts: Vec<Value>,
    books: BTreeMap<i64, Exchange>,
}

fn played(steps: &[Step]) -> Tape {
    let mut exchange = Exchange::default();
    let mut tape = Tape { changes: Vec::new(), accounts: Vec::new(), books: BTreeMap::new() };
    let (mut time, mut block, mut index, mut waiting) = (START, 1, 0, Vec::new());
    for (coin, name) in COINS.into_iter().enumerate() {
        let mark = json!({ "coin": name, "time": time, "mark_px": "100.0", "margin_tiers": terms(coin) });
        tape.changes.push(("market", mark));
        exchange.marks.insert(coin, "100.0".parse().unwrap());
    }
    let end = Step::Clock { pause: 120_000 };
    for step in steps.iter().chain([&end, &end]) {
        match *step {
            Step::Trade { wallet, coin, size, px } => {
                let (before, fee) = (exchange.size_of(wallet, coin), number(px).over(number(100)).unwrap());
                exchange.trade(wallet, coin, number(size), number(px), fee);
                exchange.changes.entry((wallet, dex_of(coin))).or_default().push(time);
                if before.is_zero() && is_isolated(wallet, coin) {
                    exchange.opened_isolated.insert((wallet, dex_of(coin)), time);
                }
                tape.changes.push(("change", json!({
                    "coin": COINS[coin], "wallet": address(wallet), "time": time, "block": block, "index": index,
                    "side": if size > 0 { "B" } else { "A" }, "px": number(px), "sz": number(size.abs()), "dir": "",
                    "before": before, "after": exchange.size_of(wallet, coin), "known": before, "oid": block, "crossed": true,
                    "fee": fee, "cost": exchange.cost[&(wallet, coin)],
                })));
                index += 1;
            }
            Step::Mark { coin, px } => {
                exchange.marks.insert(coin, number(px));
                let mark =
                    json!({ "coin": COINS[coin], "time": time, "mark_px": number(px), "margin_tiers": terms(coin) });
                tape.changes.push(("market", mark));
            }
            // Between this block and the next one.
            Step::Told { wallet, dex } => waiting.push((wallet, dex)),
            Step::Clock { pause } => {
                tape.changes.push(("clock", json!({ "time": time, "block": block })));
                tape.books.insert(time, exchange.clone());
                for (wallet, dex) in waiting.drain(..) {
                    if let Some(account) = exchange.account(wallet, dex, time + 1) {
                        tape.accounts.push(account);
                        exchange.told.entry((wallet, dex)).or_default().push(time + 1);
                    }
                }
                (time, block, index) = (time + pause, block + 1, 0);
            }
        }
    }
    tape
}

impl Tape {
    /// Of an open position, and whether its account is known; nothing where the exchange has not told of all of it.
    fn expected(&self, wallet: usize, coin: usize, clock: i64) -> Option<(Option<Amount>, bool)> {
        let (books, account) = (&self.books[&clock], (wallet, dex_of(coin)));
        let told = self.last_telling(account, clock);
        if books.size_of(wallet, coin).is_zero()
            || told.is_some() && books.opened_isolated.get(&account).copied() > told
        {
            return None;
        }
        let px = if told.is_some() { books.liquidation_px(wallet, coin)? } else { assumed(books, wallet, coin) };
        Some((px, told.is_some()))
    }

    /// The last one that counts at this clock: the first one of an account counts only when nothing had happened
    /// between its moment and the clock before the one at which it comes.
    fn last_telling(&self, account: (usize, usize), clock: i64) -> Option<i64> {
        let end = self.books.values().last()?;
        let told = end.told.get(&account)?.iter().filter(|told| **told <= clock - crate::BESIDE_MS);
        let unnoted = |told: &i64| {
            let before = self.books.range(..told + crate::BESIDE_MS).next_back().map_or(0, |(clock, _)| *clock);
            end.changes[&account].iter().any(|change| change > told && *change <= before)
        };
        told.skip_while(|told| unnoted(told)).copied().last()
    }
}

fn risks(out: &mut Outbox) -> Vec<Value> {
    let mut risks = said(out);
    risks
        .retain(|record| record["topic"] == "position-risks" && record["key"] != "clock" && !record["value"].is_null());
    risks.into_iter().map(|record| record["value"].clone()).collect()
}

fn told_of(tape: &Tape) -> Vec<Value> {
    let (mut stage, mut out) = (crate::WALLET.task(ONE, 0), Outbox::new(ONE));
    for (offset, account) in tape.accounts.iter().enumerate() {
        give(&mut stage, 1, offset as u64, None, &account.to_string(), &mut out);
    }
    let mut told = Vec::new();
    for (offset, (kind, value)) in tape.changes.iter().enumerate() {
        give(&mut stage, 0, offset as u64, Some(kind), &value.to_string(), &mut out);
        go_on_with_what_there_is(&mut stage, &mut out);
        told.extend(risks(&mut out));
    }
    assert!(stage.set_aside().is_empty());
    told
}

fn check(steps: &[Step]) {
    let tape = played(steps);
    let (told, mut before) = (told_of(&tape), 0);
    let mut last: BTreeMap<(usize, usize), Value> = BTreeMap::new();
    for (&clock, books) in &tape.books {
        for risk in told.iter().filter(|risk| risk["clock"] == json!(clock)) {
            let coin = COINS.iter().position(|coin| *coin == risk["coin"]).unwrap();
            let wallet = (0..4).find(|wallet| risk["wallet"] == address(*wallet)).unwrap();
            assert_eq!(risk["size"], json!(books.size_of(wallet, coin)), "{risk}");
            if let Some((px, is_known)) = tape.expected(wallet, coin, clock) {
                assert_eq!(price(risk), px, "{risk}");
                assert_eq!(risk["basis"] == "assumed", !is_known, "{risk}");
                assert_ne!(risk["basis"], "exchange", "{risk}");
            }
            last.insert((wallet, coin), risk.clone());
        }
        // What has changed is told at once, all of the account.
        for (&(wallet, dex), times) in &books.changes {
            let has_changed = times.iter().any(|time| (before + 1..=clock).contains(time));
            for coin in (0..COINS.len()).filter(|coin| has_changed && dex_of(*coin) == dex) {
                let risk = last.get(&(wallet, coin));
                let size = books.size_of(wallet, coin);
                assert!(risk.is_some() || size.is_zero(), "nothing is said of {:?}", (wallet, coin));
                assert!(risk.is_none_or(|risk| risk["size"] == json!(size)), "{risk:?}");
                if let Some((risk, (px, _))) = risk.zip(tape.expected(wallet, coin, clock)) {
                    assert!(are_close(price(risk), px), "{risk} at {clock}: {px:?}");
                }
            }
        }
        before = clock;
    }
}

fn price(risk: &Value) -> Option<Amount> {
    serde_json::from_value(risk["liquidation_px"].clone()).unwrap()
}

fn are_close(one: Option<Amount>, other: Option<Amount>) -> bool {
    let apart = one.zip(other).map(|(one, other)| one.minus(other).unwrap().magnitude().times(number(1_000)).unwrap());
    match apart {
        Some(apart) => apart <= one.unwrap(),
        None => one == other,
    }
}

/// With a margin of its own at half of the highest leverage, from what was paid.
fn assumed(books: &Exchange, wallet: usize, coin: usize) -> Option<Amount> {
    let (size, cost) = (books.size_of(wallet, coin), books.cost[&(wallet, coin)]);
    let leverage = i64::from(terms(coin)[0].max_leverage / 2);
    let equity = cost.over(number(leverage)).unwrap();
    let exposure = Exposure { size, notional: cost, equity, other_maintenance: Amount::ZERO };
    liquidation_price(&exposure, &terms(coin)).unwrap()
}

proptest! {
    #[test]
    fn what_is_said_of_a_position_is_what_the_exchange_s_books_say(steps in prop::collection::vec(step(), 1..60)) {
        check(&steps);
    }
}

#[test]
fn an_account_that_is_told_late_is_carried_forward_from_its_own_moment() {
    let trade = |size| Step::Trade { wallet: 0, coin: 0, size, px: 100 };
    // Told between two trades of which the second is applied before the telling.
    check(&[
        trade(3),
        Step::Told { wallet: 0, dex: 0 },
        Step::Clock { pause: 200 },
        trade(-1),
        Step::Clock { pause: 900 },
        trade(2),
        Step::Clock { pause: 500 },
    ]);
}
