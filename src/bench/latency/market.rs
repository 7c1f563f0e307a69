//! The simulated node and exchange: its files under a folder, its answers on a port, and when each line was written.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use simulator::{Faults, Layouts, Options, Simulator, WrittenBlock};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::failure::Failure;
use crate::run::{Exchange, up};

pub const SEED: u64 = 1;

pub struct Market {
    pub folder: PathBuf,
    pub exchange: Exchange,
    simulator: Simulator,
    lines: Arc<Mutex<Vec<Line>>>,
    /// The exchange answers as long as this lives.
    _runtime: Runtime,
}

/// A block's line, and when it was written.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub written: WrittenBlock,
    pub at: Instant,
}

impl Market {
    pub fn open(folder: &Path, rate: u32, wallets: u32) -> Result<Self, Failure> {
        let folder = folder.join("market");
        let mut simulator = Simulator::open(options(&folder, rate, wallets)).map_err(failed)?;
        let lines: Arc<Mutex<Vec<Line>>> = Arc::default();
        let notes = Arc::clone(&lines);
        simulator.when_written(move |written| {
            let line = Line { written, at: Instant::now() };
            notes.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        });
        let runtime = up::runtime()?;
        let exchange = serve(&mut simulator, &runtime)?;
        Ok(Self { folder, exchange, simulator, lines, _runtime: runtime })
    }

    /// Writes lines until it is told to stop; all of them.
    pub fn run(&mut self, stop: &AtomicBool) -> Result<Vec<Line>, Failure> {
        self.simulator.run(stop).map_err(failed)?;
        Ok(std::mem::take(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn options(folder: &Path, rate: u32, wallets: u32) -> Options {
    Options {
        out: folder.to_owned(),
        seed: SEED,
        rate,
        wallets,
        start: None,
        speed: 1,
        blocks: None,
        keep_hours: None,
        layouts: Layouts::default(),
        second_node: false,
        faults: Faults::default(),
    }
}

fn serve(simulator: &mut Simulator, runtime: &Runtime) -> Result<Exchange, Failure> {
    let bound = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let listener = bound.map_err(|cause| Failure::because("the simulated exchange has no port to listen on", cause))?;
    let address = listener.local_addr().map_err(|cause| Failure::because("could not tell the address", cause))?;
    runtime.spawn(simulator::serve(listener, simulator.feed(), std::future::pending()));
    Ok(Exchange {
        info: format!("http://{address}/info"),
        node_info: None,
        feed: format!("ws://{address}/ws"),
        wants_spot: false,
    })
}

fn failed(error: simulator::SimulatorError) -> Failure {
    Failure::because(error.to_string(), error)
}
