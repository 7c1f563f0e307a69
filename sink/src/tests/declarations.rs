//! The tables as they are declared, as migrations make them, and as the examples of the contract fill them.

use schemas::table::{Change, Index, Kind, Table, Value};
use schemas::tables::{TABLES, VERSION};
use schemas::{Amount, Batch, Headers, examples, kind};
use sqlx::{AssertSqlSafe, Row};

use super::place::on_both;
use crate::database::Database;
use crate::{Part, Sink, connect};

on_both! {
    migrations_and_declarations_agree,
    indexes_and_declarations_agree,
    every_example_becomes_the_row_its_table_declares,
}

async fn migrations_and_declarations_agree(url: String) {
    let sink = connect(&url).await.unwrap();
    for table in TABLES {
        let (made, key) = match &sink.database {
            Database::Sqlite(_) => made_in_sqlite(&sink, table).await,
            Database::Postgres(_) => made_in_postgres(&sink, table).await,
        };
        let stored_as = if matches!(sink.database, Database::Sqlite(_)) { in_sqlite } else { in_postgres };
        let mut declared: Vec<(String, String)> =
            table.columns.iter().map(|column| (column.name.to_owned(), stored_as(column.kind).to_owned())).collect();
        if matches!(sink.database, Database::Sqlite(_)) {
            let sorted = table.columns.iter().filter(|column| column.sorted);
            declared.extend(sorted.map(|column| (format!("{}_key", column.name), "TEXT".to_owned())));
        }
        assert_eq!((made, key), (declared, table.key.join(" ")), "{}", table.name);
    }
}

fn in_sqlite(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Decimal | Kind::Json => "TEXT",
        Kind::Integer | Kind::Boolean => "INTEGER",
    }
}

fn in_postgres(kind: Kind) -> &'static str {
    match kind {
        // Pages are in the order of bytes, whatever the language of the database is.
        Kind::Text => "text C",
        Kind::Decimal => "numeric",
        Kind::Json => "json",
        Kind::Integer => "bigint",
        Kind::Boolean => "boolean",
    }
}

/// The columns with their types, and the key.
type Made = (Vec<(String, String)>, String);

async fn made_in_sqlite(sink: &Sink, table: &Table) -> Made {
    let Database::Sqlite(pool) = &sink.database else { panic!("not SQLite") };
    let columns = format!("SELECT name, type FROM pragma_table_info('{}') ORDER BY cid", table.name);
    let key = format!("SELECT name FROM pragma_table_info('{}') WHERE pk > 0 ORDER BY pk", table.name);
    let columns = sqlx::query_as(AssertSqlSafe(columns)).fetch_all(pool).await.unwrap();
    let key: Vec<String> = sqlx::query_scalar(AssertSqlSafe(key)).fetch_all(pool).await.unwrap();
    (columns, key.join(" "))
}

async fn made_in_postgres(sink: &Sink, table: &Table) -> Made {
    let Database::Postgres(pool) = &sink.database else { panic!("not Postgres") };
    let columns = "SELECT CAST(column_name AS TEXT), concat_ws(' ', data_type, collation_name) \
         FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position";
    let key = "SELECT CAST(column_name AS TEXT) FROM information_schema.key_column_usage \
         WHERE table_name = $1 ORDER BY ordinal_position";
    let columns = sqlx::query_as(columns).bind(table.name).fetch_all(pool).await.unwrap();
    let key = sqlx::query(key).bind(table.name).fetch_all(pool).await.unwrap();
    (columns, key.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join(" "))
}

async fn indexes_and_declarations_agree(url: String) {
    let sink = connect(&url).await.unwrap();
    for table in TABLES {
        let mut declared: Vec<String> = table.indexes.iter().map(|index| index_as_made(&sink, table, index)).collect();
        declared.sort();
        let mut made = made_indexes(&sink, table).await;
        made.sort();
        assert_eq!(made, declared, "{}", table.name);
    }
}

