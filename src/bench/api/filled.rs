//! The rows of a market that ran for a while → as many as were asked for, and what there is to ask about.

use std::collections::BTreeMap;
use std::time::Instant;

use schemas::table::{Kept, Table};
use schemas::tables::TABLES;
use tracing::info;

use super::copies::{self, Manner, NAMES_OF_WALLETS, Spread};
use super::store::Store;
use crate::failure::Failure;

/// So long legs are kept.
const DAYS_MS: i64 = 3 * DAY_MS;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const MOST_COPIES: i64 = 5_000;
/// A bucket of each coin and kind for so many fills.
const FILLS_PER_BUCKET: i64 = 3_000;
/// Of what happens seldom there is one for so many fills, at least.
const FILLS_PER_RARITY: i64 = 100;

/// What is stored, and what can be asked about.
pub struct Filled {
    pub rows: BTreeMap<&'static str, i64>,
    pub bytes: i64,
    pub is_sqlite: bool,
    /// Those that trade most, and least.
    pub coins: Vec<String>,
    pub wallets: Vec<String>,
    pub hash: String,
    pub oid: String,
    /// Hardly anything is larger.
    pub large: String,
    /// So many round trips one wallet in ten has ended.
    pub trades: String,
    pub newest: i64,
}

impl Filled {
    /// What may not be walked through.
    pub fn big_tables(&self) -> Vec<&'static str> {
        let most = self.rows.values().max().copied().unwrap_or_default();
        self.rows.iter().filter(|(_, rows)| **rows > 1_000 && **rows * 1_000 > most).map(|(name, _)| *name).collect()
    }
}

pub fn fill(store: &mut Store, fills: u64) -> Result<Filled, Failure> {
    begin(store)?;
    let fills = fills.cast_signed();
    let newest = store.number("SELECT CAST(max(time) AS TEXT) FROM transactions")?;
    let length = newest - store.number("SELECT CAST(min(time) AS TEXT) FROM transactions")?;
    let of_fills = (fills / count(store, "transactions")?.max(1)).max(1);
    store.execute(copies::copies(MOST_COPIES))?;
    let mut rows = BTreeMap::new();
    for table in TABLES {
        let base = count(store, table.name)?;
        let manner = Manner::of(table);
        let copies = how_many(manner, base, fills, of_fills);
        let step = DAYS_MS / copies.max(1);
        let spread = Spread { newest, slower: (step / length.max(1)).max(1), step, copies };
        copy(store, table, manner, spread)?;
        rows.insert(table.name, count(store, table.name)?);
    }
    end(store)?;
    look_around(store, rows, newest)
}

fn how_many(manner: Manner, base: i64, fills: i64, of_fills: i64) -> i64 {
    match manner {
        _ if base == 0 => 0,
        Manner::Events => (fills / FILLS_PER_RARITY / base).clamp(of_fills, MOST_COPIES.max(of_fills)),
        Manner::Buckets => (fills / FILLS_PER_BUCKET).clamp(1, MOST_COPIES),
        Manner::State => NAMES_OF_WALLETS - 1,
        Manner::Coins => MOST_COPIES,
        Manner::Left => 0,
    }
}

fn count(store: &mut Store, table: &str) -> Result<i64, Failure> {
    store.number(format!("SELECT CAST(count(*) AS TEXT) FROM {table}"))
}

/// Nothing here has to outlive the process. What the planner knows of the tables is what their migrations have told it:
/// it would go with the indexes.
fn begin(store: &mut Store) -> Result<(), Failure> {
    if store.is_sqlite() {
        return store.execute(
            "PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA threads = 2; \
             PRAGMA cache_size = -200000; CREATE TEMP TABLE bench_known AS SELECT * FROM sqlite_stat1",
        );
    }
    store.execute(
        "SET synchronous_commit = off; SET maintenance_work_mem = '512MB'; SET max_parallel_maintenance_workers = 2",
    )
}

/// As production has it: Postgres clears up and counts by itself, in time.
fn end(store: &mut Store) -> Result<(), Failure> {
    match store.is_sqlite() {
        true => store.execute(
            "DELETE FROM sqlite_stat1; INSERT INTO sqlite_stat1 SELECT * FROM bench_known; ANALYZE sqlite_schema; \
             PRAGMA journal_mode = WAL",
        ),
        false => {
            store.execute("VACUUM ANALYZE")?;
            store.execute("CHECKPOINT")
        }
    }
}

