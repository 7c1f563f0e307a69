//! The kind of ratio and the size cohort that somebody asks for -> what is meant, or what is wrong with it.

use std::iter::once;

use schemas::{RatioKind, SizeCohort};

/// One course of ratios of a coin, or one for each size cohort. Where there are no kinds it is the first one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Series {
    pub(crate) kind: RatioKind,
    pub(crate) cohort: Option<SizeCohort>,
}

pub(crate) struct NotASeries {
    pub(crate) parameter: &'static str,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// How other venues call them.
const ALIASES: [(&str, RatioKind); 4] = [
    ("account", RatioKind::Accounts),
    ("top_account", RatioKind::TopAccounts),
    ("top_position", RatioKind::TopPositions),
    ("position", RatioKind::TopPositions),
];

impl Series {
    pub(crate) fn read(kind: Option<&str>, cohort: Option<&str>) -> Result<Self, NotASeries> {
        let kind = kind.map_or(Ok(RatioKind::default()), read_kind)?;
        let cohort = cohort.map(|name| read_cohort(kind, name)).transpose()?;
        Ok(Self { kind, cohort })
    }

    /// The same, when it is a single one.
    pub(crate) fn single(self) -> Result<Self, NotASeries> {
        if self.kind.is_by_size() && self.cohort.is_none() {
            let message = format!("{} is by cohort and none is given; it is one of {}", self.kind, cohorts());
            return Err(NotASeries { parameter: "cohort", code: "MISSING_COHORT", message });
        }
        Ok(self)
    }

    /// Everything that one may have asked for and hear this.
    pub(crate) fn heard_as(self) -> impl Iterator<Item = Self> {
        once(self).chain(self.cohort.map(|_| Self { cohort: None, ..self }))
    }

    /// Its name where it has to be told from what is meant when nothing is said.
    pub(crate) fn kind_name(self) -> Option<&'static str> {
        (self.kind != RatioKind::default()).then_some(self.kind.name())
    }

    pub(crate) fn cohort_name(self) -> Option<&'static str> {
        self.cohort.map(SizeCohort::name)
    }
}

fn read_kind(name: &str) -> Result<RatioKind, NotASeries> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, kind)| *kind);
    alias.or_else(|| name.parse().ok()).ok_or_else(|| {
        let names = RatioKind::ALL.map(RatioKind::name).join(", ");
        let taker = "there is also taker, live on the channels taker_flow and market_taker_flow";
        let message = format!("kind is {name:?}; it is one of {names}; {taker}");
        NotASeries { parameter: "kind", code: "INVALID_KIND", message }
    })
}

fn read_cohort(kind: RatioKind, name: &str) -> Result<SizeCohort, NotASeries> {
    let refused = |message| NotASeries { parameter: "cohort", code: "INVALID_COHORT", message };
    if !kind.is_by_size() {
        let by_size = RatioKind::ALL.into_iter().filter(|kind| kind.is_by_size()).map(RatioKind::name);
        let by_size = by_size.collect::<Vec<_>>().join(" or ");
        return Err(refused(format!("cohort is {name:?}, and {kind} has no cohorts; give it with kind {by_size}")));
    }
    name.parse().map_err(|()| refused(format!("cohort is {name:?}; it is one of {}", cohorts())))
}

fn cohorts() -> String {
    SizeCohort::ALL.map(SizeCohort::name).join(", ")
}
