//! How the exchange's candles compare with ours, as it is told.

use schemas::{CandleCheck, topics};
use serde_json::{Value, json};

use crate::tests::fixture::{market, serve};
use crate::tests::place::on_both;

on_both! {
    candles_that_differ_are_told,
}

async fn candles_that_differ_are_told(url: String) {
    let mut served = serve(&url).await;
    let path = "/api/v1/data-quality/candles";
    assert_eq!(served.good(path).await["meta"]["reason"], "needs_node_fills");
    let examples = schemas::examples::of(&topics::CANDLE_CHECKS);
    let check = |name: &str| -> (CandleCheck, Value) {
        let (_, bytes) = examples.iter().find(|(case, _)| case == name).unwrap();
        (serde_json::from_slice(bytes).unwrap(), serde_json::from_slice(bytes).unwrap())
    };
    served.compute(&[&topics::CANDLE_CHECKS]).await;
    assert_eq!(served.good(path).await["meta"]["reason"], "the_exchange_has_told_no_candles_yet");
    let ((same, mut same_told), (other, other_told)) = (check("the-same"), check("only-there"));
    served.add([same, other]).await;
    same_told["last_difference"] = Value::Null;
    let all = served.good(path).await;
    assert_eq!(all["data"], json!([same_told, other_told]));
    assert_eq!(all["meta"]["schema"], "candle-check/1");
    served.add([market("BTC", false)]).await;
    let (different, told) = check("different");
    served.add([different]).await;
    assert_eq!(served.good(&format!("{path}?coin=btc")).await["data"], json!([told]));
    assert_eq!(served.bad(&format!("{path}?coin=NOPE")).await, (404, "UNKNOWN_COIN".to_owned()));
}
