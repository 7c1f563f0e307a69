//! A simulated market in this process, which answers as the exchange does.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use simulator::{Layouts, Options, Simulator};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub struct Exchange {
    pub folder: PathBuf,
    pub address: String,
    simulator: Simulator,
    _runtime: Runtime,
}

impl Exchange {
    /// It answers from now on, and writes nothing before it runs.
    pub fn open(folder: &Path, wallets: u32, blocks: u64, faults: &str) -> Self {
        Self::with(Options { faults: faults.parse().unwrap(), ..options(folder, wallets, blocks) })
    }

    /// One that has begun so long ago and has come to its last block.
    pub fn past(folder: &Path, wallets: u32, blocks: u64, ago: Duration) -> Self {
        let start = (SystemTime::now() - ago).duration_since(UNIX_EPOCH).unwrap();
        let start = Some(i64::try_from(start.as_millis()).unwrap());
        let mut exchange = Self::with(Options { start, speed: 0, ..options(folder, wallets, blocks) });
        exchange.run();
        exchange
    }

    fn with(options: Options) -> Self {
        let out = options.out.clone();
        let mut simulator = Simulator::open(options).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        runtime.spawn(simulator::serve(listener, simulator.feed(), std::future::pending()));
        Self { folder: out, address, simulator, _runtime: runtime }
    }

    /// Up to its last block.
    pub fn run(&mut self) {
        self.simulator.run(&AtomicBool::new(false)).unwrap();
    }
}

fn options(folder: &Path, wallets: u32, blocks: u64) -> Options {
    Options {
        out: folder.join("market"),
        seed: 11,
        rate: 300,
        wallets,
        start: None,
        speed: 5,
        blocks: Some(blocks),
        keep_hours: None,
        layouts: Layouts::default(),
        second_node: false,
        faults: "".parse().unwrap(),
    }
}
