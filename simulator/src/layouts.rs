//! Which files a node writes beside those by block: a list of names, as it stands on a command line, goes in; a set of
//! layouts comes out.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// Further layouts of the same events; the default is none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layouts {
    /// In the order of `KINDS`.
    chosen: [bool; KINDS.len()],
}

/// A list of layouts that is none: the name that is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutsError(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    NodeFills,
    Streaming,
    NodeTrades,
    MiscEvents,
}

struct Kind {
    layout: Layout,
    name: &'static str,
    folder: &'static str,
    meaning: &'static str,
}

const KINDS: [Kind; 4] = [
    kind(Layout::NodeFills, "node-fills", "node_fills", "a fill and its user a line"),
    kind(Layout::Streaming, "streaming", "node_fills_streaming", "the line by block for each event of a block"),
    kind(Layout::NodeTrades, "node-trades", "node_trades", "both sides of a trade a line"),
    kind(Layout::MiscEvents, "misc-events", "misc_events", "what happens beside the trades, an event a line"),
];

/// Always written, and may be named.
const BY_BLOCK: [&str; 2] = ["node-fills-by-block", "misc-events-by-block"];

const fn kind(layout: Layout, name: &'static str, folder: &'static str, meaning: &'static str) -> Kind {
    Kind { layout, name, folder, meaning }
}

impl Layouts {
    /// Name and meaning of each layout, for a help text.
    pub fn known() -> impl Iterator<Item = (&'static str, &'static str)> {
        KINDS.iter().map(|kind| (kind.name, kind.meaning))
    }

    pub fn all() -> Self {
        Self { chosen: [true; KINDS.len()] }
    }

    pub(crate) fn chosen(self) -> impl Iterator<Item = Layout> {
        KINDS.iter().zip(self.chosen).filter_map(|(kind, chosen)| chosen.then_some(kind.layout))
    }

    fn choose(&mut self, name: &str) -> Result<(), LayoutsError> {
        match KINDS.iter().position(|kind| kind.name == name) {
            Some(place) => self.chosen[place] = true,
            None if name == "all" => *self = Self::all(),
            None if BY_BLOCK.contains(&name) || name == "none" => {}
            None => return Err(LayoutsError(name.to_owned())),
        }
        Ok(())
    }
}

impl Layout {
    /// Where its hours are.
    pub(crate) fn folder(self) -> &'static str {
        KINDS[self as usize].folder
    }
}

impl FromStr for Layouts {
    type Err = LayoutsError;

    /// `all`, `none`, or names: `node-fills,streaming`.
    fn from_str(list: &str) -> Result<Self, LayoutsError> {
        let mut layouts = Self::default();
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            layouts.choose(name)?;
        }
        Ok(layouts)
    }
}

impl fmt::Display for Layouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<&str> = self.chosen().map(|layout| KINDS[layout as usize].name).collect();
        f.write_str(if named.is_empty() { "none".to_owned() } else { named.join(",") }.as_str())
    }
}

impl fmt::Display for LayoutsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        write!(f, "there is no layout {:?}: name some of {}, or all", self.0, known.join(", "))
    }
}

impl Error for LayoutsError {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_list_is_read_as_it_is_written() {
        for (list, written) in [
            ("", "none"),
            ("none", "none"),
            (" streaming, node-fills ", "node-fills,streaming"),
            ("node-trades,misc-events-by-block", "node-trades"),
            ("all", "node-fills,streaming,node-trades,misc-events"),
        ] {
            let layouts: Layouts = list.parse().unwrap();
            assert_eq!(layouts.to_string(), written);
            assert_eq!(written.parse(), Ok(layouts));
        }
    }

    #[test]
    fn what_is_no_layout_says_what_is() {
        let error = "node-fills,by-hand".parse::<Layouts>().unwrap_err();
        assert!(error.to_string().contains("\"by-hand\""));
        assert!(Layouts::known().all(|(name, _)| error.to_string().contains(name)));
    }

    #[test]
    fn every_layout_stands_in_its_place() {
        for (place, kind) in KINDS.iter().enumerate() {
            assert_eq!(kind.layout as usize, place);
        }
    }
}
