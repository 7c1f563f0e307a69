//! One client: its requests in, answers and the live results it has subscribed to out. Only the socket is written by
//! another task, which is the one that may have to wait.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::MESSAGE_BYTES;
use super::allowance::{Allowance, MESSAGES_AT_ONCE, MESSAGES_PER_SECOND};
use super::ending::Ending;
use super::frames::{self, already, begun, named, reply};
use super::request::{Asked, Refusal, Request, Since, Wish};
use super::writer::{FAREWELL_PATIENCE, write};
use crate::channel::Subject;
use crate::gate::{Caller, Pass};
use crate::live::{Beginning, CURSOR_EXPIRED, Filter, GENERATION_CHANGED, MAX_CHANGES, MAX_EVENTS, Outlet, Subscribed};
use crate::measure::{self, Counted};
use crate::past::{self, Whence};
use crate::replay::{self, Wanted};
use crate::{Context, Serving};

const MAX_SUBSCRIPTIONS: usize = 1000;
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long somebody may stay whose key is good no longer.
const STAYS_UNSEEN: Duration = Duration::from_secs(1);
/// How long an answer may wait for a client that does not read.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn serve(socket: WebSocket, serving: Serving, pass: Pass, caller: Caller) {
    let (outgoing, mut incoming) = socket.split();
    let mut changes = serving.changes();
    let context = Arc::clone(&changes.borrow_and_update());
    let (outlet, _counted) = (Arc::new(Outlet::new()), Counted::connection());
    let writer = tokio::spawn(write(outgoing, Arc::clone(&outlet)));
    let mut connection = Connection::new(context, Arc::clone(&outlet), pass, caller);
    let ending = connection.run(&mut incoming, &mut changes).await;
    if ending == Ending::Slow {
        measure::lagged();
    }
    outlet.end(ending);
    connection.context.live.leave(&outlet);
    // A task that panicked has been reported where it did.
    let _ = writer.await;
    // What the client still says is taken, or the network would throw away what it has not read yet.
    let _ = timeout(FAREWELL_PATIENCE, async { while let Some(Ok(_)) = incoming.next().await {} }).await;
}

struct Connection {
    context: Arc<Context>,
    outlet: Arc<Outlet>,
    pass: Pass,
    caller: Caller,
    session: u64,
    /// The number of each subscription to what is live: a replay goes by its number alone.
    subscriptions: HashMap<(Subject, Filter), u64>,
    last_id: u64,
    /// Of the subscriptions that are told what the log keeps one is at a time.
    turn: Arc<Semaphore>,
    allowance: Allowance,
    last_heard: Instant,
}

/// How many there have been: each has a number of its own.
static SESSIONS: AtomicU64 = AtomicU64::new(0);

impl Connection {
    fn new(context: Arc<Context>, outlet: Arc<Outlet>, pass: Pass, caller: Caller) -> Self {
        let (session, now) = (SESSIONS.fetch_add(1, Ordering::Relaxed) + 1, Instant::now());
        let (subscriptions, turn) = (HashMap::new(), Arc::new(Semaphore::new(1)));
        let allowance = Allowance::full(now);
        Self { context, outlet, pass, caller, session, subscriptions, last_id: 0, turn, allowance, last_heard: now }
    }

    async fn run(
        &mut self,
        incoming: &mut SplitStream<WebSocket>,
        changes: &mut watch::Receiver<Arc<Context>>,
    ) -> Ending {
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.tick().await;
        let mut at_the_door = interval(STAYS_UNSEEN);
        let (context, outlet) = (Arc::clone(&self.context), Arc::clone(&self.outlet));
        let (stopped, ended) = (context.live.stopped(), outlet.ended());
        tokio::pin!(stopped, ended);
        let mut so_far = self.answer(self.connected()).await;
        loop {
            if let Err(ending) = so_far {
                return ending;
            }
            so_far = tokio::select! {
                message = incoming.next() => self.hear(message).await,
                _ = heartbeat.tick() => self.beat(),
                Ok(()) = changes.changed() => {
                    let context = Arc::clone(&changes.borrow_and_update());
                    self.turn_to(context).await
                }
                _ = at_the_door.tick(), if self.pass.may_be_revoked() => self.may_stay(),
                () = &mut stopped => Err(Ending::Stop),
                ending = &mut ended => Err(ending),
            };
        }
    }

