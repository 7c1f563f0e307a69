//! One open connection, until it is lost → its events, in order, each with its time. Nobody reading is back-pressure:
//! then the socket is not read either, and no deadline runs.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{self, Message};
use tracing::info;

use super::event::What;
use super::frame::{Frame, understand};
use super::gap::name;
use super::keeper::Keeper;
use super::lost::Lost;
use super::session::Session;
use crate::web_socket::heard;

impl Keeper {
    pub(super) async fn converse(&mut self, session: &mut Session) -> Result<std::convert::Infallible, Lost> {
        loop {
            self.send_what_is_due(session).await?;
            self.announce(session).await?;
            let deadline = session.next_deadline();
            tokio::select! {
                // In this order: nobody is found silent before what he has sent was read.
                biased;
                changed = self.wanted.changed() => {
                    changed.map_err(|_| Lost::NobodyReads)?;
                    self.follow(session)?;
                }
                message = session.socket.next() => self.take(session, message).await?,
                () = sleep_until(deadline) => session.judge(Instant::now())?,
            }
        }
    }

    fn follow(&mut self, session: &mut Session) -> Result<(), Lost> {
        let wanted = self.wanted.borrow_and_update();
        let share = wanted.plan.share(self.on);
        if share.is_empty() {
            return Err(Lost::NothingLeft);
        }
        session.follow(share, wanted.edition);
        Ok(())
    }

    async fn send_what_is_due(&mut self, session: &mut Session) -> Result<(), Lost> {
        let (now, count) = (Instant::now(), session.conversation.next());
        session.sending_at = None;
        if count > 0 {
            match self.pace.claim_messages(count, now) {
                Ok(()) => {
                    session.answers_by = Some(now + self.patience.for_answers);
                    let requests = session.conversation.send_next();
                    self.send(session, requests).await?;
                }
                Err(when) => session.sending_at = Some(when),
            }
        }
        if session.ping_at <= now {
            session.pong_by.get_or_insert(now + self.patience.for_answers);
            self.pace.count_messages(1);
            self.send(session, vec![r#"{"method":"ping"}"#.to_owned()]).await?;
        }
        Ok(())
    }

    async fn send(&mut self, session: &mut Session, texts: Vec<String>) -> Result<(), Lost> {
        let sending = async {
            for text in texts {
                session.socket.feed(Message::text(text)).await?;
            }
            session.socket.flush().await
        };
        timeout(self.patience.for_answers, sending).await.map_err(|_| Lost::NoAnswer)??;
        session.ping_at = Instant::now() + self.patience.until_ping;
        Ok(())
    }

    /// Says when everything was answered, and once more when what follows should have come.
    async fn announce(&mut self, session: &mut Session) -> Result<(), Lost> {
        if session.is_live() && !session.is_announced {
            let (coins, edition) = (session.conversation.coins(), session.edition);
            info!("{} to {}: the trades of {} coins are followed", name(self.on), self.url, coins.len());
            self.tell(What::Subscribed { coins, edition }).await?;
            session.is_announced = true;
            session.settled_at = Some(Instant::now() + self.patience.for_backlogs);
        }
        if session.settled_at.is_some_and(|at| at <= Instant::now()) {
            self.tell(What::Settled).await?;
            session.settled_at = None;
        }
        Ok(())
    }

    async fn take(
        &mut self,
        session: &mut Session,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<(), Lost> {
        let Some(bytes) = heard(message)? else { return Ok(()) };
        let received = (self.now)();
        let limit = self.hear(session, &bytes);
        let began = Instant::now();
        self.tell_of(received, What::Frame(bytes)).await?;
        session.excuse(began.elapsed());
        limit
    }

    /// What cannot be understood is for the reader to set aside.
    fn hear(&mut self, session: &mut Session, bytes: &[u8]) -> Result<(), Lost> {
        let Ok(frame) = understand(bytes) else { return Ok(()) };
        if let Frame::Error(text) = &frame {
            self.log(&format!("the server says: {text}"));
        }
        session.hear(&frame, Instant::now())
    }
}
