//! What a request may be given: each parameter with what it takes, what it is when it is left out, and an example.

use schemas::{Interval, RatioKind, SizeCohort};
use serde_json::{Value, json};

use super::meanings::Meaning;
use crate::filter::Filter;
use crate::parameters::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::taker_ratio;

pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) is_in_path: bool,
    pub(crate) is_required: bool,
    schema: Value,
    /// Empty where there is none to be given alone.
    pub(crate) example: &'static str,
}

impl Parameter {
    fn new(name: &'static str, schema: Value, example: &'static str) -> Self {
        Self { name, is_in_path: false, is_required: false, schema, example }
    }

    pub(crate) fn text(name: &'static str, example: &'static str) -> Self {
        Self::new(name, json!({ "type": "string" }), example)
    }

    pub(crate) fn text_or(name: &'static str, example: &'static str, default: &str) -> Self {
        Self::new(name, json!({ "type": "string", "default": default }), example)
    }

    pub(crate) fn words(name: &'static str, words: &[&'static str]) -> Self {
        Self::new(name, json!({ "type": "string", "enum": words }), words[words.len() - 1])
    }

    pub(crate) fn words_or(name: &'static str, words: &[&'static str], default: &str) -> Self {
        let schema = json!({ "type": "string", "enum": words, "default": default });
        Self::new(name, schema, words[words.len() - 1])
    }

    pub(crate) fn decimal_or(name: &'static str, default: &'static str) -> Self {
        let schema = json!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$", "default": default });
        Self::new(name, schema, "250000.5")
    }

    pub(crate) fn count(name: &'static str, example: &'static str) -> Self {
        Self::new(name, json!({ "type": "integer", "format": "int64", "minimum": 0 }), example)
    }

    pub(crate) fn count_up_to(name: &'static str, most: i64, example: &'static str) -> Self {
        let schema = json!({ "type": "integer", "minimum": 1, "maximum": most, "default": most });
        Self::new(name, schema, example)
    }

    /// In milliseconds UTC: the examples are before and after everything.
    pub(crate) fn time(name: &'static str, example: &'static str) -> Self {
        Self::new(name, json!({ "type": "integer", "format": "int64" }), example)
    }

    /// A moment of which only the log knows whether it can be told.
    pub(crate) fn as_of() -> Self {
        Self::time("as_of", "")
    }

    pub(crate) fn coin() -> Self {
        Self::text("coin", "BTC")
    }

    pub(crate) fn wallet(name: &'static str) -> Self {
        let schema = json!({ "type": "string", "pattern": "^0x[0-9a-fA-F]{40}$" });
        Self::new(name, schema, "0xa775d1bd91ee2cc4cae6113e5fd9c0c17b355277")
    }

    pub(crate) fn in_path(self) -> Self {
        Self { is_in_path: true, is_required: true, ..self }
    }

    pub(crate) fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(crate) fn interval(only: Option<Interval>) -> Self {
        let words = only.map_or_else(|| Interval::ALL.map(Interval::name).to_vec(), |only| vec![only.name()]);
        let default = words[0];
        let schema = json!({ "type": "string", "enum": words, "default": default });
        Self::new("interval", schema, only.map_or("5m", Interval::name))
    }

    /// A kind of ratio, and a cohort for those that are by size: neither kind nor cohort stands alone.
    pub(crate) fn kind_and_cohort() -> [Self; 2] {
        let mut kinds = RatioKind::ALL.map(RatioKind::name).to_vec();
        kinds.push(taker_ratio::KIND);
        Self::one_of_kinds(&kinds)
    }

    /// The same, of holders alone.
    pub(crate) fn kind_of_holders_and_cohort() -> [Self; 2] {
        Self::one_of_kinds(&RatioKind::ALL.map(RatioKind::name))
    }

    fn one_of_kinds(kinds: &[&'static str]) -> [Self; 2] {
        let cohorts = SizeCohort::ALL.map(SizeCohort::name);
        let kind = json!({ "type": "string", "enum": kinds, "default": RatioKind::default().name() });
        [Self::new("kind", kind, "top_accounts"), Self::new("cohort", json!({ "type": "string", "enum": cohorts }), "")]
    }

    pub(crate) fn limit_and_cursor() -> [Self; 2] {
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT });
        [Self::new("limit", limit, "10"), Self::text("cursor", "")]
    }

    /// Of what may be told to its end.
    pub(crate) fn any_limit_cursor_and_format() -> [Self; 3] {
        let limit = Self::new("limit", json!({ "type": "integer", "minimum": 1, "default": DEFAULT_LIMIT }), "10");
        let formats = ["json", "csv", "ndjson"];
        [limit, Self::text("cursor", ""), Self::words_or("format", &formats, "json")]
    }

    pub(crate) fn range_and_order() -> [Self; 3] {
        let (start, end) = (Self::time("start_time", "0"), Self::time("end_time", "4102444800000"));
        [start, end, Self::words("order", &["desc", "asc"])]
    }

    /// Where there is something to sort by beside time.
    pub(crate) fn sort(sorts: &'static [&'static str]) -> Option<Self> {
        let words: Vec<&str> = ["time"].into_iter().chain(sorts.iter().copied()).collect();
        (!sorts.is_empty()).then(|| Self::words_or("sort", &words, "time"))
    }

    pub(crate) fn of_filter(filter: &Filter) -> Self {
        match filter {
            Filter::Coin => Self::coin(),
            Filter::Wallet => Self::wallet("wallet"),
            Filter::Hash => {
                let schema = json!({ "type": "string", "pattern": "^0x[0-9a-fA-F]{64}$" });
                Self::new("hash", schema, "0x0000000000000000000000000000000000000000000000000000000000000000")
            }
            Filter::Count { name, .. } => Self::count(name, "1"),
            Filter::Word { name, words, .. } | Filter::About { name, words, .. } => Self::words(name, words),
            Filter::AtLeast { name, .. } => Self::new(
                name,
                json!({ "type": "string", "format": "decimal", "pattern": r"^[0-9]+(\.[0-9]+)?$" }),
                "1000",
            ),
        }
    }

    pub(crate) fn told(&self) -> Value {
        let mut told = json!({
            "name": self.name,
            "in": if self.is_in_path { "path" } else { "query" },
            "required": self.is_required,
            "description": Meaning::of("", &format!("?{}", self.name)).told(),
            "schema": self.schema,
        });
        if !self.example.is_empty() {
            let number = self.example.parse::<i64>().ok().filter(|_| self.schema["type"] == "integer");
            told["example"] = number.map_or_else(|| self.example.into(), Value::from);
        }
        told
    }
}
