//! Legs of trades: told as the source told them, chosen by what they are, each under an id of its own.

use std::collections::BTreeMap;

use schemas::{Fill, Position, PositionSide, WhaleWatch, examples, topics};
use serde_json::{Value, json};

use super::fixture::{Served, market, position, serve, wallet};
use super::place::on_both;

on_both! {
    every_example_is_told_with_its_own_decimals,
    legs_are_chosen_by_each_parameter,
    an_id_stays_and_finds_its_row,
    the_history_of_a_position_tells_each_change,
    what_stands_for_nothing_is_told,
    a_watch_that_ended_has_no_row,
}

fn fill(n: u32, coin: &str) -> Fill {
    serde_json::from_value(json!({
        "block": 100 + n / 2, "index": n % 2, "user": wallet(n % 5), "coin": coin, "px": "10.50", "sz": format!("{n}.0"),
        "side": if n.is_multiple_of(2) { "B" } else { "A" }, "time": i64::from(n / 2) * 10, "startPosition": "-1.0",
        "dir": "Open Long", "closedPnl": "0.0", "hash": format!("0x{:064x}", n / 4), "oid": 1000 + n / 4, "crossed": true,
        "fee": "-0.01", "tid": 77, "feeToken": "USDC",
    }))
    .unwrap()
}

fn data(reply: &Value) -> &Vec<Value> {
    reply["data"].as_array().unwrap()
}

async fn every_example_is_told_with_its_own_decimals(url: String) {
    let mut served = serve(&url).await;
    // Two examples of one place are one leg: what was told last.
    let fills = examples::of(&topics::FILLS).into_iter().filter(|(case, _)| case.starts_with("fill"));
    let fills = fills.map(|(_, value)| serde_json::from_slice::<Fill>(&value).unwrap());
    let told: BTreeMap<(u32, String), Fill> = fills.map(|fill| ((fill.index, fill.user.to_string()), fill)).collect();
    let told: Vec<Fill> = told.into_values().collect();
    served.add_facts(told.clone()).await;
    served.compute(&[&topics::FILLS]).await;
    let all = served.good("/api/v1/transactions?order=asc&limit=1000").await;
    assert_eq!(all["meta"]["watermark"], 900);
    assert!(told.len() > 10);
    for fill in &told {
        let is_it = |row: &&Value| row["index"] == fill.index && row["wallet"] == fill.user.to_string();
        let row = data(&all).iter().find(is_it).unwrap_or_else(|| panic!("{fill:?} is not told"));
        let decimals =
            [("px", Some(fill.px)), ("size", Some(fill.sz)), ("fee", fill.fee), ("closed_pnl", fill.closed_pnl)];
        for (column, amount) in decimals {
            assert_eq!(row[column].as_str().map(str::to_owned), amount.map(|it| it.to_string()), "{column} of {row}");
        }
        assert_eq!(row["start_position"], fill.start_position.to_string());
        let liquidation = fill.liquidation.as_ref();
        assert_eq!(row.get("liquidation_mark_px"), liquidation.map(|it| json!(it.mark_px.to_string())).as_ref());
        assert_eq!((&row["dir"], &row["oid"]), (&json!(&*fill.dir), &json!(fill.oid)));
        assert_eq!(row["reason"].is_null(), fill.fee.is_some() && fill.tid.is_some() && fill.fee_token.is_some());
    }
}

async fn legs_are_chosen_by_each_parameter(url: String) {
    let mut served = serve(&url).await;
    served.add(["BTC", "ETH", "SOL"].map(|coin| market(coin, false))).await;
    served.add_facts((0..8).map(|n| fill(n, if n < 6 { "BTC" } else { "ETH" }))).await;
    for (query, sizes) in [
        ("order=asc", vec!["0.0", "1.0", "2.0", "3.0", "4.0", "5.0", "6.0", "7.0"]),
        ("coin=ETH", vec!["7.0", "6.0"]),
        ("coin=SOL", vec![]),
        (&format!("wallet={}", wallet(1)), vec!["6.0", "1.0"]),
        ("oid=1001", vec!["7.0", "6.0", "5.0", "4.0"]),
        ("order_id=1000&side=sell", vec!["3.0", "1.0"]),
        ("hash=0x0000000000000000000000000000000000000000000000000000000000000001&coin=BTC", vec!["5.0", "4.0"]),
        ("min_notional=63", vec!["7.0", "6.0"]),
        ("min_notional=63.01", vec!["7.0"]),
        ("min_notional=9", vec!["7.0", "6.0", "5.0", "4.0", "3.0", "2.0", "1.0"]),
        ("start_time=10&end_time=30&side=buy", vec!["2.0", "4.0"]),
    ] {
        let reply = served.good(&format!("/api/v1/transactions?{query}")).await;
        let told: Vec<&str> = data(&reply).iter().map(|row| row["size"].as_str().unwrap()).collect();
        assert_eq!(told, sizes, "{query}");
    }
    for (query, code) in [
        ("oid=x", "INVALID_OID"),
        ("hash=0x12", "INVALID_HASH"),
        ("side=long", "INVALID_SIDE"),
        ("sort=notional", "INVALID_SORT"),
    ] {
        assert_eq!(served.bad(&format!("/api/v1/transactions?{query}")).await, (400, code.to_owned()));
    }
}

