//! What can be said to `fathom replay`.

use clap::Args;

use super::{Ask, RuleArgs};
use crate::replay::Speed;

#[derive(Debug, Args)]
pub struct Replay {
    /// What is said behind this moment: 2026-11-23T10:00:00Z, milliseconds UTC, -2h (before everything that is computed), or
    /// fills/2@51200 (the time of that record). Since the first one, when absent
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// And up to this one; up to everything that is computed, when absent
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// How everything stood at this moment, instead of what was said in a stretch: of positions, long-short-ratios and
    /// liquidation-map, or of the one that --topic names
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true, conflicts_with_all = ["from", "to", "check", "keep", "dry_run", "processor", "speed"])]
    pub at: Option<String>,
    /// Only what is said of this coin
    #[arg(long, value_name = "COIN")]
    pub coin: Option<String>,
    /// Only the topics that this processor writes (`fathom schemas --graph` has them all)
    #[arg(long, value_name = "NAME")]
    pub processor: Option<String>,
    /// Only the results of this topic
    #[arg(long, value_name = "NAME")]
    pub topic: Option<String>,
    /// How fast event time goes by
    #[arg(long, value_enum, default_value_t = Speed::Max)]
    pub speed: Speed,
    /// Compare with what stands on the log instead of printing: each difference is a line, and there being one is status 1
    #[arg(long)]
    pub check: bool,
    /// Write it into a generation of its own instead of printing: topics, and rows as soon as somebody stores them. Nobody is told
    /// of it; `fathom rebuild compare` holds it against what is live, and `drop` removes it
    #[arg(long, conflicts_with = "check")]
    pub keep: bool,
    /// Only say what would be read, and where it begins
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub rules: RuleArgs,
    #[command(flatten)]
    pub ask: Ask,
}