    /// Another generation is told from here on: each subscription goes on with it, from how things are there. A stretch of the
    /// past is told to its end as it was begun.
    async fn turn_to(&mut self, context: Arc<Context>) -> Result<(), Ending> {
        let before = std::mem::replace(&mut self.context, context);
        for subscribed in self.outlet.listed().into_iter().filter(|it| it.replay.is_none()) {
            timeout(ANSWER_PATIENCE, self.outlet.room_for_a_snapshot()).await.map_err(|_| Ending::Slow)?;
            before.live.unsubscribe(&self.outlet, &subscribed.subject, subscribed.id);
            let subscribed = Subscribed { generation: self.context.generation, ..subscribed };
            self.outlet.expect(subscribed.clone());
            self.context.live.subscribe(&self.outlet, subscribed, &Beginning::Anew(GENERATION_CHANGED));
        }
        Ok(())
    }

    fn connected(&self) -> Utf8Bytes {
        let limits = json!({
            "subscriptions": MAX_SUBSCRIPTIONS, "message_bytes": MESSAGE_BYTES,
            "messages_per_second": MESSAGES_PER_SECOND, "messages_at_once": MESSAGES_AT_ONCE,
            "events_waiting": MAX_EVENTS, "changes_waiting": MAX_CHANGES,
        });
        let payload = json!({
            "session_id": format!("{:x}-{:x}", self.context.started, self.session),
            "limits": limits, "heartbeat_ms": HEARTBEAT.as_millis() as u64,
            "generation": self.context.generation, "simulated": self.context.simulated,
        });
        frames::control("connected", payload)
    }

    /// Whoever is there has answered the ping of the one before.
    fn beat(&self) -> Result<(), Ending> {
        self.outlet.beat(frames::control("heartbeat", json!({ "watermark": self.context.live.watermark() })));
        if self.last_heard.elapsed() > 2 * HEARTBEAT { Err(Ending::Silent) } else { Ok(()) }
    }

    fn may_stay(&self) -> Result<(), Ending> {
        if self.context.gate.lets_stay(&self.pass) { Ok(()) } else { Err(Ending::Revoked) }
    }

