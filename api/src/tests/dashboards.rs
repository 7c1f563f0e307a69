//! What dashboards show: the same values as elsewhere, and beside each how a person reads it.

use schemas::{WalletDistribution, WhaleActivity, examples, topics};
use serde_json::{Value, json};

use super::fixture::{market, ratio, serve};
use super::place::on_both;

on_both! {
    a_tape_of_whales_says_each_value_twice,
    ratios_are_shown_of_a_coin_and_of_the_market,
    tiers_of_wallets_are_shown_with_their_bounds_and_shares,
    a_heatmap_is_shown_with_its_sums,
}

const YEAR_MS: i64 = 365 * 86_400_000;

async fn a_tape_of_whales_says_each_value_twice(url: String) {
    let mut served = serve(&url).await;
    let large: WhaleActivity = serde_json::from_value(json!({
        "wallet": "0x49f3000000000000000000000000000000008d2b", "id": "8|0|BTC", "action": "open", "time": 1_000,
        "notional": "716999999.99", "threshold": "100000", "rule": { "floor": "100000", "share_of_volume": "0.0001" },
        "order": {
            "coin": "BTC", "oid": 7, "block": 8, "index": 0, "fills": 2, "side": "long", "size": "28.405720",
            "average_px": "66610.50", "taker_size": "0.5", "before": "0.0", "after": "28.405720", "leverage": 20,
        },
    }))
    .unwrap();
    served.add([large]).await;
    let shown = served.good("/api/v1/whale/activities").await["data"][0].clone();
    for (field, display) in [
        ("wallet_display", "0x49f3...8d2b"),
        ("size_display", "28.40572 BTC"),
        ("notional_display", "$717M"),
        ("price_display", "$66610.5"),
    ] {
        assert_eq!(shown[field], display, "{field}");
    }
    assert!(shown["time_display"].as_str().unwrap().ends_with(" d ago"), "{shown}");
    let raw = served.good("/api/v1/whales/activities").await["data"][0].clone();
    for (field, value) in raw.as_object().unwrap() {
        assert_eq!(shown[field], *value, "{field}");
    }
}

async fn ratios_are_shown_of_a_coin_and_of_the_market(url: String) {
    let mut served = serve(&url).await;
    served.add([market("BTC", false)]).await;
    served.add([ratio("BTC", "1h", YEAR_MS, "1.5"), ratio("BTC", "1h", 2 * YEAR_MS, "1.5042")]).await;
    let shown = served.good("/api/v1/market/long-short-ratio?symbol=BTC&period=1h&limit=1").await;
    let row = &shown["data"][0];
    assert_eq!((&row["long_display"], &row["short_display"]), (&json!("60%"), &json!("40%")));
    assert_eq!((&row["ratio_display"], &row["long_short_ratio"]), (&json!("1.5"), &json!("1.5042")));
    let next = shown["meta"]["next_cursor"].as_str().unwrap();
    let older = served.good(&format!("/api/v1/market/long-short-ratio?coin=BTC&interval=1h&cursor={next}")).await;
    assert_eq!(older["data"][0]["time"], YEAR_MS);
    assert_eq!(
        served.good("/api/v1/market/long-short-ratio").await["data"],
        json!([]),
        "nobody has told of the market"
    );
}

async fn tiers_of_wallets_are_shown_with_their_bounds_and_shares(url: String) {
    let mut served = serve(&url).await;
    let (_, bytes) = examples::of(&topics::WALLET_DISTRIBUTION).into_iter().find(|(case, _)| case == "size").unwrap();
    served.add([serde_json::from_slice::<WalletDistribution>(&bytes).unwrap()]).await;
    let shown = served.good("/api/v1/wallet/distribution").await;
    let tiers = shown["data"]["tiers"].as_array().unwrap();
    let fields = ["range_display", "wallets_share_display", "long_display", "short_display", "held_display"];
    let told = |tier: &Value| fields.map(|field| tier[field].as_str().unwrap_or("-").to_owned());
    assert_eq!(told(&tiers[0]), ["below $1K", "66.67%", "$66.7", "$12.5", "$79.2"]);
    assert_eq!(told(&tiers[1]), ["$1K to $10K", "0%", "$0", "$0", "$0"]);
    assert_eq!(told(&tiers[5]), ["$10M and more", "33.33%", "$25M", "$1.2M", "$26.2M"]);
    let raw = served.good("/api/v1/wallets/distribution").await;
    assert_eq!(raw["data"]["tiers"][5]["long"], tiers[5]["long"]);
    assert_eq!(shown["data"]["total"]["wallets"], 3);
}

async fn a_heatmap_is_shown_with_its_sums(url: String) {
    let mut served = serve(&url).await;
    served.add([market("BTC", false)]).await;
    let cells = [(0, "100", "1200.5"), (0, "105", "0"), (900_000, "100", "300")].map(|(time, low, long)| {
        serde_json::from_value::<schemas::HeatmapCell>(json!({
            "coin": "BTC", "interval": "15m", "time": time, "price_low": low, "price_high": if low == "100" { "105" } else { "110" },
            "long_orders": 1, "short_orders": 1, "long_notional": long, "short_notional": "25000000", "complete": true,
            "final": true, "block": 1, "clock": 900_000,
        }))
        .unwrap()
    });
    served.add(cells).await;
    served.compute(&[&topics::LIQUIDATION_HEATMAP]).await;
    let shown = served.good("/api/v1/market/liquidation").await["data"].clone();
    assert_eq!((&shown["long_notional"], &shown["long_display"]), (&json!("1200.5"), &json!("$1.2K")));
    assert_eq!((&shown["short_notional"], &shown["short_display"]), (&json!("50000000"), &json!("$50M")));
    assert_eq!((&shown["prices_display"], &shown["max_display"]), (&json!(["$100", "$105"]), &json!("$25M")));
    assert_eq!(shown["cells"], served.good("/api/v1/liquidation-heatmap/BTC").await["data"]["cells"]);
}