/// Through other rows, and through the same fill from the other topic.
async fn an_id_stays_and_finds_its_row(url: String) {
    let mut served = serve(&url).await;
    served.add_facts((0..4).map(|n| fill(n, "BTC"))).await;
    let before = served.good("/api/v1/transactions?order=asc").await;
    served.add_facts((4..9).map(|n| fill(n, "BTC"))).await;
    served.add_history((0..4).map(|n| fill(n, "BTC"))).await;
    assert_eq!(data(&served.good("/api/v1/transactions").await).len(), 9, "each once");
    for row in data(&before) {
        let id = row["id"].as_str().unwrap();
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{id}");
        assert_eq!(&served.good(&format!("/api/v1/transactions/{id}")).await["data"], row);
        let (status, code) = served.bad(&format!("/api/v1/liquidations/{id}")).await;
        assert_eq!((status, code.as_str()), (404, "UNKNOWN_ID"), "an id of another list");
    }
    for id in ["none", "W10", "WzEsMSwxLCIweCJd"] {
        assert_eq!(served.bad(&format!("/api/v1/transactions/{id}")).await, (404, "UNKNOWN_ID".to_owned()), "{id}");
    }
}

async fn the_history_of_a_position_tells_each_change(url: String) {
    let mut served = serve(&url).await;
    let changed = |n, size: &str, changed_at| Position { changed_at, ..position("BTC", n, size) };
    served.add([changed(1, "2.50", 10), changed(2, "-1.0", 10), changed(1, "3.0", 20), changed(1, "0.0", 30)]).await;
    assert_eq!(served.good("/api/v1/positions").await["data"][0]["size"], "-1.0", "what is open");
    let of_one = served.good(&format!("/api/v1/positions/history?wallet={}", wallet(1))).await;
    let told: Vec<_> = data(&of_one).iter().map(|row| (row["size"].as_str().unwrap(), &row["side"])).collect();
    assert_eq!(told, [("0.0", &json!("flat")), ("3.0", &json!("long")), ("2.50", &json!("long"))]);
    assert_eq!(PositionSide::of("0.0".parse().unwrap()), PositionSide::Flat);
    assert_eq!(data(&served.good("/api/v1/positions/history?coin=BTC&side=short").await).len(), 1);
}

async fn what_stands_for_nothing_is_told(url: String) {
    let served = serve(&url).await;
    let none = served.good("/api/v1/transactions").await;
    assert_eq!((data(&none).len(), &none["meta"]["reason"]), (0, &json!("needs_node_fills")));
}

async fn a_watch_that_ended_has_no_row(url: String) {
    let mut served = serve(&url).await;
    let watch = |n, least: Option<&str>, removed| WhaleWatch {
        wallet: wallet(n),
        label: "the fund".into(),
        min_notional: least.map(|it| it.parse().unwrap()),
        time: 5,
        removed,
    };
    served.add([watch(1, Some("1000.50"), false), watch(2, None, false), watch(3, None, false)]).await;
    served.add([watch(2, None, true)]).await;
    assert_eq!(
        watches(&served).await,
        [(wallet(1).to_string(), Some("1000.50".to_owned())), (wallet(3).to_string(), None)]
    );
}

async fn watches(served: &Served) -> Vec<(String, Option<String>)> {
    let mut moment = served.database().await.one_moment().await.unwrap();
    let query = "SELECT wallet, CAST(threshold AS TEXT) FROM whale_watches ORDER BY wallet";
    moment.all(crate::query::Query::new(query)).await.unwrap()
}
