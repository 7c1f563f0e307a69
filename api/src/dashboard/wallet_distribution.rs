//! `/wallet/distribution`: how wallets are spread by size or by profit, tier by tier as a table shows it.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::Amount;
use serde::Serialize;

use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::openapi::form::{Form, Object, joined};
use crate::parameters::Parameters;
use crate::reply::Reply;
use crate::time_of_day::now;
use crate::wallet_distribution::{self, Distribution, Tier, Total};
use crate::{Context, shown};

pub(super) fn endpoint() -> Endpoint {
    let operation = Operation {
        summary: "How wallets are spread by size or by profit, as a table shows it",
        answer: Answer::OneOrNull(Form::Object(&DISTRIBUTION)),
        ..wallet_distribution::operation()
    };
    Endpoint::new("/api/v1/wallet/distribution", get(distribution), operation)
}

static DISTRIBUTION: Object = Object {
    name: "shown-wallet-distribution",
    fields: &[
        ("time", Form::Integer),
        ("time_display", Form::Text),
        ("tiers", Form::List(&Form::Object(&TIER))),
        ("total", Form::Object(&TOTAL)),
    ],
    optional: &[],
};

static TIER: Object = Object {
    name: "shown-wallet-tier",
    fields: &joined::<18>(&[
        wallet_distribution::TIER.fields.split_at(3).0,
        &[("range_display", Form::Text)],
        wallet_distribution::TIER.fields.split_at(3).1,
        &[
            ("wallets_share_display", Form::Text),
            ("long_display", Form::Text),
            ("short_display", Form::Text),
            ("held_display", Form::Text),
        ],
    ]),
    optional: &["net_long", "net_short"],
};

static TOTAL: Object =
    Object { name: "shown-wallet-total", fields: TIER.fields.split_at(4).1, optional: TIER.optional };

#[derive(Serialize)]
struct ShownDistribution {
    time: i64,
    time_display: String,
    tiers: Vec<ShownTier>,
    total: Shown,
}

#[derive(Serialize)]
struct ShownTier {
    name: String,
    from: Option<Amount>,
    below: Option<Amount>,
    /// From where it is to where it ends.
    range_display: String,
    #[serde(flatten)]
    shown: Shown,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    total: Total,
    /// Of all wallets.
    wallets_share_display: Option<String>,
    long_display: Option<String>,
    short_display: Option<String>,
    held_display: Option<String>,
}

async fn distribution(
    State(context): State<Arc<Context>>,
    parameters: Parameters,
) -> Result<Reply<Option<ShownDistribution>>, ApiError> {
    let Reply { data, meta } = wallet_distribution::latest(&context, parameters).await?;
    Ok(Reply { data: data.map(ShownDistribution::of), meta })
}

impl ShownDistribution {
    fn of(distribution: Distribution) -> Self {
        let Distribution { time, tiers, total, .. } = distribution;
        let wallets = total.wallets;
        let tiers = tiers.into_iter().map(|tier| ShownTier::of(tier, wallets)).collect();
        Self { time, time_display: shown::ago(time, now()), tiers, total: Shown::of(total, wallets) }
    }
}

impl ShownTier {
    fn of(Tier { name, from, below, total }: Tier, wallets: u64) -> Self {
        let [low, high] = [from, below].map(|bound| bound.and_then(shown::usd));
        let range_display = match (low, high) {
            (Some(low), Some(high)) => format!("{low} to {high}"),
            (Some(low), None) => format!("{low} and more"),
            (None, Some(high)) => format!("below {high}"),
            (None, None) => "all".to_owned(),
        };
        Self { name, from, below, range_display, shown: Shown::of(total, wallets) }
    }
}

impl Shown {
    fn of(total: Total, of_wallets: u64) -> Self {
        let [part, whole] = [total.wallets, of_wallets].map(|count| Amount::from(count.cast_signed()));
        Self {
            wallets_share_display: part.over(whole).ok().and_then(shown::percent),
            long_display: total.long.and_then(shown::usd),
            short_display: total.short.and_then(shown::usd),
            held_display: Amount::sum(total.long, total.short).and_then(shown::usd),
            total,
        }
    }
}
