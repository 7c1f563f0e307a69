//! What can be said to `fathom bench ws`.

use clap::Args;

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
