//! Wallets of the hour: what markets are like, and by them how wallets are spread, how the whole market stands, and what
//! each wallet has come to.

use alloc::collections::BTreeMap;

use schemas::{Amount, Clock, Interval, MarginTier, MarketRatio, WalletSummary};

use super::super::market_ratios::{Counted, GROUPS, counts, recount};
use super::super::wallet_spreads::{Worth, by_wallet, spreads, worths};
use super::super::wallets::recounted;
use super::market::MINUTE;
use super::*;

/// What others than this one build upon.
#[test]
fn markets_of_the_hour_are_as_contexts_and_terms_say() {
    let mut said = HOUR.states.iter();
    let mut expected: Vec<MarketState> = HOUR.coins().iter().flat_map(|coin| states_of(coin)).collect();
    expected.sort_by(|one, other| (one.time, &one.coin).cmp(&(other.time, &other.coin)));
    for state in expected {
        assert_eq!(said.next(), Some(&state));
    }
    assert_eq!(said.next(), None);
}

/// Told each second in which its terms are new or the mark has moved by a thousandth, and else each minute that has
/// brought anything new.
fn states_of(coin: &str) -> Vec<MarketState> {
    let contexts: Vec<&AssetContext> = HOUR.facts.contexts.iter().filter(|it| it.coin.as_str() == coin).collect();
    let terms: Vec<_> = HOUR.facts.markets.iter().filter(|it| it.coin.as_str() == coin).collect();
    let (mut states, mut previous, mut told) = (Vec::<MarketState>::new(), 0, 0);
    let mut told_terms: (&[MarginTier], bool) = (&[], false);
    for clock in HOUR.clocks() {
        let crosses = |ms: i64| clock.time / ms > previous / ms;
        let is_looked_at = crosses(1_000);
        let is_minute = crosses(MINUTE);
        previous = clock.time;
        let heard = contexts.partition_point(|context| context.time <= clock.time - 1_000);
        let its_terms = terms.iter().rfind(|terms| terms.time <= clock.time - 1_000);
        let its_terms = its_terms.map_or((&[][..], false), |terms| (terms.margin_tiers.as_slice(), terms.delisted));
        let latest = heard.checked_sub(1).map(|last| contexts[last]);
        let moved = |latest: &AssetContext| {
            let Some(told) = states.last().and_then(|state| state.mark_px) else { return true };
            let by = latest.mark_px.minus(told).unwrap().magnitude();
            by.times(Amount::from(1_000)).unwrap() >= told
        };
        let is_news = heard > told && latest.is_some_and(|latest| is_minute || moved(latest));
        if !is_looked_at || its_terms == told_terms && !is_news {
            continue;
        }
        (told, told_terms) = (heard, its_terms);
        states.push(MarketState {
            coin: schemas::Coin::new(coin),
            time: clock.time,
            mark_px: latest.map(|it| it.mark_px),
            open_interest: latest.map(|it| it.open_interest),
            day_notional: latest.map(|it| it.day_ntl_vlm),
            margin_tiers: its_terms.0.to_vec(),
            delisted: its_terms.1,
        });
    }
    states
}

/// What all wallets are worth when a minute begins.
struct Minute {
    clock: Clock,
    worths: Vec<Worth>,
    counts: Vec<Counted>,
}

fn minutes() -> Vec<Minute> {
    let (mut minutes, mut previous) = (Vec::new(), 0);
    let coins = HOUR.coins();
    let coins: Vec<&str> = coins.iter().map(String::as_str).collect();
    for clock in HOUR.clocks() {
        let begins = clock.time / MINUTE > previous / MINUTE;
        previous = clock.time;
        let changes = &HOUR.changes[..HOUR.changes.partition_point(|change| change.block <= clock.block)];
        if !begins || changes.is_empty() {
            continue;
        }
        let states = &HOUR.states[..HOUR.states.partition_point(|state| state.time <= clock.time)];
        let mark =
            |coin: &str| states.iter().rfind(|state| state.coin.as_str() == coin).and_then(|state| state.mark_px);
        let worths = worths(&by_wallet(changes), mark);
        let counts = counts(clock.time / MINUTE * MINUTE, &worths, &coins, states);
        minutes.push(Minute { clock, worths, counts });
    }
    minutes
}

