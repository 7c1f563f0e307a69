//! The wallet stage against a small exchange that keeps its own books: whatever it has told of accounts and whenever,
//! what is said to follow from an account is what the exchange's books say at that clock, and nothing is called an
//! estimate of which everything is known.

use alloc::collections::BTreeMap;

use proptest::prelude::*;
use schemas::{AccountState, Amount, Gap, Generation, LedgerUpdate, MarginTier, MarketState, Message, ResultClock};

use super::liquidation_price::tiers;
use super::*;
use crate::{Exposure, Topology, WALLET, liquidation_price, maintenance_margin};

const ONE: Generation = Generation { number: 1, facts: 1, partitions: 1 };
const START: i64 = 1_782_636_000_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const COINS: [&str; 3] = ["BTC", "ETH", "xyz:CL"];
const DEXES: [&str; 2] = ["", "xyz"];
const LEVERAGE: i64 = 5;
/// Of this one the exchange has prices of its own, and of the last one it never tells.
const POOLED: usize = 3;
const UNTOLD: usize = 4;

#[derive(Debug, Clone)]
enum Step {
    Trade {
        wallet: usize,
        coin: usize,
        size: i64,
        px: i64,
        /// Nobody saw it: it was in a block that is missing before the next clock.
        is_missed: bool,
    },
    Mark {
        coin: usize,
        px: i64,
    },
    /// Money comes into an account, or funding is paid.
    Paid {
        wallet: usize,
        is_funding: bool,
    },
    /// The exchange tells of an account, as it is now.
    Told {
        wallet: usize,
        dex: usize,
    },
    /// The block ends, and the next one begins so much later; the task may be dropped and made anew.
    Clock {
        pause: i64,
        begins_anew: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    // Shares of what is held have no end of places.
    let size = prop_oneof![-8_i64..0, 1_i64..9];
    let trade = (0..5_usize, 0..3_usize, size, 80..120_i64, prop::bool::weighted(0.04));
    let pause = prop_oneof![30 => 50..900_i64, 10 => 1_000..90_000_i64, 1 => Just(HOUR + MINUTE)];
    prop_oneof![
        6 => trade.prop_map(|(wallet, coin, size, px, is_missed)| Step::Trade { wallet, coin, size, px, is_missed }),
        2 => (0..3_usize, 70..130_i64).prop_map(|(coin, px)| Step::Mark { coin, px }),
        1 => (0..5_usize, prop::bool::weighted(0.7)).prop_map(|(wallet, is_funding)| Step::Paid { wallet, is_funding }),
        3 => (0..UNTOLD, 0..2_usize).prop_map(|(wallet, dex)| Step::Told { wallet, dex }),
        6 => (pause, prop::bool::weighted(0.2)).prop_map(|(pause, begins_anew)| Step::Clock { pause, begins_anew }),
    ]
}

/// The exchange's own books.
#[derive(Default, Clone)]
struct Exchange {
    cash: BTreeMap<(usize, usize), Amount>,
    size: BTreeMap<(usize, usize), Amount>,
    /// Of the isolated ones.
    raw: BTreeMap<(usize, usize), Amount>,
    marks: BTreeMap<usize, Amount>,
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

/// As the exchange counts money.
fn millionths(amount: Amount) -> Amount {
    amount.in_millionths()
}

/// What is behind an isolated position after a trade, and what comes of it to the cash: first what is closed, with its
/// part of what the position is worth; then what is opened, with a margin.
pub(super) fn isolated_after(raw: Amount, before: Amount, size: Amount, px: Amount, leverage: i64) -> (Amount, Amount) {
    let after = before.plus(size).unwrap();
    let closes = before.sign() * size.sign() < 0;
    let left = if !closes {
        before
    } else if after.sign() == before.sign() {
        after
    } else {
        Amount::ZERO
    };
    let (mut raw, mut given) = (raw, Amount::ZERO);
    if closes {
        let kept = if left.is_zero() { Amount::ZERO } else { raw.times(left).unwrap().over(before).unwrap() };
        let kept = millionths(kept);
        let worth = |raw: Amount, size: Amount| raw.plus(size.times(px).unwrap()).unwrap();
        given = worth(raw, before).minus(worth(kept, left)).unwrap();
        raw = kept;
    }
    let value = after.minus(left).unwrap().times(px).unwrap();
    let margin = millionths(value.magnitude().over(number(leverage)).unwrap());
    (raw.plus(margin).unwrap().minus(value).unwrap(), given.minus(margin).unwrap())
}

impl Exchange {
    fn size_of(&self, wallet: usize, coin: usize) -> Amount {
        self.size.get(&(wallet, coin)).copied().unwrap_or(Amount::ZERO)
    }

