//! `/liquidations/history`: how much of a coin was liquidated in each bucket: `liquidation-stats` where other venues have it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::Context;
use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::export::Accepted;
use crate::liquidation_stats::COURSE;
use crate::openapi::declared;
use crate::parameters::Parameters;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("/api/v1/liquidations/history", get(history), declared::history_without_path(&COURSE))
}

async fn history(
    State(context): State<Arc<Context>>,
    Accepted(format): Accepted,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let Some(coin) = parameters.text("coin")? else {
        let message = "coin is not given; of all coins together there is /api/v1/liquidations/summary".to_owned();
        return Err(ApiError::parameter("MISSING_PARAMETER", "coin", message));
    };
    COURSE.history(context, format, Some(&coin), parameters).await
}
