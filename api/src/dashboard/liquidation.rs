//! `/market/liquidation`: the heatmap of a coin's liquidations, with its sums and axes as they are shown.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use schemas::Amount;
use serde::Serialize;

use crate::error::ApiError;
use crate::heatmap_grid::{Cell, Grid};
use crate::liquidation_heatmap::{self, Heatmap};
use crate::parameters::Parameters;
use crate::reply::Reply;
use crate::time_of_day::now;
use crate::{Context, shown};

pub(super) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/api/v1/market/liquidation", get(liquidation))
}

/// What dashboards begin with.
const COIN: &str = "BTC";

#[derive(Serialize)]
struct ShownHeatmap {
    #[serde(flatten)]
    heatmap: Heatmap,
    times_display: Vec<String>,
    prices_display: Vec<String>,
    max_display: Option<String>,
    long_notional: Option<Amount>,
    long_display: Option<String>,
    short_notional: Option<Amount>,
    short_display: Option<String>,
}

async fn liquidation(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<ShownHeatmap>, ApiError> {
    let coin = parameters.text("coin")?.unwrap_or_else(|| COIN.to_owned());
    let Reply { data, meta } = liquidation_heatmap::of_coin(&context, coin, parameters).await?;
    Ok(Reply { data: ShownHeatmap::of(data), meta })
}

impl ShownHeatmap {
    fn of(heatmap: Heatmap) -> Self {
        let Grid { times, prices, cells, max_notional, .. } = &heatmap.grid;
        let now = now();
        let sum = |side: fn(&Cell) -> Option<Amount>| cells.iter().map(side).fold(Some(Amount::ZERO), Amount::sum);
        let (long_notional, short_notional) = (sum(|cell| cell.2), sum(|cell| cell.3));
        Self {
            times_display: times.iter().map(|time| shown::ago(*time, now)).collect(),
            prices_display: prices.iter().map(|price| shown::price(*price)).collect(),
            max_display: max_notional.and_then(shown::usd),
            long_notional,
            long_display: long_notional.and_then(shown::usd),
            short_notional,
            short_display: short_notional.and_then(shown::usd),
            heatmap,
        }
    }
}
