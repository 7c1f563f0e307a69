//! Table `wallet_summaries` → what a wallet has made, paid and traded, as it is told.

use std::collections::BTreeMap;

use schemas::{Amount, MakerShare, Rolling, Text};
use serde::Serialize;
use sqlx::FromRow;

use crate::openapi::form::{Form, Object};
use crate::stored::Json;

pub(crate) const COLUMNS: &str = "wallet, time, first_seen, last_fill, positions, CAST(realised_pnl AS TEXT) AS realised_pnl, \
     CAST(fees AS TEXT) AS fees, CAST(volume AS TEXT) AS volume, CAST(fees_other AS TEXT) AS fees_other, \
     CAST(maker_share AS TEXT) AS maker_share, closed, won, CAST(win_rate AS TEXT) AS win_rate, block";

pub(crate) const DEFINITION: &str = "perpetuals only, by the time of the fills; windows are the running hour and the 24 before it (1d), the running day and \
     the 7 (7d) or 30 (30d) before it, and everything since first_seen (all); positions are coins in \
     which something is held; realised_pnl is of what was closed, fees in USDC taken off, fees in other \
     tokens stand apart and are in no sum; maker_share is the share of the volume that others took from it; what happened in \
     a hole of the source is in no sum, and complete is false where there is one; a round trip is from flat to flat, or to the other side, of one coin, counted when \
     all of it was seen and its profit is known in one token, and won when it made more than its fees";

pub(crate) static SUMMARY: Object = Object {
    name: "wallet-summary",
    fields: &[
        ("wallet", Form::Wallet),
        ("time", Form::Integer),
        ("first_seen", Form::Integer),
        ("last_fill", Form::Integer),
        ("positions", Form::Integer),
        ("realised_pnl", Form::Object(&WINDOWS)),
        ("fees", Form::Object(&WINDOWS)),
        ("volume", Form::Object(&WINDOWS)),
        ("fees_other", Form::Map(&Form::MaybeDecimal)),
        ("maker_share", Form::Object(&SHARES)),
        ("round_trips", Form::Integer),
        ("round_trips_won", Form::Integer),
        ("win_rate", Form::Decimal),
        ("block", Form::Integer),
        ("reason", Form::Text),
    ],
    optional: &[],
};

static WINDOWS: Object = Object {
    name: "by-window",
    fields: &[("1d", Form::Decimal), ("7d", Form::Decimal), ("30d", Form::Decimal), ("all", Form::Decimal)],
    optional: &[],
};

static SHARES: Object =
    Object { name: "share-by-window", fields: &[("30d", Form::Decimal), ("all", Form::Decimal)], optional: &[] };

/// A wallet as it is told.
#[derive(Serialize, FromRow)]
pub(crate) struct SummaryRow {
    pub(crate) wallet: String,
    pub(crate) time: i64,
    pub(crate) first_seen: i64,
    last_fill: i64,
    positions: i64,
    #[sqlx(try_from = "String")]
    realised_pnl: Windows,
    #[sqlx(try_from = "String")]
    fees: Windows,
    #[sqlx(try_from = "String")]
    volume: Windows,
    #[sqlx(try_from = "String")]
    fees_other: Json<BTreeMap<Text, Option<Amount>>>,
    #[sqlx(try_from = "String")]
    maker_share: Shares,
    #[serde(rename = "round_trips")]
    closed: i64,
    #[serde(rename = "round_trips_won")]
    won: i64,
    win_rate: Option<String>,
    block: i64,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl SummaryRow {
    pub(crate) fn explained(self) -> Self {
        let sums = [&self.realised_pnl, &self.fees, &self.volume].iter().all(|windows| windows.are_known());
        let is_known = sums && self.fees_other.0.values().all(Option::is_some);
        let reason = match (self.closed, self.maker_share.month) {
            _ if !is_known => Some("a_fill_did_not_say_or_too_large_to_be_exact"),
            (0, None) => Some("no_round_trip_yet_and_no_trade_within_30d"),
            (0, Some(_)) => Some("no_round_trip_yet"),
            (_, None) => Some("no_trade_within_30d"),
            (_, Some(_)) => None,
        };
        Self { reason, ..self }
    }
}

/// By the names that windows are asked for.
#[derive(Serialize)]
struct Windows {
    #[serde(rename = "1d")]
    day: Option<Amount>,
    #[serde(rename = "7d")]
    week: Option<Amount>,
    #[serde(rename = "30d")]
    month: Option<Amount>,
    all: Option<Amount>,
}

#[derive(Serialize)]
struct Shares {
    #[serde(rename = "30d")]
    month: Option<Amount>,
    all: Option<Amount>,
}

impl Windows {
    fn are_known(&self) -> bool {
        [self.day, self.week, self.month, self.all].iter().all(Option::is_some)
    }
}

impl TryFrom<String> for Windows {
    type Error = serde_json::Error;

    fn try_from(stored: String) -> Result<Self, Self::Error> {
        let Json(Rolling { d1, d7, d30, all }) = stored.try_into()?;
        Ok(Self { day: d1, week: d7, month: d30, all })
    }
}

impl TryFrom<String> for Shares {
    type Error = serde_json::Error;

    fn try_from(stored: String) -> Result<Self, Self::Error> {
        let Json(MakerShare { d30, all }) = stored.try_into()?;
        Ok(Self { month: d30, all })
    }
}
