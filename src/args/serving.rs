//! What can be said about those who are served.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use api::{Gate, Keys, Rates};
use axum::http::HeaderValue;
use clap::Args;

use crate::failure::Failure;
use crate::keys::KeysFile;
use crate::run::Most;

/// Where clients come in, and how many of them.
#[derive(Debug, Args)]
pub struct Serving {
    /// Where REST, WebSocket and the page are served
    #[arg(long, value_name = "ADDR", default_value = HTTP)]
    pub http: SocketAddr,
    /// So many clients may be connected at a time; whoever comes on top of them is told to come later (503)
    #[arg(long, value_name = "N", env = "FATHOM_CONNECTIONS", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections: u32,
    /// So many of them from one address (429)
    #[arg(long, value_name = "N", env = "FATHOM_CONNECTIONS_PER_ADDRESS", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections_per_address: u32,
    /// A site whose pages may read replies in a browser, such as https://example.org (CORS); `*` is all of them. May be
    /// given more than once. Without it only the page of this server may
    #[arg(long = "allow-origin", value_name = "ORIGIN", env = "FATHOM_ALLOW_ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub origins: Vec<HeaderValue>,
    /// Ask for a key of this file (`fathom keys add`) wherever data are told. Without it everybody may ask
    #[arg(long, value_name = "FILE", env = "FATHOM_KEYS")]
    pub keys: Option<PathBuf>,
    /// So much each key, and each address without one, may ask a minute; dear questions count more than one (429). 0 is no limit
    #[arg(long = "rate-limit", value_name = "N", env = "FATHOM_RATE_LIMIT", default_value_t = RATE_LIMIT, value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    pub rate_limit: u32,
    /// The address of a proxy whose X-Forwarded-For is believed; may be given more than once. It may have any number of
    /// connections
    #[arg(long = "trusted-proxy", value_name = "ADDRESS", env = "FATHOM_TRUSTED_PROXIES", value_delimiter = ',')]
    pub proxies: Vec<IpAddr>,
    /// Where keys of scope admin are told how everything runs: topics, lag, dead letters, keys. Nowhere, when it is not said
    #[arg(long, value_name = "ADDR", env = "FATHOM_ADMIN", requires = "keys")]
    pub admin: Option<SocketAddr>,
}

const HTTP: &str = "127.0.0.1:8080";
const RATE_LIMIT: u32 = 6_000;

impl Serving {
    /// At this address, and everything else as it is when nothing is said.
    pub fn at(http: SocketAddr) -> Self {
        Self {
            http,
            connections: 4096,
            connections_per_address: 256,
            origins: Vec::new(),
            keys: None,
            rate_limit: RATE_LIMIT,
            proxies: Vec::new(),
            admin: None,
        }
    }

    pub fn most(&self) -> Most {
        let proxies = self.proxies.clone();
        Most { in_all: self.connections, from_one_address: self.connections_per_address, proxies }
    }

    /// The keys that are asked for, where any are.
    pub fn keys(&self) -> Result<Option<Arc<KeysFile>>, Failure> {
        Ok(self.keys.as_deref().map(KeysFile::open).transpose()?.map(Arc::new))
    }

    pub fn gate(&self, keys: Option<&Arc<KeysFile>>) -> Gate {
        let keys = keys.cloned().map(|keys| Arc::new(move || keys.now()) as Arc<dyn Fn() -> Arc<Keys> + Send + Sync>);
        let rates = (self.rate_limit > 0).then(|| Arc::new(Rates::new(self.rate_limit)));
        Gate { origins: self.origins.clone(), keys, rates, proxies: self.proxies.clone(), ..Gate::default() }
    }
}

/// Only what a browser could ever say.
fn origin(text: &str) -> Result<HeaderValue, String> {
    let site = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_one = text == "*" || site.is_some_and(|site| !site.is_empty() && !site.contains('/'));
    let value = HeaderValue::from_str(text).ok().filter(|_| is_one);
    value.ok_or_else(|| "it is * or a site such as https://example.org, without a path".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_site_without_a_path() {
        for good in ["*", "https://example.org", "http://localhost:3000"] {
            assert_eq!(origin(good).ok(), HeaderValue::from_str(good).ok());
        }
        for bad in ["", "example.org", "https://", "https://example.org/", "https://example.org/page", "file:///x"] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
