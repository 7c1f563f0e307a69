//! The OpenAPI document → every question about data: each sort both ways, of all, of a coin, of a wallet and so on, and
//! each of them with its second page. What there is little of is asked for as well as what there is much of.

use std::net::SocketAddr;

use serde_json::Value;
use tracing::debug;

use super::client::Client;
use super::filled::Filled;
use crate::failure::Failure;

/// A request, and whether it is one for a page of rows.
pub struct Question {
    pub url: String,
    pub is_list: bool,
}

/// A page as it is measured.
const LIMIT: i64 = 1_000;
const MANY: usize = 3;
const HOUR_MS: i64 = 60 * 60 * 1_000;

pub fn all(address: SocketAddr, filled: &Filled) -> Result<Vec<Question>, Failure> {
    let mut client = Client::connect(address)?;
    let mut questions = Vec::new();
    let paths = api::OPENAPI["paths"].as_object().into_iter().flatten();
    for (path, verbs) in paths.filter(|(path, verbs)| is_of_data(path) && verbs["get"].is_object()) {
        let parameters = verbs["get"]["parameters"].as_array().cloned().unwrap_or_default();
        let asked = Asked { path, parameters: &parameters, filled };
        let is_list = asked.has("limit");
        for url in asked.urls(&mut client)? {
            let answer = client.get(&url)?;
            match answer.status {
                200 => questions.push(Question { url: url.clone(), is_list }),
                // A coin that is only in the tables has nothing at present; a cohort needs its kind.
                400 | 404 => debug!("not asked: {url}: {}", String::from_utf8_lossy(&answer.body)),
                status => {
                    return Err(Failure::stop(format!("{url}: {status} {}", String::from_utf8_lossy(&answer.body))));
                }
            }
            let reply: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            if let (Some(cursor), true) = (reply["meta"]["next_cursor"].as_str(), is_list) {
                questions.push(Question { url: format!("{url}&cursor={cursor}"), is_list });
            }
        }
    }
    Ok(questions)
}

/// What is streamed from the log has no rows.
fn is_of_data(path: &str) -> bool {
    (path.starts_with("/api/v1/") || path.starts_with("/futures/data/"))
        && !["/api/v1/ws", "/api/v1/replay"].contains(&path)
}

/// A path and what it may be given.
struct Asked<'a> {
    path: &'a str,
    parameters: &'a [Value],
    filled: &'a Filled,
}

impl Asked<'_> {
    fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter["name"] == name)
    }

    /// Each choice with each sort in each order, of each path.
    fn urls(&self, client: &mut Client) -> Result<Vec<String>, Failure> {
        let mut urls = Vec::new();
        for path in self.paths(client)? {
            for sorted in self.sorts() {
                urls.extend(self.choices().iter().map(|choice| address(&path, &[&self.base(), &sorted, choice])));
            }
        }
        Ok(urls)
    }

    fn paths(&self, client: &mut Client) -> Result<Vec<String>, Failure> {
        let Some(in_path) = self.parameters.iter().find(|parameter| parameter["in"] == "path") else {
            return Ok(vec![self.path.to_owned()]);
        };
        let place = format!("{{{}}}", in_path["name"].as_str().unwrap_or_default());
        let values = match in_path["name"].as_str() {
            Some("id") => vec![self.first_id(client)?],
            _ => self.values(in_path),
        };
        Ok(values.iter().map(|value| self.path.replace(&place, value)).collect())
    }

    /// Of the list that the path is of.
    fn first_id(&self, client: &mut Client) -> Result<String, Failure> {
        let list = self.path.trim_end_matches("/{id}");
        let reply = client.json(&format!("{list}?limit=1"))?;
        let none = || Failure::stop(format!("{list} has no row"));
        reply["data"][0]["id"].as_str().map(str::to_owned).ok_or_else(none)
    }

    /// What every request is given.
    fn base(&self) -> String {
        let mut given = Vec::new();
        for parameter in self.parameters.iter().filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().unwrap_or_default();
            if name == "limit" {
                given.push(format!("limit={}", parameter["schema"]["maximum"].as_i64().unwrap_or(LIMIT).min(LIMIT)));
            } else if parameter["required"] == true {
                given.extend(self.values(parameter).first().map(|value| format!("{name}={value}")));
            }
        }
        given.join("&")
    }

    fn sorts(&self) -> Vec<String> {
        let of = |name: &str| -> Vec<String> {
            let words =
                self.parameters.iter().find(|parameter| parameter["name"] == name).map(words).unwrap_or_default();
            words.iter().map(|word| format!("{name}={word}")).collect()
        };
        let (sorts, orders) = (of("sort"), of("order"));
        let sorts = if sorts.is_empty() { vec![String::new()] } else { sorts };
        let orders = if orders.is_empty() { vec![String::new()] } else { orders };
        sorts.iter().flat_map(|sort| orders.iter().map(move |order| joined(&[sort, order]))).collect()
    }

    /// Nothing, each filter by itself, and a coin or a wallet with the largest sizes.
    fn choices(&self) -> Vec<String> {
        let mut choices = vec![String::new()];
        for parameter in
            self.parameters.iter().filter(|parameter| parameter["in"] == "query" && parameter["required"] != true)
        {
            let name = parameter["name"].as_str().unwrap_or_default();
            if !["sort", "order", "limit", "cursor", "format"].contains(&name) {
                choices.extend(self.values(parameter).iter().map(|value| format!("{name}={value}")));
            }
        }
        if self.has("min_notional") {
            let pairs = [("coin", &self.filled.coins[0]), ("wallet", &self.filled.wallets[0])];
            let pairs = pairs.iter().filter(|(name, _)| self.has(name));
            choices.extend(pairs.map(|(name, value)| format!("{name}={value}&min_notional={}", self.filled.large)));
        }
        choices
    }

    fn values(&self, parameter: &Value) -> Vec<String> {
        let filled = self.filled;
        match parameter["name"].as_str().unwrap_or_default() {
            "coin" => filled.coins.clone(),
            "wallet" | "address" => filled.wallets.clone(),
            "hash" => vec![filled.hash.clone()],
            "oid" => vec![filled.oid.clone()],
            "min_notional" => {
                let usual = shown(&parameter["schema"]["default"]).unwrap_or_else(|| "1000".to_owned());
                vec![usual, filled.large.clone()]
            }
            "min_trades" => vec![filled.trades.clone()],
            "start_time" => vec![(filled.newest - HOUR_MS).to_string()],
            "end_time" => vec![(filled.newest - 36 * HOUR_MS).to_string()],
            _ => match words(parameter) {
                words if words.is_empty() => shown(&parameter["example"]).into_iter().collect(),
                words => words,
            },
        }
    }
}

/// Of many the first and the last, which are the furthest from each other.
fn words(parameter: &Value) -> Vec<String> {
    let mut words: Vec<String> =
        parameter["schema"]["enum"].as_array().into_iter().flatten().filter_map(shown).collect();
    if words.len() > MANY {
        words.drain(1..words.len() - 1);
    }
    words
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn address(path: &str, parts: &[&str]) -> String {
    format!("{path}?{}", joined(parts)).trim_end_matches('?').to_owned()
}

fn joined(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("&")
}
