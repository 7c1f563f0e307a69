//! What goes on which connection, within what the exchange allows.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use schemas::{Coin, Market};
use tokio::time::Instant;

use super::super::pace::Allowance;
use super::super::plan::{CONNECTIONS, Plan, SUBSCRIPTIONS, SUBSCRIPTIONS_EACH, Share};
use super::super::subscription::Subscription;
use super::super::{Follow, Markets, parse_spot_meta};
use super::market;

fn numbered(numbers: impl IntoIterator<Item = u16>) -> Vec<Market> {
    numbers.into_iter().map(|number| market(&format!("C{number}"))).collect()
}

fn shares(plan: &Plan) -> Vec<Share> {
    (0..CONNECTIONS).map(|on| plan.share(on).clone()).collect()
}

fn traded(markets: &Markets) -> Vec<String> {
    Plan::default().follow(markets).coins().keys().map(Coin::to_string).collect()
}

#[test]
fn dexs_and_spot_are_followed_as_chosen() {
    let (main, builder, spot) = ("BTC", "xyz:CL", "PURR/USDC");
    let (perps, pairs) = ([market(main), market(builder)], [Coin::new(spot)]);
    let chosen = |main_dex, builder_dexs, spot| {
        traded(&Markets::chosen(&perps, &pairs, Follow { main_dex, builder_dexs, spot }))
    };
    assert_eq!(chosen(true, false, false), [main]);
    assert_eq!(chosen(false, true, false), [builder]);
    assert_eq!(chosen(false, false, true), [spot]);
    assert_eq!(chosen(true, true, true), [main, spot, builder]);
    assert_eq!(traded(&Markets::all(&perps)), [main, builder]);
}

#[test]
fn spot_pairs_have_the_names_that_trades_have() {
    let meta = br#"{"tokens":[],"universe":[{"name":"PURR/USDC","tokens":[1,0],"index":0,"isCanonical":true},{"name":"@107","tokens":[150,0],"index":107,"isCanonical":false}]}"#;
    assert_eq!(parse_spot_meta(meta).unwrap(), ["PURR/USDC", "@107"].map(Coin::new));
    assert!(parse_spot_meta(b"{}").is_err());
}

#[test]
fn each_connection_has_something_that_ticks() {
    let plan = Plan::default().follow(&Markets::all(&numbered(0..400)));
    let ticks = |share: &Share| share.tick.is_some() || share.wanted.contains(&Subscription::AllContexts);
    assert_eq!(plan.in_use().count(), 3);
    assert!(plan.in_use().all(|on| ticks(plan.share(on))));
}

#[test]
fn what_there_is_no_room_for_is_named() {
    let plan = Plan::default().follow(&Markets::all(&numbered(0..800)));
    assert_eq!(plan.coins().len() + plan.left_out.len(), 800);
    let said = plan.what_is_left_out();
    assert!(said.contains("the trades of C748, ") && said.ends_with("and 47 more"), "{said}");
}

#[test]
fn turns_to_connect_are_apart_and_no_more_than_allowed_in_a_minute() {
    let (now, apart) = (Instant::now(), Duration::from_millis(500));
    let mut allowance = Allowance::per_minute(4);
    let turns: Vec<Duration> = (0..6).map(|_| allowance.book(now, apart) - now).collect();
    assert_eq!(turns, [0, 500, 1_000, 1_500, 60_000, 60_500].map(Duration::from_millis));
}

proptest! {
    /// Whatever is listed and delisted: each coin once, nothing beyond the limits, and what has a place keeps it.
    #[test]
    fn every_plan_keeps_within_the_limits(listings in prop::collection::vec(prop::collection::btree_set(0u16..900, 0..900), 1..6)) {
        let mut plan = Plan::default();
        for listed in listings {
            let before = plan.coins();
            plan = plan.follow(&Markets::all(&numbered(listed.iter().copied())));
            let (coins, shares) = (plan.coins(), shares(&plan));
            let size = |share: &Share| share.wanted.len() + usize::from(share.tick.is_some()) + share.single_contexts.len();
            prop_assert!(shares.iter().map(size).sum::<usize>() <= SUBSCRIPTIONS);
            prop_assert!(shares.iter().all(|share| share.wanted.len() <= SUBSCRIPTIONS_EACH));
            let wanted: Vec<&Subscription> = shares.iter().flat_map(|share| &share.wanted).collect();
            prop_assert_eq!(wanted.iter().collect::<BTreeSet<_>>().len(), wanted.len());
            prop_assert_eq!(coins.len() + plan.left_out.len(), listed.len());
            prop_assert!(coins.iter().all(|(coin, on)| before.get(coin).is_none_or(|at| at == on)));
        }
    }
}
