//! `/wallets/{address}`: what a wallet has made, paid and traded, and what it holds at the marks.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::routing::get;
use schemas::{Amount, Message, Position, WalletSummary};
use serde::Serialize;

use crate::error::ApiError;
use crate::parameters::{Parameters, read_wallet};
use crate::query::Query;
use crate::reply::{Meta, Reply};
use crate::valued_position::{self, ValuedPosition};
use crate::wallet_summary::{self, SummaryRow};
use crate::{Context, standing};

pub(crate) fn routes() -> Router<Arc<Context>> {
    Router::new().route("/api/v1/wallets/{address}", get(wallet))
}

#[derive(Serialize)]
struct WalletReply {
    wallet: String,
    /// Null before the first minute in which it has traded has ended.
    summary: Option<SummaryRow>,
    exposure: Exposure,
    positions: Vec<ValuedPosition>,
}

/// What is held in all coins together, at the marks.
#[derive(Serialize)]
struct Exposure {
    long: Option<Amount>,
    short: Option<Amount>,
    gross: Option<Amount>,
    net: Option<Amount>,
    unrealised_pnl: Option<Amount>,
    /// Why something is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

async fn wallet(
    State(context): State<Arc<Context>>,
    AskedWallet(wallet): AskedWallet,
    parameters: Parameters,
) -> Result<Reply<Option<WalletReply>>, ApiError> {
    parameters.nothing_else()?;

    let mut moment = context.database.one_moment().await?;
    let topics = [WalletSummary::TOPIC, Position::TOPIC];
    let standing = standing::of(&mut moment, context.generation, &topics).await?;
    let summary: Option<SummaryRow> = moment.first(summary(context.generation, &wallet)).await?;
    let positions: Vec<ValuedPosition> = moment.all(positions(context.generation, &wallet)).await?;

    let mut meta = Meta::new(&context, &standing, "wallet/1");
    meta.definition = Some(wallet_summary::DEFINITION);
    let clocks = positions.iter().map(|row| row.clock);
    meta.as_of = clocks.chain(summary.iter().map(|row| row.time)).max();
    if summary.is_none() && positions.is_empty() {
        meta.reason = standing.reason_for_nothing().or(Some("not_seen"));
        return Ok(Reply { data: None, meta });
    }
    let positions: Vec<ValuedPosition> = positions.into_iter().map(ValuedPosition::valued).collect();
    let exposure = Exposure::of(&positions);
    let summary = summary.map(SummaryRow::explained);
    Ok(Reply { data: Some(WalletReply { wallet, summary, exposure, positions }), meta })
}

fn summary(generation: u32, wallet: &str) -> Query {
    let mut query =
        Query::new(format_args!("SELECT {} FROM wallet_summaries WHERE generation = ", wallet_summary::COLUMNS));
    query.push_bind(generation).push(" AND wallet = ").push_bind(wallet);
    query
}

/// No more than there are coins.
fn positions(generation: u32, wallet: &str) -> Query {
    valued_position::select(generation, None, |query| {
        query.push(" AND wallet = ").push_bind(wallet);
    })
}

impl Exposure {
    fn of(positions: &[ValuedPosition]) -> Self {
        let of_side = |side: &str| total(positions.iter().filter(|row| row.side == side).map(|row| row.notional));
        let (long, short) = (of_side("long"), of_side("short"));
        let unrealised_pnl = total(positions.iter().map(|row| row.unrealised_pnl));
        let is_known = long.is_some() && short.is_some() && unrealised_pnl.is_some();
        Self {
            long,
            short,
            gross: total([long, short].into_iter()),
            net: total([long, short.map(Amount::negated)].into_iter()),
            unrealised_pnl,
            reason: (!is_known).then_some("a_position_has_no_value"),
        }
    }
}

fn total(mut amounts: impl Iterator<Item = Option<Amount>>) -> Option<Amount> {
    amounts.try_fold(Amount::ZERO, |sum, amount| sum.plus(amount?).ok())
}

/// The address in a path, as it is stored.
struct AskedWallet(String);

impl<S: Send + Sync> FromRequestParts<S> for AskedWallet {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // What is no text is no address either.
        let address =
            Path::<String>::from_request_parts(parts, state).await.map_or_else(|_| String::new(), |path| path.0);
        read_wallet("address", &address).map(|wallet| Self(wallet.to_string()))
    }
}
