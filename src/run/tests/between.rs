//! A stretch of the past as it is read for clients, on each log: all partitions in the order of their times, however they
//! were written, and nothing that is not kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Between, Passing, Unread};
use schemas::{Outbox, ResultClock, Topic, topics};

use super::dice::Dice;
use crate::log::Log;
use crate::log::tests::{Place, on_both};
use crate::run::{Shared, between};
use crate::stop::Stop;

on_both!(
    all_partitions_are_told_in_the_order_of_their_times,
    rows_of_a_long_bucket_mislead_nobody,
    it_goes_on_while_more_is_written_and_ends_where_it_should,
    what_is_kept_no_more_is_not_left_out,
    who_wants_no_more_is_read_nothing_for,
);

const TOPICS: [&Topic; 2] = [&topics::LIQUIDATIONS, &topics::LONG_SHORT_RATIOS];
const BEGIN: i64 = 1_782_633_600_000;
const SECONDS: i64 = 900;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// A record: the time that its partition had come to, its topic and partition, and what is in it.
type Line = (i64, &'static str, u32, String);
/// Offsets by topic and partition.
type Offsets = BTreeMap<(&'static str, u32), u64>;

/// What was written, by itself and as it has to be told.
struct Market {
    dice: Dice,
    reached: BTreeMap<(&'static str, u32), i64>,
    lines: Vec<Line>,
}

impl Market {
    fn new() -> Self {
        Self { dice: Dice(11), reached: BTreeMap::new(), lines: Vec::new() }
    }

    /// Some seconds: events as they happen, and of buckets that begin on the minute or on the hour a row each second. Rows
    /// stand in one piece with their clock, or in one of their own.
    fn go_on(&mut self, log: &dyn Log, seconds: std::ops::Range<i64>) -> Vec<Outbox> {
        let (mut outs, mut out) = (Vec::new(), Outbox::new(log.generation()));
        for second in seconds {
            let now = BEGIN + second * SECOND;
            for topic in TOPICS {
                for partition in log.partitions(topic) {
                    let is_quiet = partition == 1 && second % 300 > 0;
                    for n in 0..if is_quiet { 0 } else { self.dice.below(4) } {
                        let time = match topic.name {
                            "liquidations" => now - SECOND + 1 + self.dice.below(10) as i64 + n as i64 * 50,
                            _ if n == 0 => now - now % (60 * MINUTE),
                            _ => now - now % MINUTE,
                        };
                        self.write(&mut out, topic, partition, time);
                    }
                }
            }
            self.cut(&mut outs, &mut out);
            for topic in TOPICS {
                for partition in log.partitions(topic) {
                    let clock = ResultClock { time: now, block: 1, since_time: BEGIN, since_block: 1 };
                    out.send_clock(topic, partition, &clock);
                    self.reached.insert((topic.name, partition), now);
                }
            }
            self.cut(&mut outs, &mut out);
        }
        outs.push(out);
        outs
    }

    /// Now and then a piece ends.
    fn cut(&mut self, outs: &mut Vec<Outbox>, out: &mut Outbox) {
        if self.dice.below(2) == 0 {
            outs.push(std::mem::replace(out, Outbox::new(out.generation())));
        }
    }

    fn write(&mut self, out: &mut Outbox, topic: &'static Topic, partition: u32, time: i64) {
        let text = self.lines.len().to_string();
        out.batch(topic, partition).push(time, text.as_bytes(), Some(text.as_bytes()), b"");
        let reached = self.reached.entry((topic.name, partition)).or_insert(i64::MIN);
        *reached = time.max(*reached);
        self.lines.push((*reached, topic.name, partition, text));
    }

    fn told(&self, Between { from, to }: Between) -> Vec<Line> {
        let mut told: Vec<Line> = self.lines.iter().filter(|it| it.0 > from && it.0 <= to).cloned().collect();
        told.sort_by_key(|(reached, topic, partition, _)| (*reached, *topic, *partition));
        told
    }
}

fn commit(log: &Arc<dyn Log>, outs: &[Outbox]) {
    let mut writer = Arc::clone(log).writer("market.0").unwrap();
    for out in outs {
        // Brokers that are busy give a commit up, whole: it is made again.
        while let Err(error) = writer.commit(out) {
            assert!(error.again(), "{error}");
            writer = Arc::clone(log).writer("market.0").unwrap();
        }
    }
}

fn shared(log: &Arc<dyn Log>) -> Shared {
    Shared::new(Arc::clone(log), Stop::new(), false)
}

/// What is told of a stretch, with the offsets; and from where on.
fn told(log: &Arc<dyn Log>, between: Between) -> (Vec<(Line, u64)>, Offsets) {
    let (mut lines, mut begun) = (Vec::new(), None);
    let read = between::replay(&shared(log), &TOPICS, between, &mut |passing| {
        match passing {
            Passing::From(next) => assert!(begun.replace(next).is_none() && lines.is_empty()),
            Passing::Record { topic, partition, offset, time, record } => {
                let text = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                lines.push(((time, topic.name, partition, text), offset));
            }
            Passing::Nothing => {}
        }
        true
    });
    assert_eq!(read, Ok(()));
    (lines, begun.unwrap())
}

fn all_partitions_are_told_in_the_order_of_their_times(place: &Place) {
    let log = place.open();
    let (mut market, mut second) = (Market::new(), 0);
    while second < SECONDS {
        let next = second + 1 + market.dice.below(60) as i64;
        commit(&log, &market.go_on(log.as_ref(), second..next));
        second = next;
    }
    let stretch = |from: i64, to: i64| Between { from: BEGIN + from, to: BEGIN + to };
    for between in [
        stretch(-MINUTE, SECONDS * SECOND),
        stretch(SECOND, 2 * SECOND),
        stretch(7 * MINUTE + 1_003, 9 * MINUTE + 500),
        stretch(8 * MINUTE, 8 * MINUTE + 1),
        stretch(-2 * MINUTE, -MINUTE),
        stretch(14 * MINUTE, 90 * MINUTE),
    ] {
        let (lines, begun) = told(&log, between);
        let only_lines: Vec<Line> = lines.iter().map(|(line, _)| line.clone()).collect();
        assert_eq!(only_lines, market.told(between), "{between:?}");
        for ((_, topic, partition, _), offset) in &lines {
            assert!(begun[&(*topic, *partition)] <= *offset, "{topic}/{partition} begins behind what was told");
        }
        for (place, next) in &begun {
            let first = lines.iter().find(|((_, topic, partition, _), _)| (*topic, *partition) == *place);
            assert!(first.is_none_or(|(_, offset)| offset == next), "{place:?} begins before what was told");
        }
    }
}

/// They have the time at which it begins, and each stands in a piece by itself: only its clocks tell where a partition is.
fn rows_of_a_long_bucket_mislead_nobody(place: &Place) {
    const ROWS: i64 = 200;
    let (log, topic) = (place.open(), &topics::LONG_SHORT_RATIOS);
    let mut pieces = Vec::new();
    for second in 0..ROWS {
        let (mut row, mut clock) = (Outbox::new(log.generation()), Outbox::new(log.generation()));
        row.batch(topic, 0).push(BEGIN, b"BTC", Some(b"a row"), b"");
        let time = BEGIN + second * SECOND;
        clock.send_clock(topic, 0, &ResultClock { time, block: 1, since_time: BEGIN, since_block: 1 });
        pieces.extend([row, clock]);
    }
    commit(&log, &pieces);
    for second in [0, 1, 50, 99, 100, 150, ROWS - 2] {
        let between = Between { from: BEGIN + second * SECOND, to: i64::MAX };
        // The one that comes with the next clock is as of this one still.
        assert_eq!(told(&log, between).0.len() as i64, ROWS - 2 - second, "behind second {second}");
    }
}

fn it_goes_on_while_more_is_written_and_ends_where_it_should(place: &Place) {
    let log = place.open();
    let mut market = Market::new();
    commit(&log, &market.go_on(log.as_ref(), 0..300));
    let between = Between { from: BEGIN, to: BEGIN + 200 * SECOND };
    let expected = market.told(between);
    let mut lines = 0;
    let read = between::replay(&shared(&log), &TOPICS, between, &mut |passing| {
        if let Passing::Record { time, .. } = passing {
            assert_eq!(time, expected[lines].0);
            lines += 1;
            if lines % 50 == 0 {
                let second = 300 + lines as i64;
                commit(&log, &market.go_on(log.as_ref(), second..second + 1));
            }
        }
        true
    });
    assert_eq!((read, lines), (Ok(()), expected.len()));
}

fn what_is_kept_no_more_is_not_left_out(place: &Place) {
    let log = place.open();
    for second in [1_i64, 2, 1_000_000, 1_000_001] {
        let mut out = Outbox::new(log.generation());
        out.batch(&topics::FILLS, 1).push(second * SECOND, b"BTC", Some(second.to_string().as_bytes()), b"");
        commit(&log, &[out]);
    }
    let all = |from| {
        let mut told = Vec::new();
        let between = Between { from, to: i64::MAX };
        let read = between::replay(&shared(&log), &[&topics::FILLS], between, &mut |passing| {
            if let Passing::Record { offset, record, .. } = passing {
                told.push((record.time / SECOND, offset));
            }
            true
        });
        read.map(|()| told)
    };
    let seconds = |told: Vec<(i64, u64)>| told.into_iter().map(|(second, _)| second).collect::<Vec<_>>();
    let kept = all(0).unwrap();
    assert_eq!(seconds(kept.clone()), [1, 2, 1_000_000, 1_000_001]);
    place.forget_before(&log, kept[2].1);
    assert_eq!(all(0), Err(Unread::Gone));
    assert_eq!(all(1_000_000 * SECOND - 1), Err(Unread::Gone), "there may have been others");
    assert_eq!(all(1_000_000 * SECOND).map(seconds), Ok(vec![1_000_001]));
    assert_eq!(all(1_000_001 * SECOND).map(seconds), Ok(vec![]));
}

fn who_wants_no_more_is_read_nothing_for(place: &Place) {
    let log = place.open();
    let mut market = Market::new();
    commit(&log, &market.go_on(log.as_ref(), 0..300));
    for wanted in [0, 1, 3] {
        let (mut records, mut is_over) = (0, false);
        let between = Between { from: BEGIN, to: BEGIN + 200 * SECOND };
        let read = between::replay(&shared(&log), &TOPICS, between, &mut |passing| {
            assert!(!is_over, "it is asked once more");
            records += usize::from(matches!(passing, Passing::Record { .. }));
            is_over = records == wanted;
            !is_over
        });
        assert_eq!((read, records), (Ok(()), wanted));
    }
}
