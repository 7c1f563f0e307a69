//! `/wallets/distribution` and the live channel `wallet_distribution`, by `size` or by `pnl`: how the wallets that hold something are spread by size or by profit.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::{Amount, Measure, Message, WalletDistribution, WalletTier};
use serde::Serialize;
use sqlx::FromRow;

use crate::channel::{Channel, HOUR, Key, LiveRow, Subject, Tells, by_bucket};
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::query::Query;
use crate::ratio_series::Series;
use crate::reply::{Meta, Reply};
use crate::standing::Standing;
use crate::stored::Json;
use crate::{Context, holes, standing};

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("/api/v1/wallets/distribution", get(distribution), operation())
}

pub(crate) fn operation() -> Operation {
    let measures = [Measure::Size, Measure::Pnl].map(Measure::name);
    Operation {
        summary: "How the wallets that hold something are spread by size or by profit",
        description: DEFINITION.to_owned(),
        parameters: vec![Parameter::words_or("by", &measures, measures[0]), Parameter::time("time", "4102444800000")],
        answer: Answer::OneOrNull(Form::Object(&DISTRIBUTION)),
        examples: &["?time=0"],
    }
}

static DISTRIBUTION: Object = Object {
    name: "wallet-distribution",
    fields: &[
        ("by", Form::Text),
        ("time", Form::Integer),
        ("tiers", Form::List(&Form::Object(&TIER))),
        ("total", Form::Object(&TOTAL)),
        ("not_valued", Form::Integer),
        ("block", Form::Integer),
        ("clock", Form::Integer),
    ],
    optional: &[],
};

pub(crate) static TIER: Object = Object {
    name: "wallet-tier",
    fields: &[
        ("name", Form::Text),
        ("from", Form::Decimal),
        ("below", Form::Decimal),
        ("wallets", Form::Integer),
        ("long", Form::Decimal),
        ("short", Form::Decimal),
        ("bias", Form::Decimal),
        ("net_long", Form::Integer),
        ("net_short", Form::Integer),
        ("in_profit", Form::Integer),
        ("in_loss", Form::Integer),
        ("cost_unknown", Form::Integer),
        ("reason", Form::Text),
    ],
    optional: &["net_long", "net_short"],
};

static TOTAL: Object = Object { name: "wallet-total", fields: TIER.fields.split_at(3).1, optional: TIER.optional };

pub(crate) static CHANNEL: Channel = Channel {
    name: "wallet_distribution",
    alias: None,
    topic: WalletDistribution::TOPIC,
    kind: WalletDistribution::KIND,
    by_wallet: false,
    by_name: true,
    by_interval: false,
    by_kind: false,
    tells: Tells::State(by_bucket),
    reaches_back: HOUR,
    filters: &[],
    row: Form::Object(&DISTRIBUTION),
    live: |value| {
        let minute: WalletDistribution = serde_json::from_slice(value)?;
        let by = minute.by;
        let told = Distribution::of(by, Row::from(minute));
        let keys = vec![Key::All, Key::Name(by.name().to_owned())];
        let (interval, series, narrowed_by) = Default::default();
        Ok(LiveRow { keys, interval, series, narrowed_by, data: serde_json::value::to_raw_value(&told)? })
    },
};

const DEFINITION: &str = "wallets with an open perpetual position, at the marks of the minute; by size, of what is held in all coins, long and \
     short added up; by pnl, of what the open positions have realised since they were seen, fees in USDC taken off, and would \
     realise at the marks; from is in a tier, below is not; bias is (long - short) / (long + short); net_long and net_short are wallets that hold more on that side, who holds as \
     much on both is in neither; in profit and in loss are \
     what open positions would realise; not_valued are wallets of which a mark, or by pnl what was paid, is not known; \
     what happened in a hole of the source is in no sum, and complete is false where there is one in the minute";

#[derive(FromRow)]
struct Row {
    time: i64,
    #[sqlx(try_from = "String")]
    tiers: Json<Vec<WalletTier>>,
    not_valued: i64,
    block: i64,
    clock: i64,
}

impl From<WalletDistribution> for Row {
    fn from(WalletDistribution { time, tiers, not_valued, block, clock, .. }: WalletDistribution) -> Self {
        let (not_valued, block) = (not_valued.cast_signed(), block.cast_signed());
        Self { time, tiers: Json(tiers), not_valued, block, clock }
    }
}

#[derive(Serialize)]
pub(crate) struct Distribution {
    pub(crate) by: Measure,
    pub(crate) time: i64,
    pub(crate) tiers: Vec<Tier>,
    /// Of all tiers.
    pub(crate) total: Total,
    not_valued: i64,
    block: i64,
    clock: i64,
}

#[derive(Serialize)]
pub(crate) struct Tier {
    pub(crate) name: String,
    pub(crate) from: Option<Amount>,
    pub(crate) below: Option<Amount>,
    #[serde(flatten)]
    pub(crate) total: Total,
}

