//! Recordings of the real feed, where they are at hand (see the README).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use schemas::Outbox;
use serde_json::Value;

use super::super::event::What;
use super::{Log, event, frame, opened};

fn recordings() -> PathBuf {
    std::env::var_os("FATHOM_RECORDINGS").expect("FATHOM_RECORDINGS names the folder of the recordings").into()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found
}

/// Frames of one connection, each with when it was received.
pub(crate) fn hear(frames: &[(i64, String)], out: &mut Outbox) {
    let mut feed = Log::default().feed(&[]);
    feed.take(&opened(), out);
    for (received, frame) in frames {
        feed.take(&event(*received, What::Frame(frame.clone().into_bytes())), out);
    }
}

#[test]
#[ignore = "needs FATHOM_RECORDINGS"]
fn recorded_frames_all_pass_and_each_trade_once() {
    let mut all = (0, 0);
    // One frame per line, as the feed sent it, with the recorder's own time in it; other files are of other venues.
    for path in files(&recordings(), "jsonl") {
        let (text, mut log) = (fs::read_to_string(&path).unwrap(), Log::default());
        if !text.contains("\"received_wall_ns\"") {
            continue;
        }
        let (mut feed, mut ids, mut elements) = (log.feed(&[]), BTreeSet::new(), 0);
        log.take(&mut feed, &[opened()]);
        for line in text.lines() {
            let frame: Value = serde_json::from_str(line).unwrap();
            let received = frame["received_wall_ns"].as_i64().unwrap() / 1_000_000;
            for trade in frame["data"].as_array().filter(|_| frame["channel"] == "trades").into_iter().flatten() {
                ids.insert((trade["coin"].to_string(), trade["time"].as_i64(), trade["tid"].as_u64()));
                elements += 1;
            }
            // A new process in the middle of it, which goes on where the one before was.
            if received % 20 == 0 {
                feed = log.feed(&[]);
                log.take(&mut feed, &[opened()]);
            }
            log.take(&mut feed, &[event(received, What::Frame(line.as_bytes().to_vec()))]);
        }
        let (name, frames, cursor) = (path.file_name().unwrap().display(), text.lines().count(), feed.cursor());
        println!("{name}: {frames} frames, {elements} trades of which {} are different, {cursor:?}", ids.len());
        assert_eq!((log.trades.len(), log.letters.len()), (ids.len(), 0));
        assert_eq!(cursor.duplicates as usize, elements - ids.len());
        all = (all.0 + frames, all.1 + log.trades.len());
    }
    println!("{} recorded frames, {} trades", all.0, all.1);
    assert!(all.1 > 2_000, "only {all:?} were found");
}

/// `webData2` frames hold the universe and the contexts in its order, as the feed sends them now for all dexs at once.
#[test]
#[ignore = "needs FATHOM_RECORDINGS"]
fn recorded_contexts_all_pass_under_their_names() {
    let (mut frames, mut contexts) = (0, 0);
    for (names, ctxs) in files(&recordings(), "json").iter().flat_map(|path| contexts_of(path)) {
        let push = serde_json::json!({ "channel": "allDexsAssetCtxs", "data": { "ctxs": [["", ctxs]] } }).to_string();
        let (mut log, expected) = (Log::default(), names.iter().cloned().collect::<BTreeSet<_>>());
        let mut feed = log.feed(&names.iter().map(String::as_str).collect::<Vec<_>>());
        log.take(&mut feed, &[opened(), frame(push.clone()), frame(push)]);
        let coin = |fact: &String| serde_json::from_str::<Value>(fact).unwrap()["coin"].as_str().unwrap().to_owned();
        assert_eq!(log.contexts.iter().map(coin).collect::<BTreeSet<_>>(), expected);
        assert!(log.contexts.len() == names.len() && log.letters.is_empty() && !feed.wants_metadata());
        (frames, contexts) = (frames + 1, contexts + names.len());
    }
    println!("{frames} recorded frames of contexts, {contexts} contexts");
    assert!(contexts > 900, "only {contexts} were found");
}

/// Names and contexts of each frame of a file. Some frames were shortened by who recorded them.
fn contexts_of(path: &Path) -> Vec<(Vec<String>, Vec<Value>)> {
    let read: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap_or_default();
    let frames = read.as_array().cloned().unwrap_or(vec![read]);
    let of_frame = |frame: &Value| {
        let data = frame.get("data").unwrap_or(frame);
        let (universe, ctxs) = (data["meta"]["universe"].as_array()?, data["assetCtxs"].as_array()?);
        let names = universe.iter().map(|market| market["name"].as_str().unwrap().to_owned()).collect();
        (universe.len() == ctxs.len()).then(|| (names, ctxs.clone()))
    };
    frames.iter().filter_map(of_frame).collect()
}
