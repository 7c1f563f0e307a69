//! What can be said to `fathom rebuild`.

use clap::{Args, Subcommand};
use schemas::Amount;
use serde::{Deserialize, Serialize};

use super::{Ask, not_negative};

#[derive(Debug, Subcommand)]
pub enum Rebuild {
    /// Begin another generation: everything computed anew from the facts, beside the one that is told
    ///
    /// Reads all fills that the log keeps in the order of events, with those among them that were found later: imports,
    /// healed holes, redriven letters. It is computed and stored by whoever runs, by the rules that are given here, and goes on
    /// with what is live; who asks or listens hears nothing of it until `tell`. This shows how far it is until it has come as
    /// far; ended before, it goes on by itself.
    Begin(RebuildBegin),
    /// List the generations: which is told, and how far each is. Changes nothing
    Ls(RebuildList),
    /// Hold a generation against the one that is told: each difference is a line, and there being one is status 1. Changes
    /// nothing
    Compare(RebuildCompare),
    /// Have a generation told: rows and live results are its from then on. Back is the same
    ///
    /// Refused when it is not as far as the one that is told. Each process turns at once; who listens to events hears
    /// `resync_required`, and how things are. The one before goes on being computed until it is dropped.
    Tell(RebuildOne),
    /// Drop a generation that is not told: its topics and rows are removed for good
    Drop(RebuildOne),
}

#[derive(Debug, Args)]
pub struct RebuildBegin {
    /// Only say what would be read, and what is kept no more
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub rules: NewRules,
    #[command(flatten)]
    pub ask: Ask,
}

/// Each as the generation has it that is told, when absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Args)]
pub struct NewRules {
    /// Whales begin here, in USD; as in the generation that is told, when absent
    #[arg(long, value_name = "USD", value_parser = not_negative)]
    pub whale_floor: Option<Amount>,
    /// An order is large from this share on of what its coin trades in 24 hours; as before, when absent
    #[arg(long, value_name = "SHARE", value_parser = not_negative)]
    pub whale_share: Option<Amount>,
    /// A closed position is remembered for so long; as before, when absent
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(0..=44_640))]
    pub remember_closed: Option<u32>,
}

#[derive(Debug, Args)]
pub struct RebuildList {
    #[command(flatten)]
    pub ask: Ask,
}

#[derive(Debug, Args)]
pub struct RebuildCompare {
    /// Its number
    #[arg(value_name = "GENERATION")]
    pub generation: u32,
    /// What is said behind this moment, as `fathom replay` takes it; since the beginning of both, when absent
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// And up to this one; up to where both have come, when absent
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// Only what is said of this coin
    #[arg(long, value_name = "COIN")]
    pub coin: Option<String>,
    /// Only the topics that this processor writes
    #[arg(long, value_name = "NAME")]
    pub processor: Option<String>,
    /// Only the results of this topic
    #[arg(long, value_name = "NAME")]
    pub topic: Option<String>,
    #[command(flatten)]
    pub ask: Ask,
}

#[derive(Debug, Args)]
pub struct RebuildOne {
    /// Its number
    #[arg(value_name = "GENERATION")]
    pub generation: u32,
    /// Only say what would be done, or why it cannot be
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub ask: Ask,
}
