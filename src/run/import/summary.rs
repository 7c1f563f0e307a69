//! What an import has come to → a line for people and an object for machines.

use std::time::Duration;

use parser::{Contents, EventImport, Import};
use schemas::Cursor;
use serde_json::{Value, json};

pub struct Summary {
    pub is_done: bool,
    pub counts: Value,
}

impl Summary {
    pub fn of(
        is_done: bool,
        contents: &Contents,
        fills: Option<&Import>,
        events: Option<&EventImport>,
        elapsed: Duration,
    ) -> Self {
        let both = |of: fn(&Cursor) -> u64| fills.map_or(0, |import| of(import.tape()) + of(import.history()));
        let of_fills = |of: fn(&Import) -> u64| fills.map_or(0, of);
        let of_events = |of: fn(&EventImport) -> u64| events.map_or(0, of);
        let made = of_fills(|import| import.census().fills);
        let duplicates = both(|cursor| cursor.blocks_repeated + cursor.fills_repeated);
        let beyond = of_fills(|import| import.progress().beyond) + of_events(|import| import.progress().beyond);
        let bytes =
            of_fills(|import| import.progress().places.bytes) + of_events(|import| import.progress().places.bytes);
        let seconds = elapsed.as_secs_f64();
        let counts = json!({
            "done": is_done, "files": contents.fills.len() + contents.events.len() + contents.neither.len(),
            "skipped": contents.neither.len(),
            "blocks": of_fills(|import| import.census().blocks), "fills": made,
            "liquidations": of_fills(|import| import.census().liquidations),
            "users": of_fills(|import| import.census().users.len() as u64),
            "coins": of_fills(|import| import.census().coins.len() as u64),
            "updates": of_events(EventImport::updates),
            "gaps": both(|cursor| cursor.gaps), "blocks_missed": both(|cursor| cursor.blocks_missed),
            "duplicates": duplicates + of_events(|import| import.progress().made.repeated),
            "dead_letters": both(|cursor| cursor.dead_letters) + of_events(|import| import.progress().made.dead_letters),
            "beyond": beyond, "bytes": bytes, "seconds": (seconds * 1000.0).round() / 1000.0,
            "fills_per_second": (made as f64 / seconds.max(0.001)).round(),
        });
        Self { is_done, counts }
    }

    pub fn say(&self, as_json: bool) {
        let of = |name: &str| self.counts[name].to_string();
        let end = if self.is_done { "done" } else { "ended before it was done: the same command goes on from here" };
        println!(
            "{end}: {} fills of {} blocks, {} users, {} coins; {} liquidation fills; {} updates of accounts; {} gaps, {} duplicates, {} dead letters",
            of("fills"),
            of("blocks"),
            of("users"),
            of("coins"),
            of("liquidations"),
            of("updates"),
            of("gaps"),
            of("duplicates"),
            of("dead_letters"),
        );
        if as_json {
            println!("{}", self.counts);
        }
    }
}
