//! `/positions` and the live channel `positions`: what each wallet holds in each coin.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use schemas::{Message, Position, PositionSide};
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, QueryBuilder, Sqlite};

use crate::Context;
use crate::channel::{Channel, Key, LiveRow, raw};
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::reply::{Meta, Reply};
use crate::{coin, cursor, database};

pub(crate) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/api/v1/positions", get(list))
}

pub(crate) static CHANNEL: Channel = Channel {
    name: "positions",
    topic: Position::TOPIC,
    by_wallet: true,
    by_interval: false,
    push_rows: |query, generation, subject| {
        query.push(SELECT).push_bind(generation);
        match &subject.key {
            Key::All => query,
            Key::Coin(coin) => query.push(" AND coin = ").push_bind(coin.clone()),
            Key::Wallet(wallet) => query.push(" AND wallet = ").push_bind(wallet.clone()),
        };
    },
    row: |row: &SqliteRow| raw(&PositionRow::from_row(row)?.explained()),
    live: |value| {
        let position: Position = serde_json::from_slice(value)?;
        let row = PositionRow::from(position).explained();
        let keys = vec![Key::All, Key::Coin(row.coin.clone()), Key::Wallet(row.wallet.clone())];
        Ok(LiveRow { keys, interval: None, data: serde_json::value::to_raw_value(&row)? })
    },
};

/// A position as it is told; a live one may be flat.
#[derive(Serialize, FromRow)]
struct PositionRow {
    coin: String,
    wallet: String,
    side: String,
    size: String,
    opened_at: Option<i64>,
    changed_at: i64,
    last_px: String,
    block: i64,
    index: u32,
    clock: i64,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl PositionRow {
    fn explained(self) -> Self {
        let reason = self.opened_at.is_none().then_some("opened_before_anything_was_seen");
        Self { reason, ..self }
    }
}

impl From<Position> for PositionRow {
    fn from(position: Position) -> Self {
        let side = match position.side {
            PositionSide::Long => "long",
            PositionSide::Short => "short",
            PositionSide::Flat => "flat",
        };
        Self {
            coin: position.coin.to_string(),
            wallet: position.wallet.to_string(),
            side: side.to_owned(),
            size: position.size.to_string(),
            opened_at: position.opened_at,
            changed_at: position.changed_at,
            last_px: position.last_px.to_string(),
            block: position.block.cast_signed(),
            index: position.index,
            clock: position.clock,
            reason: None,
        }
    }
}

const SELECT: &str = "SELECT coin, wallet, side, size, opened_at, changed_at, last_px, block, idx AS \"index\", clock \
     FROM positions WHERE generation = ";

/// What a page is chosen by, and where it begins.
struct Asked {
    coin: Option<String>,
    wallet: Option<String>,
    side: Option<&'static str>,
    after: Option<(String, String)>,
    limit: usize,
}

async fn list(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<Vec<PositionRow>>, ApiError> {
    let mut asked = Asked {
        coin: parameters.text(&["coin"])?,
        wallet: parameters.wallet()?.map(|wallet| wallet.to_string()),
        side: parameters.word("side", "INVALID_SIDE", &[("long", "long"), ("short", "short")])?,
        limit: parameters.limit()?,
        after: match parameters.text(&["cursor"])? {
            Some(cursor) => Some(cursor::read(context.generation, "positions", &cursor)?),
            None => None,
        },
    };
    parameters.nothing_else()?;

    let mut moment = database::one_moment(&context).await?;
    if let Some(coin) = &mut asked.coin {
        *coin = coin::known(&mut moment.rows, context.generation, coin).await?;
    }
    let source = database::source(&mut moment.rows, context.generation, Position::TOPIC).await?;
    let mut rows: Vec<PositionRow> =
        page(context.generation, &asked).build_query_as().fetch_all(&mut *moment.rows).await?;

    let mut meta = Meta::new(&context, &moment.now, Position::SCHEMA, source);
    if rows.len() > asked.limit {
        rows.truncate(asked.limit);
        meta.complete = false;
        meta.next_cursor =
            rows.last().map(|last| cursor::write(context.generation, "positions", (&last.coin, &last.wallet)));
    }
    meta.as_of = rows.iter().map(|row| row.clock).max();
    Ok(Reply { data: rows.into_iter().map(PositionRow::explained).collect(), meta })
}

/// One row more than the page holds: whether there is a next page.
fn page(generation: u32, asked: &Asked) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(SELECT);
    query.push_bind(generation);
    if let Some(coin) = &asked.coin {
        query.push(" AND coin = ").push_bind(coin.clone());
    }
    if let Some(wallet) = &asked.wallet {
        query.push(" AND wallet = ").push_bind(wallet.clone());
    }
    if let Some(side) = asked.side {
        query.push(" AND side = ").push_bind(side);
    }
    if let Some((coin, wallet)) = &asked.after {
        // What is fixed already would only keep the index from being used to its end.
        match (&asked.coin, &asked.wallet) {
            (Some(_), _) => query.push(" AND wallet > ").push_bind(wallet.clone()),
            (None, Some(_)) => query.push(" AND coin > ").push_bind(coin.clone()),
            (None, None) => {
                query.push(" AND (coin, wallet) > (").push_bind(coin.clone());
                query.push(", ").push_bind(wallet.clone()).push(")")
            }
        };
    }
    query.push(" ORDER BY coin, wallet LIMIT ").push_bind(asked.limit as i64 + 1);
    query
}
