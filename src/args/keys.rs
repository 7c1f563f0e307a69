//! What can be said about keys.

use std::path::PathBuf;

use api::Scope;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key and print its token, once: the file keeps only its SHA-256
    Add(KeysAdd),
    /// List the keys: id, scopes, when each was made, and its name. Changes nothing
    List(KeysList),
    /// Take a key away: within a second nobody who asks for keys takes it any more
    Revoke(KeysRevoke),
}

#[derive(Debug, Args)]
pub struct KeysAdd {
    /// Whose it is
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// What it opens, with commas between: read (whatever is only told), watch (whatever changes what is watched), admin (the
    /// admin listener)
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', default_value = "read", value_parser = scope)]
    pub scopes: Vec<Scope>,
    #[command(flatten)]
    pub file: KeysIn,
}

#[derive(Debug, Args)]
pub struct KeysList {
    #[command(flatten)]
    pub file: KeysIn,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct KeysRevoke {
    /// Which one: the first column of `fathom keys list`
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub file: KeysIn,
}

#[derive(Debug, Args)]
pub struct KeysIn {
    /// The file of keys; made with the first one
    #[arg(long = "keys", value_name = "FILE", env = "FATHOM_KEYS")]
    pub path: PathBuf,
}

fn scope(text: &str) -> Result<Scope, String> {
    let known = [Scope::Read, Scope::Watch, Scope::Admin].into_iter().find(|scope| scope.to_string() == text);
    known.ok_or_else(|| "it is one of read, watch, admin".to_owned())
}
