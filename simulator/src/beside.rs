//! What is written beside the files by block when it was asked for: a block goes in; further layouts of it and the files
//! of a second node come out.

use std::collections::BTreeMap;

use crate::dice::{Stream, named};
use crate::engine::MILLISECOND;
use crate::faults_pen::Made;
use crate::faults_pieces::Piece;
use crate::layouts::Layout;
use crate::node_files::{End, NodeFiles};
use crate::{Options, SimulatorError};

pub(crate) struct Beside {
    seed: u64,
    sorts: Vec<Sort>,
}

struct Sort {
    writes: Writes,
    files: NodeFiles,
    /// Of the last block.
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Writes {
    Layout(Layout),
    SecondNode,
}

/// Up to where each folder was written.
pub(crate) type Ends = BTreeMap<String, End>;

/// A block and how the first node writes it; lines without their line feeds.
pub(crate) struct Block<'a> {
    pub(crate) made: Made,
    pub(crate) line: &'a [u8],
    pub(crate) misc_line: &'a [u8],
    pub(crate) pieces: &'a [Piece<'a>],
}

const SECOND_NODE: &str = "second-node/node_fills_by_block";
/// How much later the second node writes, in nanoseconds.
const LEAST_LATER: i64 = MILLISECOND;
const MOST_LATER: u64 = 40 * MILLISECOND as u64;

impl Beside {
    pub(crate) fn open(options: &Options, ends: &Ends) -> Result<Self, SimulatorError> {
        let layouts = options.layouts.chosen().map(Writes::Layout);
        let second_node = options.second_node.then_some(Writes::SecondNode);
        let open = |writes: Writes| {
            let (out, keep) = (&options.out, options.keep_hours);
            let files = match ends.get(writes.folder()) {
                Some(end) => NodeFiles::open(out, writes.folder(), keep, *end)?,
                None => NodeFiles::open_anew(out, writes.folder(), keep)?,
            };
            Ok(Sort { writes, files, bytes: Vec::new() })
        };
        let sorts = layouts.chain(second_node).map(open).collect::<Result<_, _>>()?;
        Ok(Self { seed: options.seed, sorts })
    }

    pub(crate) fn ends(&self) -> Ends {
        self.sorts.iter().map(|sort| (sort.writes.folder().to_owned(), sort.files.end())).collect()
    }

    /// The block that is to be written.
    pub(crate) fn take(&mut self, block: &Block<'_>) {
        for Sort { writes, bytes, .. } in &mut self.sorts {
            bytes.clear();
            match writes {
                Writes::Layout(Layout::MiscEvents) => Layout::MiscEvents.write(block.misc_line, bytes),
                Writes::Layout(layout) => block.pieces.iter().for_each(|piece| piece.write_as(*layout, bytes)),
                Writes::SecondNode => Piece::Again(block.line, later(self.seed, block.made)).write(bytes),
            }
        }
    }

    pub(crate) fn append(&mut self, time: i64) -> Result<(), SimulatorError> {
        self.sorts.iter_mut().try_for_each(|sort| sort.files.append(time, &sort.bytes, false))
    }

    pub(crate) fn have_more(&self) -> Result<bool, SimulatorError> {
        self.sorts.iter().try_fold(false, |more, sort| Ok(more || sort.files.have_more()?))
    }

    pub(crate) fn append_missing(&mut self, time: i64, block: u64) -> Result<(), SimulatorError> {
        self.sorts.iter_mut().try_for_each(|sort| sort.files.append_missing(time, block, &sort.bytes))
    }
}

impl Writes {
    fn folder(self) -> &'static str {
        match self {
            Self::Layout(layout) => layout.folder(),
            Self::SecondNode => SECOND_NODE,
        }
    }
}

/// When the second node writes a block.
fn later(seed: u64, made: Made) -> i64 {
    made.local + LEAST_LATER + (named(seed, Stream::SecondNode, made.block) % MOST_LATER) as i64
}
