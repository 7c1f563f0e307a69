//! Wallets: what one has made and holds, who leads, and how all are spread.

use schemas::{Amount, FeedStatus, PositionRisk, SourceStatus, Topic, WalletDistribution, WalletSummary, topics};
use serde_json::{Value, json};

use super::fixture::{Served, position, price, serve, wallet};
use super::place::on_both;

on_both! {
    a_wallet_is_told_with_what_it_holds_at_the_marks,
    what_of_a_wallet_is_not_known_is_said,
    a_hole_makes_what_it_is_in_incomplete,
    leaderboards_are_told_in_pages_of_either_order,
    leaderboards_are_chosen_by_each_parameter,
    the_distribution_is_that_of_the_minute,
    a_wrong_choice_is_told,
}

/// What a wallet is told of.
const TOPICS: [&Topic; 3] = [&topics::WALLET_SUMMARIES, &topics::POSITIONS, &topics::POSITION_RISKS];

/// Of the `n`th wallet, with a profit of a day, a week, a month and all.
pub(super) fn summary(n: u32, pnl: [&str; 4], volume: [&str; 4], (closed, won): (i64, i64)) -> WalletSummary {
    let rolling = |[d1, d7, d30, all]: [&str; 4]| json!({ "d1": d1, "d7": d7, "d30": d30, "all": all });
    let mut summary = json!({
        "wallet": wallet(n), "time": 840, "first_seen": 5, "last_fill": 800, "positions": 2, "realised_pnl": rolling(pnl),
        "fees": rolling(["0.1"; 4]), "volume": rolling(volume), "maker_share": { "d30": "0.25", "all": "0.5" },
        "fees_other": { "USDH": "1.5" }, "round_trips": { "closed": closed, "won": won }, "block": 90,
    });
    if closed > 0 {
        let rate = Amount::from(won).over(Amount::from(closed)).unwrap();
        summary["win_rate"] = json!(rate.to_string());
    }
    serde_json::from_value(summary).unwrap()
}

pub(super) fn distribution(by: &str, time: i64) -> WalletDistribution {
    let tier = |name: &str, long: Option<&str>, short: &str| {
        let mut tier = json!({
            "name": name, "from": "100", "below": "1000", "wallets": 3, "short": short, "net_long": 2, "net_short": 1, "in_profit": 1, "in_loss": 2,
            "cost_unknown": 0,
        });
        long.into_iter().for_each(|long| tier["long"] = json!(long));
        tier
    };
    let large = (time > 60_000).then_some("0");
    serde_json::from_value(json!({
        "by": by, "time": time, "tiers": [tier("fish", Some("300"), "100"), tier("dolphin", large, "0")],
        "not_valued": 4, "parts": 4, "block": 7, "clock": time + 12,
    }))
    .unwrap()
}

async fn a_wallet_is_told_with_what_it_holds_at_the_marks(url: String) {
    let mut served = serve(&url).await;
    served.add([summary(1, ["-1.5", "2", "3", "4"], ["10", "20", "30", "40"], (3, 2))]).await;
    served.add([position("BTC", 1, "0.5"), position("ETH", 1, "-2"), position("ETH", 2, "7")]).await;
    served.add([price("BTC", "67000"), price("ETH", "66610.5")]).await;
    served.compute(&TOPICS).await;
    let address = wallet(1).to_string();
    for asked in [address.clone(), address.to_uppercase().replace("0X", "0x")] {
        let reply = served.good(&format!("/api/v1/wallets/{asked}")).await;
        let data = &reply["data"];
        assert_eq!(
            data["summary"],
            json!({
                "wallet": address, "time": 840, "first_seen": 5, "last_fill": 800, "positions": 2,
                "realised_pnl": { "1d": "-1.5", "7d": "2", "30d": "3", "all": "4" },
                "fees": { "1d": "0.1", "7d": "0.1", "30d": "0.1", "all": "0.1" },
                "volume": { "1d": "10", "7d": "20", "30d": "30", "all": "40" }, "fees_other": { "USDH": "1.5" },
                "maker_share": { "30d": "0.25", "all": "0.5" }, "round_trips": 3, "round_trips_won": 2,
                "win_rate": "0.666666666666666667", "block": 90,
            })
        );
        let of = |row: &Value| [&row["coin"], &row["mark_px"], &row["notional"], &row["unrealised_pnl"]].map(number);
        let positions: Vec<[String; 4]> = data["positions"].as_array().unwrap().iter().map(of).collect();
        assert_eq!(
            positions,
            [["BTC", "67000", "33500", "194.875"], ["ETH", "66610.5", "133221", "-0.5"]]
                .map(|row| row.map(String::from))
        );
        let exposure = ["long", "short", "gross", "net", "unrealised_pnl"].map(|name| number(&data["exposure"][name]));
        assert_eq!(exposure, ["33500", "133221", "166721", "-99721", "194.375"]);
        assert_eq!((&reply["meta"]["watermark"], &reply["meta"]["schema"]), (&json!(900), &json!("wallet/1")));
        let definition = reply["meta"]["definition"].as_str().unwrap();
        for told in ["maker_share", "gross", "liquidation_px"] {
            assert!(definition.contains(told), "{told}: {definition}");
        }
    }
}

