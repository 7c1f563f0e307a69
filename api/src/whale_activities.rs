//! `/whales/activities` and the live channel `whale_activities`: what large orders and large transfers did, and those of
//! watched wallets at any size.

use schemas::table::Value;
use schemas::tables::whale_activities::TABLE;
use schemas::{Amount, Message, WhaleAction, WhaleActivity};

use crate::channel::{A_DAY_AND_AN_HOUR, Channel, Tells, live_row};
use crate::filter::{Filter, MIN_NOTIONAL, SIDE};
use crate::list::List;
use crate::openapi::form::Form;
use crate::row::{REASON, Shape, Told};

pub(crate) static LIST: List = List {
    name: "whales/activities",
    summary: "What large orders and large transfers did",
    shape: &SHAPE,
    schema: WhaleActivity::SCHEMA,
    definition: "the fills that one order of a wallet had in one block are one event, told when its notional reaches \
         threshold: rule_share of what the coin trades in 24 hours, and at least rule_floor in USD; deposits, withdrawals and \
         transfers from rule_floor on; watched wallets at the sizes that were asked for; settlements are none; maker_share is \
         the wallet's of the last 24 hours; leverage and liquidation_px are of the position after, and guesses where \
         risk_basis is assumed; account_value is as of account_time",
    filters: &[
        Filter::Coin,
        Filter::Wallet,
        SIDE,
        Filter::Word { name: "action", code: "INVALID_ACTION", words: &ACTIONS },
        MIN_NOTIONAL,
    ],
    order: &["time", "wallet", "id"],
    sorts: &["notional"],
    item: None,
    as_of: "time",
    whole: None,
};

pub(crate) static CHANNEL: Channel = Channel {
    name: "whale_activities",
    alias: None,
    topic: WhaleActivity::TOPIC,
    kind: WhaleActivity::KIND,
    by_wallet: true,
    by_name: false,
    by_interval: false,
    by_kind: false,
    tells: Tells::Events { in_a_snapshot: IN_A_SNAPSHOT },
    reaches_back: A_DAY_AND_AN_HOUR,
    filters: &["min_notional", "side", "wallet", "method"],
    row: Form::Shape(WhaleActivity::SCHEMA, &SHAPE),
    live: |value| live_row(&SHAPE, value),
};

/// A subscription begins with the latest so many.
const IN_A_SNAPSHOT: usize = 50;

const ACTIONS: [&str; WhaleAction::ALL.len()] = {
    let mut names = [""; WhaleAction::ALL.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = WhaleAction::ALL[place].name();
        place += 1;
    }
    names
};

/// An order or a flow: what only the other one has is null.
pub(crate) static SHAPE: Shape =
    Shape { of: &TABLE, hidden: &[], optional: &[], derived: &[REASON], derive: |row| vec![why_null(row)] };

fn why_null(row: &Told) -> Value {
    let why = match row.text("after") {
        _ if row.is_null("notional") => Some("too_large_to_be_exact"),
        _ if !row.is_null("coin") && row.is_null("account_time") => Some("account_is_not_followed"),
        Some(after) => of_the_order(row).or(of_what_is_held(row, after)),
        None => None,
    };
    Value::text_or_null(why)
}

/// Its notional is known, and so is its average price.
fn of_the_order(row: &Told) -> Option<&'static str> {
    let reasons = [
        ("closed_pnl", "a_fill_did_not_say_or_too_large_to_be_exact"),
        ("fee", "a_fill_did_not_say_or_fees_are_of_two_tokens"),
        ("open_interest_share", "open_interest_is_not_known"),
        ("maker_share", "too_large_to_be_exact"),
    ];
    reasons.into_iter().find(|(column, _)| row.is_null(column)).map(|(_, reason)| reason)
}

fn of_what_is_held(row: &Told, after: &str) -> Option<&'static str> {
    let is_flat = after.parse::<Amount>().is_ok_and(Amount::is_zero);
    match (row.is_null("liquidation_px"), row.is_null("risk_basis")) {
        _ if is_flat => Some("nothing_is_held_after"),
        _ if row.is_null("leverage") => Some("terms_are_not_known_or_it_went_on"),
        _ if row.is_null("entry_px") => Some("opened_before_anything_was_seen"),
        (true, true) => Some("a_mark_is_not_known"),
        (true, false) => Some("no_price_liquidates_it"),
        (false, _) => None,
    }
}