/// Money is null when it is too large for an exact decimal, bias also where nothing is held.
#[derive(Clone, Serialize)]
pub(crate) struct Total {
    pub(crate) wallets: u64,
    pub(crate) long: Option<Amount>,
    pub(crate) short: Option<Amount>,
    bias: Option<Amount>,
    /// Absent where it was not counted yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    net_long: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    net_short: Option<u64>,
    in_profit: u64,
    in_loss: u64,
    cost_unknown: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

async fn distribution(
    State(context): State<Arc<Context>>,
    parameters: Parameters,
) -> Result<Reply<Option<Distribution>>, ApiError> {
    latest(&context, parameters).await
}

/// The last one, or the last one by the time that is asked for.
pub(crate) async fn latest(
    context: &Context,
    mut parameters: Parameters,
) -> Result<Reply<Option<Distribution>>, ApiError> {
    let words = [Measure::Size, Measure::Pnl].map(|measure| (measure.name(), measure));
    let by = parameters.word("by", "INVALID_BY", &words)?.unwrap_or(Measure::Size);
    let time = parameters.time("time")?;
    parameters.nothing_else()?;

    let (told, standing) = match time {
        None => at_present(context, by)?,
        Some(time) => by_then(context, by, time).await?,
    };
    let mut meta = Meta { definition: Some(DEFINITION), ..Meta::new(context, &standing, WalletDistribution::SCHEMA) };
    let none = if time.is_some() { "not_known_at_that_time" } else { "nothing_held_yet" };
    meta.reason = told.is_none().then(|| standing.reason_for_nothing().unwrap_or(none));
    meta.as_of = told.as_ref().map(|(row, _)| row.clock);
    meta.complete = told.as_ref().is_none_or(|(_, is_whole)| *is_whole);
    Ok(Reply { data: told.map(|(row, _)| Distribution::of(by, row)), meta })
}

/// A minute, and whether nothing is missing in it.
type Minute = Option<(Row, bool)>;

/// The last minute, without the database.
fn at_present(context: &Context, by: Measure) -> Result<(Minute, Standing), ApiError> {
    context.live.known_present()?;
    let standing = context.live.standing(&[WalletDistribution::TOPIC]);
    let (key, series) = (Key::Name(by.name().to_owned()), Series::default());
    let subject = Subject { channel: CHANNEL.name, key, interval: None, series };
    let last = context.live.last::<WalletDistribution>(&CHANNEL, &subject).pop().map(Row::from);
    let whole = |row: &Row| !holes::are_known_in(&context.live, minute(row.time));
    Ok((
        last.map(|row| {
            let is_whole = whole(&row);
            (row, is_whole)
        }),
        standing,
    ))
}

/// The last minute that was known at a time.
async fn by_then(context: &Context, by: Measure, time: i64) -> Result<(Minute, Standing), ApiError> {
    let mut moment = context.database.one_moment().await?;
    let standing = standing::of(&mut moment, context.generation, &[WalletDistribution::TOPIC]).await?;
    let row: Option<Row> = moment.first(last_row(context.generation, by, time)).await?;
    let Some(row) = row else { return Ok((None, standing)) };
    let (from, until) = minute(row.time);
    let is_whole = !holes::are_in(&mut moment, context.generation, (from, Some(until))).await?;
    Ok((Some((row, is_whole)), standing))
}

fn minute(time: i64) -> (i64, i64) {
    (time, time + MINUTE_MS)
}

const MINUTE_MS: i64 = 60_000;

fn last_row(generation: u32, by: Measure, time: i64) -> Query {
    let mut query =
        Query::new("SELECT time, CAST(tiers AS TEXT) AS tiers, not_valued, block, clock FROM wallet_distribution");
    query.push(" WHERE generation = ").push_bind(generation).push(" AND measure = ").push_bind(by.name());
    query.push(" AND time <= ").push_bind(time).push(" ORDER BY time DESC LIMIT 1");
    query
}

impl Distribution {
    fn of(by: Measure, Row { time, tiers: Json(tiers), not_valued, block, clock }: Row) -> Self {
        let total = tiers.iter().map(Total::of).fold(Total::NOTHING, Total::plus).biased();
        let tier = |tier: WalletTier| Tier {
            total: Total::of(&tier).biased(),
            name: tier.name.to_string(),
            from: tier.from,
            below: tier.below,
        };
        Self { by, time, tiers: tiers.into_iter().map(tier).collect(), total, not_valued, block, clock }
    }
}

impl Total {
    const NOTHING: Self = Self {
        wallets: 0,
        long: Some(Amount::ZERO),
        short: Some(Amount::ZERO),
        bias: None,
        net_long: Some(0),
        net_short: Some(0),
        in_profit: 0,
        in_loss: 0,
        cost_unknown: 0,
        reason: None,
    };

    fn of(tier: &WalletTier) -> Self {
        let WalletTier { wallets, long, short, net_long, net_short, in_profit, in_loss, cost_unknown, .. } = *tier;
        Self { wallets, long, short, net_long, net_short, in_profit, in_loss, cost_unknown, ..Self::NOTHING }
    }

    fn plus(self, more: Self) -> Self {
        Self {
            wallets: self.wallets + more.wallets,
            long: Amount::sum(self.long, more.long),
            short: Amount::sum(self.short, more.short),
            net_long: count(self.net_long, more.net_long),
            net_short: count(self.net_short, more.net_short),
            in_profit: self.in_profit + more.in_profit,
            in_loss: self.in_loss + more.in_loss,
            cost_unknown: self.cost_unknown + more.cost_unknown,
            ..self
        }
    }

    fn biased(self) -> Self {
        let gross = Amount::sum(self.long, self.short);
        let net = Amount::sum(self.long, self.short.map(Amount::negated));
        let bias = net.zip(gross).and_then(|(net, gross)| net.over(gross).ok());
        let reason = match (gross, bias) {
            (_, Some(_)) => None,
            (Some(gross), None) if gross.is_zero() => Some("nothing_held"),
            _ => Some("too_large_to_be_exact"),
        };
        Self { bias, reason, ..self }
    }
}

fn count(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.zip(other).map(|(one, other)| one + other)
}
