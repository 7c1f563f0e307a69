//! `/liquidations/episodes`: liquidations of one victim and coin that belong together.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use schemas::{LiquidationEpisode, Message};
use serde::Serialize;
use sqlx::FromRow;

use crate::Context;
use crate::error::ApiError;
use crate::liquidation_list::{Asked, List};
use crate::parameters::Parameters;
use crate::reply::{Meta, Reply};
use crate::standing;

pub(crate) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/api/v1/liquidations/episodes", get(list))
}

const DEFINITION: &str = "orders of one victim, coin and side with less than a minute of event time between them; size and notional \
     are of the victim's leg only and without auto-deleveraging, which stands in adl_size and adl_notional; \
     backstop_notional is the part of notional that the liquidator vault took over; chosen by when they began";

const EPISODES: List = List {
    name: "liquidations/episodes",
    select: SELECT,
    time: "first_time",
    order: ["first_time", "coin", "wallet", "first_block", "side"],
    // An episode may have orders of several methods.
    push_method: |query, method| {
        query.push(
            " AND EXISTS (SELECT 1 FROM liquidation_orders AS made WHERE made.generation = episode.generation \
             AND made.coin = episode.coin AND made.wallet = episode.wallet AND made.side = episode.side \
             AND made.block BETWEEN episode.first_block AND episode.last_block AND made.method = ",
        );
        query.push_bind(method).push(")");
    },
};

const SELECT: &str = "SELECT coin, wallet, side, first_block, last_block, first_time, last_time, orders, fills, \
     CAST(size AS TEXT) AS size, CAST(notional AS TEXT) AS notional, CAST(average_px AS TEXT) AS average_px, \
     CAST(backstop_notional AS TEXT) AS backstop_notional, CAST(adl_size AS TEXT) AS adl_size, \
     CAST(adl_notional AS TEXT) AS adl_notional, CAST(closed_pnl AS TEXT) AS closed_pnl, \
     CAST(remaining AS TEXT) AS remaining, complete, final, clock \
     FROM liquidation_episodes AS episode WHERE generation = ";

/// An episode as it is told.
#[derive(Serialize, FromRow)]
struct EpisodeRow {
    coin: String,
    wallet: String,
    side: String,
    first_block: i64,
    last_block: i64,
    first_time: i64,
    last_time: i64,
    orders: i64,
    fills: i64,
    size: String,
    notional: Option<String>,
    average_px: Option<String>,
    backstop_notional: Option<String>,
    adl_size: String,
    adl_notional: Option<String>,
    closed_pnl: String,
    remaining: String,
    complete: bool,
    r#final: bool,
    clock: i64,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl EpisodeRow {
    fn explained(self) -> Self {
        let notionals = [&self.notional, &self.backstop_notional, &self.adl_notional];
        let reason = match (&self.average_px, notionals.iter().all(|it| it.is_some())) {
            (_, false) => Some("too_large_to_be_exact"),
            (None, true) => Some("nothing_but_auto_deleveraging"),
            (Some(_), true) => None,
        };
        Self { reason, ..self }
    }
}

async fn list(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<Vec<EpisodeRow>>, ApiError> {
    let mut asked = Asked::read(&EPISODES, context.generation, &mut parameters)?;
    let only_final = parameters.word("final", "INVALID_FINAL", &[("true", true), ("false", false)])?;
    asked.only_final = only_final.unwrap_or_default();
    parameters.nothing_else()?;

    let mut moment = context.database.one_moment().await?;
    asked.know_the_coin(&mut moment, context.generation).await?;
    let standing = standing::of(&mut moment, context.generation, &[LiquidationEpisode::TOPIC]).await?;
    let mut rows: Vec<EpisodeRow> = moment.all(asked.page(&EPISODES, context.generation)).await?;

    let mut meta = Meta::new(&context, &standing, LiquidationEpisode::SCHEMA);
    meta.definition = Some(DEFINITION);
    meta.reason = if rows.is_empty() { standing.reason_for_nothing() } else { None };
    meta.next_cursor = asked.cut(&EPISODES, context.generation, &mut rows, |row| {
        (row.first_time, &row.coin, &row.wallet, row.first_block, &row.side)
    });
    meta.complete = meta.next_cursor.is_none() && rows.iter().all(|row| row.complete);
    meta.as_of = rows.iter().map(|row| row.clock).max();
    Ok(Reply { data: rows.into_iter().map(EpisodeRow::explained).collect(), meta })
}
