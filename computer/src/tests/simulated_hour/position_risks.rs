//! What backs the positions of the hour: each account is followed from its first word and its first change on, and its
//! prices are made by the simulator's formula.

use alloc::collections::BTreeMap;

use schemas::{Amount, Coin, MarginTier, MarketState, PositionRisk, RiskBasis};
use simulator::{Exposure, ONE, Tier, liquidation_price};

use super::books::{Books, Held, History};
use super::*;

#[test]
fn accounts_of_the_hour_are_what_the_exchange_has_said_and_where_fills_had_told_otherwise() {
    let (histories, mut drifted) = (History::all(), 0);
    for checkpoint in &HOUR.checkpoints {
        let mut expected = BTreeMap::new();
        for (key, history) in &histories {
            let Some((word, coins)) = history.books_at(checkpoint.clock.time).word else { continue };
            drifted += coins.len();
            let row = json!({
                "wallet": word.user, "dex": word.dex, "time": word.time,
                "account_value": word.margin_summary.account_value,
                "cross_value": word.cross_margin_summary.account_value,
                "cross_maintenance_margin": word.cross_maintenance_margin_used,
                "notional": word.margin_summary.total_ntl_pos, "positions": word.asset_positions.len(),
                "drifted": coins, "pooled": [],
            });
            expected.insert(key.clone(), row);
        }
        checkpoint.says("accounts", expected);
    }
    assert!(drifted > 0, "something was missed in the holes");
}

/// Each is as it was when it was told, and what would be told now is no news.
#[test]
fn risks_of_the_hour_are_those_of_the_accounts_followed_from_the_first_word_on() {
    let (histories, mut bases) = (History::all(), BTreeMap::new());
    for checkpoint in &HOUR.checkpoints {
        let (now, mut risks) = (checkpoint.clock.time, BTreeMap::new());
        for (key, row) in checkpoint.rows_of("position-risks") {
            let risk: PositionRisk = serde_json::from_value(row).unwrap();
            *bases.entry(risk.basis.map_or("none", RiskBasis::name)).or_insert(0) += 1;
            risks.insert(key, risk);
        }
        for (account, history) in &histories {
            let books = history.books_at(now);
            for coin in books.held.keys() {
                let said = risks.remove(&format!("{coin}|{}", account.split('|').next().unwrap()));
                let expected = Expected::of(history, &books, coin, now);
                let is_open = !expected.held.size.is_zero();
                assert!(said.is_some() || !is_open, "nothing is said of {account} in {coin}");
                let Some(said) = said else { continue };
                Expected::of(history, &history.books_at(said.clock), coin, said.clock).is_exactly(&said);
                expected.is_no_news_after(&said);
            }
        }
        assert!(risks.is_empty(), "{risks:?}");
    }
    for basis in ["account", "carried", "assumed"] {
        assert!(bases[basis] > 100, "{bases:?}");
    }
}

/// What is to be told of a position at a clock. A price is told in ten-billionths.
struct Expected<'a> {
    held: &'a Held,
    basis: Option<&'static str>,
    leverage: Option<u32>,
    isolated: Option<bool>,
    px: Option<i128>,
}

impl<'a> Expected<'a> {
    fn of(history: &History, books: &'a Books, coin: &Coin, time: i64) -> Self {
        let held = &books.held[coin];
        let nothing = Self { held, basis: None, leverage: None, isolated: None, px: None };
        let Some(market) = market(coin, time).filter(|market| !market.margin_tiers.is_empty()) else { return nothing };
        if held.size.is_zero() {
            return nothing;
        }
        let Some(cash) = books.cash else { return Self::assumed(held, &market.margin_tiers) };
        let mut basis = history.basis(books, time);
        let (leverage, isolated) = (held.own.map(|(leverage, _)| leverage), held.own.map(|(_, raw)| raw.is_some()));
        let mut backed = cash;
        if let Some((_, Some(raw))) = held.own {
            backed = raw;
        } else {
            let mut others = Vec::from([(coin, held)]);
            others.extend(books.held.iter().filter(|(its, other)| *its != coin && other.is_cross()));
            if others.iter().any(|(_, other)| other.own.is_none()) {
                // That it is cross is likely, but nobody has said so.
                basis = "assumed";
            }
            for (other, held) in &others[1..] {
                let market = market_with_mark(other, time);
                let worth = held.size.times(market.mark_px.unwrap()).unwrap();
                let asked = maintenance(worth.magnitude(), &market.margin_tiers);
                backed = backed.plus(worth).unwrap().minus(asked).unwrap();
            }
        }
        let px = price(held.size, backed, &market.margin_tiers);
        Self { held, basis: Some(basis), leverage, isolated, px }
    }

