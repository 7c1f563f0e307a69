//! A heatmap → the very form in which CoinGlass gives its own: what draws that one draws this one too.

use axum::Json;
use axum::response::IntoResponse;
use schemas::Amount;
use serde_json::{Value, json};

use crate::heatmap_grid::Cell;
use crate::liquidation_heatmap::{Candle, Heatmap};
use crate::openapi::form::{Form, Object};

pub(crate) static HEATMAP: Object = Object {
    name: "CoinGlassHeatmap",
    fields: &[("code", Form::Text), ("msg", Form::Text), ("data", Form::Object(&DATA))],
    optional: &[],
};

static DATA: Object = Object {
    name: "CoinGlassHeatmapData",
    fields: &[
        ("y_axis", Form::List(&Form::Number)),
        ("liquidation_leverage_data", Form::List(&Form::Tuple(&[Form::Integer, Form::Integer, Form::Number]))),
        ("price_candlesticks", Form::List(&Form::Tuple(&CANDLESTICK))),
    ],
    optional: &[],
};

const CANDLESTICK: [Form; 6] =
    [Form::Integer, Form::Decimal, Form::Decimal, Form::Decimal, Form::Decimal, Form::MaybeDecimal];

/// Times there are places among the candles, and numbers are numbers.
pub(crate) fn heatmap(heatmap: &Heatmap) -> impl IntoResponse + use<> {
    let grid = &heatmap.grid;
    let candle_of = |time: usize| {
        let time = grid.times.get(time)?;
        heatmap.candles.binary_search_by_key(time, |candle| candle.0).ok()
    };
    let cell = |(time, price, long, short): &Cell| {
        Some(json!([candle_of(*time)?, price, number(Amount::sum(*long, *short)?)]))
    };
    Json(json!({
        "code": "0",
        "msg": "success",
        "data": {
            "y_axis": grid.prices.iter().copied().map(number).collect::<Vec<_>>(),
            "liquidation_leverage_data": grid.cells.iter().filter_map(cell).collect::<Vec<_>>(),
            "price_candlesticks": heatmap.candles.iter().map(candlestick).collect::<Vec<_>>(),
        },
    }))
}

/// Its times are in seconds, and its volume is what was traded in USD.
fn candlestick((time, open, high, low, close, _, notional): &Candle) -> Value {
    json!([time / 1_000, open, high, low, close, notional])
}

/// The nearest one that a machine has, as there.
fn number(amount: Amount) -> Value {
    serde_json::from_str(&amount.shortest().to_string()).unwrap_or(Value::Null)
}
