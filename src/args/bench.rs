//! What can be said to `fathom bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{DatabaseArgs, KafkaArgs};

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// How soon every list is answered over so many stored fills, and by which plans of the database
    ///
    /// On SQLite in a temporary folder (TMPDIR says on which disk; 10 million fills take some 12 GB), or on the Postgres that
    /// is named, which must be empty and holds all of it afterwards. A page that takes too long, or a plan that walks
    /// through a big table, is a failure.
    Api(BenchApi),
    /// The coin stage in memory on one core: bytes in, every result and state record encoded
    Computer(BenchComputer),
    /// An archive's files into the log, and beside it what merely decoding the same bytes takes
    ///
    /// On the embedded log in a temporary folder (TMPDIR says on which disk), or on Kafka, whose topics must be fresh.
    Import(BenchImport),
    /// From a line of the node to the frame a client receives, hop by hop, with everything running in this process
    ///
    /// On the embedded log and SQLite in a temporary folder (TMPDIR says on which disk), or on Kafka and Postgres where
    /// those are named. Topics and tables must be fresh, and hold the simulated market afterwards.
    Latency(BenchLatency),
    /// Facts once more: how fast they are read, how fast one stage computes them again, and how fast all stages do
    /// with every result compared
    ///
    /// On the embedded log in a temporary folder (TMPDIR says on which disk), of a simulated archive that is computed first.
    /// Ends with status 1 when a result is not what it was.
    Replay(BenchReplay),
    /// Going on with many open positions: time and memory until all tasks know them again, and what is written when marks
    /// move
    ///
    /// On the embedded log in a temporary folder (TMPDIR says on which disk). The positions are computed first; then a
    /// process of its own restores them.
    Restore(BenchRestore),
    /// Thousands of clients of one server's WebSocket, first by themselves and then beside one that stops reading and one
    /// that reads slowly: what the others notice of them
    ///
    /// The server is `fathom up --demo` in a process of its own, on a temporary folder (TMPDIR says on which disk); the
    /// clients are this process. Ends with status 1 when the others are held up, cut off or miss an event, when whoever
    /// stopped reading is not told, or when memory grows beyond what may wait for two clients.
    Ws(BenchWs),
}

#[derive(Debug, Args)]
pub struct BenchApi {
    /// How many fills are stored
    #[arg(long, value_name = "N", default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub fills: u64,
    /// How often each question is asked, by one client and by four at a time
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(4..))]
    pub requests: u32,
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct BenchComputer {
    /// How many simulated fills
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    pub fills: u64,
    /// Of how many wallets
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    pub wallets: u32,
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct BenchImport {
    /// How many simulated fills
    #[arg(long, value_name = "N", default_value_t = 3_000_000)]
    pub fills: u64,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct BenchLatency {
    /// Fills per second of the simulated market
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub rate: u32,
    /// How many wallets trade
    #[arg(long, value_name = "N", default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    pub wallets: u32,
    /// How long is measured
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub seconds: u64,
    /// How long the market runs before that
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub warm_up: u64,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct BenchReplay {
    /// How many simulated fills
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub fills: u64,
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct BenchRestore {
    /// How many positions are open
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub positions: u64,
    /// Where they have been computed: what the process that restores is told
    #[arg(long, value_name = "DIR", hide = true)]
    pub from: Option<PathBuf>,
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct BenchWs {
    /// How many clients listen, beside the two that do not keep up
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub clients: u32,
    /// How long is measured without those two, and then with them: it takes some ten seconds until more waits than may
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(15..=3_600))]
    pub seconds: u64,
    /// Fills per second of the simulated market
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub rate: u32,
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}
