//! The two sides of a ratio against each other, in a bucket: what the ratios of holders are told with, by how many they
//! are or by what they hold.

use schemas::Amount;
use serde::Serialize;
use sqlx::FromRow;

#[derive(Serialize, FromRow)]
pub(crate) struct Shares {
    long_ratio: Option<String>,
    short_ratio: Option<String>,
    #[sqlx(skip)]
    long_short_ratio: Option<String>,
    open: Option<String>,
    high: Option<String>,
    low: Option<String>,
    close: Option<String>,
}

impl Shares {
    pub(crate) fn of([long_ratio, short_ratio]: [Option<Amount>; 2], moments: [Option<Amount>; 4]) -> Self {
        let text = |amount: Option<Amount>| amount.map(|amount| amount.to_string());
        let [open, high, low, close] = moments.map(text);
        Self {
            long_ratio: text(long_ratio),
            short_ratio: text(short_ratio),
            long_short_ratio: None,
            open,
            high,
            low,
            close,
        }
    }

    /// The ratio of a bucket is the one that it ended with.
    pub(crate) fn derived(self) -> Self {
        Self { long_short_ratio: self.close.clone(), ..self }
    }

    /// Why something of it is null: nobody is there, unless it is `too_large`.
    pub(crate) fn reason(&self, too_large: bool) -> Option<&'static str> {
        let somebody_was_always_short = [&self.open, &self.high, &self.low, &self.close].iter().all(|it| it.is_some());
        match (&self.long_ratio, somebody_was_always_short) {
            (None, _) if too_large => Some("too_large_to_be_exact"),
            (None, _) => Some("no_accounts"),
            (Some(_), false) => Some("no_short_accounts"),
            (Some(_), true) => None,
        }
    }
}
