//! Facts as they go into the log → how many there are, and of how many users and coins.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{DeadLetter, Outbox, Topic, Wallet, topics};
use serde_json::{Value, json};

use super::super::told;
use crate::bytes_of;

#[derive(Default)]
pub struct Figures {
    counts: BTreeMap<&'static str, usize>,
    users: BTreeSet<String>,
    coins: BTreeSet<String>,
}

impl Figures {
    pub fn add(&mut self, figure: &'static str, count: usize) {
        *self.counts.entry(figure).or_default() += count;
    }

    /// `stand_in` is nobody's name in the recording.
    pub fn count(&mut self, out: &Outbox, stand_in: Wallet) {
        for topic in [&topics::FILLS, &topics::FILLS_HISTORY] {
            facts(out, topic, "fill").iter().for_each(|fill| self.count_fill(fill));
        }
        for trade in facts(out, &topics::TRADES, "") {
            self.add("trades", 1);
            self.name_coin(&trade["coin"]);
            trade["users"].as_array().unwrap().iter().for_each(|user| self.name_user(user));
        }
        for update in facts(out, &topics::LEDGER_UPDATES, "") {
            self.add("updates", 1);
            self.name_user(&update["user"]);
        }
        for account in facts(out, &topics::ACCOUNT_STATES, "") {
            self.add("accounts", 1);
            self.add("positions", account["assetPositions"].as_array().unwrap().len());
        }
        for (figure, topic) in [("contexts", &topics::ASSET_CONTEXTS), ("mids", &topics::MIDS)] {
            for quote in facts(out, topic, "") {
                self.add(figure, 1);
                self.name_coin(&quote["coin"]);
            }
        }
        self.add("markets", facts(out, &topics::MARKETS, "").len());
        for (_, _, letter) in told(out, &topics::DEAD_LETTERS) {
            let letter: DeadLetter = serde_json::from_str(&letter).unwrap();
            self.add("dead_letters", 1);
            self.add("dead_bytes", bytes_of(&letter).unwrap().len());
        }
        self.users.remove(&stand_in.to_string());
    }

    fn count_fill(&mut self, fill: &Value) {
        self.add("fills", 1);
        self.add("liquidations", usize::from(fill.get("liquidation").is_some()));
        // A line of a trades file becomes both fills of the trade, which say nothing of a fee; one of them is the taker's.
        self.add("trades", usize::from(fill.get("fee").is_none() && fill["crossed"] == true));
        self.name_user(&fill["user"]);
        self.name_coin(&fill["coin"]);
    }

    fn name_user(&mut self, user: &Value) {
        self.users.insert(user.as_str().unwrap().to_owned());
    }

    fn name_coin(&mut self, coin: &Value) {
        self.coins.insert(coin.as_str().unwrap().to_owned());
    }

    /// The line that is compared.
    pub fn of_file(&self, file: &str) -> Value {
        let mut line = json!({ "file": file, "users": self.users.len(), "coins": self.coins.len() });
        self.counts.iter().for_each(|(figure, count)| line[figure] = json!(count));
        line
    }
}

/// Those of a kind, where the topic has several.
fn facts(out: &Outbox, topic: &Topic, kind: &str) -> Vec<Value> {
    let told = told(out, topic).into_iter().filter(|(_, its, _)| kind.is_empty() || its == kind);
    told.map(|(_, _, fact)| serde_json::from_str(&fact).unwrap()).collect()
}
