//! What the engine prints is a market.

use std::collections::{HashMap, HashSet};

use schemas::{Amount, Wallet};

use super::{Block, Fill, START, blocks};
use crate::Engine;

#[test]
fn the_same_seed_is_the_same_market() {
    let lines = |seed| {
        let mut engine = Engine::new(seed, 500, 300, START);
        let mut line = Vec::new();
        let mut all = Vec::new();
        for _ in 0..1_500 {
            engine.next_block(&mut line);
            all.extend_from_slice(&line);
        }
        all
    };
    assert_eq!(lines(11), lines(11));
    assert_ne!(lines(11), lines(12));
}

#[test]
fn every_fill_is_one_that_fathom_understands() {
    let mut engine = Engine::new(2, 400, 2_000, START);
    let mut line = Vec::new();
    let mut seen = 0;
    for _ in 0..400 {
        engine.next_block(&mut line);
        let block: serde_json::Value = serde_json::from_slice(&line).unwrap();
        for (index, event) in block["events"].as_array().unwrap().iter().enumerate() {
            let mut fill = event[1].clone();
            fill["block"] = block["block_number"].clone();
            fill["index"] = index.into();
            fill["user"] = event[0].clone();
            let text = fill.to_string();
            let read: schemas::Fill = serde_json::from_str(&text).unwrap();
            assert_eq!(read.sz.to_string(), event[1]["sz"].as_str().unwrap());
            seen += 1;
        }
    }
    assert!(seen > 10_000, "{seen}");
}

#[test]
fn keys_stand_in_the_recorded_order() {
    const ORDER: [&str; 20] = [
        "coin",
        "px",
        "sz",
        "side",
        "time",
        "startPosition",
        "dir",
        "closedPnl",
        "hash",
        "oid",
        "crossed",
        "fee",
        "builderFee",
        "tid",
        "cloid",
        "liquidation",
        "builder",
        "deployerFee",
        "feeToken",
        "twapId",
    ];
    let mut engine = Engine::new(4, 400, 1_000, START);
    let mut line = Vec::new();
    let mut met = HashSet::new();
    for _ in 0..1_500 {
        engine.next_block(&mut line);
        let text = str::from_utf8(&line).unwrap();
        for fill in text.split("{\"coin\"").skip(1) {
            let places = ORDER.iter().skip(1).filter_map(|key| Some((*key, fill.find(&format!(",\"{key}\":"))?)));
            let places: Vec<_> = places.collect();
            assert!(places.is_sorted_by_key(|(_, place)| *place), "{fill}");
            met.extend(places.into_iter().map(|(key, _)| key));
        }
    }
    assert_eq!(met.len(), ORDER.len() - 1, "not all keys were met: {met:?}");
}

#[test]
fn blocks_are_numbered_and_timed() {
    let all = blocks(&mut Engine::new(5, 300, 200, START), 3_000);
    let parsed = |text: &str| text.parse::<chrono::NaiveDateTime>().unwrap().and_utc();
    assert_eq!(all[0].block_time, "2026-06-28T08:41:40");
    let mut lengths = HashSet::new();
    for (before, block) in all.iter().zip(&all[1..]) {
        assert_eq!(block.block_number, before.block_number + 1);
        let gap = parsed(&block.block_time) - parsed(&before.block_time);
        assert!((0..=216).contains(&gap.num_milliseconds()), "{gap}");
        assert!(gap > chrono::TimeDelta::zero());
        assert!(parsed(&block.local_time) > parsed(&block.block_time));
        let time = parsed(&block.block_time);
        assert_eq!(time.format("%Y-%m-%dT%H:%M:%S%.f").to_string(), block.block_time);
        lengths.insert(block.block_time.len());
        assert!(block.events.iter().all(|(_, fill)| fill.time == time.timestamp_millis()));
    }
    assert_eq!(lengths, HashSet::from([23, 26, 29]));
    let mean = (parsed(&all[2_999].block_time) - parsed(&all[0].block_time)).num_milliseconds() / 2_999;
    assert!((70..=78).contains(&mean), "{mean}");
}

