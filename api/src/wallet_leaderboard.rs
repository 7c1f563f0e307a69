//! `/wallets/leaderboard`: who has made or traded most, or wins most often.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::{Message, WalletSummary};
use serde::Serialize;
use sqlx::FromRow;

use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::openapi::form::Form;
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::query::Query;
use crate::reply::{Meta, Reply};
use crate::wallet_summary::{COLUMNS, DEFINITION, SUMMARY, SummaryRow};
use crate::{Context, cursor, holes, standing};

pub(crate) fn endpoint() -> Endpoint {
    let windows = WINDOWS.map(|(name, _)| name);
    let mut parameters = vec![
        Parameter::words("sort", &["pnl", "win_rate", "volume"]),
        Parameter::words_or("window", &windows, windows[0]),
        Parameter::count("min_trades", "10"),
        Parameter::words_or("order", &["desc", "asc"], "desc"),
    ];
    parameters.extend(Parameter::limit_and_cursor());
    let operation = Operation {
        summary: "Who has made or traded most, or wins most often",
        description: DEFINITION.to_owned(),
        parameters,
        answer: Answer::Rows(Form::Object(&SUMMARY)),
        examples: &["?sort=win_rate&min_trades=3", "?window=7d&sort=pnl&limit=3"],
    };
    Endpoint::new("/api/v1/wallets/leaderboard", get(list), operation)
}

#[derive(Serialize, FromRow)]
struct Ranked {
    #[sqlx(flatten)]
    #[serde(flatten)]
    summary: SummaryRow,
    /// What the order goes by.
    #[serde(skip)]
    rank: i64,
}

/// Of which time a wallet is ranked.
#[derive(Clone, Copy)]
struct Window {
    /// The columns of profit and of volume.
    ranks: [&'static str; 2],
    /// By hours or days of so long: the running one and so many before it; otherwise it is since the wallet was first seen.
    rolls: Option<(i64, i64)>,
}

/// What a page is chosen by, and where it begins.
struct Asked {
    window: Window,
    /// The column that the order goes by.
    rank: &'static str,
    /// Round trips that have ended.
    min_trades: i64,
    is_best_first: bool,
    after: Option<(i64, String)>,
    limit: usize,
}

async fn list(State(context): State<Arc<Context>>, mut parameters: Parameters) -> Result<Reply<Vec<Ranked>>, ApiError> {
    let asked = Asked::read(context.generation, &mut parameters)?;
    parameters.nothing_else()?;

    let mut moment = context.database.one_moment().await?;
    let standing = standing::of(&mut moment, context.generation, &[WalletSummary::TOPIC]).await?;
    let mut rows: Vec<Ranked> = moment.all(asked.page(context.generation)).await?;

    let mut meta = Meta { definition: Some(DEFINITION), ..Meta::new(&context, &standing, WalletSummary::SCHEMA) };
    if rows.len() > asked.limit {
        rows.truncate(asked.limit);
        meta.complete = false;
        let place = |row: &Ranked| (row.rank, row.summary.wallet.clone());
        meta.next_cursor = rows.last().map(|last| cursor::write(context.generation, &asked.list(), place(last)));
    }
    if let Some(since) = rows.iter().map(|row| asked.window.since(&row.summary)).min() {
        meta.complete &= !holes::are_in(&mut moment, context.generation, (since, None)).await?;
    }
    meta.reason = if rows.is_empty() { standing.reason_for_nothing() } else { None };
    meta.as_of = rows.iter().map(|row| row.summary.time).max();
    let explained = |row: Ranked| Ranked { summary: row.summary.explained(), ..row };
    Ok(Reply { data: rows.into_iter().map(explained).collect(), meta })
}

const WINDOWS: [(&str, Window); 4] = [
    ("1d", Window { ranks: ["rank_pnl_1d", "rank_volume_1d"], rolls: Some((HOUR_MS, 24)) }),
    ("7d", Window { ranks: ["rank_pnl_7d", "rank_volume_7d"], rolls: Some((DAY_MS, 7)) }),
    ("30d", Window { ranks: ["rank_pnl_30d", "rank_volume_30d"], rolls: Some((DAY_MS, 30)) }),
    ("all", ALL),
];

const ALL: Window = Window { ranks: ["rank_pnl_all", "rank_volume_all"], rolls: None };

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

const WIN_RATE: &str = "rank_win_rate";

impl Window {
    /// Where it begins for a wallet, as it was told last.
    fn since(&self, summary: &SummaryRow) -> i64 {
        let begins = |(length, whole): (i64, i64)| summary.time - summary.time.rem_euclid(length) - whole * length;
        self.rolls.map_or(summary.first_seen, begins)
    }
}

impl Asked {
    fn read(generation: u32, parameters: &mut Parameters) -> Result<Self, ApiError> {
        let window = parameters.word("window", "INVALID_WINDOW", &WINDOWS)?;
        let place =
            parameters.word("sort", "INVALID_SORT", &[("pnl", Some(0)), ("volume", Some(1)), ("win_rate", None)])?;
        let (window, rank) = match (place.unwrap_or(Some(0)), window) {
            (Some(place), window) => {
                let window = window.unwrap_or(WINDOWS[0].1);
                (window, window.ranks[place])
            }
            (None, None | Some(Window { rolls: None, .. })) => (ALL, WIN_RATE),
            (None, Some(_)) => {
                let message = "round trips are counted since a wallet was first seen; leave window out, or give all";
                return Err(ApiError::parameter("INVALID_WINDOW", "window", message.to_owned()));
            }
        };
        let min_trades = parameters.count("min_trades", "INVALID_MIN_TRADES")?.unwrap_or_default();
        let order = parameters.word("order", "INVALID_ORDER", &[("asc", false), ("desc", true)])?;
        let limit = parameters.limit()?;
        let mut asked = Self { window, rank, min_trades, is_best_first: order.unwrap_or(true), after: None, limit };
        if let Some(cursor) = parameters.text("cursor")? {
            asked.after = Some(cursor::read(generation, &asked.list(), &cursor)?);
        }
        Ok(asked)
    }

