//! What a subscription has heard so far, as its frames tell it and as somebody who was cut brings it back.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The next offset of each partition, of one generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) generation: u32,
    pub(crate) next: BTreeMap<u32, u64>,
}

/// Where a subscription begins.
pub(crate) enum Beginning {
    /// With how things are.
    Now,
    /// Behind what was heard of it before.
    Behind(Heard),
    /// Behind what cannot be known any more, for this reason.
    Anew(&'static str),
}

/// Of another generation, or kept no more.
pub(crate) const CURSOR_EXPIRED: &str = "cursor_expired";
/// Another generation is told now.
pub(crate) const GENERATION_CHANGED: &str = "generation_changed";

impl Beginning {
    /// Why something may have been missed, when it may have been.
    pub(crate) fn cut_by(&self) -> Option<&'static str> {
        match self {
            Self::Now => None,
            Self::Behind(_) => Some(CURSOR_EXPIRED),
            Self::Anew(reason) => Some(reason),
        }
    }
}

/// Another process may be ahead of this one by so much, and its client with it.
const AHEAD: u64 = 1_000;

impl Heard {
    /// Of partitions that there are, up to where they are; else it was heard of another log.
    pub(crate) fn within(&self, next: &BTreeMap<u32, u64>) -> Option<Self> {
        let is_there = |(partition, heard): (&u32, &u64)| next.get(partition).is_some_and(|it| *heard <= *it + AHEAD);
        self.next.iter().all(is_there).then(|| self.clone())
    }
}

/// The text was none that was given out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotACursor;

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.generation)?;
        self.next.iter().try_for_each(|(partition, next)| write!(f, ";{partition}:{next}"))
    }
}

impl FromStr for Heard {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (generation, places) = text.split_once(';').unwrap_or((text, ""));
        let place = |place: &str| {
            let (partition, next) = place.split_once(':')?;
            Some((partition.parse().ok()?, next.parse().ok()?))
        };
        let places = places.split(';').filter(|place| !place.is_empty()).map(place);
        let next = places.collect::<Option<_>>().ok_or(NotACursor)?;
        Ok(Self { generation: generation.parse().map_err(|_| NotACursor)?, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        for text in ["1", "1;0:7", "3;0:18446744073709551615;11:0"] {
            assert_eq!(text.parse::<Heard>().map(|heard| heard.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "x", "1;0", "1;0:x", "1;-1:2", "1;0:1:2"] {
            assert_eq!(text.parse::<Heard>(), Err(NotACursor), "{text}");
        }
    }
}
