//! A client that asks for much and then takes nothing any more → how soon it was cut off, and what it found when it looked
//! again.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::client::{Client, Cut, MUCH};
use super::server::Server;
use crate::failure::Failure;

pub struct Stalled {
    client: Client,
    limits: Limits,
}

/// What the server says it allows.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Limits {
    messages_at_once: u32,
    messages_per_second: u32,
    pub events_waiting: u64,
    pub changes_waiting: u64,
}

#[derive(Debug)]
pub struct Fate {
    /// So long after it stopped reading the server gave it up.
    pub cut_off_after: Option<Duration>,
    /// How many subscriptions were told that they lagged, and how many frames they were told to have missed.
    pub told: u32,
    pub missed: u64,
    pub end: Option<Cut>,
}

/// All of them to the same events, so that much comes of a small market: each event waits once for each.
const SUBSCRIPTIONS: u32 = 200;
/// As little as a system allows.
const RECEIVE_BUFFER: u32 = 4 * 1024;
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// So long the last words may take to be heard.
const PATIENCE: Duration = Duration::from_secs(10);

impl Stalled {
    /// Comes back when it has the rows that its subscriptions begin with.
    pub async fn subscribe(address: SocketAddr) -> Result<Self, Failure> {
        Self::subscribe_to_much(address)
            .await
            .map_err(|cut| Failure::stop(format!("the client that is to stall could not subscribe: {cut}")))
    }

    /// As fast as that is allowed.
    async fn subscribe_to_much(address: SocketAddr) -> Result<Self, Cut> {
        let mut client = Client::connect(address, Some(RECEIVE_BUFFER)).await?;
        let limits = announced(&mut client).await?;
        let mut pace = interval(Duration::from_secs(1) / limits.messages_per_second);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut begun = 0;
        for number in 0..SUBSCRIPTIONS {
            if number >= limits.messages_at_once {
                pace.tick().await;
            }
            // A number that all whales are above makes it another subscription.
            let filter = json!({ "min_notional": number.to_string() });
            client.subscribe(&json!({ "channel": "whale_activities", "key": "*", "filter": filter })).await?;
            while begun <= number {
                client.hear(MUCH, |text| begun += u32::from(said(text).r#type == "snapshot")).await?;
            }
        }
        Ok(Self { client, limits })
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Reads nothing until the server has given somebody up, and then all that is left.
    pub async fn stall(mut self, server: &Server, at_most: Duration) -> Result<Fate, Failure> {
        let (began, before) = (Instant::now(), server.lagged().await?);
        let Ok(given_up) = timeout(at_most, wait_for_one_more(server, before)).await else {
            return Ok(Fate { cut_off_after: None, told: 0, missed: 0, end: None });
        };
        given_up?;
        let mut fate = Fate { cut_off_after: Some(began.elapsed()), told: 0, missed: 0, end: None };
        fate.end = timeout(PATIENCE, self.read_what_is_left(&mut fate)).await.ok();
        Ok(fate)
    }

    async fn read_what_is_left(&mut self, fate: &mut Fate) -> Cut {
        loop {
            let heard = self.client.hear(MUCH, |text| {
                let said = said(text);
                if said.r#type == "lagged" {
                    fate.told += 1;
                    fate.missed += said.payload.dropped;
                }
            });
            if let Err(cut) = heard.await {
                return cut;
            }
        }
    }
}

/// In the first frame.
async fn announced(client: &mut Client) -> Result<Limits, Cut> {
    let mut announced = None;
    loop {
        client.hear(MUCH, |text| announced = announced.or(said(text).payload.limits)).await?;
        if let Some(limits) = announced {
            return Ok(limits);
        }
    }
}

impl Fate {
    pub fn code(&self) -> Option<u16> {
        if let Some(Cut::Closed { code, .. }) = &self.end { Some(*code) } else { None }
    }

    pub fn json(&self) -> Value {
        let after = self.cut_off_after.map(|after| after.as_secs_f64() * 1_000.0);
        json!({ "cut_off_after_ms": after, "lagged": self.told, "missed": self.missed, "closed": self.code() })
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cut_off_after, told, missed, end } = self;
        let Some(after) = cut_off_after else { return f.write_str("nobody was cut off") };
        write!(
            f,
            "cut off after {:.1} s; {told} subscriptions lagged, {missed} frames were missed; ",
            after.as_secs_f64()
        )?;
        match end {
            Some(end) => write!(f, "{end}"),
            None => f.write_str("not closed"),
        }
    }
}

async fn wait_for_one_more(server: &Server, before: u64) -> Result<(), Failure> {
    let mut looking = interval(LOOK_AGAIN);
    while server.lagged().await? <= before {
        looking.tick().await;
    }
    Ok(())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    r#type: String,
    payload: Payload,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    limits: Option<Limits>,
    dropped: u64,
}

/// What is of no interest here says nothing.
fn said(text: &[u8]) -> Said {
    serde_json::from_slice(text).unwrap_or_default()
}