/// A text, of a decimal without trailing zeros.
fn number(value: &Value) -> String {
    let text = value.as_str().unwrap();
    text.parse::<schemas::Amount>().map_or(text.to_owned(), |amount| amount.shortest().to_string())
}

async fn what_of_a_wallet_is_not_known_is_said(url: String) {
    let mut served = serve(&url).await;
    let path = |n: u32| format!("/api/v1/wallets/{}", wallet(n));
    let nothing = served.good(&path(9)).await;
    assert_eq!((&nothing["data"], &nothing["meta"]["reason"]), (&Value::Null, &json!("needs_node_fills")));
    let mut unknown = summary(1, ["1"; 4], ["1"; 4], (0, 0));
    served.add([unknown.clone()]).await;
    unknown.wallet = wallet(2);
    unknown.realised_pnl.d7 = None;
    served.add([unknown]).await;
    let mut idle = summary(6, ["1"; 4], ["0", "0", "0", "1"], (1, 1));
    idle.maker_share.d30 = None;
    served.add([idle]).await;
    let mut unseen = position("BTC", 3, "0.5");
    (unseen.entry_px, unseen.opened_at) = (None, None);
    served.add([unseen.clone(), position("ETH", 3, "1")]).await;
    unseen.wallet = wallet(4);
    served.add([unseen, position("BTC", 7, "70000000000000000000000000")]).await;
    let told = json!({ "coin": "BTC", "wallet": wallet(5), "side": "long", "size": "2", "source": "account", "cost": "3", "clock": 9 });
    served.add([serde_json::from_value::<PositionRisk>(told).unwrap()]).await;
    served.add([price("BTC", "67000")]).await;
    served.compute(&TOPICS).await;
    assert_eq!(served.good(&path(9)).await["meta"]["reason"], "not_seen");
    for (n, reason) in
        [(1, "no_round_trip_yet"), (2, "a_fill_did_not_say_or_too_large_to_be_exact"), (6, "no_trade_within_30d")]
    {
        assert_eq!(served.good(&path(n)).await["data"]["summary"]["reason"], reason);
    }
    for (n, reason, of_exposure) in [
        (3, "its_first_minute_has_not_ended", json!("a_position_has_no_value")),
        (4, "its_first_minute_has_not_ended", json!("an_entry_price_is_not_known")),
        (5, "told_by_the_account_alone", Value::Null),
        (7, "its_first_minute_has_not_ended", json!("a_position_has_no_value")),
    ] {
        let data = &served.good(&path(n)).await["data"];
        assert_eq!((&data["reason"], &data["exposure"]["reason"]), (&json!(reason), &of_exposure), "{n}");
    }
    let data = &served.good(&path(3)).await["data"];
    assert_eq!((&data["summary"], &data["exposure"]["reason"]), (&Value::Null, &json!("a_position_has_no_value")));
    let reasons = [0, 1].map(|at| data["positions"][at]["reason"].as_str().unwrap().to_owned());
    assert_eq!(reasons, ["opened_before_anything_was_seen", "no_price_yet"]);
    assert_eq!((&data["exposure"]["long"], &data["exposure"]["short"]), (&Value::Null, &json!("0")));
}

