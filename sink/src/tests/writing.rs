//! What is written, what is refused, and that the one leaves nothing of the other.

use std::error::Error;

use schemas::{Batch, Headers, LiquidationEpisode, LiquidationOrder, Message, PositionRisk, Price, topics};

use super::place::on_both;
use super::{ROWS_OF_A_POSITION, batch, next, part, position, sizes, texts, tick};
use crate::{Part, SinkError, connect};

on_both! {
    rows_and_position_are_written_together,
    a_part_that_does_not_follow_leaves_nothing,
    the_same_part_again_is_refused_and_changes_nothing,
    a_first_part_may_begin_anywhere,
    a_flat_position_takes_its_row_away,
    a_risk_goes_with_the_fill_that_makes_it_flat,
    the_last_value_of_a_key_wins,
    a_key_that_the_log_forgot_keeps_its_row,
    more_rows_than_a_statement_can_hold,
    decimals_stay_as_they_are,
    a_record_that_is_not_what_its_schema_says_stops_the_sink,
    clocks_are_stored_with_the_rows_and_are_none,
    a_clock_goes_back_with_its_rows,
    a_table_takes_its_own_kind_of_records,
}

async fn rows_and_position_are_written_together(url: String) {
    let mut sink = connect(&url).await.unwrap();
    assert_eq!(sink.positions(1).await.unwrap().len(), 0);
    let written = sink.write(1, &[part(0, &batch([position(1, "1"), position(2, "-2")]))]).await.unwrap();
    assert_eq!(written, 2 * ROWS_OF_A_POSITION);
    assert_eq!(sizes(&sink).await, ["1", "-2"]);
    assert_eq!(next(&sink).await, Some(2));
    assert_eq!(sink.positions(2).await.unwrap().len(), 0, "another generation starts at the beginning");
}

async fn a_part_that_does_not_follow_leaves_nothing(url: String) {
    let mut sink = connect(&url).await.unwrap();
    sink.write(1, &[part(0, &batch([position(1, "1")]))]).await.unwrap();
    let good = batch([position(2, "2")]);
    let good = Part { partition: 0, ..part(0, &good) };
    let ahead = batch([position(3, "3")]);
    let error = sink.write(1, &[good, part(5, &ahead)]).await.unwrap_err();
    assert!(
        matches!(error, SinkError::Position { topic: "positions", partition: 3, expected: Some(5), found: Some(1) }),
        "{error:?}"
    );
    assert!(!error.retry());
    assert_eq!(sizes(&sink).await, ["1"]);
    assert_eq!(sink.positions(1).await.unwrap().len(), 1, "the part that fitted went back as well");
    let elsewhere = Part { partition: 2, ..part(5, &ahead) };
    let error = sink.write(1, &[elsewhere]).await.unwrap_err();
    assert!(matches!(error, SinkError::Position { expected: Some(5), found: None, .. }), "{error:?}");
}

async fn the_same_part_again_is_refused_and_changes_nothing(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let first = batch([position(1, "1")]);
    sink.write(1, &[part(0, &first)]).await.unwrap();
    sink.write(1, &[part(1, &batch([position(1, "2")]))]).await.unwrap();
    let error = sink.write(1, &[part(0, &first)]).await.unwrap_err();
    assert!(matches!(error, SinkError::Position { expected: None, found: Some(2), .. }), "{error:?}");
    assert_eq!(sizes(&sink).await, ["2"]);
    assert_eq!(next(&sink).await, Some(2));
}

async fn a_first_part_may_begin_anywhere(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let rows = batch([position(1, "1")]);
    // The log has forgotten what was before 70, and has holes where nothing is to be read.
    sink.write(1, &[Part { expected: None, next: 75, ..part(0, &rows) }]).await.unwrap();
    assert_eq!(next(&sink).await, Some(75));
    sink.write(1, &[Part { expected: Some(75), next: 80, ..part(0, &[]) }]).await.unwrap();
    assert_eq!((next(&sink).await, sizes(&sink).await), (Some(80), vec!["1".to_owned()]));
}

async fn a_flat_position_takes_its_row_away(url: String) {
    let mut sink = connect(&url).await.unwrap();
    sink.write(1, &[part(0, &batch([position(1, "1"), position(2, "2"), position(3, "3")]))]).await.unwrap();
    let flat = batch([position(1, "0.0"), position(3, "0"), position(4, "0")]);
    assert_eq!(sink.write(1, &[part(3, &flat)]).await.unwrap(), 2 + 3, "two rows less, three more of the history");
    assert_eq!(sizes(&sink).await, ["2"]);
}

