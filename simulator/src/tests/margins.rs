//! Money and margins: nothing is lost, and a liquidation price is the price at which somebody is liquidated.

use std::collections::HashSet;
use std::fs;

use schemas::Wallet;
use serde_json::Value;

use super::files::{options, run};
use super::{Block, START};
use crate::Engine;
use crate::engine::MILLISECOND;
use crate::margin_tables::DOLLAR;
use crate::markets::MARKETS;

const HOUR: i64 = 3_600_000;

/// Across an hour, so that funding is paid.
fn market(seed: u64, blocks: usize) -> Engine {
    let mut engine = Engine::new(seed, 1_200, 1_500, START / HOUR * HOUR - 200_000);
    let mut line = Vec::new();
    for _ in 0..blocks {
        engine.next_block(&mut line);
    }
    engine
}

#[test]
fn money_is_neither_made_nor_lost() {
    let mut engine = market(3, 0);
    let mut line = Vec::new();
    for block in 0..6_000 {
        engine.next_block(&mut line);
        if block % 50 == 0 || !engine.liquidated.is_empty() {
            let perps = (0..MARKETS.len()).filter(|market| !MARKETS[*market].is_spot());
            let isolated: i64 =
                perps.flat_map(|market| engine.accounts.of_market(market)).map(|holding| holding.raw).sum();
            let money = &engine.money;
            let found = money.cross.iter().sum::<i64>() + isolated + money.fees + money.rounding;
            assert_eq!(found, money.deposits, "in block {}", engine.block);
        }
    }
    assert!(engine.money.rounding != 0 && engine.money.rounding.abs() < DOLLAR, "{}", engine.money.rounding);
    for market in (0..MARKETS.len()).filter(|market| !MARKETS[*market].is_spot()) {
        let amounts = engine.accounts.of_market(market).iter().map(|holding| holding.amount);
        assert_eq!(amounts.sum::<i64>(), 0, "{}", MARKETS[market].coin);
    }
}