    async fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), Ending> {
        self.last_heard = Instant::now();
        let bytes = match &message {
            Some(Ok(Message::Text(text))) => text.as_bytes(),
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Ending::Gone),
        };
        if bytes.len() > MESSAGE_BYTES {
            return Err(Ending::TooBig);
        }
        if !self.allowance.lets(self.last_heard) {
            return Err(Ending::TooOften);
        }
        let Request { id, wish } = Request::read(&String::from_utf8_lossy(bytes));
        self.grant(wish, id.as_ref()).await
    }

    async fn grant(&mut self, wish: Result<Wish, Refusal>, id: Option<&Value>) -> Result<(), Ending> {
        match wish {
            Ok(Wish::Ping(nonce)) => {
                let payload = nonce.map_or_else(|| json!({}), |nonce| json!({ "nonce": nonce }));
                self.answer(reply("pong", payload, id)).await
            }
            Ok(Wish::List) => self.list(id).await,
            Ok(Wish::Subscribe(all)) => {
                for asked in all {
                    self.subscribe(asked, id).await?;
                }
                Ok(())
            }
            Ok(Wish::Unsubscribe(all)) => {
                for asked in all {
                    self.unsubscribe(asked, id).await?;
                }
                Ok(())
            }
            Ok(Wish::End(number)) => self.end(number, id).await,
            Err(refusal) => self.answer(frames::error(refusal.code, &refusal.message, id)).await,
        }
    }

    async fn subscribe(&mut self, asked: Asked, id: Option<&Value>) -> Result<(), Ending> {
        let since = asked.since.clone();
        if let Since::Replay(wanted) = since {
            return self.begin_replay(asked, wanted, id).await;
        }
        let mut subscribed = self.by_its_own_name(asked);
        let place = (subscribed.subject.clone(), subscribed.filter.clone());
        if let Some(number) = self.subscriptions.get(&place) {
            subscribed.id = *number;
            return self.answer(reply("subscribed", already(&subscribed), id)).await;
        }
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            let message = format!("a connection has at most {MAX_SUBSCRIPTIONS} subscriptions; open another one");
            return self.answer(frames::error("TOO_MANY_SUBSCRIPTIONS", &message, id)).await;
        }
        self.last_id += 1;
        subscribed.id = self.last_id;
        self.subscriptions.insert(place, subscribed.id);
        self.answer(reply("subscribed", begun(&subscribed), id)).await?;
        timeout(ANSWER_PATIENCE, self.outlet.room_for_a_snapshot()).await.map_err(|_| Ending::Slow)?;
        self.begin(subscribed, since);
        Ok(())
    }

    /// With how things are, or where somebody was before: in what is remembered, or in what the log keeps.
    fn begin(&self, subscribed: Subscribed, since: Since) {
        let (beginning, whence) = match since {
            Since::Now => (Beginning::Now, None),
            Since::Cursor(heard) if heard.generation != self.context.generation => {
                (Beginning::Anew(CURSOR_EXPIRED), None)
            }
            Since::Cursor(heard) => (Beginning::Behind(heard.clone()), Some(Whence::Behind(heard.next))),
            Since::Time(time) => return self.replay(subscribed, Whence::Time(time)),
            // It never joins what is live.
            Since::Replay(_) => return,
        };
        let unread = self.context.live.subscribe(&self.outlet, subscribed, &beginning);
        if let (Some(subscribed), Some(whence)) = (unread, whence) {
            self.replay(subscribed, whence);
        }
    }

    fn replay(&self, subscribed: Subscribed, whence: Whence) {
        self.outlet.expect(subscribed.clone());
        let (context, outlet, turn) = (Arc::clone(&self.context), Arc::clone(&self.outlet), Arc::clone(&self.turn));
        tokio::spawn(past::replay(context, outlet, turn, subscribed, whence));
    }

    async fn begin_replay(&mut self, asked: Asked, wanted: Wanted, id: Option<&Value>) -> Result<(), Ending> {
        let (stretch, place) = match replay::grant(&self.context, &self.caller, wanted) {
            Ok(granted) => granted,
            Err(error) => return self.answer(frames::error(error.code(), &error.to_string(), id)).await,
        };
        self.last_id += 1;
        let subscribed = Subscribed { id: self.last_id, replay: Some(stretch), ..self.by_its_own_name(asked) };
        self.answer(reply("subscribed", begun(&subscribed), id)).await?;
        self.outlet.expect(subscribed.clone());
        let (context, outlet) = (Arc::clone(&self.context), Arc::clone(&self.outlet));
        tokio::spawn(replay::tell(context, outlet, subscribed, stretch, place));
        Ok(())
    }

    async fn unsubscribe(&mut self, asked: Asked, id: Option<&Value>) -> Result<(), Ending> {
        // By the name that was said when nobody knew its coin yet, or by the one it has.
        let as_said = self.subscriptions.remove(&(asked.subject.clone(), asked.filter.clone()));
        let mut subscribed = match as_said {
            Some(number) => Subscribed { id: number, ..unheard(asked, self.context.generation) },
            None => self.by_its_own_name(asked),
        };
        let place = (subscribed.subject.clone(), subscribed.filter.clone());
        let Some(number) = as_said.or_else(|| self.subscriptions.remove(&place)) else {
            return self.answer(reply("unsubscribed", already(&subscribed), id)).await;
        };
        subscribed.id = number;
        self.context.live.unsubscribe(&self.outlet, &subscribed.subject, number);
        self.answer(reply("unsubscribed", named(&subscribed), id)).await
    }

    async fn end(&mut self, number: u64, id: Option<&Value>) -> Result<(), Ending> {
        let listed = self.outlet.listed().into_iter().find(|subscribed| subscribed.id == number);
        let place = self.subscriptions.iter().find(|(_, known)| **known == number).map(|(place, _)| place.clone());
        match (&place, &listed) {
            (Some(place), _) => {
                self.subscriptions.remove(place);
                self.context.live.unsubscribe(&self.outlet, &place.0, number);
            }
            (None, Some(_)) => self.outlet.forget(number),
            (None, None) => {
                let payload = json!({ "sub_id": number, "already": true });
                return self.answer(reply("unsubscribed", payload, id)).await;
            }
        }
        let payload = listed.as_ref().map_or_else(|| json!({ "sub_id": number }), named);
        self.answer(reply("unsubscribed", payload, id)).await
    }

    async fn list(&self, id: Option<&Value>) -> Result<(), Ending> {
        let listed = self.outlet.listed();
        let told = listed.iter().map(|subscribed| {
            let mut told = named(subscribed);
            told["seq"] = subscribed.seq.into();
            told
        });
        let payload = json!({ "subscriptions": told.collect::<Vec<_>>() });
        self.answer(reply("subscriptions", payload, id)).await
    }

    fn by_its_own_name(&self, asked: Asked) -> Subscribed {
        let subject = self.context.live.by_its_own_name(asked.subject.clone());
        unheard(Asked { subject, ..asked }, self.context.generation)
    }

    /// An answer waits for the client, and with it everything the client asks next.
    async fn answer(&self, text: Utf8Bytes) -> Result<(), Ending> {
        timeout(ANSWER_PATIENCE, self.outlet.answer(text)).await.map_err(|_| Ending::Slow)
    }
}

fn unheard(Asked { channel, subject, filter, .. }: Asked, generation: u32) -> Subscribed {
    Subscribed { id: 0, generation, channel, subject, filter, seq: 0, next: BTreeMap::new(), replay: None }
}
