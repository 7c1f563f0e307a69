//! A test's body → the same test on a SQLite file and on a Postgres database, each made for it alone.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

/// Each named function becomes a test of `sqlite` and, for whoever has a server, one of `postgres`. It is given the
/// address of an empty database.
macro_rules! on_both {
    ($($name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() { $crate::tests::place::on_sqlite(super::$name).await })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            #[ignore = "FATHOM_POSTGRES is to be the address of a server"]
            async fn $name() { $crate::tests::place::on_postgres(super::$name).await })*
        }
    };
}
pub(crate) use on_both;

pub(crate) async fn on_sqlite<F: Future<Output = ()>>(body: fn(String) -> F) {
    let folder = TempDir::new().unwrap();
    body(format!("sqlite://{}/fathom.sqlite", folder.path().display())).await;
}

pub(crate) async fn on_postgres<F: Future<Output = ()> + Send + 'static>(body: fn(String) -> F) {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let name = format!("fathom_test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    on_server(format!("CREATE DATABASE {name}")).await;
    let mut url = server();
    url.replace_range(url.rfind('/').unwrap() + 1.., &name);
    // Also when the test fails, its database goes.
    let outcome = tokio::spawn(body(url)).await;
    on_server(format!("DROP DATABASE {name} WITH (FORCE)")).await;
    if let Err(failed) = outcome {
        std::panic::resume_unwind(failed.into_panic());
    }
}

/// Such as `postgres://user:password@localhost/postgres`.
pub(crate) fn server() -> String {
    std::env::var("FATHOM_POSTGRES")
        .expect("FATHOM_POSTGRES is the address of a server with a database in which to begin")
}

async fn on_server(statement: String) {
    let options: PgConnectOptions = server().parse().unwrap();
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}
