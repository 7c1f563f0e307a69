//! `fathom keys add`, `list`, `revoke`: who may ask. A file holds the fingerprints of the keys, and no token.

mod file;

use std::io::Write as _;
use std::path::Path;

use api::{Key, Scope, fingerprint};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use file::KeysFile;

use crate::args::{KeysAdd, KeysList, KeysRevoke};
use crate::control::moment;
use crate::failure::Failure;
use crate::run::now_ms;

/// Tells the token once: nobody can say it again.
pub fn add(args: &KeysAdd) -> Result<(), Failure> {
    let token = make(&args.file.path, &args.name, args.scopes.clone())?;
    writeln!(std::io::stdout(), "{token}").map_err(|cause| Failure::because("could not print", cause))
}

pub fn make(path: &Path, name: &str, scopes: Vec<Scope>) -> Result<String, Failure> {
    let token = random_token()?;
    let mut keys = file::read_or_none(path)?;
    let sha256 = fingerprint(&token);
    let (id, name) = (sha256[..8].to_owned(), name.to_owned());
    keys.push(Key { id, name, scopes, made: now_ms(), sha256 });
    file::write(path, &keys)?;
    Ok(token)
}

pub fn list(args: &KeysList) -> Result<(), Failure> {
    for key in file::read(&args.file.path)? {
        if args.json {
            println!(
                "{}",
                serde_json::json!({ "id": key.id, "name": key.name, "scopes": key.scopes, "made": key.made })
            );
            continue;
        }
        let scopes: Vec<String> = key.scopes.iter().map(ToString::to_string).collect();
        println!("{}  {:<17} {}  {}", key.id, scopes.join(","), moment(&key.made.into()), key.name);
    }
    Ok(())
}

pub fn revoke(args: &KeysRevoke) -> Result<(), Failure> {
    let mut keys = file::read(&args.file.path)?;
    let before = keys.len();
    keys.retain(|key| key.id != args.id);
    if keys.len() == before {
        return Err(Failure::stop(format!("there is no key {:?}: `fathom keys list` names them", args.id)));
    }
    file::write(&args.file.path, &keys)
}

/// 256 random bits, in characters that headers and addresses take as they are.
fn random_token() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|cause| Failure::because("the system gives no random numbers", cause))?;
    Ok(format!("fathom_{}", URL_SAFE_NO_PAD.encode(bytes)))
}
