//! Every list, in each of its sorts and both ways, of all, of a coin, of a wallet, an order and a transaction: by which way
//! each database goes to a page.
#![allow(clippy::unwrap_used)]

use super::{Asked, LISTS, List};
use crate::database::{Database, Rows};
use crate::filter::{Filter, Given};
use crate::open_database;
use crate::page::Asked as _;
use crate::parameters::TimeRange;
use crate::query::Query;
use crate::tests::place::on_both;
use schemas::Amount;
use schemas::table::{Kept, Kind, Table, Value};
use schemas::tables::TABLES;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;

on_both! { every_page_is_one_walk_along_an_index, }

async fn every_page_is_one_walk_along_an_index(url: String) {
    drop(sink::connect(&url).await.unwrap());
    if url.starts_with("postgres") {
        make_two_days(&url).await;
    }
    let database = open_database(&url).await.unwrap();
    for list in LISTS {
        for filter in std::iter::once(None).chain(list.filters.iter().map(Some)) {
            let Some(given) = given(filter) else { continue };
            for sort in std::iter::once(None).chain(list.sorts.iter().copied().map(Some)) {
                for oldest_first in [true, false] {
                    let query = question(list, filter.zip(given.clone_of()), sort, oldest_first);
                    let steps = steps(&database, query).await;
                    let what = format!("{} {:?} by {sort:?}: {steps:#?}", list.name, filter.map(Filter::name));
                    assert!(!steps.iter().any(|step| is_walk_or_sort(step)), "{what}");
                }
            }
        }
    }
}

/// A table of no partitions is not looked into at all.
async fn make_two_days(url: &str) {
    let pool = PgPool::connect(url).await.unwrap();
    for Table { name, .. } in TABLES.into_iter().filter(|table| matches!(table.kept, Kept::Days { .. })) {
        for day in 0..2 {
            let (from, to) = (day * 86_400_000, (day + 1) * 86_400_000);
            let made = format!("CREATE TABLE {name}_{day} PARTITION OF {name} FOR VALUES FROM ({from}) TO ({to})");
            sqlx::raw_sql(AssertSqlSafe(made)).execute(&pool).await.unwrap();
        }
    }
    pool.close().await;
}

/// What an index is made for, and a value of it.
fn given(filter: Option<&'static Filter>) -> Option<Chosen> {
    match filter {
        None => Some(Chosen::All),
        Some(Filter::Coin | Filter::Wallet | Filter::Hash) => Some(Chosen::Text),
        Some(Filter::Count { .. }) => Some(Chosen::Number),
        Some(Filter::AtLeast { .. }) => Some(Chosen::Large),
        Some(_) => None,
    }
}

enum Chosen {
    All,
    Text,
    Number,
    Large,
}

impl Chosen {
    fn clone_of(&self) -> Option<Given> {
        match self {
            Self::All => None,
            Self::Text => Some(Given::Text("A".to_owned())),
            Self::Number => Some(Given::Number(7)),
            Self::Large => Some(Given::Amount(Amount::from(100_000))),
        }
    }
}

/// The page behind some place.
fn question(
    list: &'static List,
    chosen: Option<(&'static Filter, Given)>,
    sort: Option<&'static str>,
    oldest_first: bool,
) -> Query {
    let value = |kind| match kind {
        Kind::Integer => Value::Integer(7),
        Kind::Decimal => Value::text("7.5"),
        _ => Value::text("B"),
    };
    let after = list.order_of(sort).map(|column| value(column.kind)).collect();
    let range = TimeRange { start: None, end: None, oldest_first };
    let asked = Asked { list, given: chosen.into_iter().collect(), range, sort, after: Some(after), limit: 100 };
    asked.query(1, 101)
}

async fn steps(database: &Database, query: Query) -> Vec<String> {
    let mut moment = database.one_moment().await.unwrap();
    if let Rows::Postgres(transaction) = &mut moment.rows {
        // An empty table is walked through whatever there is beside it.
        sqlx::raw_sql(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off; \
             SET LOCAL enable_incremental_sort = off",
        )
        .execute(&mut **transaction)
        .await
        .unwrap();
    }
    moment.explain(&query).await.unwrap().steps
}

fn is_walk_or_sort(step: &str) -> bool {
    ["SCAN", "TEMP B-TREE", "Seq Scan", "Sort"].iter().any(|word| step.contains(word))
}