    fn cash_of(&mut self, wallet: usize, dex: usize) -> &mut Amount {
        self.cash.entry((wallet, dex)).or_insert(number(10_000))
    }

    fn trade(&mut self, wallet: usize, coin: usize, size: Amount, px: Amount, fee: Amount) {
        let (key, before) = ((wallet, coin), self.size_of(wallet, coin));
        let after = before.plus(size).unwrap();
        let mut cash = self.cash_of(wallet, dex_of(coin)).minus(fee).unwrap();
        if is_isolated(wallet, coin) {
            let raw = self.raw.entry(key).or_insert(Amount::ZERO);
            let (after, given) = isolated_after(*raw, before, size, px, LEVERAGE);
            cash = cash.plus(given).unwrap();
            *raw = after;
        } else {
            cash = cash.minus(size.times(px).unwrap()).unwrap();
        }
        *self.cash_of(wallet, dex_of(coin)) = cash;
        self.size.insert(key, after);
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

    fn liquidation_px(&self, wallet: usize, coin: usize) -> Option<Amount> {
        let (size, worth) = (self.size_of(wallet, coin), self.worth(wallet, coin)?);
        let own = maintenance_margin(worth.magnitude(), &terms(coin)).unwrap();
        let (equity, other_maintenance) = if is_isolated(wallet, coin) {
            (self.raw[&(wallet, coin)].plus(worth).unwrap(), Amount::ZERO)
        } else {
            let (value, asked) = self.cross_account(wallet, dex_of(coin))?;
            (value, asked.minus(own).unwrap())
        };
        let exposure = Exposure { size, notional: worth.magnitude(), equity, other_maintenance };
        liquidation_price(&exposure, &terms(coin)).unwrap()
    }

    /// What the exchange says when it is asked.
    fn said_px(&self, wallet: usize, coin: usize) -> Option<Amount> {
        let px = self.liquidation_px(wallet, coin);
        if wallet == POOLED { Some(px.map_or(number(7), |px| px.times(number(3)).unwrap())) } else { px }
    }

    /// The reply to `clearinghouseState`.
    fn account(&self, wallet: usize, dex: usize, time: i64) -> Option<AccountState> {
        let cash = self.cash.get(&(wallet, dex))?;
        let (value, asked) = self.cross_account(wallet, dex)?;
        let mut positions = Vec::new();
        for (coin, size) in self.held(wallet, dex) {
            let worth = self.worth(wallet, coin)?;
            let raw = is_isolated(wallet, coin).then(|| self.raw[&(wallet, coin)]);
            let mut leverage = json!({ "type": "cross", "value": LEVERAGE });
            if let Some(raw) = raw {
                leverage = json!({ "type": "isolated", "value": LEVERAGE, "rawUsd": raw });
            }
            let used = raw.map_or(worth.magnitude(), |raw| raw.plus(worth).unwrap());
            positions.push(json!({ "position": {
                "coin": COINS[coin], "szi": size, "leverage": leverage, "positionValue": worth.magnitude(),
                "unrealizedPnl": "0.0", "liquidationPx": self.said_px(wallet, coin), "marginUsed": used,
            }}));
        }
        let summary =
            json!({ "accountValue": value, "totalNtlPos": "0.0", "totalRawUsd": cash, "totalMarginUsed": "0.0" });
        let state = json!({
            "user": address(wallet), "dex": DEXES[dex], "time": time, "marginSummary": summary, "crossMarginSummary": summary,
            "crossMaintenanceMarginUsed": asked, "assetPositions": positions,
        });
        Some(serde_json::from_value(state).unwrap())
    }

    fn held(&self, wallet: usize, dex: usize) -> BTreeMap<usize, Amount> {
        let coins = (0..COINS.len()).filter(|coin| dex_of(*coin) == dex);
        coins.map(|coin| (coin, self.size_of(wallet, coin))).filter(|(_, size)| !size.is_zero()).collect()
    }
}

fn address(wallet: usize) -> String {
    format!("0x{:040x}", wallet + 1)
}

/// What was told, clock by clock, with the books as they were then.
#[derive(Default)]
struct Tape {
    clocks: Vec<Moment>,
    /// In the order in which it was told, by account.
    trades: BTreeMap<(usize, usize), Vec<Trade>>,
    tellings: BTreeMap<(usize, usize), Vec<Telling>>,
    /// Money that came, by wallet; holes, by their ends.
    paid: BTreeMap<usize, Vec<i64>>,
    holes: Vec<i64>,
}

struct Moment {
    time: i64,
    records: Outbox,
    books: Exchange,
    begins_anew: bool,
}

/// A change that was seen.
struct Trade {
    coin: usize,
    time: i64,
    before: Amount,
    after: Amount,
    cost: Amount,
}

struct Telling {
    time: i64,
    held: BTreeMap<usize, Amount>,
    /// Of each position, as the exchange said.
    px: BTreeMap<usize, Option<Amount>>,
}

fn played(steps: &[Step]) -> Tape {
    let (mut exchange, mut tape, mut records) = (Exchange::default(), Tape::default(), Outbox::new(ONE));
    let (mut time, mut block, mut index, mut before, mut waiting) = (START, 1, 0, START, Vec::new());
    let mut has_hole = false;
    for coin in 0..COINS.len() {
        mark(&mut exchange, &mut records, coin, 100, time);
    }
    let end = Step::Clock { pause: 2 * MINUTE, begins_anew: false };
    for step in steps.iter().chain([&end, &end]) {
        match *step {
            Step::Trade { wallet, coin, size, px, is_missed } => {
                let (held, px, size) = (exchange.size_of(wallet, coin), number(px), number(size));
                let size = if index % 3 == 0 { size } else { size.over(number(7)).unwrap().in_millionths() };
                // Now and then all of it is closed.
                let size = if index % 5 == 4 && !held.is_zero() { held.negated() } else { size };
                let fee = px.over(number(100)).unwrap();
                exchange.trade(wallet, coin, size, px, fee);
                has_hole |= is_missed;
                if !is_missed {
                    let after = exchange.size_of(wallet, coin);
                    let cost = after.magnitude().times(px).unwrap();
                    let change = json!({
                        "coin": COINS[coin], "wallet": address(wallet), "time": time, "block": block, "index": index,
                        "side": if size.sign() > 0 { "B" } else { "A" }, "px": px, "sz": size.magnitude(), "dir": "",
                        "before": held, "after": after, "known": held, "oid": block, "crossed": true, "fee": fee, "cost": cost,
                    });
                    records.send(&serde_json::from_value::<PositionChange>(change).unwrap());
                    let trade = Trade { coin, time, before: held, after, cost };
                    tape.trades.entry((wallet, dex_of(coin))).or_default().push(trade);
                }
                index += 1;
            }
            Step::Mark { coin, px } => mark(&mut exchange, &mut records, coin, px, time),
            Step::Paid { wallet, is_funding } => {
                let cash = exchange.cash_of(wallet, 0);
                *cash = if is_funding { *cash } else { cash.plus(number(50)).unwrap() };
                let kind = if is_funding { "funding" } else { "deposit" };
                let update = json!({
                    "id": format!("{time}/{wallet}"), "user": address(wallet), "time": time,
                    "hash": format!("0x{:064x}", 1), "delta": { "type": kind, "usdc": "50" },
                });
                records.send(&serde_json::from_value::<LedgerUpdate>(update).unwrap());
                if !is_funding {
                    tape.paid.entry(wallet).or_default().push(time);
                }
            }
            // Between this block and the next one.
            Step::Told { wallet, dex } => waiting.push((wallet, dex)),
            Step::Clock { pause, begins_anew } => {
                if has_hole {
                    let gap = Gap { from_block: block, to_block: block, from_time: before, to_time: time };
                    records.send_gap(PositionChange::TOPIC, 0, &gap);
                    tape.holes.push(time);
                }
                records.send_clock(
                    PositionChange::TOPIC,
                    0,
                    &ResultClock { time, block, since_time: START, since_block: 1 },
                );
                let records_then = core::mem::replace(&mut records, Outbox::new(ONE));
                tape.clocks.push(Moment { time, records: records_then, books: exchange.clone(), begins_anew });
                for (wallet, dex) in waiting.drain(..) {
                    tape.tell(&exchange, (wallet, dex), time + 1, &mut records);
                }
                (before, has_hole) = (time, false);
                (time, block, index) = (time + pause, block + 1, 0);
            }
        }
    }
    tape
}

fn mark(exchange: &mut Exchange, records: &mut Outbox, coin: usize, px: i64, time: i64) {
    exchange.marks.insert(coin, number(px));
    let mark = json!({ "coin": COINS[coin], "time": time, "mark_px": number(px), "margin_tiers": terms(coin) });
    records.send(&serde_json::from_value::<MarketState>(mark).unwrap());
}

/// What is known of an account, the long way.
#[derive(Default, Clone)]
struct Known<'a> {
    /// The last telling that counts.
    told: Option<&'a Telling>,
    /// The same, also when it is too long ago: what was held nobody has said otherwise.
    sizes: Option<&'a Telling>,
    /// Whether the exchange has told of it within the hour, so that it was counted or not.
    has_book: bool,
    was_told_of: bool,
}

impl Tape {
    fn tell(&mut self, exchange: &Exchange, (wallet, dex): (usize, usize), time: i64, records: &mut Outbox) {
        let Some(account) = exchange.account(wallet, dex, time) else { return };
        records.send(&account);
        let held = exchange.held(wallet, dex);
        let px = held.keys().map(|coin| (*coin, exchange.said_px(wallet, *coin))).collect();
        let tellings = self.tellings.entry((wallet, dex)).or_default();
        // Of two of the same moment the first one counts.
        if tellings.last().is_none_or(|last| last.time < time) {
            tellings.push(Telling { time, held, px });
        }
    }