    /// As if it had a margin of its own, at half of the highest leverage, when it was entered.
    fn assumed(held: &'a Held, tiers: &[MarginTier]) -> Self {
        let leverage = (tiers.iter().map(|tier| tier.max_leverage).max().unwrap() / 2).max(1);
        let (about, side) = (held.about().in_millionths(), Amount::from(i64::from(held.size.sign())));
        if about.is_zero() {
            return Self { held, basis: None, leverage: None, isolated: None, px: None };
        }
        let margin = about.over(Amount::from(i64::from(leverage))).unwrap();
        let px = price(held.size, margin.minus(about.times(side).unwrap()).unwrap(), tiers);
        Self { held, basis: Some("assumed"), leverage: Some(leverage), isolated: None, px }
    }

    fn is_exactly(&self, said: &PositionRisk) {
        let is_open = !self.held.size.is_zero();
        let told = (said.size, said.source, said.cost);
        assert_eq!(told, (self.held.size, self.held.source, self.held.cost.filter(|_| is_open)), "{said:?}");
        self.is_the_same_otherwise(said);
        let (one, other) = (self.px, said.liquidation_px.map(ten_billionths));
        let allowed = 1 + ONE / ten_billionths(self.held.size.magnitude()).max(1);
        let is_same = one.zip(other).map_or(one == other, |(one, other)| (one - other).abs() <= allowed);
        assert!(is_same, "{one:?} and {other:?}, {said:?}");
    }

    fn is_no_news_after(&self, said: &PositionRisk) {
        assert_eq!(self.held.size, said.size, "{said:?}");
        self.is_the_same_otherwise(said);
        let (one, other) = (self.px, said.liquidation_px.map(ten_billionths));
        let is_near = |(one, other): (i128, i128)| (one - other).abs() * 1_000 <= other + 1_000;
        assert!(one.zip(other).map_or(one == other, is_near), "{one:?} and {other:?}, {said:?}");
    }

    fn is_the_same_otherwise(&self, said: &PositionRisk) {
        let told = (said.basis.map(RiskBasis::name), said.leverage, said.isolated);
        assert_eq!(told, (self.basis, self.leverage, self.isolated), "{said:?}");
    }
}

impl History {
    /// What a price stands on that follows from the last word.
    fn basis(&self, books: &Books, time: i64) -> &'static str {
        let (word, _) = books.word.as_ref().unwrap();
        let updates = self.ledger.iter().filter(|it| word.time < it.time && it.time <= time - 1_000);
        let (paid, moved): (Vec<&&LedgerUpdate>, Vec<_>) = updates.partition(|it| it.delta["type"] == "funding");
        let is_missed = HOUR.facts.gaps.iter().any(|gap| word.time < gap.to_time && gap.to_time <= time);
        let has_changed = self.changes.iter().any(|change| word.time < change.time && change.time <= time);
        match (is_missed || !moved.is_empty(), has_changed || !paid.is_empty()) {
            (true, _) => "assumed",
            (false, true) => "carried",
            (false, false) => "account",
        }
    }
}

impl Held {
    fn is_cross(&self) -> bool {
        !self.size.is_zero() && self.own.is_none_or(|(_, raw)| raw.is_none())
    }
}

/// As it was told last by then.
fn market(coin: &Coin, time: i64) -> Option<&'static MarketState> {
    let states = &HOUR.states[..HOUR.states.partition_point(|state| state.time <= time)];
    states.iter().rfind(|state| state.coin == *coin)
}

fn market_with_mark(coin: &Coin, time: i64) -> &'static MarketState {
    market(coin, time).filter(|market| market.mark_px.is_some()).unwrap()
}

/// Tier by tier half of what its leverage asks for.
fn maintenance(notional: Amount, tiers: &[MarginTier]) -> Amount {
    let mut asked = Amount::ZERO;
    for (place, tier) in tiers.iter().enumerate().filter(|(_, tier)| tier.lower_bound < notional) {
        let until = tiers.get(place + 1).map_or(notional, |next| next.lower_bound.min(notional));
        let part = until.minus(tier.lower_bound).unwrap();
        asked = asked.plus(part.over(Amount::from(2 * i64::from(tier.max_leverage))).unwrap()).unwrap();
    }
    asked
}

/// Of a position that this much money backs, without what it is worth itself.
fn price(size: Amount, backed: Amount, tiers: &[MarginTier]) -> Option<i128> {
    let tier = |tier: &MarginTier| Tier {
        lower_bound: tier.lower_bound.shortest().to_string().parse().unwrap(),
        max_leverage: tier.max_leverage,
    };
    let tiers: Vec<Tier> = tiers.iter().map(tier).collect();
    liquidation_price(&Exposure::isolated(ten_billionths(size), ten_billionths(backed)), &tiers)
}

/// The nearest.
fn ten_billionths(amount: Amount) -> i128 {
    let text = amount.magnitude().to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let digits = format!("{part:0<11}");
    let (kept, next) = (format!("{whole}{}", &digits[..10]), &digits[10..11]);
    (kept.parse::<i128>().unwrap() + i128::from(next >= "5")) * i128::from(amount.sign())
}