    /// A cursor of one order, or of other wallets, says nothing in another.
    fn list(&self) -> String {
        let way = if self.is_best_first { "desc" } else { "asc" };
        format!("wallets/leaderboard/{}/{way}&{}", self.rank, self.min_trades)
    }

    /// One row more than the page holds: whether there is a next page.
    fn page(&self, generation: u32) -> Query {
        let rank = self.rank;
        let mut query = Query::new(format_args!(
            "SELECT {COLUMNS}, ranked.rank FROM (SELECT wallet AS ranked_wallet, {rank} AS rank FROM wallet_summaries \
             WHERE generation = "
        ));
        query.push_bind(generation).push(format_args!(" AND {rank} IS NOT NULL"));
        if self.min_trades > 0 {
            query.push(" AND closed >= ").push_bind(self.min_trades);
        }
        let (beyond, way) = if self.is_best_first { ("<", " DESC") } else { (">", "") };
        if let Some((last, wallet)) = &self.after {
            query.push(format_args!(" AND ({rank}, wallet) {beyond} (")).push_bind(*last);
            query.push(", ").push_bind(wallet.as_str()).push(")");
        }
        query.push(format_args!(" ORDER BY {rank}{way}, wallet{way} LIMIT ")).push_bind(self.limit as i64 + 1);
        // The index alone says who is on the page: nobody who is passed over is looked up.
        query.push(") AS ranked JOIN wallet_summaries ON wallet = ranked.ranked_wallet AND generation = ");
        query.push_bind(generation);
        query.push(format_args!(" ORDER BY ranked.rank{way}, ranked.ranked_wallet{way}"));
        query
    }
}
