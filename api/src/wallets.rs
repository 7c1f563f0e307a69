//! `/wallets/{address}`: what a wallet has made, paid and traded, and what it holds at the marks.

use std::sync::{Arc, LazyLock};

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::routing::get;
use schemas::{Amount, Message, WalletSummary};
use serde::Serialize;

use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::parameters::{Parameters, read_wallet};
use crate::query::Query;
use crate::reply::{Meta, Reply};
use crate::valued_position::{self, ValuedPosition};
use crate::wallet_summary::{self, SummaryRow};
use crate::{Context, holes, standing};

pub(crate) fn endpoint() -> Endpoint {
    let operation = Operation {
        summary: "What a wallet has made, paid and traded, and what it holds",
        description: DEFINITION.clone(),
        parameters: vec![Parameter::wallet("address").in_path()],
        answer: Answer::OneOrNull(Form::Object(&WALLET)),
        examples: &[],
    };
    Endpoint::new("/api/v1/wallets/{address}", get(wallet), operation)
}

static WALLET: Object = Object {
    name: "wallet",
    fields: &[
        ("wallet", Form::Wallet),
        ("summary", Form::Object(&wallet_summary::SUMMARY)),
        ("reason", Form::Text),
        ("exposure", Form::Object(&EXPOSURE)),
        ("positions", Form::List(&Form::Object(&valued_position::POSITION))),
    ],
    optional: &[],
};

static EXPOSURE: Object = Object {
    name: "exposure",
    fields: &[
        ("long", Form::Decimal),
        ("short", Form::Decimal),
        ("gross", Form::Decimal),
        ("net", Form::Decimal),
        ("unrealised_pnl", Form::Decimal),
        ("reason", Form::Text),
    ],
    optional: &[],
};

static DEFINITION: LazyLock<String> = LazyLock::new(|| {
    let (summary, positions) = (wallet_summary::DEFINITION, valued_position::DEFINITION);
    format!(
        "summary: {summary}. exposure: notional and unrealised_pnl of the positions of each side summed up, gross is long \
         and short, net is long less short. positions: {positions}"
    )
});

#[derive(Serialize)]
struct WalletReply {
    wallet: String,
    /// Of its fills, by whole minutes.
    summary: Option<SummaryRow>,
    /// Why there is no summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
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
    let [held, at_risk] = valued_position::TOPICS;
    let topics = [WalletSummary::TOPIC, held, at_risk];
    let standing = standing::of(&mut moment, context.generation, &topics).await?;
    let summary: Option<SummaryRow> = moment.first(summary(context.generation, &wallet)).await?;
    let positions: Vec<ValuedPosition> = moment.all(positions(context.generation, &wallet)).await?;

    let mut meta = Meta::new(&context, &standing, "wallet/1");
    meta.definition = Some(&DEFINITION);
    if let Some(summary) = &summary {
        meta.complete = !holes::are_in(&mut moment, context.generation, (summary.first_seen, None)).await?;
    }
    let clocks = positions.iter().map(|row| row.clock);
    meta.as_of = clocks.chain(summary.iter().map(|row| row.time)).max();
    if summary.is_none() && positions.is_empty() {
        meta.reason = standing.reason_for_nothing().or(Some("not_seen"));
        return Ok(Reply { data: None, meta });
    }
    let positions: Vec<ValuedPosition> = positions.into_iter().map(ValuedPosition::valued).collect();
    let exposure = Exposure::of(&positions);
    let reason = if summary.is_none() { Some(reason_for_no_summary(&positions)) } else { None };
    let summary = summary.map(SummaryRow::explained);
    Ok(Reply { data: Some(WalletReply { wallet, summary, reason, exposure, positions }), meta })
}

fn reason_for_no_summary(positions: &[ValuedPosition]) -> &'static str {
    let has_traded = positions.iter().any(|row| row.source == "fill");
    if has_traded { "its_first_minute_has_not_ended" } else { "told_by_the_account_alone" }
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
        let (gross, net) = (Amount::sum(long, short), Amount::sum(long, short.map(Amount::negated)));
        let is_known = [gross, net, unrealised_pnl].iter().all(Option::is_some);
        let reason = if is_known { None } else { Some(reason_for_no_sum(positions)) };
        Self { long, short, gross, net, unrealised_pnl, reason }
    }
}

fn reason_for_no_sum(positions: &[ValuedPosition]) -> &'static str {
    if positions.iter().any(|row| row.notional.is_none()) {
        "a_position_has_no_value"
    } else if positions.iter().any(|row| row.entry_px.0.is_none()) {
        "an_entry_price_is_not_known"
    } else {
        "too_large_to_be_exact"
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