#[test]
fn wallets_of_the_hour_are_spread_and_weighed_against_each_other_as_all_changes_say() {
    let minutes = minutes();
    for checkpoint in &HOUR.checkpoints {
        let mut distributions = BTreeMap::new();
        for minute in minutes.iter().filter(|minute| minute.clock.time <= checkpoint.clock.time) {
            for spread in spreads(&minute.worths, minute.clock.time, minute.clock.block) {
                let by = json!(spread.by);
                distributions.insert(format!("{}|{}", by.as_str().unwrap(), spread.time), json!(spread));
            }
        }
        checkpoint.says("wallet-distribution", distributions);
    }
    let counted = |group: usize| minutes.iter().map(|minute| minute.counts[group].clone()).collect();
    let counted: Vec<Vec<Counted>> = (0..GROUPS.len()).map(counted).collect();
    for checkpoint in &HOUR.checkpoints {
        let until: Vec<Vec<Counted>> = counted.iter().map(|all| up_to(all, checkpoint.clock.time)).collect();
        let (mut said, seconds) = (0, seconds(checkpoint.clock));
        for (key, row) in checkpoint.rows_of("market-ratios") {
            let ratio: MarketRatio = serde_json::from_value(row.clone()).unwrap();
            let end = ratio.time + ratio.interval.length_ms();
            let is_counted = |clock: &Clock| clock.time < end && clock.time <= checkpoint.clock.time;
            let last = minutes.iter().map(|minute| minute.clock).rfind(is_counted).unwrap();
            // What turns out not to be complete is told once more.
            assert!(ratio.clock >= last.time, "{key}");
            let now = Clock { time: ratio.clock, block: ratio.block };
            let closes = seconds.partition_point(|clock| clock.time < end + crate::GRACE_MS);
            let at = seconds.get(closes).copied().unwrap_or(now);
            assert_eq!(row, recount(&ratio, &until, &HOUR.holes_by(checkpoint), (at.time, at.block)), "{key}");
            said += 1;
        }
        let of_interval = |interval: Interval| {
            let mut starts: Vec<i64> = until[0].iter().map(|it| interval.bucket(it.minute)).collect();
            starts.dedup();
            starts.len()
        };
        assert_eq!(said, 15 * Interval::ALL.map(of_interval).iter().sum::<usize>());
    }
}

fn up_to(counted: &[Counted], clock: i64) -> Vec<Counted> {
    counted.iter().filter(|it| it.minute <= clock).cloned().collect()
}

/// The clocks with which a second begins, up to this one: with the first of them when nothing can come to it any more a
/// bucket is told once more.
fn seconds(now: Clock) -> Vec<Clock> {
    let clocks: Vec<Clock> = HOUR.clocks().filter(|clock| clock.time <= now.time).collect();
    let crosses = |pair: &&[Clock]| pair[1].time / 1_000 > pair[0].time / 1_000;
    clocks.windows(2).filter(crosses).map(|pair| pair[1]).collect()
}

#[test]
fn summaries_of_the_hour_are_what_all_changes_come_to() {
    for checkpoint in &HOUR.checkpoints {
        let of_now = |summary: WalletSummary| {
            let mut row = json!(summary);
            // Told when it was another one than before.
            ["time", "block"].iter().for_each(|name| drop(row.as_object_mut().unwrap().remove(*name)));
            row
        };
        let wallets = by_wallet(HOUR.changes_by(checkpoint));
        let expected: BTreeMap<String, Value> = wallets
            .into_iter()
            .map(|(wallet, changes)| (wallet.to_string(), of_now(recounted(&changes, checkpoint.clock.time, 0))))
            .collect();
        let said = checkpoint.rows_of("wallet-summaries").into_iter();
        let said = said.map(|(key, row)| (key, of_now(serde_json::from_value(row).unwrap()))).collect();
        super::super::liquidation_windows::same(&said, &expected);
    }
}