#[test]
fn trades_are_pairs_of_a_buyer_and_a_seller() {
    let all = blocks(&mut Engine::new(6, 500, 500, START), 6_000);
    let mut pairs = 0;
    let mut tids = HashSet::new();
    for block in &all {
        let trades: Vec<_> = block.events.iter().filter(|(_, fill)| !fill.is_dust()).collect();
        assert_eq!(trades.len() % 2, 0);
        for pair in trades.chunks_exact(2) {
            let ((buyer, bought), (seller, sold)) = (pair[0], pair[1]);
            assert!(bought.buys() && !sold.buys());
            assert_ne!(buyer, seller);
            assert_eq!((&bought.coin, bought.px, bought.sz, bought.tid), (&sold.coin, sold.px, sold.sz, sold.tid));
            assert_eq!((&bought.hash, bought.time), (&sold.hash, sold.time));
            assert!(bought.crossed != sold.crossed);
            assert!(bought.tid > 0 && bought.tid < 1 << 50);
            assert!(bought.px.sign() > 0 && bought.sz.sign() > 0);
            assert!(bought.twap_id.is_none() || sold.twap_id.is_none());
            assert!(tids.insert(bought.tid), "a trade's number was used twice");
            pairs += 1;
        }
    }
    assert!(pairs > 50_000, "{pairs}");
}

#[test]
fn positions_chain_and_cancel_out() {
    let all = blocks(&mut Engine::new(7, 500, 1_000, START), 6_000);
    let mut ends = HashMap::new();
    let of_wallets = |(user, fill): &&(Wallet, Fill)| fill.is_perp() && *user != Wallet::NOBODY;
    for (user, fill) in all.iter().flat_map(|block| &block.events).filter(of_wallets) {
        let end = ends.entry((fill.coin.clone(), *user)).or_insert(Amount::ZERO);
        assert_eq!(fill.start_position, *end, "{user} {fill:?}");
        *end = fill.end();
    }
    let mut sums: HashMap<_, Amount> = HashMap::new();
    for ((coin, _), end) in &ends {
        let sum = sums.entry(coin.clone()).or_default();
        *sum = sum.plus(*end).unwrap();
    }
    assert_eq!(sums.len(), 21, "all that were listed by then");
    assert!(sums.values().all(|sum| sum.is_zero()), "{sums:?}");
}

#[test]
fn nobody_owns_less_than_no_tokens() {
    let all = blocks(&mut Engine::new(8, 500, 2_000, START), 6_000);
    let spot: Vec<_> = all.iter().flat_map(|block| &block.events).filter(|(_, fill)| !fill.is_perp()).collect();
    assert!(spot.len() > 10_000);
    assert!(spot.iter().all(|(_, fill)| fill.start_position.sign() >= 0 && fill.end().sign() >= 0));
}

#[test]
fn the_direction_says_what_the_numbers_say() {
    for (_, fill) in blocks(&mut Engine::new(9, 500, 1_000, START), 3_000).iter().flat_map(|block| &block.events) {
        let (start, end) = (fill.start_position.sign(), fill.end().sign());
        let fits = match fill.dir.as_str() {
            "Open Long" => fill.is_perp() && fill.buys() && start >= 0,
            "Close Short" => fill.is_perp() && fill.buys() && start < 0 && end <= 0,
            "Short > Long" => fill.is_perp() && fill.buys() && start < 0 && end > 0,
            "Open Short" => fill.is_perp() && !fill.buys() && start <= 0,
            "Close Long" => fill.is_perp() && !fill.buys() && start > 0 && end >= 0,
            "Long > Short" => fill.is_perp() && !fill.buys() && start > 0 && end < 0,
            "Liquidated Cross Long" | "Liquidated Isolated Long" => fill.is_perp() && fill.buys() == fill.crossed,
            "Liquidated Cross Short" | "Liquidated Isolated Short" => fill.is_perp() && fill.buys() != fill.crossed,
            "Auto-Deleveraging" => fill.is_perp() && fill.crossed && (start > 0) != fill.buys() && start * end >= 0,
            "Buy" => !fill.is_perp() && fill.buys(),
            "Settlement" => fill.is_perp() && (fill.end().is_zero() == fill.crossed),
            "Sell" | "Spot Dust Conversion" => !fill.is_perp() && !fill.buys(),
            _ => false,
        };
        assert!(fits, "{fill:?}");
        assert!(!fill.dir.starts_with("Open") || fill.closed_pnl.is_zero());
        let token = match (fill.coin.as_str(), fill.buys()) {
            ("@107", true) => "HYPE",
            ("PURR/USDC", true) => "PURR",
            ("cash:NVDA", _) => "USDT0",
            _ => "USDC",
        };
        assert_eq!(fill.fee_token, token);
    }
}

