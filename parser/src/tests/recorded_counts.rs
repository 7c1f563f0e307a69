//! Every recorded file → through the reader of its kind → what came out of it: a line of JSON per file, to the file
//! that `FATHOM_COUNTS` names. `.ci/recorded-counts` counts the same without us and compares.

mod figures;
mod recording;

use std::fs;
use std::path::{Path, PathBuf};

use schemas::{Cursor, GENERATION, Outbox, Wallet};
use tempfile::TempDir;

use self::figures::Figures;
use self::recording::{Piece, Reply, pieces};
use super::RECEIVED;
use crate::{
    EventProgress, Layout, MiscCursor, MiscEvents, NodeFiles, Taken, dead_letter, parse_meta, parse_spot_meta,
};

/// Whoever asked, where the recording does not say.
const SOMEBODY: Wallet = Wallet([0xfa; 20]);

#[test]
#[ignore = "needs FATHOM_RECORDINGS"]
fn recorded_counts() {
    let folder = std::env::var_os("FATHOM_RECORDINGS").expect("FATHOM_RECORDINGS names the folder of the recordings");
    let folder = PathBuf::from(folder);
    let mut lines = String::new();
    for path in files(&folder) {
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        let pieces = pieces(&name, &String::from_utf8(fs::read(&path).unwrap()).unwrap());
        if !pieces.is_empty() {
            let mut figures = Figures::default();
            pieces.iter().for_each(|piece| read(piece, &mut figures));
            lines += &format!("{}\n", figures.of_file(&name));
        }
    }
    print!("{lines}");
    if let Some(counts) = std::env::var_os("FATHOM_COUNTS") {
        fs::write(counts, lines).unwrap();
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn read(piece: &Piece, figures: &mut Figures) {
    let mut out = Outbox::new(GENERATION);
    match piece {
        Piece::Fills(layout, text) => read_fills(*layout, text, &mut out),
        Piece::MiscEvents(text) => read_misc_events(text, &mut out),
        Piece::Frames(frames) => crate::public_feed::tests::recorded::hear(frames, &mut out),
        Piece::Reply(reply) => read_reply(reply, figures, &mut out),
    }
    figures.count(&out, SOMEBODY);
}

fn read_fills(layout: Layout, text: &str, out: &mut Outbox) {
    let node = node(layout.folder(), text);
    let mut files = NodeFiles::open(&[node.path().to_owned()], Cursor::default(), 1, RECEIVED).unwrap();
    while files.read(RECEIVED, out).unwrap() != Taken::default() {}
}

fn read_misc_events(text: &str, out: &mut Outbox) {
    let node = node("misc_events", text);
    let folders = [node.path().to_owned()];
    let mut events =
        MiscEvents::open(&folders, MiscCursor::default(), EventProgress::default(), GENERATION.number, 0).unwrap();
    while events.read(RECEIVED, out).unwrap() != Taken::default() {}
}

/// A node that has written this in one hour. Some recordings end without the last line feed, and a node's file never
/// does once the hour is over.
fn node(layout: &str, text: &str) -> TempDir {
    let node = tempfile::tempdir().unwrap();
    let hour = node.path().join(layout).join("hourly/20250716/16");
    fs::create_dir_all(hour.parent().unwrap()).unwrap();
    fs::write(hour, format!("{}\n", text.trim_end_matches('\n'))).unwrap();
    node
}

fn read_reply(reply: &Reply, figures: &mut Figures, out: &mut Outbox) {
    use crate::info::tests::recorded::{dexs, poll};

    let (user, text) = (reply.user.unwrap_or(SOMEBODY), reply.text.as_str());
    match reply.question.as_str() {
        "meta" => match parse_meta(text.as_bytes(), &reply.dex, RECEIVED) {
            Ok(markets) => markets.iter().for_each(|market| out.send(market)),
            Err(reject) => out.send(&dead_letter("meta", "", text.as_bytes(), &reject, RECEIVED)),
        },
        "spotMeta" => figures.add("pairs", parse_spot_meta(text.as_bytes()).unwrap().len()),
        "perpDexs" => figures.add("dexs", dexs(text)),
        question => poll(question, user, &reply.dex, text, out),
    }
}
