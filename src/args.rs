//! What can be said on the command line. The doc comments are the help.

mod bench;
mod keys;
mod rebuild;
mod replay;
mod serving;
mod storing;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use computer::Rules;
use schemas::{Amount, AmountError, WhaleRule};

use crate::failure::Failure;
use crate::log::kafka::Settings;
use crate::run::Exchange;
use crate::run::sources::{Ways, folders};
use crate::run::streams;
pub use bench::{Bench, BenchApi, BenchComputer, BenchImport, BenchLatency, BenchReplay, BenchRestore, BenchWs};
pub use keys::{Keys, KeysAdd, KeysList, KeysRevoke};
pub use rebuild::{NewRules, Rebuild, RebuildBegin, RebuildCompare, RebuildOne};
pub use replay::Replay;
pub use serving::Serving;
pub use storing::{DatabaseArgs, KeepArgs};

/// From Hyperliquid's fills to numbers people act on: positions, long/short ratios, over REST and WebSocket.
#[derive(Debug, Parser)]
#[command(name = "fathom", version, after_help = "Begin with: fathom up --demo")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// How the lines on standard error are written: for people, or each as a JSON object
    #[arg(long, value_name = "FORM", env = "FATHOM_LOG", global = true, value_enum, default_value_t = LogForm::Pretty)]
    pub log: LogForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogForm {
    Pretty,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process: log, computation, database and API
    ///
    /// Keeps all of it under --data (on Kafka and Postgres, where those are named) and goes on where it was when started
    /// again. With --demo it starts a simulated
    /// market and reads that through the real Hyperliquid sources; without it, it follows a Hyperliquid node's files.
    Up(Box<Up>),
    /// Run the parser alone, on Apache Kafka (sources -> facts)
    ///
    /// Several may run: one reads each source, another takes over within seconds when it is gone. As every role, it makes
    /// the topics that are not there yet.
    Parser(ParserRole),
    /// Run the computer alone, on Apache Kafka (facts -> results)
    ///
    /// Several share the partitions; when one is gone the others take over its partitions within seconds.
    Computer(ComputerRole),
    /// Run the sink alone, on Apache Kafka (results -> database)
    ///
    /// Makes and upgrades the tables. Rows and positions are one transaction: a second sink shares the work.
    Sink(SinkRole),
    /// Run the API alone, on Apache Kafka (database and results -> REST and WebSocket)
    ///
    /// Writes no record and no row; as many as are needed run side by side.
    Api(ApiRole),
    /// Read node files of any layout, plain or .lz4, into the topics; goes on where it was when it is started again
    ///
    /// Under --data, results and rows are made of them on the way, and no other process may own the directory; on Kafka
    /// whoever computes there does that. What comes after the tape continues it; what is before its beginning, or was
    /// missing in it, goes to `fills-history` beside it. What is there already is left: the same fill never counts twice.
    Import(Import),
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
    /// Compute a stretch of time once more, from the facts that the log keeps (-> JSON lines on standard output)
    ///
    /// Begins with a snapshot of the state of every task from before it, and reads what the tasks have read, in the same
    /// order; where there is no snapshot, or retention has removed what is needed, it says so. Changes nothing: no topic, no
    /// row and nobody's place in the log. May be asked beside everything that runs, and ended at any time.
    Replay(Replay),
    /// Compute everything anew beside what is told, compare, and have it told instead: how a changed rule or a later version
    /// is brought in without a stop
    #[command(subcommand)]
    Rebuild(Rebuild),
    /// List, show and redrive what could not be understood: its exact bytes are kept for 30 days
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Make, list and revoke the keys with which an API may be asked
    #[command(subcommand)]
    Keys(Keys),
    /// Print the contract: sources, topics, processors and tables. Changes nothing
    Schemas(Schemas),
    /// Print the OpenAPI document of everything that is served. Changes nothing
    Openapi,
    /// Print the AsyncAPI document of the WebSocket and of the topics of the log. Changes nothing
    Asyncapi,
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
    pub metrics: MetricsArgs,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
    #[command(flatten)]
    pub keep: KeepArgs,
    #[command(flatten)]
    pub serving: Serving,
    #[command(flatten)]
    pub sources: Sources,
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Fills per second of the simulated market
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=50_000), requires = "demo")]
    pub rate: u32,
    /// Seed of the simulated market
    #[arg(long, value_name = "N", default_value_t = 1, requires = "demo")]
    pub seed: u64,
}

