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

pub use open_files::allow_open_files;
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

/// So much the system takes for a client beyond what is on its way.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 32 * 1024;

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
        allow_open_files();
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
        keep_little(&stream);
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

/// What the system has taken can be neither replaced by something newer nor counted as waiting, and of a stalled client it
/// would take megabytes. What is on its way does not count: whoever reads is not slowed down by it. Other systems than Linux
/// keep what they will.
fn keep_little(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES);
    #[cfg(not(target_os = "linux"))]
    let _ = stream;
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