async fn a_risk_goes_with_the_fill_that_makes_it_flat(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let held = risks([(1, "1", "fill"), (2, "2.0", "fill"), (3, "3", "account")]);
    sink.write(1, &[part_of_risks(0, &held)]).await.unwrap();
    let flat = risks([(1, "0.0", "fill"), (2, "0.0", "account"), (3, "0", "account")]);
    sink.write(1, &[part_of_risks(3, &flat)]).await.unwrap();
    assert_eq!(texts(&sink, RISKS).await, ["0.0 account", "0 account"], "the account's word stands until a fill comes");
    let filled = risks([(2, "0", "fill"), (3, "0.5", "fill"), (4, "0", "account")]);
    sink.write(1, &[part_of_risks(6, &filled)]).await.unwrap();
    assert_eq!(texts(&sink, RISKS).await, ["0.5 fill", "0 account"]);
}

const RISKS: &str = "SELECT CAST(size AS TEXT) || ' ' || source FROM position_risks ORDER BY coin, wallet";

fn risks(told: [(u32, &str, &str); 3]) -> [Batch; 1] {
    let mut batch = Batch::default();
    for (n, size, source) in told {
        let position = position(n, size);
        let risk: PositionRisk = serde_json::from_value(serde_json::json!({
            "coin": "BTC", "wallet": position.wallet, "side": position.side, "size": size, "source": source, "clock": 1000,
        }))
        .unwrap();
        risk.append_to(&mut batch, &[]);
    }
    [batch]
}

fn part_of_risks(from: u64, batch: &[Batch]) -> Part<'_> {
    Part { topic: &topics::POSITION_RISKS, ..part(from, batch) }
}

async fn the_last_value_of_a_key_wins(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let sequence = ["1", "0", "2", "3.0"].map(|size| position(1, size));
    let ends_flat = ["1", "0"].map(|size| position(2, size));
    let [all] = batch(sequence.into_iter().chain(ends_flat));
    assert_eq!(
        sink.write(1, &[part(0, &[all])]).await.unwrap(),
        1 + 2,
        "the history has a row of the flat one as well"
    );
    assert_eq!(sizes(&sink).await, ["3.0"]);
}

async fn a_key_that_the_log_forgot_keeps_its_row(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let [mut all] = batch([position(1, "1")]);
    all.push(2, b"BTC|0x", None, &[]);
    sink.write(1, &[part(0, &[all])]).await.unwrap();
    assert_eq!((sizes(&sink).await, next(&sink).await), (vec!["1".to_owned()], Some(2)));
}

async fn more_rows_than_a_statement_can_hold(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let many = 12_000;
    let rows = batch((0..many).map(|n| position(n, "1.5")));
    let flat = batch((0..many).map(|n| position(n, "0")));
    let many = u64::from(many);
    assert_eq!(sink.write(1, &[part(0, &rows)]).await.unwrap(), many * ROWS_OF_A_POSITION);
    assert_eq!(sink.write(1, &[part(many, &flat)]).await.unwrap(), many * ROWS_OF_A_POSITION);
    assert!(sizes(&sink).await.is_empty());
}

async fn decimals_stay_as_they_are(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let exact = ["28.0", "-0.00000001", "1234567890123456789.123456789", "-0.1234567890123456789012345678"];
    let rows = batch((1..).zip(exact).map(|(n, size)| position(n, size)));
    sink.write(1, &[part(0, &rows)]).await.unwrap();
    assert_eq!(sizes(&sink).await, exact);
}

