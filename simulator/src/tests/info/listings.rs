//! What is said of markets before their listing and after their delisting.

use serde_json::{Value, json};

use super::{Exchange, made};
use crate::limits::Limits;

const LISTED: &str = "XPL";
const DELISTED: &str = "FTM";

async fn after(blocks: usize) -> Exchange {
    Exchange::of(made(blocks, "none"), Limits { weight_per_minute: u32::MAX, ..Limits::EXCHANGE }).await
}

/// Each coin of the main dex with its terms and its context.
async fn markets(exchange: Exchange) -> Vec<(String, Value, Value)> {
    let both = exchange.items(&json!({ "type": "metaAndAssetCtxs" })).await;
    assert_eq!(both[0], exchange.answer(&json!({ "type": "meta" })).await);
    let (universe, contexts) = (both[0]["universe"].as_array().unwrap(), both[1].as_array().unwrap());
    assert_eq!(universe.len(), contexts.len());
    let named = universe.iter().zip(contexts);
    named.map(|(terms, ctx)| (terms["name"].as_str().unwrap().to_owned(), terms.clone(), ctx.clone())).collect()
}

fn of<'a>(coin: &str, markets: &'a [(String, Value, Value)]) -> (&'a Value, &'a Value) {
    let (_, terms, context) = markets.iter().find(|(name, ..)| name == coin).unwrap();
    (terms, context)
}

fn candles(coin: &str) -> Value {
    json!({ "type": "candleSnapshot", "req": { "coin": coin, "interval": "1m", "startTime": 0 } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn before_its_listing_nobody_knows_a_coin() {
    let (before, listed) = (after(300).await, after(2_500).await);
    let unknown = (500, "null".to_owned());
    for question in [candles(LISTED), json!({ "type": "recentTrades", "coin": LISTED })] {
        assert_eq!(before.ask(&question).await, unknown, "as any coin that there is not");
        assert!(!listed.items(&question).await.is_empty());
    }
    let mids = json!({ "type": "allMids" });
    assert!(before.answer(&mids).await[LISTED].is_null() && listed.answer(&mids).await[LISTED].is_string());

    let names = |markets: &[(String, Value, Value)]| markets.iter().map(|it| it.0.clone()).collect::<Vec<_>>();
    let (first, then) = (names(&markets(before).await), names(&markets(listed).await));
    assert_eq!([&first[..], &[LISTED.to_owned()]].concat(), then, "no index moves");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_delisted_coin_keeps_its_place_and_stands_still() {
    let (traded, delisted, later) = (after(700).await, after(900).await, after(1_200).await);
    let (terms, context) = (&markets(traded).await, &markets(later).await);
    let ((before, with_book), (after, without)) = (of(DELISTED, terms), of(DELISTED, context));
    assert!(before.get("isDelisted").is_none() && with_book["premium"].is_string());
    let mut expected = before.clone();
    expected["isDelisted"] = json!(true);
    assert_eq!(*after, expected);
    let nothing = json!({ "funding": "0.0", "openInterest": "0.0", "premium": null, "midPx": null, "impactPxs": null });
    for (key, value) in nothing.as_object().unwrap() {
        assert_eq!(&without[key], value, "{key}");
        assert_ne!(&with_book[key], value, "{key}");
    }
    assert_eq!(of(DELISTED, &markets(delisted).await).1, without, "frozen");

    let mids = later.answer(&json!({ "type": "allMids" })).await;
    assert_eq!(mids[DELISTED], without["markPx"], "the last one");
    let traded = later.items(&json!({ "type": "recentTrades", "coin": DELISTED })).await;
    let nobody = json!("0x0000000000000000000000000000000000000000");
    assert!(!traded.is_empty() && traded.iter().all(|trade| !trade["users"].as_array().unwrap().contains(&nobody)));
    assert_eq!(later.items(&candles(DELISTED)).await, delisted.items(&candles(DELISTED)).await);
}

/// What somebody held is in no account any more, and in the past of everybody who held it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settlement_is_among_the_fills_of_who_held_the_coin() {
    let folder = tempfile::tempdir().unwrap();
    let exchange = Exchange::after(crate::tests::files::options(folder.path(), 1_500)).await;
    let mut settled = 0;
    for block in crate::tests::files::printed(folder.path()) {
        for (user, fill) in block.events.iter().filter(|(_, fill)| fill.is_settlement() && fill.crossed) {
            let user = user.to_string();
            let told = exchange.items(&json!({ "type": "userFills", "user": user })).await;
            let its = told.iter().find(|it| it["dir"] == "Settlement").unwrap();
            assert_eq!((its["tid"].as_u64(), &its["coin"]), (Some(fill.tid), &json!(DELISTED)));
            let state = exchange.answer(&json!({ "type": "clearinghouseState", "user": user })).await;
            let held = state["assetPositions"].as_array().unwrap();
            assert!(held.iter().all(|position| position["position"]["coin"] != DELISTED), "{state}");
            settled += 1;
        }
    }
    assert!(settled > 20, "{settled}");
}
