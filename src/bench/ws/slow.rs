//! A client that listens to what all do and reads a little of it now and then → what became of it.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::interval;

use super::Phase;
use super::listener::{Heard, Listener};
use crate::failure::Failure;

/// About a frame, twenty times a second: more than all events are, less than all that is told.
const AT_A_TIME: usize = 600;
const EVERY: Duration = Duration::from_millis(50);
const RECEIVE_BUFFER: u32 = 4 * 1024;

pub async fn subscribe(address: SocketAddr, number: u32) -> Result<Listener, Failure> {
    Listener::subscribe(address, number, Some(RECEIVE_BUFFER)).await
}

/// Until it is cut off, or everything is over.
pub async fn crawl(mut listener: Listener, mut course: watch::Receiver<Phase>) -> Heard {
    let mut over = pin!(course.wait_for(|phase| *phase == Phase::Over));
    let mut now_and_then = interval(EVERY);
    loop {
        let reading = async {
            now_and_then.tick().await;
            listener.hear(AT_A_TIME, Phase::Between).await
        };
        tokio::select! {
            heard = reading => if let Err(cut) = heard {
                return listener.end(Some(cut));
            },
            _ = &mut over => return listener.end(None),
        }
    }
}
