//! Each route: what it tells, and how it says no.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use schemas::{LongShortRatio, PositionRisk, topics};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;

use super::fixture::{market, not_ready, position, price, ratio, serve, serve_with, wallet};
use super::place::on_both;
use crate::{Context, Database};

on_both! {
    markets_are_listed_and_chosen,
    positions_say_what_they_stand_on,
    positions_tell_their_worth_and_their_risk,
    paging_tells_each_position_once,
    the_latest_ratio_is_told_with_reasons,
    a_coin_is_found_by_what_people_call_it,
    history_is_told_in_pages_of_either_order,
    a_wrong_request_is_told_what_is_wrong,
    a_busy_database_is_said_and_when_to_come_back,
    health_metrics_status_and_the_page,
}

async fn markets_are_listed_and_chosen(url: String) {
    let mut served = serve(&url).await;
    served.add([market("BTC", false), market("xyz:XYZ100", false), market("MATIC", true)]).await;
    let all = served.good("/api/v1/markets").await;
    assert_eq!(names(&all), ["BTC", "MATIC", "xyz:XYZ100"]);
    assert_eq!(
        all["data"][0],
        json!({
            "coin": "BTC", "dex": "", "size_decimals": 5, "max_leverage": 40, "isolated_only": false,
            "delisted": false, "time": 4, "margin_tiers": [{ "lower_bound": "0.0", "max_leverage": 40 }],
        })
    );
    assert_eq!(names(&served.good("/api/v1/markets?dex=xyz").await), ["xyz:XYZ100"]);
    assert_eq!(names(&served.good("/api/v1/markets?dex=&active=true").await), ["BTC"]);
    assert_eq!(names(&served.good("/api/v1/markets?active=false").await), ["MATIC"]);
    assert_eq!(served.bad("/api/v1/markets?active=yes").await, (400, "INVALID_ACTIVE".to_owned()));
}

fn names(reply: &Value) -> Vec<&str> {
    reply["data"].as_array().unwrap().iter().map(|row| row["coin"].as_str().unwrap()).collect()
}

async fn positions_say_what_they_stand_on(url: String) {
    let mut served = serve(&url).await;
    let mut old = position("ETH", 2, "-0.50");
    old.opened_at = None;
    served.add([position("BTC", 1, "28.0"), old, position("BTC", 3, "1")]).await;
    served.compute(&[&topics::POSITIONS, &topics::POSITION_RISKS]).await;
    let all = served.good("/api/v1/positions").await;
    assert_eq!(
        all["data"][0],
        json!({
            "coin": "BTC", "wallet": wallet(1).to_string(), "side": "long", "source": "fill", "size": "28.0", "opened_at": 5,
            "changed_at": 6, "entry_px": "66610.25", "realised_pnl": "-0.061384", "last_px": "66653.0", "mark_px": null,
            "mark_time": null, "notional": null, "unrealised_pnl": null, "leverage": null, "isolated": null,
            "liquidation_px": null, "liquidation_basis": null, "distance_pct": null, "block": 7, "index": 1, "clock": 1000,
            "reason": "no_price_yet",
        })
    );
    assert_eq!(all["data"][2]["opened_at"], Value::Null);
    served.add([price("ETH", "1800.5")]).await;
    let eth = &served.good("/api/v1/positions?coin=ETH").await["data"][0];
    assert_eq!((&eth["notional"], &eth["reason"]), (&json!("900.25"), &json!("opened_before_anything_was_seen")));
    let stored: u64 = all["meta"]["source"].as_object().unwrap().values().map(|next| next.as_u64().unwrap()).sum();
    assert_eq!(stored, 3 + 4 + 16, "a clock is in each partition, also of the risks");
    let mut meta = all["meta"].clone();
    meta.as_object_mut().unwrap().remove("source");
    meta.as_object_mut().unwrap().remove("definition");
    assert_eq!(
        meta,
        json!({
            "next_cursor": null, "complete": true, "as_of": 1000, "watermark": 900, "block_height": 99,
            "generation": 1, "simulated": true, "coverage": { "method": "exact", "source": "node fills", "since_block": 1, "since_time": 1 },
            "schema": "valued-position/1",
        })
    );
    assert_eq!(names(&served.good("/api/v1/positions?coin=eth-perp").await), ["ETH"]);
    assert_eq!(names(&served.good("/api/v1/positions?side=short").await), ["ETH"]);
    let upper = wallet(3).to_string().replace("ab", "AB");
    assert_eq!(names(&served.good(&format!("/api/v1/positions?wallet={upper}")).await), ["BTC"]);
    assert_eq!(served.good(&format!("/api/v1/positions?wallet={}", wallet(9))).await["data"], json!([]));
}