/// The oldest first, as they would have come. Indexes are made when all is there: that is far faster.
fn copy(store: &mut Store, table: &Table, manner: Manner, spread: Spread) -> Result<(), Failure> {
    if spread.copies == 0 {
        return Ok(());
    }
    let (began, name) = (Instant::now(), table.name);
    let statement = copies::statement(table, manner, spread, store.is_sqlite());
    let indexes = indexes_of(store, name)?;
    store.execute(format!("CREATE TEMP TABLE bench_base AS SELECT * FROM {name}"))?;
    if let (Kept::Days { .. }, false) = (table.kept, store.is_sqlite()) {
        store.execute(days(name, spread.newest))?;
    }
    for (index, _) in &indexes {
        store.execute(format!("DROP INDEX {index}"))?;
    }
    store.execute("BEGIN")?;
    for n in (1..=spread.copies).rev() {
        store.execute(statement.replace("$n", &n.to_string()))?;
    }
    store.execute("COMMIT; DROP TABLE bench_base")?;
    for (_, made) in indexes {
        store.execute(made)?;
    }
    info!("{name}: {} copies in {:.0} s", spread.copies, began.elapsed().as_secs_f64());
    Ok(())
}

/// The partitions of all days that copies may be of.
fn days(table: &str, newest: i64) -> String {
    let last = newest / DAY_MS;
    let day = |day: i64| {
        let (from, to) = (day * DAY_MS, (day + 1) * DAY_MS);
        format!("CREATE TABLE IF NOT EXISTS {table}_{day} PARTITION OF {table} FOR VALUES FROM ({from}) TO ({to});")
    };
    (last - 8..=last).map(day).collect()
}

/// Those that are not the key, and the statements that make them.
fn indexes_of(store: &mut Store, table: &str) -> Result<Vec<(String, String)>, Failure> {
    let (names, made) = match store.is_sqlite() {
        true => {
            let of = format!(
                "FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = '{table}' ORDER BY name"
            );
            (store.texts(format!("SELECT name {of}"))?, store.texts(format!("SELECT sql {of}"))?)
        }
        false => {
            let of = format!(
                "FROM pg_indexes WHERE schemaname = 'public' AND tablename = '{table}' AND indexdef NOT LIKE 'CREATE UNIQUE%' ORDER BY 1"
            );
            (
                store.texts(format!("SELECT indexname::text {of}"))?,
                store.texts(format!(
                    "SELECT replace(indexdef, ' ON ONLY ', ' ON ')::text {}",
                    of.replace("ORDER BY 1", "ORDER BY indexname")
                ))?,
            )
        }
    };
    Ok(names.into_iter().zip(made).collect())
}

fn most_and_least(store: &mut Store, column: &str) -> Result<Vec<String>, Failure> {
    let by_count =
        |way| format!("SELECT {column} FROM transactions GROUP BY {column} ORDER BY count(*) {way}, {column} LIMIT 1");
    Ok(vec![store.text(by_count("DESC"))?, store.text(by_count("ASC"))?])
}

fn look_around(store: &mut Store, rows: BTreeMap<&'static str, i64>, newest: i64) -> Result<Filled, Failure> {
    let (coins, wallets) = (most_and_least(store, "coin")?, most_and_least(store, "wallet")?);
    let of_busiest = format!("FROM transactions WHERE wallet = '{}' ORDER BY time DESC LIMIT 1", wallets[0]);
    let (by_size, bytes) = match store.is_sqlite() {
        true => {
            ("notional_key", "SELECT CAST(page_count * page_size AS TEXT) FROM pragma_page_count, pragma_page_size")
        }
        false => ("transactions.notional", "SELECT pg_database_size(current_database())::text"),
    };
    let trades = format!(
        "SELECT CAST(closed AS TEXT) FROM wallet_summaries ORDER BY closed DESC LIMIT 1 OFFSET {}",
        rows["wallet_summaries"] / 10
    );
    Ok(Filled {
        trades: store.text(trades)?,
        rows,
        bytes: store.number(bytes)?,
        is_sqlite: store.is_sqlite(),
        hash: store.text(format!("SELECT hash {of_busiest}"))?,
        oid: store.text(format!("SELECT CAST(oid AS TEXT) {of_busiest}"))?,
        large: store.text(format!(
            "SELECT CAST(notional AS TEXT) FROM transactions WHERE notional IS NOT NULL ORDER BY {by_size} DESC LIMIT 1"
        ))?,
        coins,
        wallets,
        newest,
    })
}
