//! Where a pipeline keeps what it makes: a data directory, or Kafka and Postgres. Rows, records and answers come out the
//! same from both.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use sqlx::{Connection as _, Row as _, ValueRef as _};

use crate::process::{fathom, path};

#[derive(Debug, Clone)]
pub enum Place {
    Data(PathBuf),
    Services { brokers: String, database: String },
}

impl Place {
    /// A command of ours that speaks of this place.
    pub fn fathom(&self, args: &[&str]) -> Command {
        let mut command = fathom(args);
        match self {
            Self::Data(data) => command.args(["--data", path(data)]),
            Self::Services { brokers, .. } => command.args(["--brokers", brokers]),
        };
        command
    }

    /// What such a command says, line by line.
    pub fn lines(&self, args: &[&str]) -> Vec<Value> {
        let output = self.fathom(args).output().unwrap();
        let (out, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{args:?}: {error}");
        out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The JSON object on the last line.
    pub fn ask(&self, command: &str) -> Value {
        self.lines(&[command, "--json"]).pop().unwrap()
    }

    /// The values of each key of a topic, in their order.
    pub fn records(&self, topic: &str) -> BTreeMap<(u64, String), Vec<String>> {
        let mut records: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for record in self.lines(&["topics", topic]) {
            let key = (record["partition"].as_u64().unwrap(), record["key"].as_str().unwrap().to_owned());
            records.entry(key).or_default().push(record["value"].to_string());
        }
        records
    }

    /// What a topic holds, partition by partition.
    pub fn values(&self, topic: &str) -> Vec<Value> {
        let mut values = Vec::new();
        self.each(topic, |value| values.push(value));
        values
    }

    /// The same, one by one.
    pub fn each(&self, topic: &str, mut take: impl FnMut(Value)) {
        let mut child = self.fathom(&["topics", topic]).stdout(Stdio::piped()).spawn().unwrap();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let mut record: Value = serde_json::from_str(&line.unwrap()).unwrap();
            take(record["value"].take());
        }
        assert!(child.wait().unwrap().success(), "{topic} can be read");
    }

    /// Every column as text: whatever a database calls its types.
    pub fn rows(&self, query: &str) -> Vec<Vec<String>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            match self {
                Self::Data(data) => {
                    let url = format!("sqlite://{}?mode=ro", data.join("fathom.sqlite").display());
                    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
                    let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&mut database).await.unwrap();
                    rows.iter().map(sqlite_row).collect()
                }
                Self::Services { database, .. } => {
                    let mut database = sqlx::PgConnection::connect(database).await.unwrap();
                    // The simple protocol: every value comes as text.
                    let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(query)).fetch_all(&mut database).await.unwrap();
                    rows.iter().map(postgres_row).collect()
                }
            }
        })
    }
}

fn sqlite_row(row: &sqlx::sqlite::SqliteRow) -> Vec<String> {
    let column = |at| row.try_get_unchecked::<Option<String>, _>(at).unwrap().unwrap_or_else(|| "null".to_owned());
    (0..row.len()).map(column).collect()
}

fn postgres_row(row: &sqlx::postgres::PgRow) -> Vec<String> {
    let column = |at| match row.try_get_raw(at).unwrap() {
        null if null.is_null() => "null".to_owned(),
        value => match value.as_str().unwrap() {
            "t" => "1".to_owned(),
            "f" => "0".to_owned(),
            text => text.to_owned(),
        },
    };
    (0..row.len()).map(column).collect()
}