#[test]
fn nobody_without_a_position_owes_anything() {
    let mut engine = market(4, 0);
    let (mut line, mut seen) = (Vec::new(), 0);
    for _ in 0..60 {
        for _ in 0..50 {
            engine.next_block(&mut line);
        }
        let flat = (0..engine.crowd.wallets()).filter(|wallet| engine.cross_positions(*wallet).next().is_none());
        let cash: Vec<i64> = flat.map(|wallet| engine.money.cross[wallet as usize]).collect();
        assert!(cash.iter().all(|cash| *cash >= 0), "{:?}", cash.iter().min());
        seen += cash.iter().filter(|cash| **cash > 0).count();
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn free_margin_kept_up_to_date_is_free_margin_counted_anew() {
    let engine = market(5, 3_000);
    let mut compared = 0;
    for wallet in 0..engine.crowd.accounts() {
        let standing = engine.money.standings[wallet as usize];
        if standing.as_of == engine.quotes.count {
            let account = engine.cross_account(wallet);
            assert_eq!(standing.free, account.value - account.initial);
            compared += 1;
        }
    }
    assert!(compared > 50, "{compared}");
}

/// The mark is moved to the price that was told, and a thousandth to either side of it.
#[test]
fn at_its_liquidation_price_an_account_is_worth_its_maintenance_margin() {
    let mut engine = market(6, 4_000);
    let (mut priced, mut without) = (0, 0);
    for wallet in 0..engine.crowd.wallets() {
        for market in engine.positions(wallet) {
            let amount = engine.accounts.amount(market, wallet);
            let told = crate::truth::liquidation_px(&engine, market, wallet);
            let Some(price) = told.map(|text| text.parse::<f64>().unwrap()) else {
                assert!(amount > 0 && spare_at(&mut engine, market, wallet, 0) >= 0, "only a long has none");
                without += 1;
                continue;
            };
            let units = price * 10_f64.powi(MARKETS[market].price_decimals() as i32);
            let (below, above) = ((units * 0.999) as i64, (units * 1.001).ceil() as i64);
            let sign = amount.signum();
            assert!(spare_at(&mut engine, market, wallet, below) * sign <= 0, "{} at {price}", MARKETS[market].coin);
            assert!(spare_at(&mut engine, market, wallet, above) * sign >= 0, "{} at {price}", MARKETS[market].coin);
            let exact = spare_between(&mut engine, market, wallet, units);
            // A unit of money is lost in each position of the account, and half of the last digit in each coin.
            let allowed = 60.0 + amount.abs() as f64 / 10_f64.powi(MARKETS[market].size_decimals as i32) / 1e4;
            assert!(exact.abs() <= allowed, "{} at {price}: {exact}", MARKETS[market].coin);
            priced += 1;
        }
    }
    assert!(priced > 1_000 && without > 10, "{priced} with a price, {without} without");
}

/// Account value less maintenance margin, with one mark moved.
fn spare_at(engine: &mut Engine, market: usize, wallet: u32, mark: i64) -> i64 {
    let kept = std::mem::replace(&mut engine.quotes.of[market].mark, mark);
    let isolated = engine.habits.of(market, wallet).isolated;
    let backing = if isolated { engine.isolated_position(market, wallet) } else { engine.cross_account(wallet) };
    engine.quotes.of[market].mark = kept;
    backing.value - backing.maintenance
}

/// The same between two marks; in a tier it is a straight line.
fn spare_between(engine: &mut Engine, market: usize, wallet: u32, mark: f64) -> f64 {
    let (one, other) = (mark.floor() as i64, mark.floor() as i64 + 1);
    let (low, high) = (spare_at(engine, market, wallet, one), spare_at(engine, market, wallet, other));
    low as f64 + (high - low) as f64 * (mark - one as f64)
}

#[test]
fn whoever_trades_perps_has_deposited_before() {
    let mut engine = Engine::new(7, 500, 500, START);
    let (mut line, mut misc, mut funded, mut traders) = (Vec::new(), Vec::new(), HashSet::new(), HashSet::new());
    for _ in 0..2_000 {
        engine.next_block(&mut line);
        engine.misc_line(&mut misc);
        let (block, events): (Block, Value) =
            (serde_json::from_slice(&line).unwrap(), serde_json::from_slice(&misc).unwrap());
        assert_eq!(
            (&events["block_time"], &events["block_number"]),
            (&block.block_time.into(), &block.block_number.into())
        );
        for event in events["events"].as_array().unwrap() {
            if let Some(user) = event["inner"]["CDeposit"]["user"].as_str() {
                assert!(event["inner"]["CDeposit"]["amount"].as_str().unwrap().parse::<f64>().unwrap() > 0.0);
                funded.insert(user.to_owned());
            }
        }
        let of_perps = block.events.iter().filter(|(_, fill)| fill.is_perp());
        traders.extend(of_perps.map(|(user, _)| user.to_string()));
    }
    assert!(traders.remove(&Wallet::NOBODY.to_string()), "the other side of what is settled");
    assert!(traders.len() > 300 && traders.is_subset(&funded), "{:?}", traders.difference(&funded));
}

#[test]
fn funding_is_charged_once_an_hour_and_longs_pay_shorts() {
    let mut engine = Engine::new(8, 500, 500, START / HOUR * HOUR - 60_000);
    let (mut line, mut misc, mut charged) = (Vec::new(), Vec::new(), Vec::new());
    while engine.time < (START / HOUR * HOUR + 60_000) * MILLISECOND {
        engine.next_block(&mut line);
        engine.misc_line(&mut misc);
        let block: Value = serde_json::from_slice(&misc).unwrap();
        let funding = block["events"].as_array().unwrap().iter().filter(|event| event["inner"]["Funding"].is_object());
        charged.extend(funding.map(|event| (block["block_time"].clone(), event["inner"]["Funding"]["deltas"].clone())));
    }
    let [(time, deltas)] = &charged[..] else { panic!("{} times", charged.len()) };
    assert!(time.as_str().unwrap().contains(":00:00"), "{time}");
    let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    let deltas = deltas.as_array().unwrap();
    assert!(deltas.len() > 100);
    for delta in deltas {
        let (paid, position, rate) =
            (-number(&delta["funding_amount"]), number(&delta["szi"]), number(&delta["fundingRate"]));
        assert!(paid * position * rate >= 0.0 && delta["nSamples"].as_u64() == Some(20), "{delta}");
    }
    assert!(deltas.iter().map(|delta| number(&delta["funding_amount"])).sum::<f64>().abs() < 0.01);
}

#[test]
fn margins_and_prices_are_told() {
    let folder = tempfile::tempdir().unwrap();
    run(options(folder.path(), 3_000));
    let read = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(folder.path().join("truth").join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let held: HashSet<(String, String, String)> = read("positions.ndjson")
        .iter()
        .map(|row| (row["wallet"].to_string(), row["coin"].to_string(), row["size"].to_string()))
        .collect();
    let margins = read("margins.ndjson");
    let told: HashSet<(String, String, String)> = margins
        .iter()
        .flat_map(|row| row["positions"].as_array().unwrap().iter().map(move |position| (row, position)))
        .map(|(row, position)| (row["user"].to_string(), position["coin"].to_string(), position["size"].to_string()))
        .collect();
    assert_eq!(told, held);
    let prices = read("prices.ndjson");
    let of = |coin: &str| prices.iter().filter(|row| row["coin"] == coin).count();
    let perps = MARKETS.iter().filter(|market| !market.is_spot()).count();
    let minutes = of("BTC");
    assert_eq!((of("FTM"), of("XPL"), of("MON")), (minutes, minutes - 1, 0), "one is listed after the first minute");
    assert!(minutes >= 3 && prices.len() == (perps - 1) * minutes - 1);
    assert!(prices.iter().any(|row| row["mark_px"] != row["oracle_px"] && row["funding"] != "0.0"));
}