/// As each database writes the statement that makes it.
fn index_as_made(sink: &Sink, table: &Table, index: &Index) -> String {
    let is_sqlite = matches!(sink.database, Database::Sqlite(_));
    let column = |name: &&str| match (table.column(name).unwrap().sorted, is_sqlite) {
        (false, _) => (*name).to_owned(),
        (true, true) => format!("{name}_key"),
        (true, false) => format!("COALESCE({name}, 'Infinity'::numeric)"),
    };
    let columns = index.columns.iter().map(column).collect::<Vec<_>>().join(", ");
    let at_least = |(name, least): (&'static str, &str)| match is_sqlite {
        true => format!("{} >= '{}'", column(&name), Amount::sort_key(least.parse().ok())),
        false => format!("{} >= ({least})::numeric", column(&name)),
    };
    let only = index.only.map(|only| only_as_made(only, is_sqlite)).or(index.at_least.map(at_least));
    let (way, only) = match (is_sqlite, only) {
        (true, only) => ("", only.map_or(String::new(), |only| format!(" WHERE {only}"))),
        (false, only) => (" USING btree", only.map_or(String::new(), |only| format!(" WHERE ({only})"))),
    };
    let schema = if is_sqlite { "" } else { "public." };
    format!("CREATE INDEX {} ON {schema}{}{way} ({columns}){only}", index.name, table.name).replace('"', "")
}

/// Postgres says in its own way which rows an index is of.
fn only_as_made(only: &str, is_sqlite: bool) -> String {
    let number = only.strip_prefix("CAST(").and_then(|rest| rest.strip_suffix(" AS REAL) > 0"));
    match number.filter(|_| !is_sqlite) {
        Some(number) => {
            let number = number.replace("coalesce", "COALESCE").replace("'1'", "'1'::numeric");
            format!("({number})::real > (0)::double precision")
        }
        None => only.to_owned(),
    }
}

async fn made_indexes(sink: &Sink, table: &Table) -> Vec<String> {
    let made: Vec<String> = match &sink.database {
        Database::Sqlite(pool) => {
            let all = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = $1";
            sqlx::query_scalar(all).bind(table.name).fetch_all(pool).await.unwrap()
        }
        Database::Postgres(pool) => {
            let all = "SELECT indexdef FROM pg_indexes WHERE tablename = $1 AND indexdef NOT LIKE 'CREATE UNIQUE%'";
            sqlx::query_scalar(all).bind(table.name).fetch_all(pool).await.unwrap()
        }
    };
    // Of all partitions it is made on none.
    let plain = |statement: String| statement.replace('"', "").replace("::text", "").replace(" ON ONLY ", " ON ");
    made.into_iter().map(plain).collect()
}

async fn every_example_becomes_the_row_its_table_declares(url: String) {
    let mut sink = connect(&url).await.unwrap();
    for (partition, table) in (0..).zip(TABLES) {
        let all = examples_of(table);
        for record in all.records() {
            match (table.row)(1, &record).unwrap() {
                Change::Put(row) => {
                    assert_eq!(row.len(), table.columns.len(), "{}", table.name);
                    for (column, value) in table.columns.iter().zip(&row) {
                        assert!(fits(column.kind, value), "{}.{}: {value:?}", table.name, column.name);
                    }
                }
                Change::Delete(key) => assert_eq!(key.len(), table.key.len(), "{}", table.name),
                Change::Nothing => {}
            }
        }
        let next = u64::from(all.count());
        let part = Part { topic: table.topic, partition, expected: None, next, batch: &[all] };
        assert!(sink.write(1, &[part]).await.unwrap() > 0, "{}", table.name);
    }
}

/// An example of a topic of several kinds is named by its kind first; a clock or a gap is nobody's row.
fn examples_of(table: &Table) -> Batch {
    let mut all = Batch::default();
    for (case, value) in examples::of(table.topic) {
        let is_ours = match table.kind {
            Some(kind) => case.as_bytes().starts_with(kind),
            None => ![kind::CLOCK, kind::GAP].iter().any(|other| case.as_bytes().starts_with(other)),
        };
        let mut headers = Vec::new();
        if let Some(kind) = table.kind {
            Headers::write(&mut headers, kind::HEADER, kind);
        }
        if is_ours {
            all.push(1, case.as_bytes(), Some(&value), &headers);
        }
    }
    all
}

fn fits(kind: Kind, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Boolean(_) => kind == Kind::Boolean,
        Value::Integer(_) => kind == Kind::Integer,
        Value::Text(_) => matches!(kind, Kind::Text | Kind::Decimal | Kind::Json),
    }
}

#[test]
fn the_version_of_the_tables_is_that_of_the_last_migration() {
    for migrations in [sqlx::migrate!("migrations/sqlite"), sqlx::migrate!("migrations/postgres")] {
        assert_eq!(migrations.iter().map(|it| it.version).max(), Some(VERSION));
    }
}
