//! Who waits for what, and in which order it is given.

use std::pin::pin;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use schemas::{Coin, Interval};

use super::super::budget::Budget;
use super::super::priority::Priority;
use super::super::purse::Purse;
use super::super::question::{CandleStretch, DEAREST, Question};
use super::super::spending::{Spending, SpendingRecord};
use super::{NOW, wallet};

/// All that may be spent at once is under way; then it turns out to have cost nothing.
async fn in_order_of_payment(waiting: &[Priority]) -> Vec<Priority> {
    let budget = Arc::new(Budget::per_minute(DEAREST));
    let all = budget.reserve(Priority::Metadata, DEAREST).await;
    let paid = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for priority in waiting.iter().copied() {
        let (budget, paid) = (Arc::clone(&budget), Arc::clone(&paid));
        tasks.spawn(async move {
            let permit = budget.reserve(priority, DEAREST).await;
            paid.lock().unwrap().push(priority);
            permit.settle(0);
        });
        tokio::task::yield_now().await;
    }
    all.settle(0);
    tasks.join_all().await;
    Arc::into_inner(paid).unwrap().into_inner().unwrap()
}

#[tokio::test]
async fn the_important_go_first_whoever_came_first() {
    let (metadata, histories) = (Priority::Metadata, Priority::Histories);
    let waiting = [histories, Priority::Ledgers, Priority::Accounts, Priority::AtRisk, metadata, histories];
    let mut sorted = waiting.to_vec();
    sorted.sort_unstable();
    assert_eq!(in_order_of_payment(&waiting).await, sorted);
}

#[test]
fn who_has_waited_for_a_minute_is_next_whatever_it_is_for() {
    let mut purse = Purse::new(Spending::per_minute(1_200, DEAREST));
    let history = purse.line_up(Priority::Histories, NOW);
    let metadata = purse.line_up(Priority::Metadata, NOW + 59_000);
    assert_eq!(purse.try_reserve(history, 120, NOW + 59_000), Err(None));
    assert_eq!(purse.try_reserve(metadata, 20, NOW + 60_000), Err(None));
    assert_eq!(purse.try_reserve(history, 120, NOW + 60_000), Ok(NOW + 60_000));
    purse.leave(history);
    assert_eq!(purse.try_reserve(metadata, 20, NOW + 60_000), Ok(NOW + 60_000));
}

#[tokio::test]
async fn who_gives_up_while_waiting_has_taken_nothing_and_is_in_nobodys_way() {
    let budget = Arc::new(Budget::per_minute(DEAREST));
    let all = budget.reserve(Priority::Metadata, DEAREST).await;
    assert!(budget.reserve(Priority::Metadata, 2).now_or_never().is_none());
    all.settle(20);
    assert!(budget.reserve(Priority::Histories, 2).now_or_never().is_some());
    assert_eq!(budget.spent_in_last_minute(), 20 + 2, "a permit that was dropped counts");
}

#[tokio::test]
async fn nothing_is_given_out_before_a_record_is_committed_and_nothing_after_the_source_has_gone() {
    let budget = Arc::new(Budget::recorded());
    let mut waiting = pin!(budget.reserve(Priority::Metadata, 20));
    assert!(waiting.as_mut().now_or_never().is_none());
    budget.begin_recording(&SpendingRecord { spent: vec![(NOW, 1)], ..SpendingRecord::default() });
    assert!(waiting.as_mut().now_or_never().is_none());
    budget.record_wanted().await;
    let record = budget.draw_record();
    assert!(waiting.as_mut().now_or_never().is_none(), "it is not committed yet");
    budget.commit_record();
    waiting.await.settle(20);
    assert!(record.open >= 20);
    budget.end_recording();
    assert!(budget.reserve(Priority::Metadata, 20).now_or_never().is_none());
}

#[test]
fn a_question_is_sent_as_the_exchange_understands_it_and_priced_as_it_says() {
    let user = wallet(0x22);
    let stretch = |minutes: i64| {
        let (coin, interval) = (Coin::new("BTC"), Interval::OneMinute);
        CandleStretch { coin, interval, start_time: 60_000, end_time: (minutes + 1) * 60_000 - 1 }
    };
    let of_user = r#""user":"0x2222222222222222222222222222222222222222""#;
    let cases = [
        (Question::Meta { dex: String::new() }, r#"{"type":"meta"}"#.to_owned(), 20, 20),
        (Question::Meta { dex: "xyz".to_owned() }, r#"{"type":"meta","dex":"xyz"}"#.to_owned(), 20, 20),
        (Question::Dexs, r#"{"type":"perpDexs"}"#.to_owned(), 20, 20),
        (Question::Contexts { dex: String::new() }, r#"{"type":"metaAndAssetCtxs","dex":""}"#.to_owned(), 20, 20),
        (
            Question::Account { user, dex: String::new() },
            format!(r#"{{"type":"clearinghouseState",{of_user},"dex":""}}"#),
            2,
            2,
        ),
        (
            Question::Ledger { user, start_time: 7 },
            format!(r#"{{"type":"userNonFundingLedgerUpdates",{of_user},"startTime":7}}"#),
            120,
            22,
        ),
        (
            Question::Funding { user, start_time: 7 },
            format!(r#"{{"type":"userFunding",{of_user},"startTime":7}}"#),
            120,
            22,
        ),
        (
            Question::Fills { user, start_time: 7 },
            format!(r#"{{"type":"userFillsByTime",{of_user},"startTime":7}}"#),
            120,
            22,
        ),
        (
            Question::Candles { req: stretch(60) },
            r#"{"type":"candleSnapshot","req":{"coin":"BTC","interval":"1m","startTime":60000,"endTime":3659999}}"#
                .to_owned(),
            21,
            21,
        ),
        (
            Question::Candles { req: stretch(5_000) },
            r#"{"type":"candleSnapshot","req":{"coin":"BTC","interval":"1m","startTime":60000,"endTime":300059999}}"#
                .to_owned(),
            104,
            21,
        ),
    ];
    let reply = format!("[{}]", vec!["{}"; 21].join(","));
    for (question, request, most, price) in cases {
        assert_eq!(question.request(), request);
        assert_eq!((question.price().most(), question.price().of(reply.as_bytes())), (most, price), "{request}");
    }
}
