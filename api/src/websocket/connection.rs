//! One client: its requests and the live results in, frames out. Everything happens in one task, so that a subscription
//! has one order; only the socket is written by another, which is the one that may have to wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, SplitStream};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::MESSAGE_BYTES;
use super::ending::Ending;
use super::frames;
use super::request::{Request, Wish};
use super::snapshot::{self, NoSnapshot, Outlet, PARTS_WAITING, Snapshot};
use super::subscription::{Subscription, Told};
use super::writer::{FAREWELL_PATIENCE, Frame, write};
use crate::channel::{Channel, Key, Subject};
use crate::live::Update;
use crate::measure::{self, Counted};
use crate::{Context, coin};

const QUEUE_FRAMES: usize = 1024;
const MAX_SUBSCRIPTIONS: usize = 1000;
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long an answer may wait for a client that does not read.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// How long live results may wait for one.
const BURST_PATIENCE: Duration = Duration::from_secs(2);

const LOOK_UP_FAILED: &str = "the coin could not be looked up, the database is busy; ask again in a second";

pub(crate) async fn serve(socket: WebSocket, context: Arc<Context>) {
    // Before anything is promised to the client.
    let (mut updates, _counted) = (context.live.listen(), Counted::connection());
    let (outgoing, mut incoming) = socket.split();
    let (queue, frames) = mpsc::channel(QUEUE_FRAMES);
    let (farewell, last_words) = oneshot::channel();
    let writer = tokio::spawn(write(outgoing, frames, last_words));
    let mut connection = Connection::new(context, queue);
    let ending = connection.run(&mut incoming, &mut updates).await;
    if ending == Ending::Slow {
        measure::lagged();
    }
    if let Some(words) = ending.farewell() {
        // The writer may be gone already, with the socket.
        let _ = farewell.send(words);
    }
    // Not before: the writer whose queue ends looks for last words once.
    drop(connection);
    // A task that panicked has been reported where it did.
    let _ = writer.await;
    // What the client still says is taken, or the network would throw away what it has not read yet.
    let _ = timeout(FAREWELL_PATIENCE, async { while let Some(Ok(_)) = incoming.next().await {} }).await;
}

struct Connection {
    context: Arc<Context>,
    outlet: Outlet,
    subscriptions: HashMap<Subject, Subscription>,
    snapshots: FuturesUnordered<BoxFuture<'static, Option<Sent>>>,
}

/// A snapshot that was on its way; nothing comes of one whose subscription is gone.
type Sent = (Subject, Result<Snapshot, NoSnapshot>);

impl Connection {
    fn new(context: Arc<Context>, queue: mpsc::Sender<Frame>) -> Self {
        let outlet = Outlet { queue, parts: Arc::new(Semaphore::new(PARTS_WAITING)) };
        Self { context, outlet, subscriptions: HashMap::new(), snapshots: FuturesUnordered::new() }
    }

    async fn run(
        &mut self,
        incoming: &mut SplitStream<WebSocket>,
        updates: &mut broadcast::Receiver<Arc<Update>>,
    ) -> Ending {
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.tick().await;
        let context = Arc::clone(&self.context);
        let stopped = context.live.stopped();
        tokio::pin!(stopped);
        let mut ended = self.answer(self.connected()).await;
        loop {
            if let Err(ending) = ended {
                return ending;
            }
            ended = tokio::select! {
                message = incoming.next() => self.hear(message).await,
                update = updates.recv() => match update {
                    Ok(update) => self.tell(&update).await,
                    Err(RecvError::Lagged(_)) => Err(Ending::Slow),
                    Err(RecvError::Closed) => Err(Ending::Stop),
                },
                Some(done) = self.snapshots.next() => match done {
                    Some((subject, snapshot)) => self.begin(&subject, snapshot).await,
                    None => Ok(()),
                },
                _ = heartbeat.tick() => {
                    let beat = self.beat();
                    self.offer(beat).await
                }
                () = &mut stopped => Err(Ending::Stop),
                () = self.outlet.queue.closed() => Err(Ending::Gone),
            };
        }
    }

    fn connected(&self) -> Utf8Bytes {
        let limits = json!({
            "subscriptions": MAX_SUBSCRIPTIONS, "message_bytes": MESSAGE_BYTES, "queue": QUEUE_FRAMES,
        });
        let payload = json!({
            "limits": limits, "heartbeat_ms": HEARTBEAT.as_millis() as u64,
            "generation": self.context.generation, "simulated": self.context.simulated,
        });
        frames::control("connected", payload)
    }

    fn beat(&self) -> Utf8Bytes {
        frames::control("heartbeat", json!({ "watermark": self.context.live.watermark() }))
    }