/// Where facts come from; not with --demo.
#[derive(Debug, Args)]
pub struct Sources {
    /// The data folder of a Hyperliquid node (hl-visor run-non-validator --write-fills --batch-by-block); ~/hl/data when it
    /// is there. Given more than once, each node fills what the others lack. Without a node, or a stream, there are prices and trades,
    /// but no positions, ratios or liquidations
    #[arg(long = "node", value_name = "DIR", env = "HYPERLIQUID_DATA", value_delimiter = ',')]
    pub nodes: Vec<PathBuf>,
    /// An archive's folder, for blocks that no node has given (by block, plain or .lz4); may be given more than once
    #[arg(long = "archive", value_name = "DIR", env = "HYPERLIQUID_ARCHIVE", value_delimiter = ',')]
    pub archives: Vec<PathBuf>,
    /// A file that describes somebody's WebSocket with the fills of a node (README, "Streams"): read as one more node,
    /// beside others or alone; may be given more than once
    #[arg(long = "stream", value_name = "FILE", env = "HYPERLIQUID_STREAMS", value_delimiter = ',')]
    pub streams: Vec<PathBuf>,
    /// Hyperliquid's info endpoint, for the terms of the markets and the accounts of the largest wallets; never asked for
    /// more than 1,200 of weight a minute, which is what one address may
    #[arg(long, value_name = "URL", env = "HYPERLIQUID_INFO", default_value = "https://api.hyperliquid.xyz/info")]
    pub info: String,
    /// A node's own info endpoint (hl-visor --serve-info, http://localhost:3001/info), asked without limits where it answers
    #[arg(long, value_name = "URL", env = "HYPERLIQUID_NODE_INFO")]
    pub node_info: Option<String>,
    /// An account to follow besides those with the largest positions: what it is worth, holds, moves and pays. Without a
    /// node and without a stream also its fills, into `fills-history`: those that the exchange remembers (the latest
    /// 10,000) and, every minute, the new ones
    #[arg(long = "wallet", value_name = "ADDRESS", env = "HYPERLIQUID_WALLETS", value_delimiter = ',')]
    pub wallets: Vec<schemas::Wallet>,
    /// Hyperliquid's public WebSocket, for prices and trades
    #[arg(long, value_name = "URL", env = "HYPERLIQUID_FEED", default_value = "wss://api.hyperliquid.xyz/ws")]
    pub feed: String,
    /// Follow the trades of spot pairs too
    #[arg(long, env = "HYPERLIQUID_SPOT")]
    pub spot: bool,
    /// The sources are `fathom simulate`: every reply says so, and at the end the files are read to their end
    #[arg(long)]
    pub simulated: bool,
}

impl Sources {
    /// What there is to read. A node that was named and is not there is a mistake.
    pub fn ways(&self) -> Result<Ways, Failure> {
        let (info, node_info, feed) = (self.info.clone(), self.node_info.clone(), self.feed.clone());
        let exchange = Exchange { info, node_info, feed, wants_spot: self.spot };
        let streams = streams::read(&self.streams)?;
        let nodes = folders::nodes(&self.nodes, !streams.is_empty())?;
        let archives = folders::archives(&self.archives)?;
        Ok(Ways { nodes, streams, archives, exchange, wallets: self.wallets.clone() })
    }
}

