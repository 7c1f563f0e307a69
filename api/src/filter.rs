//! What a list may be chosen by: parameters of a request in, conditions of a question out.

use schemas::Amount;

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::query::Query;

pub(crate) enum Filter {
    Coin,
    Wallet,
    /// Of a transaction of the chain.
    Hash,
    /// A whole number in the column of the same name.
    Count {
        name: &'static str,
        code: &'static str,
    },
    /// One of these words, in the column of the same name.
    Word {
        name: &'static str,
        code: &'static str,
        words: &'static [&'static str],
    },
    /// One of these words, which is about more than a column.
    About {
        name: &'static str,
        code: &'static str,
        words: &'static [&'static str],
        push: fn(&mut Query, &str),
    },
    /// From a decimal on, in a column that is sorted.
    AtLeast {
        name: &'static str,
        code: &'static str,
        column: &'static str,
    },
}

/// What somebody has given.
pub(crate) enum Given {
    Text(String),
    Number(i64),
    Amount(Amount),
}

pub(crate) const SIDES: [&str; 2] = ["long", "short"];
/// Of one of them, as most lists know it.
pub(crate) const SIDE: Filter = Filter::Word { name: "side", code: "INVALID_SIDE", words: &SIDES };
/// What is too large to be told is larger than anything that can be asked.
pub(crate) const MIN_NOTIONAL: Filter =
    Filter::AtLeast { name: "min_notional", code: "INVALID_NOTIONAL", column: "notional" };

impl Filter {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Coin => "coin",
            Self::Wallet => "wallet",
            Self::Hash => "hash",
            Self::Count { name, .. }
            | Self::Word { name, .. }
            | Self::About { name, .. }
            | Self::AtLeast { name, .. } => name,
        }
    }

    pub(crate) fn read(&self, parameters: &mut Parameters) -> Result<Option<Given>, ApiError> {
        Ok(match self {
            Self::Coin => parameters.text("coin")?.map(Given::Text),
            Self::Wallet => parameters.wallet()?.map(|wallet| Given::Text(wallet.to_string())),
            Self::Hash => parameters.hash()?.map(|hash| Given::Text(hash.to_string())),
            Self::Count { name, code } => parameters.count(name, code)?.map(Given::Number),
            Self::Word { name, code, words } | Self::About { name, code, words, .. } => {
                let words: Vec<(&str, &str)> = words.iter().map(|word| (*word, *word)).collect();
                parameters.word(name, code, &words)?.map(|word| Given::Text(word.to_owned()))
            }
            Self::AtLeast { name, code, .. } => parameters.amount(name, code)?.map(Given::Amount),
        })
    }

    pub(crate) fn push(&self, query: &mut Query, given: &Given) {
        match (self, given) {
            (Self::About { push, .. }, Given::Text(word)) => push(query, word),
            (Self::AtLeast { column, .. }, Given::Amount(least)) => {
                query.push(" AND ").push_sorted(column).push(" >= ").push_decimal(Some(*least));
            }
            (Self::Count { name, .. }, Given::Number(number)) => {
                query.push(format_args!(" AND {name} = ")).push_bind(*number);
            }
            // One of the words: said as it is, an index that is of it alone is found.
            (Self::Word { name, .. }, Given::Text(word)) => {
                query.push(format_args!(" AND {name} = '{word}'"));
            }
            (_, given) => {
                query.push(format_args!(" AND {} = ", self.name())).push_bind(given.as_text().as_str());
            }
        }
    }
}

impl Given {
    pub(crate) fn as_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Amount(amount) => amount.shortest().to_string(),
        }
    }
}