async fn a_record_that_is_not_what_its_schema_says_stops_the_sink(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let mut bad = Batch::default();
    bad.push(1, b"BTC|0x1", Some(br#"{"coin":"BTC"}"#), &[]);
    let error = sink.write(1, &[part(0, &[bad])]).await.unwrap_err();
    assert!(matches!(&error, SinkError::Row { .. }), "{error:?}");
    assert_eq!(error.to_string(), r#"the record "BTC|0x1" of positions is not what its schema says"#);
    assert!(!error.to_string().contains("missing field"), "the cause is told by source() alone");
    assert!(error.source().unwrap().to_string().contains("missing field"));
    assert_eq!(next(&sink).await, None);
}

const CLOCKS: &str = "SELECT coalesce(CAST(clock AS TEXT), '-') || ' ' || coalesce(CAST(block AS TEXT), '-') || ' ' || \
     coalesce(CAST(since_time AS TEXT), '-') || ' ' || coalesce(CAST(since_block AS TEXT), '-') FROM sink_positions";

async fn clocks_are_stored_with_the_rows_and_are_none(url: String) {
    let mut sink = connect(&url).await.unwrap();
    sink.write(1, &[part(0, &batch([position(1, "1")]))]).await.unwrap();
    assert_eq!(texts(&sink, CLOCKS).await, ["- - - -"]);
    let [mut ticked] = batch([position(2, "2")]);
    tick(&mut ticked, 1000);
    tick(&mut ticked, 2000);
    position(3, "3").append_to(&mut ticked, &[]);
    assert_eq!(sink.write(1, &[part(1, &[ticked])]).await.unwrap(), 2 * ROWS_OF_A_POSITION);
    assert_eq!(texts(&sink, CLOCKS).await, ["2000 200 30 3"]);
    sink.write(1, &[part(5, &batch([position(4, "4")]))]).await.unwrap();
    assert_eq!(texts(&sink, CLOCKS).await, ["2000 200 30 3"], "a part without a clock leaves the stored one");
    assert_eq!(sizes(&sink).await, ["1", "2", "3", "4"]);
}

async fn a_clock_goes_back_with_its_rows(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let [mut first] = batch([position(1, "1")]);
    tick(&mut first, 1000);
    sink.write(1, &[part(0, &[first])]).await.unwrap();
    let [mut second] = batch([position(1, "2")]);
    tick(&mut second, 2000);
    let second = [second];
    let stale = Part { partition: 0, expected: Some(9), ..part(0, &[]) };
    sink.write(1, &[part(2, &second), stale]).await.unwrap_err();
    assert_eq!(
        (texts(&sink, CLOCKS).await, sizes(&sink).await),
        (vec!["1000 100 30 3".to_owned()], vec!["1".to_owned()])
    );
    sink.write(1, &[part(2, &second)]).await.unwrap();
    assert_eq!(
        (texts(&sink, CLOCKS).await, sizes(&sink).await),
        (vec!["2000 200 30 3".to_owned()], vec!["2".to_owned()])
    );
}

async fn a_table_takes_its_own_kind_of_records(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let mut liquidations = Batch::default();
    append(&mut liquidations, LiquidationOrder::KIND, &order());
    append(&mut liquidations, LiquidationEpisode::KIND, &episode());
    append(&mut liquidations, Some(b"what comes later"), &order());
    tick(&mut liquidations, 1000);
    let mut prices = Batch::default();
    append(&mut prices, Price::KIND, &price());
    let (liquidations, prices) = ([liquidations], [prices]);
    let parts = [
        Part { topic: &topics::LIQUIDATIONS, next: 4, ..part(0, &liquidations) },
        Part { topic: &topics::PRICES, ..part(0, &prices) },
    ];
    assert_eq!(sink.write(1, &parts).await.unwrap(), 3);
    assert_eq!(texts(&sink, "SELECT method || ' ' || CAST(notional AS TEXT) FROM liquidations").await, ["adl 100.50"]);
    assert_eq!(
        texts(&sink, "SELECT side || ' ' || CAST(adl_size AS TEXT) FROM liquidation_episodes").await,
        ["long 1.5"]
    );
    assert_eq!(texts(&sink, "SELECT CAST(mark_px AS TEXT) FROM prices WHERE mid_px IS NULL").await, ["67.00"]);
}

fn append<M: Message>(batch: &mut Batch, kind: Option<&[u8]>, message: &M) {
    let mut headers = Vec::new();
    if let Some(kind) = kind {
        Headers::write(&mut headers, "kind", kind);
    }
    message.append_to(batch, &headers);
}

fn order() -> LiquidationOrder {
    serde_json::from_value(serde_json::json!({
        "coin": "BTC", "wallet": "0x0000000000000000000000000000000000000001", "side": "long", "method": "adl",
        "block": 7, "time": 70, "fills": 2, "size": "1.5", "notional": "100.50", "average_px": "67", "mark_px": "67.0",
        "closed_pnl": "-3", "remaining": "0.0",
    }))
    .unwrap()
}

fn episode() -> LiquidationEpisode {
    serde_json::from_value(serde_json::json!({
        "coin": "BTC", "wallet": "0x0000000000000000000000000000000000000001", "side": "long", "first_block": 7,
        "last_block": 7, "first_time": 70, "last_time": 70, "orders": 1, "fills": 2, "size": "0", "notional": "0",
        "backstop_notional": "0", "adl_size": "1.5", "adl_notional": "100.50", "closed_pnl": "-3", "remaining": "0.0",
        "complete": true, "final": false, "clock": 80,
    }))
    .unwrap()
}

fn price() -> Price {
    serde_json::from_value(serde_json::json!({
        "coin": "BTC", "time": 9, "mark_px": "67.00", "oracle_px": "67.1", "funding": "-0.0000125",
        "open_interest": "12.5", "open_interest_notional": "837.5", "previous_day_px": "66", "day_notional": "1000.5",
    }))
    .unwrap()
}
