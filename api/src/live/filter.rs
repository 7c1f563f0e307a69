//! What narrows a subscription: only rows that meet all of it are told.

use schemas::{Amount, Wallet};
use serde_json::{Map, Value};

use crate::channel::{Key, LiveRow};
use crate::filter::SIDES;
use crate::liquidations::METHODS;

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Filter {
    min_notional: Option<Amount>,
    side: Option<String>,
    wallet: Option<String>,
    method: Option<String>,
}

impl Filter {
    /// By names that the channel knows; else why it is none.
    pub(crate) fn read(given: &Map<String, Value>, known: &[&str]) -> Result<Self, String> {
        let mut filter = Self::default();
        for (name, value) in given {
            let text = value.as_str().map(str::to_owned).or_else(|| value.as_number().map(ToString::to_string));
            let refused = || format!("filter {name} is {value}, which cannot be understood");
            match (name.as_str(), text) {
                (unknown, _) if !known.contains(&unknown) => {
                    let names = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                    return Err(format!("{name:?} is no filter of this channel; those are: {names}"));
                }
                ("min_notional", Some(text)) => filter.min_notional = Some(text.parse().map_err(|_| refused())?),
                ("wallet", Some(text)) => {
                    filter.wallet = Some(text.parse::<Wallet>().map_err(|_| refused())?.to_string());
                }
                ("side", Some(text)) => filter.side = Some(one_of(&SIDES, name, text)?),
                ("method", Some(text)) => filter.method = Some(one_of(&METHODS, name, text)?),
                _ => return Err(refused()),
            }
        }
        Ok(filter)
    }

    /// What is too large to be told is larger than anything that can be asked.
    pub(crate) fn lets(&self, row: &LiveRow) -> bool {
        let facts = &row.narrowed_by;
        let is_large = self.min_notional.is_none_or(|least| facts.notional.is_none_or(|notional| notional >= least));
        let is_of = |wallet: &String| row.keys.iter().any(|key| matches!(key, Key::Wallet(own) if own == wallet));
        let says = |wanted: &Option<String>, said: &Option<String>| wanted.is_none() || wanted == said;
        is_large
            && self.wallet.as_ref().is_none_or(is_of)
            && says(&self.side, &facts.side)
            && says(&self.method, &facts.method)
    }

    /// As it is told back; nothing where nothing narrows.
    pub(crate) fn told(&self) -> Option<Value> {
        let amount = self.min_notional.map(|least| least.to_string());
        let named = [
            ("min_notional", amount.as_ref()),
            ("side", self.side.as_ref()),
            ("wallet", self.wallet.as_ref()),
            ("method", self.method.as_ref()),
        ];
        let told: Map<String, Value> =
            named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.as_str().into()))).collect();
        (!told.is_empty()).then_some(Value::Object(told))
    }
}

fn one_of(words: &[&str], name: &str, text: String) -> Result<String, String> {
    if words.contains(&text.as_str()) {
        return Ok(text);
    }
    Err(format!("filter {name} is {text:?}; it is one of {}", words.join(", ")))
}
