//! What is live and what is latest when the database is gone; what only the database knows.

use serde_json::json;

use super::client::Client;
use super::fixture::{market, position, price, ratio, serve_with};
use super::place::on_both;
use super::wallets::distribution;
use crate::Database;

on_both! {
    the_present_is_told_without_the_database,
}

async fn the_present_is_told_without_the_database(url: String) {
    let mut database = None;
    let mut served = serve_with(&url, |context| {
        database = Some(context.database.clone());
        context
    })
    .await;
    served.add([market("BTC", false)]).await;
    served.add([ratio("BTC", "1m", 0, "1")]).await;
    served.add([price("BTC", "7")]).await;
    served.add([position("BTC", 1, "1")]).await;
    served.add([distribution("pnl", 60_000), distribution("size", 60_000), distribution("size", 120_000)]).await;
    match database.unwrap() {
        Database::Sqlite(pool, _) => pool.close().await,
        Database::Postgres(pool) => pool.close().await,
        Database::Explained(..) => unreachable!("opened as it is"),
    }
    assert_eq!(served.bad("/api/v1/long-short-ratio/BTC/history").await, (503, "DATABASE_BUSY".to_owned()));
    let latest = served.good("/api/v1/long-short-ratio/btcusdt?interval=1m").await;
    assert_eq!(latest["data"]["close"], "1");
    let source = latest["meta"]["source"].as_object().unwrap();
    assert_eq!(source.values().collect::<Vec<_>>(), [&json!(1)], "{source:?}");
    assert_eq!(served.good("/api/v1/prices/btc").await["data"]["mark_px"], "7");
    assert_eq!(served.good("/api/v1/prices").await["data"].as_array().unwrap().len(), 1);
    assert_eq!(served.good("/api/v1/markets").await["data"][0]["coin"], "BTC");
    assert_eq!(served.good("/api/v1/wallets/distribution").await["data"]["time"], 120_000);
    assert_eq!(served.good("/api/v1/wallet/distribution?by=pnl").await["data"]["time"], 60_000);
    assert_eq!(served.bad("/api/v1/prices/NOPE").await, (404, "UNKNOWN_COIN".to_owned()));

    let mut client = Client::connect(served.address).await;
    client.subscribe("positions", "btc").await;
    assert_eq!(client.hear_until("snapshot").await["payload"]["data"][0]["size"], "1");
    let written = served.append([position("BTC", 1, "2")]);
    served.publish(&written);
    assert_eq!(client.hear_until("update").await["payload"]["data"]["size"], "2");
}
