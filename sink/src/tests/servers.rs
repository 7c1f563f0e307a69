//! What is Postgres' own: servers that are away or do not let somebody in, and how many digits it keeps.

use schemas::table::{Column, Value};
use schemas::tables;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnectOptions;

use super::place::{on_postgres, server};
use super::{batch, part, position, texts};
use crate::database::Database;
use crate::rows::Rows;
use crate::{Sink, SinkError, connect};

#[tokio::test]
async fn a_server_that_is_away_is_worth_another_try() {
    let error = connect("postgres://me:hidden@127.0.0.1:1/fathom").await.err().unwrap();
    assert!(error.retry(), "{error:?}");
    let said = error.to_string();
    assert_eq!(
        said,
        "could not open the database postgres://me@127.0.0.1:1/fathom; it does not answer: is it running?"
    );
}

#[tokio::test]
async fn an_address_that_cannot_be_read_does_not_tell_its_password() {
    let error = connect("postgres://me:hidden@localhost:port/fathom").await.err().unwrap();
    assert!(!error.retry() && !format!("{error} {error:?}").contains("hidden"), "{error:?}");
}

#[tokio::test]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn a_wrong_password_stops() {
    let options: PgConnectOptions = server().parse().unwrap();
    let (user, host, port) = (options.get_username(), options.get_host(), options.get_port());
    let error = connect(&format!("postgres://{user}:wrong@{host}:{port}/postgres")).await.err().unwrap();
    assert!(!error.retry(), "{error:?}");
    assert!(error.to_string().contains("correct user and password"), "{error}");
    assert!(!format!("{error} {error:?}").contains("wrong@"), "{error:?}");
}

#[tokio::test]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn a_database_that_is_not_there_stops() {
    let mut url = server();
    url.replace_range(url.rfind('/').unwrap() + 1.., "nowhere_at_all");
    let error = connect(&url).await.err().unwrap();
    assert!(!error.retry() && error.to_string().contains("create it"), "{error}");
}

#[tokio::test]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn a_right_that_is_missing_stops() {
    on_postgres(without_rights).await;
}

async fn without_rights(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let Database::Postgres(pool) = &sink.database else { panic!("not Postgres") };
    let role = format!("reader_{}", std::process::id());
    for made in
        [format!("CREATE ROLE {role}"), format!("GRANT SELECT ON sink_positions TO {role}"), format!("SET ROLE {role}")]
    {
        sqlx::query(AssertSqlSafe(made)).execute(pool).await.unwrap();
    }
    let error = sink.write(1, &[part(0, &batch([position(1, "1")]))]).await.unwrap_err();
    assert!(matches!(&error, SinkError::Statement { about: "sink_positions", .. }), "{error:?}");
    assert!(!error.retry() && error.to_string().contains("grant it the right"), "{error}");
    let Database::Postgres(pool) = &sink.database else { panic!("not Postgres") };
    for undone in ["RESET ROLE".to_owned(), format!("DROP OWNED BY {role}"), format!("DROP ROLE {role}")] {
        sqlx::query(AssertSqlSafe(undone)).execute(pool).await.unwrap();
    }
}

/// More than an amount of ours has: a column of the database is not where digits are lost.
#[tokio::test]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn thirty_eight_digits_are_kept() {
    on_postgres(all_digits).await;
}

async fn all_digits(url: String) {
    let mut sink = connect(&url).await.unwrap();
    let exact = ["12345678901234567890.123456789012345678", "-0.00000000000000000000000000000000000001"];
    let row = |(n, size): (u32, &str)| {
        let mut row = serde_json::to_value(position(n, "1")).unwrap();
        row["size"] = size.into();
        row
    };
    let rows: Vec<_> = (1..).zip(exact).map(row).collect();
    write_as_they_are(&mut sink, &rows).await;
    assert_eq!(texts(&sink, "SELECT CAST(size AS TEXT) FROM positions ORDER BY wallet").await, exact);
}

/// Past the type that reads amounts, which holds 28 digits.
async fn write_as_they_are(sink: &mut Sink, rows: &[serde_json::Value]) {
    let table = &tables::positions::TABLE;
    let put = |row: &serde_json::Value| {
        let value = |column: &Column| match (column.name, &row[column.name]) {
            ("generation" | "idx", _) => Value::Integer(1),
            (_, serde_json::Value::String(text)) => Value::Text(text.clone()),
            (_, number) => number.as_i64().map_or(Value::Null, Value::Integer),
        };
        table.columns.iter().map(value).collect()
    };
    let puts = rows.iter().map(put).collect();
    let mut transaction = sink.database.begin().await.unwrap();
    transaction.write(&Rows { table, puts, deletes: Vec::new() }).await.unwrap();
    transaction.commit().await.unwrap();
}
