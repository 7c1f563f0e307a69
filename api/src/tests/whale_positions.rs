//! The largest positions: those of the list of all that are large enough, in each order, page after page.

use std::cmp::Ordering;

use schemas::{Amount, PositionRisk};
use serde_json::{Value, json};

use super::fixture::{Served, position, price, serve, wallet};
use super::place::on_both;
use crate::valued_position::TOPICS;

on_both! {
    they_are_those_of_all_that_are_large_enough,
    what_is_asked_wrongly_is_told,
}

const COINS: [(&str, &str); 3] = [("BTC", "67000"), ("ETH", "1800.5"), ("kPEPE", "0.0123")];
const PATH: &str = "/api/v1/whales/positions";

/// Of each coin twenty, from worth nothing to worth a few millions, long and short; of some the account alone tells.
async fn filled(url: &str) -> Served {
    let mut served = serve(url).await;
    let mut risks = Vec::new();
    for (place, (coin, mark)) in COINS.into_iter().enumerate() {
        served.add([price(coin, mark)]).await;
        for n in 0..20_u32 {
            let worth = i64::from(n * n) * 9_000 + place as i64 * 17;
            let hundred = Amount::from(100);
            let hundredths = Amount::from(worth * 100).over(mark.parse().unwrap()).unwrap().floor();
            let size = hundredths.over(hundred).unwrap();
            let size = if n % 3 == 0 { size.negated() } else { size };
            let source = if n % 4 == 1 { "account" } else { "fill" };
            if source == "fill" && size.sign() != 0 {
                served.add([position(coin, n, &size.to_string())]).await;
            }
            let side = if size.sign() < 0 { "short" } else { "long" };
            let px = (n % 5 > 0).then(|| Amount::from(i64::from(n) * 100).to_string());
            risks.push(json!({
                "coin": coin, "wallet": wallet(n), "side": side, "size": size.to_string(), "source": source,
                "clock": 1010, "liquidation_px": px, "cost": (n % 7 > 0).then_some("1000"),
            }));
        }
    }
    served.add(risks.into_iter().map(|risk| serde_json::from_value::<PositionRisk>(risk).unwrap())).await;
    served
}

async fn they_are_those_of_all_that_are_large_enough(url: String) {
    let mut served = filled(&url).await;
    let all = data(&served.good("/api/v1/positions?limit=1000").await);
    for (query, least, coin, side) in [
        ("", "1000000", None, None),
        ("&min_usd=2500000", "2500000", None, None),
        ("&min_notional=100000", "100000", None, None),
        ("&coin=eth&min_notional=100000.5", "100000.5", Some("ETH"), None),
        ("&side=short&min_notional=100000", "100000", None, Some("short")),
        ("&coin=BTC&side=long&min_notional=10000", "10000", Some("BTC"), Some("long")),
    ] {
        let least: Amount = least.parse().unwrap();
        let is_wanted = |row: &&Value| {
            amount(row, "notional").unwrap() >= least
                && coin.is_none_or(|coin| row["coin"] == coin)
                && side.is_none_or(|side| row["side"] == side)
        };
        for (sort, by, way) in [
            ("", "notional", false),
            ("&sort=pnl", "unrealised_pnl", false),
            ("&sort=distance", "distance_pct", true),
            ("&sort=notional&order=asc", "notional", true),
            ("&sort=distance&order=desc", "distance_pct", false),
        ] {
            let mut expected: Vec<Value> = all.iter().filter(is_wanted).cloned().collect();
            assert!(expected.len() > 3, "{query}");
            expected.sort_by(|one, other| in_order(by, way, one, other));
            let told = pages(&served, &format!("{PATH}?limit=7{query}{sort}")).await;
            assert_eq!(told, expected, "{query}{sort}");
        }
    }
    served.compute(&TOPICS).await;
    let none = served.good(&format!("{PATH}?min_notional=1000000000000")).await;
    assert_eq!((&none["data"], none["meta"]["reason"].as_str()), (&json!([]), Some("none_is_so_large")));
}

async fn what_is_asked_wrongly_is_told(url: String) {
    let served = filled(&url).await;
    let first = served.good(&format!("{PATH}?limit=1")).await;
    let cursor = first["meta"]["next_cursor"].as_str().unwrap();
    for (query, status, code) in [
        (format!("sort=pnl&cursor={cursor}"), 400, "INVALID_CURSOR"),
        (format!("coin=BTC&cursor={cursor}"), 400, "INVALID_CURSOR"),
        ("coin=NOPE".to_owned(), 404, "UNKNOWN_COIN"),
        ("sort=size".to_owned(), 400, "INVALID_SORT"),
        ("min_usd=-1".to_owned(), 400, "INVALID_NOTIONAL"),
        ("min_usd=99999.9".to_owned(), 400, "INVALID_NOTIONAL"),
        ("coin=BTC&min_usd=9999".to_owned(), 400, "INVALID_NOTIONAL"),
    ] {
        assert_eq!(served.bad(&format!("{PATH}?{query}")).await, (status, code.to_owned()), "{query}");
    }
}

fn data(reply: &Value) -> Vec<Value> {
    reply["data"].as_array().unwrap().clone()
}

fn amount(row: &Value, name: &str) -> Option<Amount> {
    row[name].as_str().map(|text| text.parse().unwrap())
}

fn in_order(by: &str, ascends: bool, one: &Value, other: &Value) -> Ordering {
    let by_value = match (amount(one, by), amount(other, by)) {
        (Some(one), Some(other)) if ascends => one.cmp(&other),
        (Some(one), Some(other)) => other.cmp(&one),
        (one, other) => one.is_none().cmp(&other.is_none()),
    };
    let place = |row: &Value| ["coin", "wallet"].map(|name| row[name].as_str().unwrap().to_owned());
    by_value.then_with(|| place(one).cmp(&place(other)))
}

async fn pages(served: &Served, path: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = served.good(&format!("{path}{cursor}")).await;
        rows.extend(data(&page));
        let Some(next) = page["meta"]["next_cursor"].as_str() else { return rows };
        cursor = format!("&cursor={next}");
    }
}
