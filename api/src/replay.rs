//! `/api/v1/replay` and the option `replay` of a subscription: what was told of some channels in a stretch of the past, once
//! more, in the order in which it happened and as fast as is asked for. It comes from the log and goes to whoever asked for
//! it, and to nobody else: what is live passes elsewhere.

mod ended;
mod lines;
mod on_a_connection;
mod places;
mod playing;
mod stretch;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use schemas::Interval;

use crate::Context;
use crate::channel::{CHANNELS, Channel, Key, Subject};
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::gate::Caller;
use crate::live::Filter;
use crate::openapi::parameter::Parameter;
use crate::parameters::{Parameters, unknown_interval};
use crate::ratio_series::{NotASeries, Series};

pub(crate) use ended::{ENDINGS, Ended};
pub(crate) use on_a_connection::tell;
pub(crate) use places::OF_A_CALLER;
pub use places::Replays;
pub use playing::{Between, Passing, ReplayAgain};
pub(crate) use stretch::{Speed, Stretch, Wanted};

use places::Place;
use playing::{Part, Playing};

pub(crate) fn endpoint() -> Endpoint {
    let words = "what was told live of one channel or several behind `from` and up to `to`, 24 hours at most, as lines of \
         JSON in the order in which it happened, at the speed it had or another one; the last line says how it ended, and \
         where there is none it was cut; a row that changes is told as often as it was, as far as the log still keeps it; two \
         replays at once are for each caller";
    let [kind, cohort] = Parameter::kind_of_holders_and_cohort();
    let operation = Operation {
        summary: "A stretch of the past as if it were live",
        description: words.to_owned(),
        parameters: vec![
            Parameter::text("channel", "whale-activities,liquidations").required(),
            Parameter::time("from", "-1000").required(),
            Parameter::time("to", "4102444800000"),
            Parameter::text_or("speed", "max", "1"),
            Parameter::text_or("key", "BTC", "*"),
            Parameter::words("interval", &Interval::ALL.map(Interval::name)),
            kind,
            cohort,
        ],
        answer: Answer::Lines(&lines::FORMS),
        examples: &["?channel=long_short_ratio&key=BTC&interval=1m&from=-60000&to=-1000&speed=max"],
    };
    Endpoint::new("/api/v1/replay", get(replay), operation)
}

async fn replay(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response, ApiError> {
    let (parts, wanted) = (parts(&context, &mut parameters)?, wanted(&mut parameters)?);
    parameters.nothing_else()?;
    context.live.known_present()?;
    let (stretch, place) = grant(&context, &caller, wanted)?;
    let (playing, _) = Playing::begin(&context, parts, stretch, place).await?;
    let pass = context.gate.pass(&headers);
    Ok(lines::reply(context, pass, stretch, playing))
}

/// By what has come in, where there is room for one more.
pub(crate) fn grant(context: &Context, caller: &Caller, wanted: Wanted) -> Result<(Stretch, Place), ApiError> {
    let stretch = wanted.within(context.live.watermark().ok_or(ApiError::NotReady)?)?;
    Ok((stretch, context.gate.replays.take(caller)?))
}

/// One of each channel; what is said of interval, kind and cohort is for those that have such.
fn parts(context: &Context, parameters: &mut Parameters) -> Result<Vec<Part>, ApiError> {
    let channels = channels(parameters)?;
    let key = parameters.text("key")?.unwrap_or_else(|| "*".to_owned());
    let interval = parameters.text("interval")?.map(|text| {
        let refused = |()| ApiError::parameter("INVALID_INTERVAL", "interval", unknown_interval(&text));
        text.parse::<Interval>().map_err(refused)
    });
    let (interval, kind, cohort) = (interval.transpose()?, parameters.text("kind")?, parameters.text("cohort")?);
    let series = Series::read(kind.as_deref(), cohort.as_deref())
        .map_err(|NotASeries { parameter, code, message }| ApiError::parameter(code, parameter, message))?;
    let part = |channel: &'static Channel| {
        if channel.is_of_everything() && key != "*" {
            let message = format!("key is {key:?}; {} is of the whole market: give \"*\", or no key", channel.name);
            return Err(ApiError::parameter("INVALID_KEY", "key", message));
        }
        let interval = interval.filter(|_| channel.by_interval);
        let series = if channel.by_kind { series } else { Series::default() };
        let subject = Subject { channel: channel.name, key: Key::read(channel, &key), interval, series };
        Ok(Part { channel, subject: context.live.by_its_own_name(subject), filter: Filter::default() })
    };
    channels.into_iter().map(part).collect()
}

/// By their names, each once; those of their topics are as good.
fn channels(parameters: &mut Parameters) -> Result<Vec<&'static Channel>, ApiError> {
    let names = || CHANNELS.map(|channel| channel.name).join(", ");
    let given = parameters.text("channel")?.ok_or_else(|| {
        let message = format!("a replay is of channels; give channel, one or several of {}", names());
        ApiError::parameter("MISSING_PARAMETER", "channel", message)
    })?;
    let mut channels: Vec<&'static Channel> = Vec::new();
    for name in given.split(',').map(str::trim) {
        let channel = Channel::named(&name.replace('-', "_")).ok_or_else(|| {
            let message = format!("{name:?} is not a channel; those are {}", names());
            ApiError::parameter("UNKNOWN_CHANNEL", "channel", message)
        })?;
        if channels.iter().all(|known| known.name != channel.name) {
            channels.push(channel);
        }
    }
    Ok(channels)
}

fn wanted(parameters: &mut Parameters) -> Result<Wanted, ApiError> {
    let from = parameters.time("from")?.ok_or_else(|| {
        let message = "a replay begins somewhere; give from, in milliseconds UTC, or -3600000 for an hour ago";
        ApiError::parameter("MISSING_PARAMETER", "from", message.to_owned())
    })?;
    let to = parameters.time("to")?;
    let speed = parameters.text("speed")?.map_or(Ok(Speed::LIVE), |text| {
        text.parse()
            .map_err(|_| ApiError::parameter("INVALID_SPEED", "speed", Speed::refusal(format_args!("{text:?}"))))
    })?;
    Ok(Wanted { from, to, speed })
}
