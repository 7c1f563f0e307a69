//! `/liquidations` and the live channel `liquidations`: what was closed by force, order by order.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use schemas::{LiquidationOrder, Message};
use serde::Serialize;
use sqlx::FromRow;

use crate::Context;
use crate::channel::{Channel, Key, LiveRow, raw};
use crate::error::ApiError;
use crate::liquidation_list::{Asked, List};
use crate::parameters::Parameters;
use crate::ratio_series::Series;
use crate::reply::{Meta, Reply};
use crate::standing;

pub(crate) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/api/v1/liquidations", get(list))
}

pub(crate) static CHANNEL: Channel = Channel {
    name: "liquidations",
    topic: LiquidationOrder::TOPIC,
    kind: LiquidationOrder::KIND,
    by_wallet: true,
    by_source: false,
    by_interval: false,
    by_kind: false,
    push_rows: |query, generation, subject| {
        query.push("SELECT * FROM (").push(SELECT).push_bind(generation);
        subject.push_where(query);
        query.push(format_args!(
            " ORDER BY time DESC, coin DESC, wallet DESC, block DESC, method DESC LIMIT {IN_A_SNAPSHOT}) AS latest \
             ORDER BY time, coin, wallet, block, method"
        ));
    },
    rows: |moment, query| moment.told(query, |row: OrderRow| raw(&row.explained())),
    live: |value| {
        let order: LiquidationOrder = serde_json::from_slice(value)?;
        let row = OrderRow::from(order).explained();
        let keys = vec![Key::All, Key::Coin(row.coin.clone()), Key::Wallet(row.wallet.clone())];
        Ok(LiveRow { keys, interval: None, series: Series::default(), data: serde_json::value::to_raw_value(&row)? })
    },
};

/// A subscription begins with the latest so many orders.
const IN_A_SNAPSHOT: u32 = 50;

const DEFINITION: &str = "a fill counts when the exchange marked it as a liquidation and its user is the liquidated one: \
     the victim's leg only, each dollar once; an order is what one block closed of a victim's position in one way; \
     auto-deleveraging is listed with method adl and is in no liquidation volume";

const ORDERS: List = List {
    name: "liquidations",
    select: SELECT,
    time: "time",
    order: ["time", "coin", "wallet", "block", "method"],
    push_method: |query, method| {
        query.push(" AND method = ").push_bind(method);
    },
};

const SELECT: &str = "SELECT coin, wallet, side, method, block, time, fills, CAST(size AS TEXT) AS size, \
     CAST(notional AS TEXT) AS notional, CAST(average_px AS TEXT) AS average_px, CAST(mark_px AS TEXT) AS mark_px, \
     CAST(closed_pnl AS TEXT) AS closed_pnl, CAST(remaining AS TEXT) AS remaining \
     FROM liquidation_orders WHERE generation = ";

/// An order as it is told.
#[derive(Serialize, FromRow)]
struct OrderRow {
    coin: String,
    wallet: String,
    side: String,
    method: String,
    block: i64,
    time: i64,
    fills: i64,
    size: String,
    notional: Option<String>,
    average_px: Option<String>,
    mark_px: String,
    closed_pnl: String,
    remaining: String,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl OrderRow {
    fn explained(self) -> Self {
        let reason = (self.notional.is_none() || self.average_px.is_none()).then_some("too_large_to_be_exact");
        Self { reason, ..self }
    }
}

impl From<LiquidationOrder> for OrderRow {
    fn from(order: LiquidationOrder) -> Self {
        Self {
            coin: order.coin.to_string(),
            wallet: order.wallet.to_string(),
            side: order.side.name().to_owned(),
            method: order.method.to_string(),
            block: order.block.cast_signed(),
            time: order.time,
            fills: order.fills.into(),
            size: order.size.to_string(),
            notional: order.notional.map(|it| it.to_string()),
            average_px: order.average_px.map(|it| it.to_string()),
            mark_px: order.mark_px.to_string(),
            closed_pnl: order.closed_pnl.to_string(),
            remaining: order.remaining.to_string(),
            reason: None,
        }
    }
}

async fn list(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<Vec<OrderRow>>, ApiError> {
    let mut asked = Asked::read(&ORDERS, context.generation, &mut parameters)?;
    parameters.nothing_else()?;

    let mut moment = context.database.one_moment().await?;
    asked.know_the_coin(&mut moment, context.generation).await?;
    let standing = standing::of(&mut moment, context.generation, &[LiquidationOrder::TOPIC]).await?;
    let mut rows: Vec<OrderRow> = moment.all(asked.page(&ORDERS, context.generation)).await?;

    let mut meta = Meta::new(&context, &standing, LiquidationOrder::SCHEMA);
    meta.definition = Some(DEFINITION);
    meta.reason = if rows.is_empty() { standing.reason_for_nothing() } else { None };
    meta.next_cursor = asked
        .cut(&ORDERS, context.generation, &mut rows, |row| (row.time, &row.coin, &row.wallet, row.block, &row.method));
    meta.complete = meta.next_cursor.is_none();
    meta.as_of = rows.iter().map(|row| row.time).max();
    Ok(Reply { data: rows.into_iter().map(OrderRow::explained).collect(), meta })
}