#[test]
fn the_rate_is_the_one_asked_for() {
    for rate in [100, 1_000, 20_000] {
        let mut engine = Engine::new(10, 1_000, rate, START);
        let mut line = Vec::new();
        for stretch in 0..3 {
            let from = engine.time;
            let fills: usize = (0..1_000).map(|_| engine.next_block(&mut line)).sum();
            let due = (engine.time - from) as u64 * u64::from(rate) / 1_000_000_000;
            assert!(
                (fills as u64).abs_diff(due) * 10 <= due,
                "{fills} fills of {due} at {rate}/s in stretch {stretch}"
            );
        }
    }
}

#[test]
fn everything_that_matters_occurs_within_ten_thousand_blocks() {
    let all = blocks(&mut Engine::new(1, 3_000, 500, START), 10_000);
    let empty = all.iter().filter(|block| block.events.is_empty()).count();
    assert!((2_000..=4_500).contains(&empty), "{empty} empty blocks");
    let fills: Vec<_> = all.iter().flat_map(|block| &block.events).map(|(_, fill)| fill).collect();
    let zero_hash = format!("0x{}", "0".repeat(64));
    let count = |test: &dyn Fn(&super::Fill) -> bool| fills.iter().filter(|fill| test(fill)).count();
    for (what, least, found) in [
        ("Long > Short", 500, count(&|fill| fill.dir == "Long > Short")),
        ("Short > Long", 500, count(&|fill| fill.dir == "Short > Long")),
        ("positions closed to zero", 5_000, count(&|fill| fill.is_perp() && fill.end().is_zero())),
        ("spot with a number", 500, count(&|fill| fill.coin.as_str() == "@107")),
        ("spot with a name", 200, count(&|fill| fill.coin.as_str() == "PURR/USDC")),
        ("dust", 20, count(&|fill| fill.is_dust() && fill.tid == 0 && fill.hash == zero_hash && fill.crossed)),
        ("builder's fees", 1_000, count(&|fill| fill.builder_fee.is_some() && fill.builder.is_some())),
        ("builders without a fee", 10, count(&|fill| fill.builder_fee.is_none() && fill.builder.is_some())),
        ("deployer's fees", 1_000, count(&|fill| fill.deployer_fee.is_some() && fill.coin.as_str().contains(':'))),
        ("TWAP slices", 1_000, count(&|fill| fill.twap_id.is_some() && fill.crossed && fill.hash == zero_hash)),
        ("names given to orders", 10_000, count(&|fill| fill.cloid.is_some())),
        ("rebates", 10_000, count(&|fill| fill.fee.sign() < 0)),
    ] {
        assert!(found >= least, "{what}: {found} of at least {least}");
    }
    let sweeps = all.iter().flat_map(|block| {
        let mut fills: HashMap<u64, usize> = HashMap::new();
        for (_, fill) in block.events.iter().filter(|(_, fill)| fill.crossed && !fill.is_dust()) {
            *fills.entry(fill.oid).or_default() += 1;
        }
        fills.into_values()
    });
    assert_eq!(sweeps.collect::<HashSet<_>>(), (1..=6).collect());
}

#[test]
fn dust_comes_in_every_five_thousandth_block_and_at_midnight() {
    const BEFORE_MIDNIGHT: i64 = 1_782_691_200_000 - 10_000;
    let all = blocks(&mut Engine::new(3, 2_000, 500, BEFORE_MIDNIGHT), 5_100);
    let dusty: Vec<&Block> = all.iter().filter(|block| block.events.iter().any(|(_, fill)| fill.is_dust())).collect();
    assert_eq!(dusty.len(), 2);
    assert!(dusty[0].block_time.starts_with("2026-06-29T00:00:00"), "{}", dusty[0].block_time);
    assert_eq!(dusty[1].block_number, 5_000);
    let events = &dusty[0].events;
    let first = events.iter().position(|(_, fill)| fill.is_dust()).unwrap();
    let (pool, sale) = &events[first - 1];
    assert_eq!(pool.to_string(), "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
    assert!(sale.dir == "Sell" && sale.tid > 0 && sale.fee.sign() > 0);
    assert!(events[first - 2].1.dir == "Buy" && events[first - 2].1.tid == sale.tid);
    for (_, dust) in events[first..].iter().map_while(|event| event.1.is_dust().then_some(event)) {
        assert_eq!((&dust.coin, dust.oid, dust.px), (&sale.coin, sale.oid, sale.px));
        assert!(dust.end().is_zero() && dust.fee.to_string() == "0.0" && !dust.buys());
    }
}