#[derive(Debug, Args)]
pub struct Import {
    /// Files, folders of them (an archive's tree as it is after a sync), or patterns in quotes
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub metrics: MetricsArgs,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
    #[command(flatten)]
    pub keep: KeepArgs,
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Keep the lines as they are too (`raw.node-fills`, `raw.misc-events`): the files have them already
    #[arg(long)]
    pub keep_raw: bool,
    /// The files are of `fathom simulate`: every reply says so
    #[arg(long)]
    pub simulated: bool,
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

/// What results are made by. On Kafka all computers are to be given the same.
#[derive(Debug, Args)]
pub struct RuleArgs {
    /// Whales begin here, whatever the coin trades, and so do their deposits, withdrawals and transfers: in USD. Every
    /// result tells by which rule it was made
    #[arg(long, value_name = "USD", env = "FATHOM_WHALE_FLOOR", default_value_t = WhaleRule::default().floor, value_parser = not_negative)]
    pub whale_floor: Amount,
    /// An order is large from this share on of what its coin trades in 24 hours
    #[arg(long, value_name = "SHARE", env = "FATHOM_WHALE_SHARE", default_value_t = WhaleRule::default().share_of_volume, value_parser = not_negative)]
    pub whale_share: Amount,
    /// A closed position is remembered for so long, so that an older fill that comes late is not taken for a new position.
    /// Longer costs memory
    #[arg(long, value_name = "MINUTES", env = "FATHOM_REMEMBER_CLOSED", default_value_t = Rules::default().remember_closed_minutes, value_parser = clap::value_parser!(u32).range(0..=44_640))]
    pub remember_closed: u32,
}

impl Default for RuleArgs {
    fn default() -> Self {
        let WhaleRule { floor, share_of_volume } = WhaleRule::default();
        Self {
            whale_floor: floor,
            whale_share: share_of_volume,
            remember_closed: Rules::default().remember_closed_minutes,
        }
    }
}

impl RuleArgs {
    pub fn rules(&self) -> Rules {
        Rules {
            whales: WhaleRule { floor: self.whale_floor, share_of_volume: self.whale_share },
            remember_closed_minutes: self.remember_closed,
        }
    }
}

fn not_negative(text: &str) -> Result<Amount, String> {
    let amount: Amount = text.parse().map_err(|error: AmountError| error.to_string())?;
    if amount.sign() < 0 { Err("it is negative".to_owned()) } else { Ok(amount) }
}

/// Apache Kafka in place of the log under the data directory.
#[derive(Debug, Args)]
pub struct KafkaArgs {
    /// Kafka brokers, comma separated
    #[arg(long, value_name = "HOST:PORT,…", env = "KAFKA_BROKERS")]
    pub brokers: Option<String>,
    /// A file of `name=value` lines for security and compression: security.protocol, sasl.…, ssl.…, compression.type
    #[arg(long, value_name = "FILE", env = "KAFKA_CONFIG", requires = "brokers")]
    pub kafka_config: Option<PathBuf>,
}

impl KafkaArgs {
    /// How Kafka is reached, when it is to be.
    pub fn settings(&self) -> Result<Option<Settings>, Failure> {
        let file = self.kafka_config.as_deref();
        self.brokers.as_deref().map(|brokers| Settings::new(brokers, file)).transpose()
    }

