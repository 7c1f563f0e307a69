//! What can be said on the command line. The doc comments are the help.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// From Hyperliquid's fills to numbers people act on: positions, long/short ratios, over REST and WebSocket.
#[derive(Debug, Parser)]
#[command(name = "fathom", version, after_help = "Begin with: fathom up --demo")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process: log, computation, database and API
    ///
    /// Keeps all of it under --data and goes on where it was when started again. With --demo it starts a simulated
    /// market and reads that through the real Hyperliquid sources; without it, it follows a Hyperliquid node's files.
    Up(Up),
    /// Run the parser alone, on Apache Kafka (sources -> fills)
    Parser(Role),
    /// Run the computer alone, on Apache Kafka (fills -> results)
    Computer(Role),
    /// Run the sink alone, on Apache Kafka (results -> database)
    Sink(Role),
    /// Run the API alone, on Apache Kafka (database and results -> REST and WebSocket)
    Api(Role),
    /// Run the simulated market alone: node files as Hyperliquid writes them, and the truth about them
    ///
    /// Writes only under --out. Started again it goes on at the block after its last complete line.
    Simulate(Simulate),
    /// Say what is running and how far it is. Changes nothing
    Status(Ask),
    /// List the topics of the log, or print the records of one. Changes nothing
    Topics(Topics),
    /// Say how far each reader is behind what it reads. Changes nothing
    Lag(Ask),
    /// Print the contract: sources, topics, processors and tables. Changes nothing
    Schemas(Schemas),
    /// Measure this machine with the project's own benchmarks. Touches no data directory
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Debug, Args)]
pub struct Up {
    /// Simulate a market and read it through the real sources; every reply says `simulated`
    #[arg(long)]
    pub demo: bool,
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub services: Services,
    /// Where REST, WebSocket and the page are served
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub http: SocketAddr,
    /// The data folder of a Hyperliquid node (hl-visor run-non-validator --write-fills --batch-by-block); not with --demo
    #[arg(long, value_name = "DIR", env = "HYPERLIQUID_DATA", default_value = "~/hl/data")]
    pub node: PathBuf,
    /// Hyperliquid's info endpoint, for the terms of the markets; not with --demo
    #[arg(long, value_name = "URL", default_value = "https://api.hyperliquid.xyz/info")]
    pub info: String,
    /// The files come from `fathom simulate`: every reply says so, and at the end they are read to their end
    #[arg(long, conflicts_with = "demo")]
    pub simulated: bool,
    /// Fills per second of the simulated market
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=50_000), requires = "demo")]
    pub rate: u32,
    /// Seed of the simulated market
    #[arg(long, value_name = "N", default_value_t = 1, requires = "demo")]
    pub seed: u64,
}

/// Services that a later version will use in place of what is under the data directory.
#[derive(Debug, Args)]
pub struct Services {
    #[arg(long, value_name = "HOST:PORT,…", env = "KAFKA_BROKERS", hide = true)]
    pub brokers: Option<String>,
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide = true)]
    pub database: Option<String>,
}

#[derive(Debug, Args)]
pub struct Data {
    /// The directory that holds everything
    #[arg(long = "data", value_name = "DIR", default_value = "./data")]
    pub path: PathBuf,
}

#[derive(Debug, Args)]
pub struct Role {
    /// Kafka brokers, comma separated
    #[arg(long, value_name = "HOST:PORT,…", env = "KAFKA_BROKERS")]
    pub brokers: Option<String>,
}

#[derive(Debug, Args)]
pub struct Simulate {
    /// Where node files, the truth and the simulator's own state go
    #[arg(long, value_name = "DIR", default_value = "./market")]
    pub out: PathBuf,
    /// Serve Hyperliquid's info endpoint (POST /info) here
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// The same seed, rate, wallets and start give the same market, byte for byte
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Fills per second of event time
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub rate: u32,
    /// How many wallets trade
    #[arg(long, value_name = "N", default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    pub wallets: u32,
    /// Event seconds per second; 0 is as fast as possible
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub speed: u32,
    /// Event time of the first block, in milliseconds UTC; now, when absent
    #[arg(long, value_name = "MS")]
    pub start: Option<i64>,
    /// End after this block
    #[arg(long, value_name = "HEIGHT")]
    pub blocks: Option<u64>,
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Ask {
    #[command(flatten)]
    pub data: Data,
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Topics {
    /// Print the records of this topic, one JSON object a line
    #[arg(value_name = "TOPIC")]
    pub topic: Option<String>,
    /// Only this partition
    #[arg(long, value_name = "N", requires = "topic")]
    pub partition: Option<u32>,
    /// From this offset on; the oldest that is kept, when absent
    #[arg(long, value_name = "OFFSET", requires = "topic")]
    pub from: Option<u64>,
    /// From this event time on, in milliseconds UTC
    #[arg(long, value_name = "MS", requires = "topic", conflicts_with = "from")]
    pub since: Option<i64>,
    /// At most so many records of each partition
    #[arg(long, value_name = "N", requires = "topic")]
    pub limit: Option<u64>,
    #[command(flatten)]
    pub ask: Ask,
}

#[derive(Debug, Args)]
pub struct Schemas {
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// The coin stage in memory on one core: bytes in, every result and state record encoded
    Computer(BenchComputer),
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

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory as _;
        super::Cli::command().debug_assert();
    }
}