async fn a_hole_makes_what_it_is_in_incomplete(url: String) {
    let mut served = serve(&url).await;
    let of = |n: u32, time: i64, first_seen: i64| WalletSummary {
        time,
        first_seen,
        ..summary(n, ["1"; 4], ["1"; 4], (1, 1))
    };
    let (hour, day) = (3_600_000, 86_400_000);
    let now = 100 * day + hour / 2;
    served.add([of(1, now, 10 * day), of(2, now, 60 * day)]).await;
    served.add([distribution("size", 50 * day), distribution("size", 80 * day)]).await;
    // Of another source; one that ends where something begins; and one that was healed.
    for (source, from, until) in
        [("public-feed", 0, now), ("node-fills", 9 * day, 10 * day), ("node-fills", 50 * day, 50 * day + 1000)]
    {
        let gap = FeedStatus::of(source, SourceStatus::Gap, until, "missing".to_owned());
        served.add([FeedStatus { from_time: Some(from), to_time: Some(until), ..gap.clone() }]).await;
        let healed = FeedStatus { status: SourceStatus::GapHealed, from_time: Some(from), to_time: Some(until), ..gap };
        served.add([healed]).await;
    }
    for (path, expected) in [
        (wallet(1).to_string(), false),
        (wallet(2).to_string(), true),
        ("leaderboard?window=30d".to_owned(), true),
        ("leaderboard?window=all".to_owned(), false),
        ("leaderboard?sort=win_rate".to_owned(), false),
        (format!("distribution?time={}", 50 * day), false),
        ("distribution".to_owned(), true),
    ] {
        assert_eq!(complete(&served, &path).await, expected, "{path}");
    }
    // So long before the running hour, or the running day.
    for (window, begins) in [("30d", 70 * day), ("7d", 93 * day), ("1d", 99 * day)] {
        let path = format!("leaderboard?window={window}");
        for (until, expected) in [(begins, true), (begins + 1, false)] {
            let gap = FeedStatus::of("node-fills", SourceStatus::Gap, until, "missing".to_owned());
            served.add([FeedStatus { from_time: Some(begins - 9), to_time: Some(until), ..gap }]).await;
            let told = served.good(&format!("/api/v1/wallets/{path}")).await;
            assert_eq!(told["meta"]["complete"], expected, "{window} {until}");
        }
    }
    // The last minute is told without the database, and says the same.
    let minute = 80 * day;
    for (from, until, expected) in [
        (minute - 5, minute, true),
        (minute + 60_000, minute + 60_001, true),
        (minute + 59_999, minute + 60_001, false),
    ] {
        let gap = FeedStatus::of("node-fills", SourceStatus::Gap, until, "missing".to_owned());
        let gap = FeedStatus { from_time: Some(from), to_time: Some(until), ..gap };
        let healed = FeedStatus { status: SourceStatus::GapHealed, ..gap.clone() };
        for said in [gap, healed] {
            served.add([said]).await;
            assert_eq!(complete(&served, "distribution").await, expected, "{from}");
            assert_eq!(complete(&served, &format!("distribution?time={now}")).await, expected, "{from}");
        }
    }
}

async fn leaders(served: &Served, query: &str) -> (Vec<u32>, Value) {
    let reply = served.good(&format!("/api/v1/wallets/leaderboard?{query}")).await;
    let place = |row: &Value| {
        let address = row["wallet"].as_str().unwrap().to_owned();
        (0..300).find(|n| wallet(*n).to_string() == address).unwrap()
    };
    (reply["data"].as_array().unwrap().iter().map(place).collect(), reply["meta"].clone())
}

async fn complete(served: &Served, path: &str) -> Value {
    served.good(&format!("/api/v1/wallets/{path}")).await["meta"]["complete"].clone()
}

