//! Rows as they are due → one subscription of a connection, which hears nothing else and is over when they are. What is
//! live on the same connection goes before them.

use std::sync::Arc;

use super::ended::Ended;
use super::places::Place;
use super::playing::{Part, Playing, Step};
use super::stretch::Stretch;
use crate::Context;
use crate::live::{Heard, Outlet, Subscribed};
use crate::websocket::frames;

/// Returns when it is over, or the client has ended it: then nothing more is said.
pub(crate) async fn tell(
    context: Arc<Context>,
    outlet: Arc<Outlet>,
    subscribed: Subscribed,
    stretch: Stretch,
    place: Place,
) {
    let id = subscribed.id;
    let ended = tokio::select! {
        biased;
        () = outlet.forgets(id) => return,
        ended = play(&context, &outlet, &subscribed, stretch, place) => ended,
    };
    outlet.end_replay(id, frames::replay_ended(&subscribed, &ended)).await;
}

async fn play(
    context: &Arc<Context>,
    outlet: &Outlet,
    subscribed: &Subscribed,
    stretch: Stretch,
    place: Place,
) -> Ended {
    let Subscribed { id, channel, subject, filter, .. } = subscribed;
    let part = Part { channel, subject: subject.clone(), filter: filter.clone() };
    let (mut rows, mut playing) = match Playing::begin(context, vec![part], stretch, place).await {
        Ok((playing, from)) => {
            let of_topic = from.into_iter().filter(|((topic, _), _)| *topic == channel.topic.name);
            let next = of_topic.map(|((_, partition), next)| (partition, next)).collect();
            outlet.stands_at(*id, &Heard { generation: subscribed.generation, next });
            (0, playing)
        }
        Err(unread) => return Ended::of(stretch, 0, Err(unread)),
    };
    loop {
        match playing.next().await {
            Step::Row(row) => {
                rows += 1;
                outlet.play(*id, row.update).await;
            }
            Step::Over(read) => return Ended::of(stretch, rows, read),
        }
    }
}