    /// At each clock. The first telling counts when nothing had been noted by then that happened later; one that does not
    /// count makes that whatever happens from then on is noted. An hour after the last one nothing of it is known.
    fn known(&self, account: (usize, usize)) -> Vec<Known<'_>> {
        let (mut known, mut noted_from, mut spoken_of) = (Known::default(), None, 0);
        let mut tellings = self.tellings.get(&account).into_iter().flatten().peekable();
        let (mut all, mut before) = (Vec::new(), 0);
        for Moment { time, .. } in &self.clocks {
            while let Some(telling) = tellings.next_if(|telling| telling.time + crate::BESIDE_MS <= *time) {
                let happened = self.trades.get(&account).into_iter().flatten().map(|trade| trade.time);
                let last = happened.filter(|trade| *trade <= before).max().unwrap_or_default();
                let noted_from = *noted_from.get_or_insert(last);
                spoken_of = telling.time;
                (known.has_book, known.was_told_of) = (true, true);
                if noted_from <= telling.time {
                    (known.told, known.sizes) = (Some(telling), Some(telling));
                }
            }
            if known.has_book && time / MINUTE > before / MINUTE && spoken_of + HOUR < *time {
                known = Known { was_told_of: true, sizes: known.sizes, ..Known::default() };
                noted_from = None;
            }
            all.push(known.clone());
            before = *time;
        }
        all
    }

