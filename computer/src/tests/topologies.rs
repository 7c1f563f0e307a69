//! What a topology keeps of what was appended to it: whatever somebody has still to apply, and nothing else.

use schemas::{Clock, Fill, Message};

use super::stages::context;
use super::*;

fn clock(time: i64, block: u64) -> Outbox {
    let (mut told, mut headers) = (Outbox::new(GENERATION), Vec::new());
    Headers::write(&mut headers, "kind", b"clock");
    let value = serde_json::to_vec(&Clock { time, block }).unwrap();
    for partition in 0..GENERATION.partitions {
        told.batch(&topics::FILLS, partition).push(time, b"clock", Some(&value), &headers);
    }
    told
}

fn fact<M: Message>(message: &M, kind: &str) -> Outbox {
    let (mut told, mut headers) = (Outbox::new(GENERATION), Vec::new());
    Headers::write(&mut headers, "kind", kind.as_bytes());
    message.append_to(told.batch(M::TOPIC, message.partition(GENERATION.partitions)), &headers);
    told
}

#[test]
fn what_was_applied_by_all_is_forgotten_and_all_else_is_kept() {
    let mut topology = Topology::new(GENERATION, Rules::default());
    let mut out = Outbox::new(GENERATION);
    let examples = examples::of(&topics::FILLS);
    let (_, example) = examples.iter().find(|(case, _)| case == "fill-open-long").unwrap();
    let fill: Fill = serde_json::from_slice(example).unwrap();
    let context: AssetContext = serde_json::from_str(&context("BTC", fill.time + 500, "60000")).unwrap();
    let mut kept_after = |told: &Outbox| {
        topology.append(told);
        topology.go_on(&mut out);
        topology.records_kept()
    };
    assert_eq!(kept_after(&fact(&fill, "fill")), 1, "its clock has not come");
    assert_eq!(kept_after(&clock(fill.time, fill.block)), 0, "all stages have been told of it");
    assert_eq!(kept_after(&fact(&context, "context")), 1, "prices are told at once, but others wait for the clock");
    assert_eq!(kept_after(&clock(fill.time + 1_400, fill.block + 1)), 1, "a context is known a second later");
    assert_eq!(kept_after(&clock(fill.time + 1_500, fill.block + 2)), 0);
}
