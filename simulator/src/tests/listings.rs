//! Markets that come and go: from when and until when they are traded, and what becomes of who held them.

use std::collections::BTreeMap;
use std::fs;

use schemas::{Amount, Wallet};
use serde_json::Value;

use super::files::{options, printed, run};
use super::{Block, Fill, START, blocks};
use crate::Engine;
use crate::accounts::Holding;
use crate::markets::MARKETS;
use crate::node_files::End;
use crate::snapshot::Snapshot;
use crate::truth::Lengths;

const LISTED: (&str, i64) = ("XPL", START + 30_000);
const DELISTED: (&str, i64) = ("FTM", START + 60_000);
/// Two minutes and a half.
const BLOCKS: usize = 2_000;

fn market() -> Engine {
    Engine::new(12, 500, 1_000, START)
}

fn fills_of<'a>(blocks: &'a [Block], coin: &str) -> Vec<(&'a Block, &'a Wallet, &'a Fill)> {
    let fills = blocks.iter().flat_map(|block| block.events.iter().map(move |(user, fill)| (block, user, fill)));
    fills.filter(|(_, _, fill)| fill.coin.as_str() == coin).collect()
}

#[test]
fn a_coin_is_traded_from_its_listing_on() {
    let all = blocks(&mut market(), BLOCKS);
    let fills = fills_of(&all, LISTED.0);
    assert!(fills.len() > 200 && fills.iter().all(|(_, _, fill)| fill.time >= LISTED.1), "{}", fills.len());
    assert!(fills.iter().any(|(_, _, fill)| fill.time < LISTED.1 + 5_000), "at once");
    assert!(fills_of(&all, "MON").is_empty());
}

#[test]
fn every_position_is_settled_at_the_oracle_price_and_nothing_is_traded_after_it() {
    let mut engine = market();
    let all = blocks(&mut engine, BLOCKS);
    let place = MARKETS.iter().position(|market| market.coin == DELISTED.0).unwrap();
    let oracle: Amount =
        crate::print::text(engine.quotes.of[place].oracle, MARKETS[place].price_decimals()).parse().unwrap();
    let (settled, traded): (Vec<_>, Vec<_>) =
        fills_of(&all, DELISTED.0).into_iter().partition(|(_, _, fill)| fill.is_settlement());
    assert!(traded.len() > 200 && traded.iter().all(|(_, _, fill)| fill.time < DELISTED.1), "{}", traded.len());
    assert!(settled.len() > 100 && settled.iter().all(|(block, ..)| block.block_number == settled[0].0.block_number));
    assert!((DELISTED.1..DELISTED.1 + 250).contains(&settled[0].2.time), "in the first block that is late enough");

    let mut held: BTreeMap<&Wallet, Amount> = BTreeMap::new();
    held.extend(traded.iter().map(|(_, user, fill)| (*user, fill.end())));
    held.retain(|_, size| !size.is_zero());
    for pair in settled.chunks_exact(2) {
        let ((_, one, bought), (_, other, sold)) = (pair[0], pair[1]);
        let (wallet, its, exchange) = if bought.crossed { (one, bought, sold) } else { (other, sold, bought) };
        assert_eq!(*if bought.crossed { other } else { one }, Wallet::NOBODY);
        assert_eq!(held.remove(wallet), Some(its.start_position), "{wallet}");
        assert!(its.end().is_zero() && exchange.start_position.is_zero() && exchange.closed_pnl.is_zero());
        for leg in [bought, sold] {
            assert_eq!((leg.px, &leg.hash), (oracle, &format!("0x{}", "0".repeat(64))));
            assert!(leg.fee.is_zero() && leg.liquidation.is_none() && leg.cloid.is_none() && leg.twap_id.is_none());
        }
    }
    assert_eq!(held, BTreeMap::new(), "and nobody else held any");
    assert!(engine.accounts.of_market(place).iter().all(|holding| *holding == Holding::default()));
}

#[test]
fn what_some_have_won_with_a_coin_others_have_lost_by_its_end() {
    let all = blocks(&mut market(), BLOCKS);
    let fills = fills_of(&all, DELISTED.0);
    let gained = fills.iter().fold(Amount::ZERO, |sum, (_, _, fill)| sum.plus(fill.closed_pnl).unwrap());
    let won = fills.iter().filter(|(_, _, fill)| fill.closed_pnl.sign() > 0).count();
    // Each may be cut by less than a millionth of a dollar.
    let most = Amount::from(fills.len() as i64).over(Amount::from(1_000_000)).unwrap();
    assert!(won > 100 && gained.magnitude() <= most, "{gained} of {} fills", fills.len());
}

#[test]
fn the_truth_is_that_nobody_holds_what_is_delisted() {
    let folder = tempfile::tempdir().unwrap();
    run(options(folder.path(), 3_500));
    let read = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(folder.path().join("truth").join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    assert!(printed(folder.path()).iter().any(|block| block.events.iter().any(|(_, fill)| fill.is_settlement())));
    assert!(read("positions.ndjson").iter().all(|row| row["coin"] != DELISTED.0));
    let margins = read("margins.ndjson");
    let positions = margins.iter().flat_map(|row| row["positions"].as_array().unwrap());
    assert!(positions.clone().count() > 300 && positions.clone().all(|position| position["coin"] != DELISTED.0));
    let accounts = read("accounts.ndjson");
    let of_coin: Vec<&Value> = accounts.iter().filter(|row| row["coin"] == DELISTED.0).collect();
    let is_nobody = |row: &&&Value| row["long"] == 0 && row["short"] == 0;
    let (before, after): (Vec<&Value>, Vec<&Value>) =
        of_coin.into_iter().partition(|row| row["time"].as_i64().unwrap() + 60_000 <= DELISTED.1);
    assert!(before.len() == 1 && after.len() >= 2, "{before:?} and {after:?}");
    assert_eq!((before.iter().filter(is_nobody).count(), after.iter().filter(is_nobody).count()), (0, after.len()));
}

#[test]
fn a_market_that_is_restored_keeps_its_dates() {
    let mut engine = market();
    let (mut line, mut again) = (Vec::new(), Vec::new());
    let mut restored: Vec<Engine> = Vec::new();
    for block in 0..BLOCKS {
        // Before both dates, between them and after them.
        if [300, 600, 1_200].contains(&block) {
            restored.push(Snapshot::take(&engine, Lengths::default(), End::default()).restore());
        }
        engine.next_block(&mut line);
        for other in &mut restored {
            other.next_block(&mut again);
            assert_eq!(line, again, "block {block}");
        }
    }
    assert_eq!((restored.len(), engine.come_and_gone()), (3, 2));
}
