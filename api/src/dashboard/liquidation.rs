//! `/market/liquidation`: the heatmap of a coin's liquidations, with its sums and axes as they are shown.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::Amount;
use serde::Serialize;

use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::heatmap_grid::{Cell, Grid};
use crate::liquidation_heatmap::{self, Heatmap};
use crate::openapi::form::{Form, Object, joined};
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::reply::Reply;
use crate::time_of_day::now;
use crate::{Context, shown};

pub(super) fn endpoint() -> Endpoint {
    let mut parameters = vec![Parameter::coin()];
    parameters.extend(liquidation_heatmap::choices());
    let operation = Operation {
        summary: "The heatmap of a coin's liquidations, with its sums and axes as they are shown",
        description: liquidation_heatmap::DEFINITION.to_owned(),
        parameters,
        answer: Answer::One(Form::Object(&HEATMAP)),
        examples: &["?coin=BTC&range=7d"],
    };
    Endpoint::new("/api/v1/market/liquidation", get(liquidation), operation)
}

static HEATMAP: Object = Object {
    name: "shown-liquidation-heatmap",
    fields: &joined::<19>(&[
        liquidation_heatmap::HEATMAP.fields,
        &[
            ("times_display", Form::List(&Form::Text)),
            ("prices_display", Form::List(&Form::Text)),
            ("max_display", Form::Text),
            ("long_notional", Form::Decimal),
            ("long_display", Form::Text),
            ("short_notional", Form::Decimal),
            ("short_display", Form::Text),
        ],
    ]),
    optional: &[],
};

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