async fn leaderboards_are_told_in_pages_of_either_order(url: String) {
    let mut served = serve(&url).await;
    // Many of the same profit.
    let pnl = |n: u32| format!("{}.5", i64::from(n / 7));
    served.add((0..250).map(|n| summary(n, [pnl(n).as_str(); 4], ["1"; 4], (1, 1)))).await;
    for (query, expected) in [("", (0..250).rev().collect::<Vec<u32>>()), ("&order=asc", (0..250).collect())] {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let (page, meta) = leaders(&served, &format!("limit=30{query}{cursor}")).await;
            all.extend(page);
            assert_eq!(meta["complete"].as_bool().unwrap(), meta["next_cursor"].is_null());
            let Some(next) = meta["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(all, expected, "{query}");
    }
}

async fn leaderboards_are_chosen_by_each_parameter(url: String) {
    let mut served = serve(&url).await;
    let all = [
        summary(1, ["5", "5", "5", "1"], ["1", "1", "1", "90"], (0, 0)),
        summary(2, ["-1", "-1", "-1", "2"], ["3", "3", "3", "30"], (4, 1)),
        summary(3, ["0", "30.000002", "7", "3"], ["0", "4", "4", "30.000001"], (2, 2)),
        summary(4, ["0", "30.000001", "7.5", "400"], ["0", "9", "9", "9"], (1, 0)),
    ];
    served.add(all).await;
    for (query, found) in [
        ("", vec![1, 2]),
        ("window=1d&order=asc", vec![2, 1]),
        ("window=7d", vec![3, 4, 1, 2]),
        ("window=30d&sort=pnl", vec![4, 3, 1, 2]),
        ("window=all", vec![4, 3, 2, 1]),
        ("window=all&sort=volume", vec![1, 3, 2, 4]),
        ("sort=volume", vec![2, 1]),
        ("sort=win_rate", vec![3, 2, 4]),
        ("sort=win_rate&window=all&min_trades=2", vec![3, 2]),
        ("window=7d&min_trades=2&limit=1", vec![3]),
    ] {
        assert_eq!(leaders(&served, query).await.0, found, "{query}");
    }
    let (_, meta) = leaders(&served, "window=7d&limit=1").await;
    let cursor = meta["next_cursor"].as_str().unwrap();
    for other in ["", "window=7d&order=asc&", "window=7d&sort=volume&"] {
        let path = format!("/api/v1/wallets/leaderboard?{other}cursor={cursor}");
        assert_eq!(served.bad(&path).await, (400, "INVALID_CURSOR".to_owned()), "{other}");
    }
}

async fn the_distribution_is_that_of_the_minute(url: String) {
    let mut served = serve(&url).await;
    let nothing = served.good("/api/v1/wallets/distribution").await;
    assert_eq!((&nothing["data"], &nothing["meta"]["reason"]), (&Value::Null, &json!("needs_node_fills")));
    served.add([distribution("size", 60_000), distribution("size", 120_000), distribution("pnl", 180_000)]).await;
    let latest = served.good("/api/v1/wallets/distribution?by=size").await;
    let total = json!({ "wallets": 3, "long": "300", "short": "100", "bias": "0.5", "net_long": 2, "net_short": 1, "in_profit": 1, "in_loss": 2, "cost_unknown": 0 });
    let mut fish = json!({ "name": "fish", "from": "100", "below": "1000" });
    fish.as_object_mut().unwrap().extend(total.as_object().unwrap().clone());
    assert_eq!(latest["data"]["tiers"][0], fish);
    let dolphin = &latest["data"]["tiers"][1];
    assert_eq!((&dolphin["bias"], &dolphin["reason"]), (&Value::Null, &json!("nothing_held")));
    let all = &latest["data"]["total"];
    assert_eq!((&all["wallets"], &all["bias"], &all["in_loss"]), (&json!(6), &json!("0.5"), &json!(4)));
    assert_eq!((&latest["data"]["time"], &latest["data"]["not_valued"]), (&json!(120_000), &json!(4)));
    let before = served.good("/api/v1/wallets/distribution?time=119999").await;
    assert_eq!((&before["data"]["time"], &before["data"]["total"]["long"]), (&json!(60_000), &Value::Null));
    assert_eq!(before["data"]["total"]["reason"], "too_large_to_be_exact");
    assert_eq!(served.good("/api/v1/wallets/distribution?by=pnl").await["data"]["by"], "pnl");
    let too_early = served.good("/api/v1/wallets/distribution?time=1").await;
    assert_eq!((&too_early["data"], &too_early["meta"]["reason"]), (&Value::Null, &json!("needs_node_fills")));
    served.compute(&[&topics::WALLET_DISTRIBUTION]).await;
    let too_early = served.good("/api/v1/wallets/distribution?time=1").await;
    assert_eq!(too_early["meta"]["reason"], "not_known_at_that_time");
}

async fn a_wrong_choice_is_told(url: String) {
    let served = serve(&url).await;
    for (path, code) in [
        ("0x12", "INVALID_WALLET"),
        ("%ff", "INVALID_WALLET"),
        ("leaderboard?window=2d", "INVALID_WINDOW"),
        ("leaderboard?window=7d&sort=win_rate", "INVALID_WINDOW"),
        ("leaderboard?sort=size", "INVALID_SORT"),
        ("leaderboard?min_trades=-1", "INVALID_MIN_TRADES"),
        ("leaderboard?order=up", "INVALID_ORDER"),
        ("leaderboard?cursor=what", "INVALID_CURSOR"),
        ("distribution?by=age", "INVALID_BY"),
        ("distribution?time=now", "INVALID_TIME"),
        ("distribution?limit=1", "UNKNOWN_PARAMETER"),
    ] {
        assert_eq!(served.bad(&format!("/api/v1/wallets/{path}")).await, (400, code.to_owned()), "{path}");
    }
}
