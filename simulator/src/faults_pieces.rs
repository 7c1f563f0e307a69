//! What stands in a node's files for one block, piece by piece: lines and what went wrong with them go in, the bytes
//! of each layout come out.

use crate::layouts::Layout;
use crate::print;

#[derive(Debug)]
pub(crate) enum Piece<'a> {
    /// No line of any market.
    Garbage(Vec<u8>),
    Whole(&'a [u8]),
    /// Up to so many thousandths, and ended there.
    Cut(&'a [u8], u64),
    /// Up to so many thousandths; what comes next continues it.
    Torn(&'a [u8], u64),
    /// Written again at another time, in nanoseconds.
    Again(&'a [u8], i64),
}

impl Piece<'_> {
    /// As the files by block have it.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Garbage(line) => push_line(bytes, line),
            Self::Whole(line) => push_line(bytes, line),
            Self::Cut(line, share) => push_line(bytes, cut(line, *share)),
            Self::Torn(line, share) => bytes.extend_from_slice(cut(line, *share)),
            Self::Again(line, local) => {
                print::again(bytes, line, *local);
                bytes.push(b'\n');
            }
        }
    }

    /// As a further layout has it. Where a block is many lines those before the cut are whole, and a line that is cut
    /// is always ended: what comes next can be read.
    pub(crate) fn write_as(&self, layout: Layout, bytes: &mut Vec<u8>) {
        let mut text = Vec::new();
        match self {
            Self::Garbage(line) => push_line(bytes, line),
            Self::Whole(line) => layout.write(line, bytes),
            Self::Cut(line, share) | Self::Torn(line, share) => {
                layout.write(line, &mut text);
                if !text.is_empty() {
                    push_line(bytes, cut(&text, *share).trim_ascii_end());
                }
            }
            Self::Again(line, local) => {
                print::again(&mut text, line, *local);
                layout.write(&text, bytes);
            }
        }
    }
}

fn push_line(bytes: &mut Vec<u8>, line: &[u8]) {
    print::push(bytes, line, b"\n");
}

/// At least one byte, and never all of them.
fn cut(line: &[u8], per_mille: u64) -> &[u8] {
    let length = line.len() * per_mille as usize / 1000;
    &line[..length.clamp(1, line.len() - 1)]
}
