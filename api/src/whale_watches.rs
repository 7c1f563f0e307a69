//! `/whales/watches` and the live channel `whale_watches`: which wallets are watched; one more, or one no longer. A watch is a
//! fact on the log: every computer hears of it within a second, and whoever is started later as well.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use schemas::{Amount, Message, Record, Text, WhaleWatch};
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;

use crate::Context;
use crate::channel::{ALL_THERE_IS, Channel, Kept, Key, LiveRow, Subject, Tells, whole};
use crate::endpoint::{Answer, Endpoint, Operation, Verb};
use crate::error::ApiError;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::parameters::{Parameters, read_wallet};
use crate::ratio_series::Series;
use crate::reply::{Coverage, Meta, Reply};

pub(crate) fn endpoints() -> Vec<Endpoint> {
    let operation = |summary, parameters, answer| Operation {
        summary,
        description: DEFINITION.to_owned(),
        parameters,
        answer,
        examples: &[],
    };
    let (path, row) = ("/api/v1/whales/watches", Form::Object(&WATCH));
    let listed = operation("Which wallets are watched", vec![Parameter::wallet("wallet")], Answer::Rows(row));
    let begun = operation("Watch a wallet, or watch it otherwise", Vec::new(), Answer::Made(&WANTED, row));
    let ended = operation("Watch a wallet no longer", vec![Parameter::wallet("wallet").in_path()], Answer::Done);
    vec![
        Endpoint::new(path, get(list), listed),
        Endpoint::new(path, post(begin), begun).asked_by(Verb::Post),
        Endpoint::new(format!("{path}/{{wallet}}"), delete(end), ended).asked_by(Verb::Delete),
    ]
}

const DEFINITION: &str = "wallets of which every order of a perpetual and every transfer from threshold on is told as a whale's, whatever the coin trades, and \
     at any size where threshold is null; it counts from a second of event time after time on, which is within a second of being asked for, \
     through every restart and for everybody who is served from the same log";

static WATCH: Object = Object {
    name: "whale-watch",
    fields: &[
        ("wallet", Form::Wallet),
        ("label", Form::Text),
        ("threshold", Form::Decimal),
        ("time", Form::Integer),
        ("removed", Form::Boolean),
    ],
    optional: &["removed"],
};

static WANTED: Object = Object {
    name: "WatchWanted",
    fields: &[("wallet", Form::Wallet), ("label", Form::Text), ("threshold", Form::Decimal)],
    optional: &["threshold"],
};

pub(crate) static CHANNEL: Channel = Channel {
    name: "whale_watches",
    alias: None,
    topic: WhaleWatch::TOPIC,
    kind: WhaleWatch::KIND,
    by_wallet: false,
    by_name: true,
    by_interval: false,
    by_kind: false,
    tells: Tells::State(keep),
    reaches_back: ALL_THERE_IS,
    filters: &[],
    row: Form::Object(&WATCH),
    live: |value| {
        let watch: WhaleWatch = serde_json::from_slice(value)?;
        let keys = vec![Key::All, Key::Name(watch.wallet.to_string())];
        let (interval, series, narrowed_by) = Default::default();
        Ok(LiveRow { keys, interval, series, narrowed_by, data: to_raw_value(&Row::of(watch))? })
    },
};

fn keep(record: &Record<'_>) -> serde_json::Result<Kept> {
    let watch: WhaleWatch = serde_json::from_slice(record.value.unwrap_or_default())?;
    Ok(Kept { group: record.key.to_vec(), rank: 0, value: whole(record), is_the_end: watch.removed })
}

/// A watch as it is told; live also the one that has ended.
#[derive(Serialize)]
struct Row {
    wallet: String,
    label: String,
    threshold: Option<Amount>,
    time: i64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
}

/// What became of a watch that was to begin or to end.
pub enum Watched {
    /// As it stands on the log.
    Written(WhaleWatch),
    /// There was none to end.
    NotThere,
    /// The log did not take it.
    Refused,
}

/// What a watch begins with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(alias = "address")]
    wallet: String,
    label: String,
    #[serde(default, alias = "min_notional", alias = "min_usd")]
    threshold: Option<Amount>,
}

const LONGEST_LABEL: usize = 64;

async fn list(State(context): State<Arc<Context>>, mut parameters: Parameters) -> Result<Reply<Vec<Row>>, ApiError> {
    let wallet = parameters.wallet()?;
    parameters.nothing_else()?;
    context.live.known_present()?;
    let key = wallet.map_or(Key::All, |wallet| Key::Name(wallet.to_string()));
    let subject = Subject { channel: CHANNEL.name, key, interval: None, series: Series::default() };
    let watches: Vec<WhaleWatch> = context.live.last(&CHANNEL, &subject);
    let mut meta = meta(&context);
    meta.as_of = watches.iter().map(|watch| watch.time).max();
    meta.reason = watches.is_empty().then_some("not_watched");
    Ok(Reply { data: watches.into_iter().map(Row::of).collect(), meta })
}

async fn begin(
    State(context): State<Arc<Context>>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Reply<Row>), ApiError> {
    let Json(wanted) =
        wanted.map_err(|refusal| ApiError::Unread { status: refusal.status(), said: refusal.body_text() })?;
    let watch = wanted.read()?;
    let written = write(&context, watch).await?;
    Ok((StatusCode::CREATED, Reply { data: Row::of(written), meta: meta(&context) }))
}

async fn end(State(context): State<Arc<Context>>, Path(wallet): Path<String>) -> Result<StatusCode, ApiError> {
    let wallet = read_wallet("wallet", &wallet)?;
    let ended = WhaleWatch { wallet, label: Text::from(""), min_notional: None, time: 0, removed: true };
    write(&context, ended).await.map(|_| StatusCode::NO_CONTENT)
}

async fn write(context: &Context, watch: WhaleWatch) -> Result<WhaleWatch, ApiError> {
    context.live.known_present()?;
    let (put, wallet) = (Arc::clone(&context.watch), watch.wallet);
    match tokio::task::spawn_blocking(move || put(watch)).await {
        Ok(Watched::Written(watch)) => Ok(watch),
        Ok(Watched::NotThere) => Err(ApiError::NotWatched { wallet }),
        Ok(Watched::Refused) | Err(_) => Err(ApiError::NotWritten),
    }
}

fn meta(context: &Context) -> Meta {
    let standing = context.live.standing(&[WhaleWatch::TOPIC]);
    Meta {
        definition: Some(DEFINITION),
        coverage: Coverage::ASKED_FOR,
        ..Meta::new(context, &standing, WhaleWatch::SCHEMA)
    }
}

impl Wanted {
    fn read(self) -> Result<WhaleWatch, ApiError> {
        let wallet = read_wallet("wallet", &self.wallet)?;
        let label = self.label.trim();
        if label.is_empty() || label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
            let message = format!("label has 1 to {LONGEST_LABEL} characters, none of which controls anything");
            return Err(ApiError::parameter("INVALID_LABEL", "label", message));
        }
        if self.threshold.is_some_and(|threshold| threshold.sign() < 0) {
            let message = "threshold is not negative; leave it out for any size".to_owned();
            return Err(ApiError::parameter("INVALID_THRESHOLD", "threshold", message));
        }
        Ok(WhaleWatch { wallet, label: Text::from(label), min_notional: self.threshold, time: 0, removed: false })
    }
}

impl Row {
    fn of(watch: WhaleWatch) -> Self {
        let WhaleWatch { wallet, label, min_notional, time, removed } = watch;
        Self { wallet: wallet.to_string(), label: label.to_string(), threshold: min_notional, time, removed }
    }
}