    fn trades_of(&self, wallet: usize, coin: usize, clock: i64) -> impl Iterator<Item = &Trade> {
        let all = self.trades.get(&(wallet, dex_of(coin))).into_iter().flatten();
        all.filter(move |trade| trade.coin == coin && trade.time <= clock)
    }

    /// What is known to be held: as the last fill has left it, or as was told later.
    fn size(&self, wallet: usize, coin: usize, clock: i64, known: &Known<'_>) -> Amount {
        let last = self.trades_of(wallet, coin, clock).last();
        let told = known.sizes.filter(|told| last.is_none_or(|last| last.time < told.time));
        match told {
            Some(told) => told.held.get(&coin).copied().unwrap_or(Amount::ZERO),
            None => last.map_or(Amount::ZERO, |last| last.after),
        }
    }

    /// Whether the exchange has told how the position is backed, and it was not closed since.
    fn is_backing_known(&self, wallet: usize, coin: usize, clock: i64, told: &Telling) -> bool {
        let closes = |trade: &Trade| trade.time > told.time && trade.after.is_zero();
        told.held.contains_key(&coin) && !self.trades_of(wallet, coin, clock).any(closes)
    }

    /// Whether everything is known that a price follows from.
    fn is_exact(&self, wallet: usize, coin: usize, clock: i64, known: &Known<'_>) -> bool {
        let Some(told) = known.told.filter(|_| wallet != POOLED) else { return false };
        let paid = self.paid.get(&wallet).into_iter().flatten().filter(|paid| **paid + crate::BESIDE_MS <= clock);
        let mut unclear = self.holes.iter().filter(|end| **end <= clock).chain(paid);
        if unclear.any(|time| *time > told.time) {
            return false;
        }
        let is_known = |coin: usize| self.is_backing_known(wallet, coin, clock, told);
        let is_held = |other: &usize| !self.size(wallet, *other, clock, known).is_zero();
        let mut others = (0..COINS.len()).filter(|other| dex_of(*other) == dex_of(coin)).filter(is_held);
        is_known(coin) && (is_isolated(wallet, coin) || others.all(is_known))
    }

