//! Rows as they are due → lines of JSON, as a reply that goes on until they end or nobody wants them any more.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::time::interval;

use super::ended::{ENDINGS, Ended};
use super::playing::{Playing, Row, Step};
use super::stretch::Stretch;
use crate::Context;
use crate::gate::Pass;
use crate::openapi::form::{Form, Object};

/// What is due at once goes out in pieces of about so many bytes.
const PIECE_BYTES: usize = 16 * 1024;
/// So many wait for the client; whoever takes nothing for long is cut off where its bytes go out.
const PIECES: usize = 4;
/// How long somebody may go on listening whose key is good no longer.
const STAYS_UNSEEN: Duration = Duration::from_secs(1);

/// Nothing on the way may hold a line back until there are more: neither what packs replies, nor what passes them on.
pub(super) fn reply(context: Arc<Context>, pass: Pass, stretch: Stretch, playing: Playing) -> Response {
    let (pieces, told) = mpsc::channel(PIECES);
    let simulated = if context.simulated { "true" } else { "false" };
    tokio::spawn(tell(context, pass, stretch, playing, pieces));
    let headers = [
        (CONTENT_TYPE.as_str(), "application/x-ndjson"),
        (CONTENT_ENCODING.as_str(), "identity"),
        ("x-accel-buffering", "no"),
        ("x-fathom-simulated", simulated),
    ];
    let told = stream::unfold(told, async |mut told: mpsc::Receiver<Bytes>| {
        told.recv().await.map(|piece| (Ok::<_, Infallible>(piece), told))
    });
    (headers, Body::from_stream(told)).into_response()
}

/// Until there is nothing more, or somebody ends it.
async fn tell(context: Arc<Context>, pass: Pass, stretch: Stretch, mut playing: Playing, pieces: mpsc::Sender<Bytes>) {
    let mut rows = 0;
    let cut = cut(&context, &pass, &pieces);
    tokio::pin!(cut);
    let ended = loop {
        let step = tokio::select! {
            biased;
            cut = &mut cut => break cut.ended(stretch, rows),
            step = playing.next() => step,
        };
        let piece = match step {
            Step::Row(row) => piece(row, &mut playing, &mut rows),
            Step::Over(read) => break Some(Ended::of(stretch, rows, read)),
        };
        let sent = tokio::select! {
            biased;
            cut = &mut cut => break cut.ended(stretch, rows),
            sent = pieces.send(piece) => sent,
        };
        if sent.is_err() {
            break None;
        }
    };
    // The log is read no more, whether or not the client takes the last line.
    drop(playing);
    if let Some(ended) = ended {
        // A client that is gone needs no farewell.
        let _ = pieces.send(written(&Last { replay_ended: ended }).into()).await;
    }
}

/// Why it ends before its end.
enum Cut {
    Gone,
    Stop,
    Revoked,
}

impl Cut {
    fn ended(self, stretch: Stretch, rows: u64) -> Option<Ended> {
        match self {
            Self::Gone => None,
            Self::Stop => Some(Ended::by_the_server(stretch, rows)),
            Self::Revoked => Some(Ended::by_its_key(stretch, rows)),
        }
    }
}

async fn cut(context: &Context, pass: &Pass, pieces: &mpsc::Sender<Bytes>) -> Cut {
    let revoked = async {
        let mut at_the_door = interval(STAYS_UNSEEN);
        while !pass.may_be_revoked() || context.gate.lets_stay(pass) {
            at_the_door.tick().await;
        }
    };
    tokio::select! {
        () = pieces.closed() => Cut::Gone,
        () = context.live.stopped() => Cut::Stop,
        () = revoked => Cut::Revoked,
    }
}

/// The row, and those behind it that are due as well.
fn piece(row: Row, playing: &mut Playing, rows: &mut u64) -> Bytes {
    let mut piece = line(&row);
    *rows += 1;
    while piece.len() < PIECE_BYTES
        && let Some(row) = playing.next_now()
    {
        piece += &line(&row);
        *rows += 1;
    }
    piece.into()
}

#[derive(Serialize)]
struct Line<'a> {
    channel: &'a str,
    time: i64,
    partition: u32,
    offset: u64,
    replayed: bool,
    data: &'a RawValue,
}

#[derive(Serialize)]
struct Last {
    replay_ended: Ended,
}

fn line(Row { channel, time, update }: &Row) -> String {
    let (partition, offset, data) = (update.partition, update.offset, &update.row.data);
    written(&Line { channel: channel.name, time: *time, partition, offset, replayed: true, data })
}

/// Texts and numbers can always be written.
fn written(line: &impl Serialize) -> String {
    serde_json::to_string(line).unwrap_or_default() + "\n"
}

/// What a line may be.
pub(super) static FORMS: [Form; 2] = [Form::Object(&ROW), Form::Object(&LAST)];

static ROW: Object = Object {
    name: "replayed-row",
    fields: &[
        ("channel", Form::Text),
        ("time", Form::Integer),
        ("partition", Form::Integer),
        ("offset", Form::Integer),
        ("replayed", Form::Boolean),
        ("data", Form::Anything),
    ],
    optional: &[],
};

static LAST: Object = Object { name: "replay-end", fields: &[("replay_ended", Form::Object(&ENDED))], optional: &[] };

static ENDED: Object = Object { name: "replay-ended", fields: &ENDINGS, optional: &[] };
