//! What would be liquidated, as it stands in the hour: of the positions' risks as they were told last.

use schemas::{Amount, LiquidationMap, PositionRisk};

use super::super::liquidation_maps::{BASES, Known, PX_PLACES, SIZE_PLACES, recounted, shown};
use super::played::Checkpoint;
use super::*;

#[test]
fn maps_of_the_hour_are_those_of_all_risks() {
    for checkpoint in &HOUR.checkpoints {
        let maps: Vec<LiquidationMap> = checkpoint
            .rows_of("liquidation-map")
            .into_values()
            .map(|map| serde_json::from_value(map).unwrap())
            .collect();
        for coin in HOUR.coins() {
            // Of each ten minutes the last one stands.
            let latest = maps.iter().filter(|map| map.coin.as_str() == coin).max_by_key(|map| map.time).map(shown);
            let expected = expected(&coin, checkpoint).filter(|map| map["empty"] == json!(false));
            // Where nothing is held any more, the mark is not followed.
            let latest = latest.filter(|map| map["empty"] == json!(false) || expected.is_some());
            assert_eq!(latest, expected, "{coin} at {}", checkpoint.clock.time);
        }
    }
}

/// None before anything is known of the market.
fn expected(coin: &str, checkpoint: &Checkpoint) -> Option<Value> {
    let heard = checkpoint.clock.time - 1_000;
    let context = HOUR.facts.contexts.iter().rfind(|it| it.coin.as_str() == coin && it.time <= heard)?;
    let risks = HOUR.risks.iter().filter(|(key, _)| key.split('|').next() == Some(coin));
    let latest = risks.filter_map(|(_, said)| said.iter().rfind(|(clock, _)| *clock <= checkpoint.clock.time));
    let positions = latest.map(|(_, risk)| known(&serde_json::from_slice(risk).unwrap()));
    let positions = positions.filter(|(size, ..)| *size != 0).collect();
    Some(recounted(positions, parts(context.mark_px, PX_PLACES), parts(context.open_interest, SIZE_PLACES)))
}

fn known(risk: &PositionRisk) -> Known {
    let basis = BASES.iter().position(|name| *name == risk.basis.map(|basis| basis.name())).unwrap();
    let px = risk.liquidation_px.map(|px| parts(px, PX_PLACES));
    (parts(risk.size, SIZE_PLACES), px, basis, risk.leverage)
}

fn parts(amount: Amount, places: usize) -> i128 {
    let text = amount.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    format!("{whole}{part:0<places$}").parse().unwrap()
}
