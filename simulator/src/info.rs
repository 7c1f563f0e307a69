//! `POST /info`: questions about what can be traded, how it stands, and what users have and did, answered as
//! Hyperliquid answers them. Of the past only what happened since the server began is known.

mod account_state;
mod page;
mod questions;
mod token_balances;

use serde::Serialize;
use serde_json::json;

use crate::history::Rows;
use crate::metadata;
use crate::now::Now;
use questions::{CandleStretch, Question, Stretch, User};

pub(crate) use page::Page;

/// An answer's JSON, and how many items it is made of.
struct Answer {
    json: String,
    items: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExchangeStatus {
    time: i64,
    special_statuses: Option<()>,
}

const MOST_FILLS: usize = 2_000;
const MOST_LEDGER_ROWS: usize = 500;

/// Whoever asks without a connection spends nothing.
pub(crate) fn answer_in_json(body: &str, now: &Now) -> Option<String> {
    answer(&serde_json::from_str(body).ok()?, now).map(|answer| answer.json)
}

/// What nobody lists has no answer.
fn answer(question: &Question, now: &Now) -> Option<Answer> {
    let answer = match question {
        Question::Meta { dex } => Answer::of(&metadata::meta(dex, &now.books)?),
        Question::MetaAndAssetCtxs { dex } => {
            Answer::of(&(metadata::meta(dex, &now.books)?, now.contexts.of_dex(dex)?))
        }
        Question::AllMids { dex } => Answer::of(&now.contexts.mids(dex)?),
        Question::RecentTrades { coin } => Answer::of_items(&now.books.listed(coin).map(|_| now.recent(coin))?),
        Question::PerpDexs => Answer::of(&metadata::perp_dexes()),
        Question::SpotMeta => Answer::of(&metadata::spot_meta()),
        Question::ExchangeStatus => Answer::of(&ExchangeStatus { time: now.time(), special_statuses: None }),
        Question::CandleSnapshot { req } => candles(req, now)?,
        Question::ClearinghouseState { user, dex } => {
            now.contexts.of_dex(dex)?;
            Answer::of(&account_state::of(now, now.wallet(&user.0), dex))
        }
        Question::SpotClearinghouseState { user } => Answer::of(&token_balances::of(&now.books, now.wallet(&user.0))),
        Question::UserRole { user } => Answer::of(&json!({ "role": role(user, now) })),
        Question::UserAbstraction { .. } => Answer::of(&"default"),
        Question::UserFills { user } => Answer::of_rows(&now.history.fills.newest_first(&user.0, MOST_FILLS)),
        Question::UserFillsByTime(stretch) => rows(&now.history.fills, stretch, MOST_FILLS),
        Question::UserFunding(stretch) => rows(&now.history.fundings, stretch, MOST_LEDGER_ROWS),
        Question::UserNonFundingLedgerUpdates(stretch) => rows(&now.history.ledger, stretch, MOST_LEDGER_ROWS),
    };
    Some(answer)
}

fn rows(rows: &Rows, stretch: &Stretch, most: usize) -> Answer {
    let Stretch { user, start_time, end_time } = stretch;
    Answer::of_rows(&rows.between(&user.0, *start_time, end_time.unwrap_or(i64::MAX), most))
}

fn candles(asked: &CandleStretch, now: &Now) -> Option<Answer> {
    let CandleStretch { coin, interval, start_time, end_time } = asked;
    let market = now.books.listed(coin)?;
    let candles = now.history.candles.between(market, *interval, *start_time, end_time.unwrap_or(i64::MAX));
    Some(Answer::of_items(&candles))
}

fn role(user: &User, now: &Now) -> &'static str {
    match now.wallet(&user.0) {
        None => "missing",
        Some(wallet) if wallet == now.books.crowd.liquidator() => "vault",
        Some(_) => "user",
    }
}

impl Answer {
    fn of(value: &impl Serialize) -> Self {
        // Texts, numbers and lists of them always have a JSON form.
        Self { json: serde_json::to_string(value).unwrap_or_default(), items: 0 }
    }

    fn of_items<T: Serialize>(items: &[T]) -> Self {
        Self { items: items.len(), ..Self::of(&items) }
    }

    /// Rows that are JSON already.
    fn of_rows(rows: &[&str]) -> Self {
        Self { json: format!("[{}]", rows.join(",")), items: rows.len() }
    }
}
