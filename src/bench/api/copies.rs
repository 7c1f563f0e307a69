//! A table as it is declared → the statement that copies its rows once more: at another time, of other wallets and coins.
//!
//! What is copied is told by the key of the table, so that a new table is filled without a word here. The copies and what
//! each of them changes are in the table `bench_copies`: half of them keep the coins, a quarter calls them `a:…`, an
//! eighth `b:…` and so on; the wallets are those of one copy in twenty.

use schemas::Interval;
use schemas::table::{Column, Table};

/// How the rows of a table become more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// They happened: the copies are spread over the three days before.
    Events,
    /// Of a bucket: the copies are of the buckets before.
    Buckets,
    /// What wallets have: the copies are of other wallets and coins.
    State,
    /// Of a coin: once for each name.
    Coins,
    /// Few, however much is traded.
    Left,
}

/// When the copies of a table are.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    pub newest: i64,
    /// So many times slower than it happened.
    pub slower: i64,
    /// Between one copy and the next.
    pub step: i64,
    pub copies: i64,
}

pub const NAMES_OF_WALLETS: i64 = 20;
/// More than a copy has, and how many copies at most: what belongs together is moved alike in every table.
const BLOCKS: i64 = 100_000;
const OLDEST: i64 = 1_000_000;
const IDS: i64 = 10_000_000;

impl Manner {
    pub fn of(table: &Table) -> Self {
        let has = |name| table.key.contains(&name);
        let is_only = |names: &[&str]| table.key.iter().all(|column| names.contains(column));
        match () {
            () if has("interval") => Self::Buckets,
            () if has("source") || has("dex") || has("measure") => Self::Left,
            () if is_only(&["generation", "coin"]) => Self::Coins,
            () if is_only(&["generation", "coin", "wallet"]) => Self::State,
            () => Self::Events,
        }
    }

    /// Which of its rows a copy takes.
    fn condition(self) -> String {
        match self {
            Self::Coins => " AND copy.is_first = 1 AND copy.coins <> ''".to_owned(),
            // Nobody kept buckets before there were computers.
            Self::Buckets => format!(" AND base.time > copy.n * {}", two_buckets()),
            Self::Events | Self::State | Self::Left => String::new(),
        }
    }
}

/// What `bench_copies` is made of.
pub fn copies(count: i64) -> String {
    let row = |n: i64| {
        let (name, wallets) = (n.trailing_zeros(), n % NAMES_OF_WALLETS);
        let coins = if name == 0 { String::new() } else { format!("{}:", char::from(b'a' + name as u8 - 1)) };
        let wallets = if wallets == 0 { String::new() } else { format!("fa70{wallets:04x}") };
        format!("({n}, '{coins}', {}, '{wallets}', '{n:08x}')", u8::from(n.count_ones() == 1))
    };
    let rows: Vec<String> = (1..=count).map(row).collect();
    format!(
        "CREATE TEMP TABLE bench_copies (n BIGINT PRIMARY KEY, coins TEXT, is_first INTEGER, wallets TEXT, digits TEXT);
         INSERT INTO bench_copies VALUES {}",
        rows.join(", ")
    )
}

/// The statement that makes copy `n` of what is in `bench_base`.
pub fn statement(table: &Table, manner: Manner, spread: Spread, is_sqlite: bool) -> String {
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for column in table.columns {
        names.push(column.name.to_owned());
        values.push(value(column, manner, spread));
        if is_sqlite && column.sorted {
            names.push(format!("{}_key", column.name));
            values.push(format!("base.{}_key", column.name));
        }
    }
    let (name, names, values) = (table.name, names.join(", "), values.join(", "));
    let condition = manner.condition();
    format!(
        "INSERT INTO {name} ({names}) SELECT {values} FROM bench_copies AS copy CROSS JOIN bench_base AS base WHERE copy.n = $n{condition}"
    )
}

fn value(column: &Column, manner: Manner, spread: Spread) -> String {
    let name = column.name;
    match name {
        "coin" => "copy.coins || base.coin".to_owned(),
        "wallet" | "liquidated_wallet" => {
            format!("CASE WHEN copy.wallets = '' THEN base.{name} ELSE substr(base.{name}, 1, 34) || copy.wallets END")
        }
        "hash" => "'0x' || copy.digits || substr(base.hash, 11)".to_owned(),
        // Of something that is long past.
        "final" => "TRUE".to_owned(),
        "id" => "base.id || '|' || copy.n".to_owned(),
        "oid" | "tid" => format!("base.{name} + copy.n * {IDS}"),
        "block" | "first_block" | "last_block" if manner != Manner::State => {
            format!("base.{name} + ({OLDEST} - copy.n) * {BLOCKS}")
        }
        "time" | "clock" if manner == Manner::Buckets => format!("base.{name} - copy.n * {}", two_buckets()),
        _ if manner == Manner::Events && is_time(name) => {
            let Spread { newest, slower, step, .. } = spread;
            format!("{newest} - ({newest} - base.{name}) * {slower} - copy.n * {step}")
        }
        _ => format!("base.{name}"),
    }
}

fn is_time(name: &str) -> bool {
    matches!(name, "time" | "clock" | "opened_at" | "changed_at") || name.ends_with("_time")
}

/// A market that ran for half a minute has seen two buckets at most.
fn two_buckets() -> String {
    let lengths = Interval::ALL.map(|interval| format!("WHEN '{interval}' THEN {}", 2 * interval.length_ms()));
    format!("CASE base.interval {} END", lengths.join(" "))
}

#[cfg(test)]
mod tests {
    use schemas::tables::{accounts, candles, positions, prices, transactions};

    use super::*;

    #[test]
    fn a_table_is_copied_as_its_key_says() {
        for (table, manner) in [
            (&transactions::TABLE, Manner::Events),
            (&candles::TABLE, Manner::Buckets),
            (&positions::TABLE, Manner::State),
            (&prices::TABLE, Manner::Coins),
            (&accounts::TABLE, Manner::Left),
        ] {
            assert_eq!(Manner::of(table), manner, "{}", table.name);
        }
    }
}