    /// Whether a change since the telling does not follow from what was known then.
    fn was_one_missed(&self, account: (usize, usize), told: &Telling, clock: i64) -> bool {
        let mut held = told.held.clone();
        let all = self.trades.get(&account).into_iter().flatten();
        let mut since = all.filter(|trade| trade.time > told.time && trade.time <= clock);
        since.any(|trade| held.insert(trade.coin, trade.after).unwrap_or(Amount::ZERO) != trade.before)
    }

    /// That money has come is known a moment later.
    fn is_paid_since(&self, wallet: usize, known: &Known<'_>, clock: i64) -> bool {
        let is_paid = |time: &i64| known.told.is_some_and(|told| *time > told.time && *time <= clock);
        self.paid.get(&wallet).into_iter().flatten().any(is_paid)
    }

    fn has_traded(&self, account: (usize, usize), after: i64, clock: i64) -> bool {
        self.trades.get(&account).into_iter().flatten().any(|trade| (after + 1..=clock).contains(&trade.time))
    }
}

/// All that is said of risks at each clock.
fn told_of(tape: &Tape) -> Vec<Vec<Value>> {
    let mut topology = Topology::of(&[&WALLET], ONE, Rules::default());
    let mut told = Vec::new();
    for moment in &tape.clocks {
        let mut out = Outbox::new(ONE);
        topology.append(&moment.records);
        topology.go_on(&mut out);
        assert_eq!(topology.set_aside(), []);
        if moment.begins_anew {
            topology.replace(0, &mut Outbox::new(ONE)).unwrap();
        }
        let is_risk = |record: &Value| record["topic"] == "position-risks" && record["value"]["coin"].is_string();
        let risks = said(&mut out).into_iter().filter(is_risk);
        told.push(risks.map(|record| record["value"].clone()).collect());
    }
    told
}

/// How often each basis was met, so that a test may ask whether there was anything to check.
fn check(steps: &[Step]) -> BTreeMap<String, usize> {
    let (tape, mut bases) = (played(steps), BTreeMap::new());
    let known: BTreeMap<(usize, usize), Vec<Known<'_>>> =
        (0..=UNTOLD).flat_map(|wallet| [(wallet, 0), (wallet, 1)]).map(|key| (key, tape.known(key))).collect();
    let mut last: BTreeMap<(usize, usize), Value> = BTreeMap::new();
    let mut before = 0;
    for (at, (moment, risks)) in tape.clocks.iter().zip(told_of(&tape)).enumerate() {
        for risk in risks {
            let coin = COINS.iter().position(|coin| *coin == risk["coin"]).unwrap();
            let wallet = (0..=UNTOLD).find(|wallet| risk["wallet"] == address(*wallet)).unwrap();
            let known = &known[&(wallet, dex_of(coin))][at];
            assert_eq!(risk["clock"], json!(moment.time));
            assert_eq!(size(&risk), tape.size(wallet, coin, moment.time, known), "{risk}");
            if !size(&risk).is_zero() {
                let basis = String::from(risk["basis"].as_str().unwrap_or("none"));
                tape.judge(&risk, (wallet, coin), moment, known);
                *bases.entry(basis).or_default() += 1;
            }
            last.insert((wallet, coin), risk);
        }
        // What has changed is told at once, all of the account.
        for (&account, known) in &known {
            for coin in (0..COINS.len()).filter(|coin| dex_of(*coin) == account.1) {
                let (wallet, known) = (account.0, &known[at]);
                if !tape.has_traded(account, before, moment.time) {
                    continue;
                }
                let held = tape.size(wallet, coin, moment.time, known);
                let risk = last.get(&(wallet, coin));
                assert!(risk.is_some() || held.is_zero(), "nothing is said of {:?}", (wallet, coin));
                assert!(risk.is_none_or(|risk| size(risk) == held), "{risk:?}");
                let is_exact = tape.is_exact(wallet, coin, moment.time, known);
                let is_news = tape.is_paid_since(wallet, known, moment.time);
                if let Some(risk) = risk.filter(|_| is_exact && !is_news && !held.is_zero()) {
                    let px = moment.books.liquidation_px(wallet, coin);
                    assert!(are_close(price(risk), px), "{risk} at {}: {px:?}", moment.time);
                }
            }
        }
        before = moment.time;
    }
    bases
}

impl Tape {
    fn judge(&self, risk: &Value, (wallet, coin): (usize, usize), moment: &Moment, known: &Known<'_>) {
        let (basis, clock) = (risk["basis"].as_str(), moment.time);
        let is_exact = matches!(basis, Some("account" | "carried"));
        assert_eq!(is_exact, self.is_exact(wallet, coin, clock, known), "{risk}");
        if is_exact && !self.is_paid_since(wallet, known, clock) {
            assert_eq!(price(risk), moment.books.liquidation_px(wallet, coin), "{risk}");
        }
        let account = (wallet, dex_of(coin));
        if basis == Some("exchange") {
            let told = known.told.unwrap();
            assert_eq!((wallet, told.held[&coin]), (POOLED, size(risk)), "{risk}");
            assert!(self.is_backing_known(wallet, coin, clock, told), "it is another position: {risk}");
            assert_eq!(price(risk), told.px[&coin], "{risk}");
        } else if let Some(told) = known.told.filter(|_| wallet == POOLED) {
            assert!(self.has_traded(account, told.time, clock) || !told.held.contains_key(&coin), "{risk}");
        }
        let last = self.trades_of(wallet, coin, clock).last();
        let last = match known.told {
            None if known.was_told_of => None,
            None => last,
            // Nobody can say any more what its money is.
            Some(told) if self.was_one_missed(account, told, clock) => last.filter(|last| last.time > told.time),
            Some(_) => None,
        };
        if let Some(last) = last {
            assert_eq!((basis, price(risk)), (Some("assumed"), assumed(coin, last)), "{risk}");
        }
    }
}

fn price(risk: &Value) -> Option<Amount> {
    serde_json::from_value(risk["liquidation_px"].clone()).unwrap()
}

fn size(risk: &Value) -> Amount {
    serde_json::from_value(risk["size"].clone()).unwrap()
}

fn are_close(one: Option<Amount>, other: Option<Amount>) -> bool {
    let apart = one.zip(other).map(|(one, other)| one.minus(other).unwrap().magnitude().times(number(1_000)).unwrap());
    match apart {
        Some(apart) => apart <= one.unwrap(),
        None => one == other,
    }
}

/// With a margin of its own at half of the highest leverage, from what was paid.
fn assumed(coin: usize, last: &Trade) -> Option<Amount> {
    let leverage = i64::from(terms(coin)[0].max_leverage / 2);
    let equity = last.cost.over(number(leverage)).unwrap();
    let exposure = Exposure { size: last.after, notional: last.cost, equity, other_maintenance: Amount::ZERO };
    liquidation_price(&exposure, &terms(coin)).unwrap()
}

proptest! {
    #[test]
    fn what_is_said_of_a_position_is_what_the_exchange_s_books_say(steps in prop::collection::vec(step(), 1..80)) {
        check(&steps);
    }
}

fn trade(wallet: usize, coin: usize, size: i64) -> Step {
    Step::Trade { wallet, coin, size, px: 100, is_missed: false }
}

fn clock(pause: i64) -> Step {
    Step::Clock { pause, begins_anew: false }
}

fn told(wallet: usize) -> Step {
    Step::Told { wallet, dex: 0 }
}

#[test]
fn an_account_that_is_told_late_is_carried_forward_from_its_own_moment() {
    // Told between two trades of which the second is applied before the telling.
    check(&[trade(0, 0, 3), told(0), clock(200), trade(0, 0, -1), clock(900), trade(0, 0, 2), clock(500)]);
}

#[test]
fn what_was_missed_is_no_ground_for_a_price() {
    let missed = Step::Trade { wallet: 0, coin: 0, size: -10, px: 100, is_missed: true };
    let seen = [trade(0, 0, 10), told(0), clock(2_000), clock(2_000)];
    let then = [missed, clock(2_000), trade(0, 0, 5), clock(2_000)];
    assert!(check(&seen).contains_key("account"));
    assert!(check(&[&seen[..], &then].concat()).contains_key("assumed"));
}

#[test]
fn a_wallet_that_trades_all_the_time_is_known_from_its_second_telling_on() {
    let second = [trade(0, 0, 1), told(0), clock(900)];
    let bases = check(&[&second[..]; 8].concat());
    assert!(bases.contains_key("carried"), "{bases:?}");
}

#[test]
fn a_price_of_the_exchange_is_of_the_size_that_it_was_told_of() {
    let bases =
        check(&[trade(POOLED, 0, 2), told(POOLED), clock(2_000), clock(2_000), trade(POOLED, 0, -3), clock(2_000)]);
    assert_eq!((bases.get("exchange"), bases.get("none")), (Some(&1), Some(&1)), "{bases:?}");
}

#[test]
fn a_position_that_was_closed_before_its_word_came_leaves_no_price_to_the_next_one() {
    let known = [trade(POOLED, 0, 2), told(POOLED), clock(2_000)];
    let closed = [told(POOLED), clock(50), trade(POOLED, 0, -2), clock(2_000)];
    let bases = check(&[&known[..], &closed, &[trade(POOLED, 0, 2), clock(2_000)]].concat());
    assert_eq!(bases.get("exchange"), Some(&1), "of the first one: {bases:?}");
}

#[test]
fn nothing_is_known_of_an_account_an_hour_after_the_exchange_has_told_of_it() {
    let bases = check(&[trade(0, 0, 2), told(0), clock(2_000), clock(HOUR + 2 * MINUTE), clock(1_000)]);
    assert_eq!(bases.get("assumed"), Some(&2), "before and after: {bases:?}");
}
