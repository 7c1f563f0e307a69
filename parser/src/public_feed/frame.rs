//! The bytes of one frame → what it is. What a trade or a context says is understood by those who make facts of it.

use std::borrow::Cow;

use schemas::Coin;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::object::Fields;
use super::subscription::Request;
use crate::dead_letter::Reject;

#[derive(Debug)]
pub enum Frame<'a> {
    /// The one frame that is no JSON.
    Greeting,
    /// A request was accepted. The echo may hold defaults that nobody sent, or what is not understood.
    Accepted(Option<Request>),
    Pong,
    Trades(Vec<&'a RawValue>),
    /// Per dex, in the order of its universe.
    AllContexts(Vec<(Cow<'a, str>, Vec<&'a RawValue>)>),
    Context(Coin, &'a RawValue),
    /// Of a dex, by name.
    Mids(Cow<'a, str>, Vec<(String, &'a RawValue)>),
    Error(Cow<'a, str>),
    /// A channel that nobody here asked for.
    Other,
}

const GREETING: &[u8] = b"Websocket connection established.";

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

pub fn understand(bytes: &[u8]) -> Result<Frame<'_>, Reject> {
    if bytes.trim_ascii() == GREETING {
        return Ok(Frame::Greeting);
    }
    let message: Message<'_> = serde_json::from_slice(bytes).map_err(not_a_frame)?;
    let data = message.data.map_or("null", RawValue::get);
    match &*message.channel {
        "subscriptionResponse" => Ok(Frame::Accepted(serde_json::from_str(data).ok())),
        "pong" => Ok(Frame::Pong),
        "trades" => Ok(Frame::Trades(read(data)?)),
        "allDexsAssetCtxs" => Ok(Frame::AllContexts(read::<AllContexts<'_>>(data)?.in_order())),
        "activeAssetCtx" => read::<Context<'_>>(data).map(|context| Frame::Context(context.coin, context.ctx)),
        "allMids" => read::<Mids<'_>>(data).map(|mids| Frame::Mids(mids.dex.unwrap_or_default(), mids.mids.0)),
        "error" => Ok(Frame::Error(serde_json::from_str::<String>(data).map_or(Cow::Borrowed(data), Cow::Owned))),
        _ => Ok(Frame::Other),
    }
}

#[derive(Deserialize)]
struct AllContexts<'a> {
    #[serde(borrow)]
    ctxs: Vec<(Name<'a>, Vec<&'a RawValue>)>,
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> AllContexts<'a> {
    fn in_order(self) -> Vec<(Cow<'a, str>, Vec<&'a RawValue>)> {
        self.ctxs.into_iter().map(|(Name(dex), contexts)| (dex, contexts)).collect()
    }
}

#[derive(Deserialize)]
struct Context<'a> {
    coin: Coin,
    #[serde(borrow)]
    ctx: &'a RawValue,
}

/// The main dex's do not name it.
#[derive(Deserialize)]
struct Mids<'a> {
    #[serde(borrow)]
    dex: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mids: Fields<'a>,
}

fn read<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, Reject> {
    serde_json::from_str(data).map_err(not_a_frame)
}

fn not_a_frame(error: serde_json::Error) -> Reject {
    Reject::Frame { reason: error.to_string() }
}

impl Frame<'_> {
    /// Whether it is of the market, and not of the conversation.
    pub fn is_of_the_market(&self) -> bool {
        matches!(self, Self::Trades(_) | Self::AllContexts(_) | Self::Context(..) | Self::Mids(..))
    }
}
