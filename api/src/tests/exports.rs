//! Lists that are told to their end, as lines of JSON and as a table: the rows of all pages, also while rows are written.

use schemas::LiquidationOrder;
use serde_json::{Value, json};

use super::fixture::{Served, serve, wallet};
use super::place::on_both;

on_both! {
    a_list_is_told_to_its_end_in_either_form,
    what_is_written_meanwhile_moves_no_row,
    a_form_that_is_not_known_is_told,
}

/// More than is read at once.
const ORDERS: u32 = 4_500;

fn order(n: u32) -> LiquidationOrder {
    serde_json::from_value(json!({
        "coin": (["BTC", "a,\"b\""][n as usize % 2]), "wallet": wallet(n), "side": "long", "method": "market",
        "block": n / 3, "time": n / 3 * 10, "fills": 2, "size": "1.50", "notional": if n == 7 { None } else { Some("3.25") },
        "average_px": "67", "mark_px": "67.0", "closed_pnl": "-3", "remaining": "0.0",
    }))
    .unwrap()
}

async fn a_list_is_told_to_its_end_in_either_form(url: String) {
    let mut served = serve(&url).await;
    served.add((0..ORDERS).map(order)).await;
    let paged = paged(&served, "").await;
    assert_eq!(paged.len(), ORDERS as usize);
    let (_, head, body) = served.get_text("/api/v1/liquidations?format=ndjson").await;
    assert!(head.contains("content-type: application/x-ndjson") && head.contains("x-fathom-simulated: true"), "{head}");
    assert!(head.contains(r#"content-disposition: attachment; filename="liquidations.ndjson""#), "{head}");
    assert_eq!(lines(&body), paged);
    let (_, _, accepted) =
        served.get_as("/api/v1/liquidations?order=asc", "text/html, application/x-ndjson;q=0.9").await;
    assert_eq!(lines(&accepted), paged.iter().rev().cloned().collect::<Vec<_>>());
    let (_, _, some) = served.get_text("/api/v1/liquidations?format=ndjson&limit=2345&coin=BTC").await;
    let of_coin: Vec<Value> = paged.iter().filter(|row| row["coin"] == "BTC").cloned().collect();
    assert_eq!(lines(&some), of_coin[..of_coin.len().min(2_345)]);

    let (_, head, table) = served.get_as("/api/v1/liquidations", "text/csv").await;
    assert!(head.contains("content-type: text/csv"), "{head}");
    let mut rows = table.split("\r\n");
    let names =
        "coin,wallet,block,method,side,time,fills,size,notional,average_px,mark_px,closed_pnl,remaining,id,reason";
    assert_eq!(rows.next(), Some(names));
    for (row, told) in rows.by_ref().zip(&paged) {
        let reason = told["reason"].as_str().unwrap_or_default();
        let coin = if told["coin"] == "BTC" { "BTC" } else { r#""a,""b""""# };
        let notional = told["notional"].as_str().unwrap_or_default();
        let expected = format!(
            "{coin},{},{},market,long,{},2,1.50,{notional},67,67.0,-3,0.0,{},{reason}",
            told["wallet"].as_str().unwrap(),
            told["block"],
            told["time"],
            told["id"].as_str().unwrap()
        );
        assert_eq!(row, expected);
    }
    assert_eq!((table.matches("\r\n").count(), rows.next()), (1 + paged.len(), None));
}

/// Everything that was there when it began is told once, wherever rows are added.
async fn what_is_written_meanwhile_moves_no_row(url: String) {
    let mut served = serve(&url).await;
    served.add((0..ORDERS).filter(|n| n % 3 != 1).map(order)).await;
    let before = paged(&served, "").await;
    let first = served.good("/api/v1/liquidations?limit=100").await;
    served.add((0..ORDERS).filter(|n| n % 3 == 1).map(order)).await;
    let cursor = first["meta"]["next_cursor"].as_str().unwrap();
    let (_, _, rest) = served.get_text(&format!("/api/v1/liquidations?format=ndjson&cursor={cursor}")).await;
    let mut told: Vec<Value> = first["data"].as_array().unwrap().clone();
    told.extend(lines(&rest));
    let of_before: Vec<&Value> = told.iter().filter(|row| before.contains(row)).collect();
    assert_eq!(of_before, before.iter().collect::<Vec<_>>());
}

async fn a_form_that_is_not_known_is_told(url: String) {
    let served = serve(&url).await;
    for (query, code) in [("format=xml", "INVALID_FORMAT"), ("format=csv&limit=0", "INVALID_LIMIT")] {
        assert_eq!(served.bad(&format!("/api/v1/liquidations?{query}")).await, (400, code.to_owned()));
    }
}

async fn paged(served: &Served, query: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = served.good(&format!("/api/v1/liquidations?limit=1000{query}{cursor}")).await;
        rows.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["meta"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

fn lines(body: &str) -> Vec<Value> {
    body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
