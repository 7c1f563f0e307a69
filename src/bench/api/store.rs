//! Statements → SQLite or Postgres, as somebody who fills it by hand.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tokio::runtime::Handle;

use crate::failure::Failure;

pub struct Store {
    connection: Connection,
    runtime: Handle,
}

enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Store {
    pub fn open(url: &str, runtime: &Handle) -> Result<Self, Failure> {
        let opened = runtime.block_on(async {
            match url.starts_with("sqlite:") {
                true => SqliteConnection::connect(url).await.map(Connection::Sqlite),
                false => PgConnection::connect(url).await.map(Connection::Postgres),
            }
        });
        let connection = opened.map_err(|cause| Failure::because("could not open the database to fill it", cause))?;
        Ok(Self { connection, runtime: runtime.clone() })
    }

    /// Nothing of ours may come between somebody else's rows.
    pub fn refuse_tables(&mut self) -> Result<(), Failure> {
        let tables =
            self.texts("SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'")?;
        if tables.is_empty() {
            return Ok(());
        }
        let count = tables.len();
        Err(Failure::Usage(format!(
            "the database has {count} tables: this bench fills one with a market of its own, so give it a database without any"
        )))
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self.connection, Connection::Sqlite(_))
    }

    pub fn execute(&mut self, statements: impl Into<String>) -> Result<(), Failure> {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements.into()));
        let done = self.runtime.block_on(async {
            match &mut self.connection {
                Connection::Sqlite(connection) => statements.execute(connection).await.map(drop),
                Connection::Postgres(connection) => statements.execute(connection).await.map(drop),
            }
        });
        done.map_err(failed)
    }

    /// The one column of an answer.
    pub fn texts(&mut self, question: impl Into<String>) -> Result<Vec<String>, Failure> {
        let question = AssertSqlSafe(question.into());
        let rows: Result<Vec<(String,)>, sqlx::Error> = self.runtime.block_on(async {
            match &mut self.connection {
                Connection::Sqlite(connection) => sqlx::query_as(question).fetch_all(connection).await,
                Connection::Postgres(connection) => sqlx::query_as(question).fetch_all(connection).await,
            }
        });
        Ok(rows.map_err(failed)?.into_iter().map(|(text,)| text).collect())
    }

    /// The one text of an answer that there always is.
    pub fn text(&mut self, question: impl Into<String>) -> Result<String, Failure> {
        let question = question.into();
        let none = || Failure::stop(format!("no answer to {question}"));
        self.texts(question.clone())?.into_iter().next().ok_or_else(none)
    }

    pub fn number(&mut self, question: impl Into<String>) -> Result<i64, Failure> {
        let text = self.text(question)?;
        text.parse().map_err(|cause| Failure::because(format!("{text:?} is no number"), cause))
    }
}

fn failed(cause: sqlx::Error) -> Failure {
    Failure::because("the database refused a statement", cause)
}
