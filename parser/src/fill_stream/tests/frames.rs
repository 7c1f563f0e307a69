//! Frames in, stretches of them out.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fill_stream::frame::understand;
use crate::fill_stream::path::FramePath;
use crate::node::Layout::{self, ByBlock, Fills};

/// The lines in a frame; nothing, when it holds none.
fn lines(frame: &str, path: &str, layout: Layout) -> Option<Vec<String>> {
    let stretches = understand(frame.as_bytes(), &FramePath::parse(path), layout).unwrap();
    stretches.map(|stretches| stretches.into_iter().map(|stretch| frame[stretch].to_owned()).collect())
}

fn reject(frame: &[u8], path: &str, layout: Layout) -> String {
    understand(frame, &FramePath::parse(path), layout).unwrap_err().to_string()
}

const BLOCK: &str = r#"{"local_time":"…", "block_number" : 7 ,"events":[ ]}"#;
const PAIR: &str = r#"["0x1", {"px":"1.50"}]"#;

#[test]
fn a_block_is_found_as_it_is_written() {
    let frame = format!(r#"{{"channel":"fills","data":{{"block": {BLOCK} }}}}"#);
    for path in ["data.block", "/data/block"] {
        assert_eq!(lines(&frame, path, ByBlock).unwrap(), [BLOCK]);
    }
    assert_eq!(lines(BLOCK, "", ByBlock).unwrap(), [BLOCK]);
    let several = format!(r#"{{"a/b":[0,[{BLOCK},{BLOCK}]]}}"#);
    assert_eq!(lines(&several, "/a~1b/1", ByBlock).unwrap(), [BLOCK, BLOCK]);
}

#[test]
fn fills_are_one_or_several_or_none() {
    assert_eq!(lines(&format!(r#"{{"fill":{PAIR}}}"#), "fill", Fills).unwrap(), [PAIR]);
    assert_eq!(lines(&format!(r#"{{"fills":[{PAIR}, {PAIR}]}}"#), "fills", Fills).unwrap(), [PAIR, PAIR]);
    assert_eq!(lines(r#"{"fills":[]}"#, "fills", Fills).unwrap(), Vec::<String>::new());
    assert_eq!(lines(&format!("[{PAIR}]"), "", Fills).unwrap(), [PAIR]);
}

#[test]
fn what_has_no_such_place_is_about_something_else() {
    let ack = r#"{"channel":"subscriptionResponse","data":{"method":"subscribe"}}"#;
    for frame in [ack, "pong", r#""pong""#, "{}", "[]", "7", r#"{"data":null}"#, r#"{"data":{"block":null}}"#] {
        assert_eq!(lines(frame, "data.block", ByBlock), None, "{frame}");
    }
    assert_eq!(lines(ack, "", ByBlock), None);
    assert_eq!(lines(ack, "", Fills), None);
}

#[test]
fn what_is_there_and_is_no_fill_is_not_understood() {
    assert!(reject(b"{\"data\":", "data", ByBlock).contains("EOF"));
    assert!(reject(b"\xff\x00", "data", ByBlock).starts_with("not a frame with fills"));
    assert!(reject(br#"{"data":7}"#, "data", ByBlock).contains("at data there is neither a block"));
    assert!(reject(br#"{"data":{"x":{}}}"#, "data.x", Fills).contains("at data.x there is neither"));
}

proptest! {
    #[test]
    fn what_is_put_at_a_place_is_found_there(
        steps in prop::collection::vec("[a-z/~ ]{1,5}", 1..5),
        beside in prop::collection::vec(("[A-Z]{1,3}", any::<i32>()), 0..4),
        numbers in prop::collection::vec(any::<u32>(), 1..5),
    ) {
        let blocks: Vec<Value> = numbers.iter().map(|number| json!({ "block_number": number, "events": [] })).collect();
        let mut frame = json!(blocks);
        for step in steps.iter().rev() {
            let mut around = serde_json::Map::new();
            around.extend(beside.iter().map(|(name, value)| (name.clone(), json!(value))));
            around.insert(step.clone(), frame);
            frame = Value::Object(around);
        }
        let path: String = steps.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect();
        let wanted: Vec<String> = blocks.iter().map(Value::to_string).collect();
        prop_assert_eq!(lines(&frame.to_string(), &path, ByBlock).unwrap(), wanted);
        prop_assert_eq!(lines(&frame.to_string(), &format!("{path}x"), ByBlock), None);
    }
}