    async fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), Ending> {
        let request = match message {
            Some(Ok(Message::Text(text))) if text.len() > MESSAGE_BYTES => return Err(Ending::TooBig),
            Some(Ok(Message::Binary(bytes))) if bytes.len() > MESSAGE_BYTES => return Err(Ending::TooBig),
            Some(Ok(Message::Text(text))) => Request::read(&text),
            Some(Ok(Message::Binary(bytes))) => Request::read(&String::from_utf8_lossy(&bytes)),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Ending::Gone),
        };
        let id = request.id.as_ref();
        match request.wish {
            Ok(Wish::Ping) => self.answer(reply("pong", json!({}), id)).await,
            Ok(Wish::Subscribe(channel, subject)) => self.subscribe(channel, subject, id).await,
            Ok(Wish::Unsubscribe(subject)) => self.unsubscribe(subject, id).await,
            Err(refusal) => self.answer(frames::error(refusal.code, &refusal.message, id)).await,
        }
    }

    async fn subscribe(&mut self, channel: &'static Channel, asked: Subject, id: Option<&Value>) -> Result<(), Ending> {
        let Some(subject) = self.by_its_own_name(asked).await else {
            return self.answer(frames::error("DATABASE_BUSY", LOOK_UP_FAILED, id)).await;
        };
        if self.subscriptions.contains_key(&subject) {
            return self.answer(reply("subscribed", named(&subject, true), id)).await;
        }
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            let message = format!("a connection has at most {MAX_SUBSCRIPTIONS} subscriptions; open another one");
            return self.answer(frames::error("TOO_MANY_SUBSCRIPTIONS", &message, id)).await;
        }
        // From here on nothing that is published is missed: the receiver is older than these offsets.
        let told = self.context.live.next();
        let of_topic = told.into_iter().filter(|((topic, _), _)| *topic == channel.topic.name);
        let told = of_topic.map(|((_, partition), next)| (partition, next)).collect();
        let (subscription, dropped) = Subscription::waiting();
        self.subscriptions.insert(subject.clone(), subscription);
        self.answer(reply("subscribed", named(&subject, false), id)).await?;
        let sending = snapshot::send(Arc::clone(&self.context), channel, subject.clone(), told, self.outlet.clone());
        self.snapshots.push(Box::pin(async move {
            tokio::select! {
                biased;
                _ = dropped => None,
                snapshot = sending => Some((subject, snapshot)),
            }
        }));
        Ok(())
    }

    async fn unsubscribe(&mut self, asked: Subject, id: Option<&Value>) -> Result<(), Ending> {
        let subject = match self.subscriptions.contains_key(&asked) {
            true => Some(asked),
            false => self.by_its_own_name(asked).await,
        };
        let Some(subject) = subject else {
            return self.answer(frames::error("DATABASE_BUSY", LOOK_UP_FAILED, id)).await;
        };
        let already = self.subscriptions.remove(&subject).is_none();
        self.answer(reply("unsubscribed", named(&subject, already), id)).await
    }

    /// A coin that nobody knows yet is taken at its word: its market may open while the client listens.
    async fn by_its_own_name(&mut self, asked: Subject) -> Option<Subject> {
        let Key::Coin(coin) = &asked.key else { return Some(asked) };
        let mut moment = self.context.database.one_moment().await.ok()?;
        let found = coin::find(&mut moment, self.context.generation, coin).await.ok()?;
        Some(Subject { key: Key::Coin(found.unwrap_or_else(|| coin.clone())), ..asked })
    }

    async fn begin(&mut self, subject: &Subject, snapshot: Result<Snapshot, NoSnapshot>) -> Result<(), Ending> {
        let snapshot = match snapshot {
            Ok(snapshot) => snapshot,
            Err(NoSnapshot::Unavailable) => return self.give_up(subject).await,
            Err(NoSnapshot::NotTaken) => return Err(Ending::Slow),
            Err(NoSnapshot::Gone) => return Err(Ending::Gone),
        };
        let Some(subscription) = self.subscriptions.get_mut(subject) else { return Ok(()) };
        for update in subscription.go_live(snapshot) {
            if let Some(text) = subscription.next_frame(subject, &update) {
                send(&self.outlet, text).await?;
            }
        }
        Ok(())
    }

    /// A live result, to every subscription that is to hear it.
    async fn tell(&mut self, update: &Arc<Update>) -> Result<(), Ending> {
        for subject in &update.subjects {
            match self.subscriptions.get_mut(subject).map(|subscription| subscription.tell(subject, update)) {
                Some(Told::Frame(text)) => {
                    send_within(BURST_PATIENCE, &self.outlet, Frame { text, received: update.received, _permit: None })
                        .await?;
                }
                Some(Told::TooMuch) => self.give_up(subject).await?,
                Some(Told::Nothing) | None => {}
            }
        }
        Ok(())
    }

    async fn give_up(&mut self, subject: &Subject) -> Result<(), Ending> {
        self.subscriptions.remove(subject);
        let mut payload = named(subject, false);
        payload["code"] = "SNAPSHOT_UNAVAILABLE".into();
        payload["message"] = "the rows are too far behind the live results; subscribe again".into();
        self.offer(frames::control("error", payload)).await
    }

    /// An answer waits for the client, and with it everything the client asks next.
    async fn answer(&mut self, text: Utf8Bytes) -> Result<(), Ending> {
        send(&self.outlet, text).await
    }

    /// What happens in the market waits for a burst to pass, and not for a client that does not read.
    async fn offer(&mut self, text: Utf8Bytes) -> Result<(), Ending> {
        send_within(BURST_PATIENCE, &self.outlet, Frame { text, received: None, _permit: None }).await
    }
}

async fn send(outlet: &Outlet, text: Utf8Bytes) -> Result<(), Ending> {
    send_within(ANSWER_PATIENCE, outlet, Frame { text, received: None, _permit: None }).await
}

async fn send_within(patience: Duration, outlet: &Outlet, frame: Frame) -> Result<(), Ending> {
    match timeout(patience, outlet.queue.send(frame)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Ending::Gone),
        Err(_) => Err(Ending::Slow),
    }
}

fn named(subject: &Subject, already: bool) -> Value {
    let mut payload = json!({ "channel": subject.channel, "key": subject.key.as_str() });
    if let Some(interval) = subject.interval {
        payload["interval"] = interval.name().into();
    }
    for (name, value) in [("kind", subject.series.kind_name()), ("cohort", subject.series.cohort_name())] {
        if let Some(value) = value {
            payload[name] = value.into();
        }
    }
    if already {
        payload["already"] = true.into();
    }
    payload
}

fn reply(kind: &str, mut payload: Value, id: Option<&Value>) -> Utf8Bytes {
    if let Some(id) = id {
        payload["request_id"] = id.clone();
    }
    frames::control(kind, payload)
}
