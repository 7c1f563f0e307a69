//! `/whales/activities` and the live channel `whale_activities`: what large orders and large transfers did, and those of
//! watched wallets at any size.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use schemas::{Amount, Message, WhaleAction, WhaleActivity};

use crate::Context;
use crate::channel::{Channel, Key, LiveRow, raw};
use crate::error::ApiError;
use crate::parameters::{Parameters, TimeRange};
use crate::query::Query;
use crate::ratio_series::Series;
use crate::reply::{Meta, Reply};
use crate::whale_row::{SELECT, WhaleRow};
use crate::{coin, cursor, standing};

pub(crate) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/api/v1/whales/activities", get(list))
}

pub(crate) static CHANNEL: Channel = Channel {
    name: "whale_activities",
    topic: WhaleActivity::TOPIC,
    kind: WhaleActivity::KIND,
    by_wallet: true,
    by_source: false,
    by_interval: false,
    by_kind: false,
    push_rows: |query, generation, subject| {
        query.push("SELECT * FROM (").push(SELECT).push_bind(generation);
        subject.push_where(query);
        query.push(format_args!(
            " ORDER BY time DESC, wallet DESC, id DESC LIMIT {IN_A_SNAPSHOT}) AS latest ORDER BY time, wallet, id"
        ));
    },
    rows: |moment, query| moment.told(query, |row: WhaleRow| raw(&row.explained())),
    live: |value| {
        let activity: WhaleActivity = serde_json::from_slice(value)?;
        let row = WhaleRow::from(activity).explained();
        let mut keys = vec![Key::All, Key::Wallet(row.wallet.clone())];
        keys.extend(row.coin.clone().map(Key::Coin));
        Ok(LiveRow { keys, interval: None, series: Series::default(), data: serde_json::value::to_raw_value(&row)? })
    },
};

/// A subscription begins with the latest so many.
const IN_A_SNAPSHOT: u32 = 50;

const DEFINITION: &str = "the fills that one order of a wallet had in one block are one event, told when its notional reaches \
     threshold: rule_share of what the coin trades in 24 hours, and at least rule_floor in USD; deposits, withdrawals and \
     transfers from rule_floor on; watched wallets at the sizes that were asked for; settlements are none; maker_share is \
     the wallet's of the last 24 hours; leverage and liquidation_px are of the position after, and guesses where \
     risk_basis is assumed; account_value is as of account_time";

/// The names of the list in its two directions.
const LISTS: [&str; 2] = ["whales/asc", "whales/desc"];

/// What a page is chosen by, and where it begins.
struct Asked {
    coin: Option<String>,
    wallet: Option<String>,
    side: Option<&'static str>,
    action: Option<&'static str>,
    min_notional: Option<Amount>,
    range: TimeRange,
    after: Option<Place>,
    limit: usize,
}

/// Time, wallet and id: the order of the list.
type Place = (i64, String, String);

impl Asked {
    fn read(generation: u32, parameters: &mut Parameters) -> Result<Self, ApiError> {
        let coin = parameters.text(&["coin"])?;
        let wallet = parameters.wallet()?.map(|wallet| wallet.to_string());
        let side = parameters.word("side", "INVALID_SIDE", &[("long", "long"), ("short", "short")])?;
        let actions = WhaleAction::ALL.map(|action| (action.name(), action.name()));
        let action = parameters.word("action", "INVALID_ACTION", &actions)?;
        let min_notional = parameters.amount("min_notional", "INVALID_NOTIONAL")?;
        let range = parameters.time_range()?;
        let limit = parameters.limit()?;
        let after = match parameters.text(&["cursor"])? {
            Some(cursor) => Some(cursor::read(generation, range.list(LISTS), &cursor)?),
            None => None,
        };
        Ok(Self { coin, wallet, side, action, min_notional, range, after, limit })
    }

    /// One row more than the page holds: whether there is a next page.
    fn page(&self, generation: u32) -> Query {
        let mut query = Query::new(SELECT);
        query.push_bind(generation);
        let texts = [
            ("coin", self.coin.as_deref()),
            ("wallet", self.wallet.as_deref()),
            ("side", self.side),
            ("action", self.action),
        ];
        for (column, value) in texts {
            if let Some(value) = value {
                query.push(format_args!(" AND {column} = ")).push_bind(value);
            }
        }
        if let Some(least) = self.min_notional {
            // What is too large to be told is larger than anything that can be asked.
            query.push(" AND (notional IS NULL OR ").push_at_least("notional", least).push(")");
        }
        self.range.push(&mut query, "time");
        let (beyond, way) = if self.range.oldest_first { (">", "") } else { ("<", " DESC") };
        if let Some((time, wallet, id)) = &self.after {
            query.push(format_args!(" AND (time, wallet, id) {beyond} (")).push_bind(*time).push(", ");
            query.push_bind(wallet.as_str()).push(", ").push_bind(id.as_str()).push(")");
        }
        query.push(format_args!(" ORDER BY time{way}, wallet{way}, id{way} LIMIT ")).push_bind(self.limit as i64 + 1);
        query
    }
}

async fn list(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<Vec<WhaleRow>>, ApiError> {
    let mut asked = Asked::read(context.generation, &mut parameters)?;
    parameters.nothing_else()?;

    let mut moment = context.database.one_moment().await?;
    if let Some(coin) = &mut asked.coin {
        *coin = coin::known(&mut moment, context.generation, coin).await?;
    }
    let standing = standing::of(&mut moment, context.generation, &[WhaleActivity::TOPIC]).await?;
    let mut rows: Vec<WhaleRow> = moment.all(asked.page(context.generation)).await?;

    let mut meta = Meta::new(&context, &standing, WhaleActivity::SCHEMA);
    meta.definition = Some(DEFINITION);
    meta.reason = if rows.is_empty() { standing.reason_for_nothing() } else { None };
    if rows.len() > asked.limit {
        rows.truncate(asked.limit);
        meta.complete = false;
        let place = |last: &WhaleRow| (last.time, last.wallet.clone(), last.id.clone());
        let list = asked.range.list(LISTS);
        meta.next_cursor = rows.last().map(|last| cursor::write(context.generation, list, place(last)));
    }
    meta.as_of = rows.iter().map(|row| row.time).max();
    Ok(Reply { data: rows.into_iter().map(WhaleRow::explained).collect(), meta })
}