    pub fn shown(&self) -> String {
        self.brokers.clone().unwrap_or_default()
    }
}

/// Whoever keeps it running.
#[derive(Debug, Default, Args)]
pub struct MetricsArgs {
    /// Where Prometheus' metrics are served, and beside them /health/live; port 0 is any that is free. Nowhere, when absent
    #[arg(long = "metrics", value_name = "ADDR", env = "FATHOM_METRICS")]
    pub address: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub struct Data {
    /// The directory that holds everything
    #[arg(long = "data", value_name = "DIR", default_value = "./data")]
    pub path: PathBuf,
}

#[derive(Debug, Args)]
pub struct ParserRole {
    #[command(flatten)]
    pub metrics: MetricsArgs,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    #[command(flatten)]
    pub sources: Sources,
}

#[derive(Debug, Args)]
pub struct ComputerRole {
    /// The generation to compute until it is dropped; the one that is told, when absent
    #[arg(long, value_name = "NUMBER", env = "FATHOM_GENERATION")]
    pub generation: Option<u32>,
    #[command(flatten)]
    pub metrics: MetricsArgs,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    #[command(flatten)]
    pub rules: RuleArgs,
}

#[derive(Debug, Args)]
pub struct SinkRole {
    #[command(flatten)]
    pub metrics: MetricsArgs,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
    #[command(flatten)]
    pub keep: KeepArgs,
}

#[derive(Debug, Args)]
pub struct ApiRole {
    #[command(flatten)]
    pub metrics: MetricsArgs,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
    #[command(flatten)]
    pub serving: Serving,
}

#[derive(Debug, Args)]
pub struct Simulate {
    /// Where node files, the truth and the simulator's own state go
    #[arg(long, value_name = "DIR", default_value = "./market")]
    pub out: PathBuf,
    /// What the node writes beside its files by block: `all`, or a list of node-fills, streaming, node-trades, misc-events
    #[arg(long, value_name = "LIST", default_value = "")]
    pub layouts: simulator::Layouts,
    /// A second node that sees the same blocks, without faults: its folder is `second-node` in the market's
    #[arg(long)]
    pub second_node: bool,
    /// Answer as the exchange does here: POST /info, the public WebSocket at /ws, and fills for holders of a key at /stream
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
    /// What goes wrong with what is written and sent: `all`, or a list of duplicated, truncated, garbage, missing,
    /// restarts, dropped, silent, refusals, each with =N for about once in N blocks (refusals: requests). The market and
    /// the truth stay as they are
    #[arg(long, value_name = "LIST", default_value = "")]
    pub faults: simulator::Faults,
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
    #[command(flatten)]
    pub kafka: KafkaArgs,
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

#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// List the letters, oldest first, and count them by reason. Changes nothing
    Ls(LettersLs),
    /// Show one letter: where its bytes came from, why they were not understood, and the bytes. Changes nothing
    Show(LettersShow),
    /// Give the letters to the parser of this version again
    ///
    /// What it understands now is published, each fact once and under the id it would have had: fills to `fills-history`,
    /// beside the tape that went on without them; trades and contexts to their own topics. What was taken from elsewhere
    /// in the meantime is left. What still is not understood is filed again as a new letter with the next attempt, up to
    /// attempt 5; a letter is redriven or filed again once. May be ended and started again at any time, and beside
    /// everything else that runs.
    Redrive(LettersRedrive),
}

#[derive(Debug, Args)]
pub struct LettersLs {
    /// Only letters whose reason holds this text
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Only letters of this source: node-fills, public-feed, meta, or the topic of a record
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Only letters received at this time or later, in milliseconds UTC
    #[arg(long, value_name = "MS")]
    pub since: Option<i64>,
    #[command(flatten)]
    pub ask: Ask,
}

#[derive(Debug, Args)]
pub struct LettersShow {
    /// Which one: the first column of `fathom dead-letters ls`
    #[arg(value_name = "ID")]
    pub id: u64,
    /// Print the bytes alone, exactly as they were received
    #[arg(long, conflicts_with = "json")]
    pub raw: bool,
    #[command(flatten)]
    pub ask: Ask,
}

#[derive(Debug, Args)]
pub struct LettersRedrive {
    /// Only say what would become of each letter. Changes nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub ask: Ask,
}

#[derive(Debug, Args)]
pub struct Schemas {
    /// Print which processor reads and writes which topics, as a Mermaid diagram
    #[arg(long, conflicts_with = "json")]
    pub graph: bool,
    /// Print what is counted, and who tells it: docs/metrics.md
    #[arg(long, conflicts_with_all = ["json", "graph"])]
    pub metrics: bool,
    /// Print every table with its columns and indexes, as docs/schema.md has them
    #[arg(long, conflicts_with_all = ["json", "graph"])]
    pub tables: bool,
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
