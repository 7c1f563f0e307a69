//! What can be said about the database: where it is, and how long it keeps rows.

use clap::Args;
use sink::Keeping;

use crate::data_dir::DataDir;
use crate::failure::Failure;

/// Postgres in place of the SQLite file under the data directory.
#[derive(Debug, Args)]
pub struct DatabaseArgs {
    /// The database: postgres://user:password@host/name
    #[arg(long = "database", value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub url: Option<String>,
}

impl DatabaseArgs {
    pub fn url(&self) -> Result<String, Failure> {
        self.url.clone().ok_or_else(|| {
            Failure::Usage(
                "no database is named: set DATABASE_URL (or --database) to postgres://user:password@host/name".into(),
            )
        })
    }

    pub fn url_or(&self, data: &DataDir) -> String {
        self.url.clone().unwrap_or_else(|| data.database_url())
    }
}

/// How long rows stay in it.
#[derive(Debug, Default, Args)]
pub struct KeepArgs {
    /// Keep the rows of a table for so many days beside the newest: `transactions` (3 when it is not said) or
    /// `position_history` (7). May be given more than once. What is too old goes as new rows come
    #[arg(long = "keep", value_name = "TABLE=DAYS", env = "FATHOM_KEEP", value_delimiter = ',', value_parser = table_and_days)]
    tables: Vec<(&'static str, u32)>,
}

impl KeepArgs {
    pub fn keeping(&self) -> Keeping {
        Keeping::of(self.tables.iter().copied())
    }
}

fn table_and_days(text: &str) -> Result<(&'static str, u32), String> {
    let (name, days) = text.split_once('=').ok_or("it is to be TABLE=DAYS")?;
    let table = Keeping::tables().find(|table| *table == name).ok_or_else(|| {
        let tables: Vec<&str> = Keeping::tables().collect();
        format!("days can be said of {}", tables.join(" and "))
    })?;
    let is_one = |days: &u32| (1..=36_500).contains(days);
    let days = days.parse().ok().filter(is_one).ok_or("days are a whole number from 1 to 36500")?;
    Ok((table, days))
}