async fn positions_tell_their_worth_and_their_risk(url: String) {
    let mut served = serve(&url).await;
    let risk = |coin: &str, n: u32, size: &str, source: &str, rest: Value| -> PositionRisk {
        let side = if size.starts_with('-') { "short" } else { "long" };
        let mut risk =
            json!({ "coin": coin, "wallet": wallet(n), "side": side, "size": size, "source": source, "clock": 1010 });
        risk.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        serde_json::from_value(risk).unwrap()
    };
    served
        .add([
            position("BTC", 1, "0.5"),
            position("ETH", 1, "-2"),
            position("ETH", 3, "4"),
            position("ETH", 4, "6"),
            position("ETH", 5, "-7"),
            position("ETH", 6, "8"),
        ])
        .await;
    served.add([price("BTC", "67000"), price("ETH", "1800")]).await;
    let known = json!({ "liquidation_px": "60300", "basis": "carried", "leverage": 10, "isolated": false });
    served
        .add([
            risk("BTC", 1, "0.50", "fill", known.clone()),
            // Of one nothing else is known, of the next a fill was missed, and of the last the one that closed it.
            risk("BTC", 2, "-3", "account", json!({ "cost": "210000", "basis": "account", "liquidation_px": "70350" })),
            risk("ETH", 3, "5", "account", json!({ "basis": "account" })),
            risk("ETH", 4, "0.0", "account", json!({ "side": "flat" })),
            // A fill that came after the exchange had spoken.
            risk("ETH", 5, "0", "account", json!({ "side": "flat", "clock": 999 })),
            // The one of what is held now has yet to come.
            risk("ETH", 6, "9", "fill", known),
        ])
        .await;
    let told = |rows: &Value| -> Vec<String> {
        let names = [
            "coin",
            "side",
            "source",
            "size",
            "entry_px",
            "notional",
            "unrealised_pnl",
            "liquidation_px",
            "liquidation_basis",
            "distance_pct",
            "reason",
        ];
        let of = |row: &Value| names.map(|name| row[name].as_str().unwrap_or("-").to_owned()).join(" ");
        rows.as_array().unwrap().iter().map(of).collect()
    };
    let rows = [
        "BTC long fill 0.5 66610.25 33500 194.875 60300 carried 10 -",
        "BTC short account -3 70000 201000 9000 70350 account 5 told_by_the_account_alone",
        "ETH short fill -2 66610.25 3600 129620.5 - - - -",
        "ETH long account 5 - 9000 - - account - opened_before_anything_was_seen",
        "ETH short fill -7 66610.25 12600 453671.75 - - - -",
        "ETH long fill 8 66610.25 14400 -518482 - - - -",
    ];
    let all = served.good("/api/v1/positions").await;
    assert_eq!(told(&all["data"]), rows);
    assert_eq!((&all["data"][5]["leverage"], &all["data"][5]["isolated"]), (&Value::Null, &Value::Null));
    assert!(all["meta"]["definition"].as_str().unwrap().contains("source"), "{all}");
    for (query, expected) in [
        ("side=short", &[rows[1], rows[2], rows[4]][..]),
        ("coin=ETH", &rows[2..]),
        (&format!("wallet={}", wallet(2)), &rows[1..2]),
    ] {
        assert_eq!(told(&served.good(&format!("/api/v1/positions?{query}")).await["data"]), expected, "{query}");
    }
    let (mut one_by_one, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = served.good(&format!("/api/v1/positions?limit=1{cursor}")).await;
        one_by_one.extend(told(&page["data"]));
        let Some(next) = page["meta"]["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(one_by_one, rows);
}

async fn paging_tells_each_position_once(url: String) {
    let mut served = serve(&url).await;
    let coins = ["BTC", "ETH", "kPEPE"];
    served.add((0..2500).map(|n| position(coins[n as usize % 3], n, "1"))).await;
    let mut seen = BTreeSet::new();
    let (mut cursor, mut pages) = (String::new(), 0);
    loop {
        let page = served.good(&format!("/api/v1/positions?limit=700{cursor}")).await;
        for row in page["data"].as_array().unwrap() {
            let key = (row["coin"].as_str().unwrap().to_owned(), row["wallet"].as_str().unwrap().to_owned());
            assert!(seen.last().is_none_or(|last| *last < key), "{key:?} is out of order");
            seen.insert(key);
        }
        pages += 1;
        let next = &page["meta"]["next_cursor"];
        assert_eq!(page["meta"]["complete"].as_bool().unwrap(), next.is_null());
        let Some(next) = next.as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((seen.len(), pages), (2500, 4));
    let first = served.good("/api/v1/positions?coin=ETH&limit=800").await;
    let cursor_of_coin = first["meta"]["next_cursor"].as_str().unwrap();
    let rest = served.good(&format!("/api/v1/positions?coin=ETH&limit=800&cursor={cursor_of_coin}")).await;
    assert_eq!(rest["data"].as_array().unwrap().len(), 33);
    assert_eq!(served.good("/api/v1/positions").await["data"].as_array().unwrap().len(), 100);
    let history = format!("/api/v1/long-short-ratio/BTC/history?limit=1{cursor}");
    assert_eq!(served.bad(&history).await, (400, "INVALID_CURSOR".to_owned()));
}

async fn the_latest_ratio_is_told_with_reasons(url: String) {
    let mut served = serve(&url).await;
    let mut nobody_short = ratio("ETH", "5m", 300_000, "1");
    (nobody_short.short_accounts, nobody_short.close, nobody_short.complete) = (0, None, false);
    let mut nobody = ratio("2Z", "1m", 0, "1");
    (nobody.accounts, nobody.long_accounts, nobody.short_accounts) = (0, 0, 0);
    (nobody.long_ratio, nobody.short_ratio, nobody.open, nobody.high) = (None, None, None, None);
    (nobody.low, nobody.close) = (None, None);
    let interest_unknown = LongShortRatio { oi_coverage_pct: None, ..ratio("kPEPE", "1m", 0, "1") };
    served.add([market("SOL", false)]).await;
    served.compute(&[&topics::LONG_SHORT_RATIOS]).await;
    served.add([interest_unknown]).await;
    served.add([ratio("BTC", "1m", 0, "1"), ratio("BTC", "1m", 60_000, "1.5"), nobody_short, nobody]).await;
    let latest = served.good("/api/v1/long-short-ratio/BTC").await;
    assert_eq!(
        latest["data"],
        json!({
            "coin": "BTC", "kind": "accounts", "interval": "1m", "time": 60_000, "long_accounts": 3,
            "definition": "all accounts with a position in BTC: 5",
            "short_accounts": 2, "accounts": 5, "long_ratio": "0.6", "short_ratio": "0.4", "long_short_ratio": "1.5",
            "open": "1.5", "high": "1.5", "low": "1.5", "close": "1.5", "oi_coverage_pct": "99.5", "complete": true,
            "final": true, "block": 7, "clock": 120_000,
        })
    );
    assert_eq!(latest["meta"]["as_of"], 120_000);
    let short = served.good("/api/v1/long-short-ratio/ETH?period=5m").await;
    assert_eq!((&short["data"]["close"], &short["data"]["reason"]), (&Value::Null, &json!("no_short_accounts")));
    assert_eq!(short["meta"]["complete"], false);
    let nobody = served.good("/api/v1/long-short-ratio/2Z").await;
    assert_eq!((&nobody["data"]["long_ratio"], &nobody["data"]["reason"]), (&Value::Null, &json!("no_accounts")));
    let unknown = served.good("/api/v1/long-short-ratio/kPEPE").await["data"].clone();
    assert_eq!((&unknown["oi_coverage_pct"], &unknown["reason"]), (&Value::Null, &json!("open_interest_not_known")));
    let nothing = served.good("/api/v1/long-short-ratio/SOL?interval=1h").await;
    assert_eq!((&nothing["data"], &nothing["meta"]["reason"]), (&Value::Null, &json!("nothing_traded_yet")));
}

async fn a_coin_is_found_by_what_people_call_it(url: String) {
    let mut served = serve(&url).await;
    let coins = ["BTC", "kPEPE", "2Z", "xyz:XYZ100", "@107", "PURR/USDC", "SUSDT", "S"];
    served.add(coins.map(|coin| ratio(coin, "1m", 0, "1"))).await;
    for (asked, coin) in [
        ("BTC", "BTC"),
        ("btc", "BTC"),
        ("BTCUSDT", "BTC"),
        ("BTC-USD", "BTC"),
        ("btc-perp", "BTC"),
        ("kPEPE", "kPEPE"),
        ("KPEPE-USD", "kPEPE"),
        ("2Z", "2Z"),
        ("xyz:XYZ100", "xyz:XYZ100"),
        ("xyz%3AXYZ100", "xyz:XYZ100"),
        ("@107", "@107"),
        ("PURR%2FUSDC", "PURR/USDC"),
        ("SUSDT", "SUSDT"),
        ("S-USDT", "S"),
    ] {
        let reply = served.good(&format!("/api/v1/long-short-ratio/{asked}")).await;
        assert_eq!(reply["data"]["coin"], coin, "{asked}");
    }
    for asked in ["/api/v1/long-short-ratio/NOPE", "/api/v1/positions?coin=NOPE", "/api/v1/positions?coin="] {
        assert_eq!(served.bad(asked).await, (404, "UNKNOWN_COIN".to_owned()), "{asked}");
    }
    assert_eq!(served.bad("/api/v1/long-short-ratio/%ff").await, (400, "INVALID_COIN".to_owned()));
}

async fn history_is_told_in_pages_of_either_order(url: String) {
    let mut served = serve(&url).await;
    served.add((0..250).map(|n| ratio("BTC", "1m", n * 60_000, "1"))).await;
    let times = |reply: &Value| -> Vec<i64> {
        reply["data"].as_array().unwrap().iter().map(|row| row["time"].as_i64().unwrap() / 60_000).collect()
    };
    let path = "/api/v1/long-short-ratio/BTC/history";
    let newest = served.good(path).await;
    assert_eq!(times(&newest), (150..250).rev().collect::<Vec<_>>());
    assert!(newest["meta"]["definition"].as_str().unwrap().starts_with("accounts with an open position"));
    let cursor = newest["meta"]["next_cursor"].as_str().unwrap();
    let before = served.good(&format!("{path}?limit=3&cursor={cursor}")).await;
    assert_eq!(times(&before), [149, 148, 147]);
    let range = format!("{path}?startTime=600000&endTime=900000");
    assert_eq!(times(&served.good(&range).await), [10, 11, 12, 13, 14]);
    assert_eq!(times(&served.good(&format!("{range}&order=desc&limit=2")).await), [14, 13]);
    let whole = served.good(&format!("{path}?start_time=0&limit=1000")).await;
    assert_eq!((times(&whole).len(), &whole["meta"]["next_cursor"]), (250, &Value::Null));
    assert_eq!(served.good(&format!("{path}?interval=1h")).await["data"], json!([]));
    served.add([ratio("ETH", "1m", 0, "1")]).await;
    for other in
        ["BTC/history?order=asc&", "BTC/history?interval=1h&", "BTC/history?kind=top_accounts&", "ETH/history?"]
    {
        let path = format!("/api/v1/long-short-ratio/{other}cursor={cursor}");
        assert_eq!(served.bad(&path).await, (400, "INVALID_CURSOR".to_owned()), "{other}");
    }
    let by_another_name = served.good(&format!("/api/v1/long-short-ratio/btc/history?limit=3&cursor={cursor}")).await;
    assert_eq!(by_another_name["data"], before["data"]);
}

async fn a_wrong_request_is_told_what_is_wrong(url: String) {
    let served = serve(&url).await;
    let history = "/api/v1/long-short-ratio/BTC/history";
    for (path, status, code) in [
        ("/api/v1/positions?limit=0".to_owned(), 400, "INVALID_LIMIT"),
        ("/api/v1/positions?limit=1001".to_owned(), 400, "INVALID_LIMIT"),
        ("/api/v1/positions?limit=ten".to_owned(), 400, "INVALID_LIMIT"),
        ("/api/v1/positions?side=flat".to_owned(), 400, "INVALID_SIDE"),
        ("/api/v1/positions?wallet=0x12".to_owned(), 400, "INVALID_WALLET"),
        ("/api/v1/positions?cursor=what".to_owned(), 400, "INVALID_CURSOR"),
        ("/api/v1/positions?coins=BTC".to_owned(), 400, "UNKNOWN_PARAMETER"),
        ("/api/v1/positions?limit=1&limit=2".to_owned(), 400, "REPEATED_PARAMETER"),
        (format!("{history}?interval=7m"), 400, "INVALID_INTERVAL"),
        (format!("{history}?interval=1m&period=1m"), 400, "REPEATED_PARAMETER"),
        (format!("{history}?start_time=yesterday"), 400, "INVALID_TIME"),
        (format!("{history}?start_time=5&end_time=5"), 400, "INVALID_TIME_RANGE"),
        (format!("{history}?order=up"), 400, "INVALID_ORDER"),
        ("/api/v1/status?what".to_owned(), 400, "UNKNOWN_PARAMETER"),
        ("/api/v1/nothing".to_owned(), 404, "NOT_FOUND"),
        ("/api/v1/ws".to_owned(), 426, "UPGRADE_REQUIRED"),
    ] {
        assert_eq!(served.bad(&path).await, (status, code.to_owned()), "{path}");
    }
    let (_, interval) = served.get(&format!("{history}?interval=7m")).await;
    assert_eq!(interval["error"]["details"], json!({ "param": "interval" }));
    assert!(interval["error"]["message"].as_str().unwrap().contains("1m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 12h, 1d"));
}

async fn a_busy_database_is_said_and_when_to_come_back(url: String) {
    let mut only_one = None;
    let served = serve_with(&url, |context| {
        let database = with_one_connection(&context.database);
        only_one = Some(database.clone());
        Context { database, ..context }
    })
    .await;
    let held = only_one.unwrap().one_moment().await.unwrap();
    assert_eq!(served.bad("/api/v1/positions").await, (503, "DATABASE_BUSY".to_owned()));
    let (_, head, _) = served.get_text("/api/v1/liquidations").await;
    assert!(head.contains("retry-after: 1"), "{head}");
    drop(held);
    served.good("/api/v1/positions").await;
}

fn with_one_connection(database: &Database) -> Database {
    let patience = Duration::from_millis(200);
    match database {
        Database::Sqlite(pool, of_a_question) => {
            let one = SqlitePoolOptions::new().max_connections(1).acquire_timeout(patience);
            Database::Sqlite(one.connect_lazy_with(pool.connect_options().as_ref().clone()), *of_a_question)
        }
        Database::Postgres(pool) => {
            let one = PgPoolOptions::new().max_connections(1).acquire_timeout(patience);
            Database::Postgres(one.connect_lazy_with(pool.connect_options().as_ref().clone()))
        }
        Database::Explained(..) => unreachable!("opened as it is"),
    }
}

async fn health_metrics_status_and_the_page(url: String) {
    let served = serve(&url).await;
    assert_eq!(served.get("/health/live").await, (200, json!({ "live": true, "simulated": true })));
    let ready = json!({ "ready": true, "dependencies": [], "simulated": true });
    assert_eq!(served.get("/health/ready").await, (200, ready));
    let (_, head, body) = served.get_text("/metrics").await;
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    assert_eq!(body, super::fixture::METRICS);
    let status = served.good("/api/v1/status").await;
    assert_eq!(status["data"]["topics"], json!([{ "name": "fills", "records": 3 }]));
    assert_eq!((&status["data"]["head_block"], &status["data"]["started"]), (&Value::Null, &json!(7)));
    let (status, head, page) = served.get_text("/").await;
    assert_eq!(status, 200);
    assert!(head.contains("text/html") && page.contains("/api/v1/ws") && !page.contains("src="));

    let waiting = serve_with(&url, |context| Context { ready: Arc::new(not_ready), ..context }).await;
    let (status, body) = waiting.get("/health/ready").await;
    assert_eq!((status, &body["dependencies"][0]["reason"]), (503, &json!("it has not written for 9 s")));
}
