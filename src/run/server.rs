//! The HTTP server as a role: bound at once, so that an address in use is said before anything else begins. Connections
//! in; as many as there is room for are served, and the others told that there is none.

mod connection;
mod line;
mod open_files;
mod room;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::NoRoom;
use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

pub use room::Most;

use crate::failure::Failure;
use crate::stop::Stop;
use connection::Manners;
use room::Room;

/// So long clients may take to hear that the server ends.
const FAREWELL: Duration = Duration::from_secs(1);
/// So many are told at a time that there is no room; whoever comes on top of them is cut off.
const TURNED_AWAY: usize = 64;
/// Too many open files, most likely: some will be closed.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

pub struct Server {
    room: Arc<Room>,
}

impl Server {
    pub fn start(listener: TcpListener, app: Router, most: Most, stop: &Stop, runtime: &Runtime) -> Self {
        Self::with_manners(listener, app, most, Manners::default(), stop, runtime)
    }

    fn with_manners(
        listener: TcpListener,
        app: Router,
        most: Most,
        manners: Manners,
        stop: &Stop,
        runtime: &Runtime,
    ) -> Self {
        open_files::allow_many();
        let room = Arc::new(Room::new(most));
        let door = Door { app, room: Arc::clone(&room), leaving: Arc::new(Semaphore::new(TURNED_AWAY)), manners };
        runtime.spawn(door.stand_open(listener, stop.clone()));
        Self { room }
    }

    /// Clients hear that it is over, and have a moment to go.
    pub fn end(self, runtime: &Runtime) {
        let _ = runtime.block_on(async { tokio::time::timeout(FAREWELL, self.room.is_empty()).await });
    }
}

/// Where clients come in.
struct Door {
    app: Router,
    room: Arc<Room>,
    leaving: Arc<Semaphore>,
    manners: Manners,
}

impl Door {
    async fn stand_open(self, listener: TcpListener, stop: Stop) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.wait() => return,
            };
            match accepted {
                Ok((stream, address)) => self.let_in(stream, address, &stop),
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
            }
        }
    }

    fn let_in(&self, stream: TcpStream, address: SocketAddr, stop: &Stop) {
        // A frame goes when it is made. Where that cannot be set it goes a little later.
        let _ = stream.set_nodelay(true);
        match self.room.enter(address.ip()) {
            Ok(guest) => {
                let serving = connection::serve(stream, address, guest, self.app.clone(), self.manners, stop.clone());
                tokio::spawn(serving);
            }
            Err(why) => self.turn_away(stream, address, why),
        }
    }

    fn turn_away(&self, stream: TcpStream, address: SocketAddr, why: NoRoom) {
        let Ok(leaving) = Arc::clone(&self.leaving).try_acquire_owned() else { return };
        let telling = connection::turn_away(stream, address, why, self.app.clone(), self.manners);
        tokio::spawn(async move {
            telling.await;
            drop(leaving);
        });
    }
}

/// At the address that a flag has named.
pub fn listen(address: SocketAddr, runtime: &Runtime, flag: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = runtime.block_on(TcpListener::bind(address)).map_err(|cause| {
        Failure::because(
            format!("cannot listen on {address}: stop what does, or choose another address with {flag}"),
            cause,
        )
    })?;
    let bound = listener.local_addr().map_err(|cause| Failure::because("could not tell the address", cause))?;
    Ok((listener, bound))
}
