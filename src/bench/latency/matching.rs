//! What was seen of each block, by the market, the readers and the client → how long each hop took, and for how many
//! blocks that cannot be said.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::market::Line;

/// A record or frame of a block.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    pub block: u64,
    pub partition: u32,
    pub at: Instant,
}

pub struct Seen {
    /// When the market did.
    pub began: Instant,
    pub lines: Vec<Line>,
    pub facts: Vec<Sight>,
    pub results: Results,
    pub frames: Frames,
}

pub struct Results {
    pub records: Vec<Sight>,
    /// No more results will come of blocks up to this one.
    pub whole_up_to: u64,
}

#[derive(Default)]
pub struct Frames {
    pub positions: Vec<Sight>,
    pub liquidations: Vec<Sight>,
}

/// Milliseconds of each hop, block by block, and what was counted.
#[derive(Default)]
pub struct Matched {
    pub to_facts: Vec<f64>,
    pub to_results: Vec<f64>,
    pub to_frame: Vec<f64>,
    /// From the line to the first frame: the sum of the hops.
    pub total: Vec<f64>,
    pub to_last_frame: Vec<f64>,
    pub to_liquidation: Vec<f64>,
    /// How much later than it was due each line was written.
    pub late: Vec<f64>,
    pub fills: usize,
    pub blocks: usize,
    /// Blocks that changed no position, of which no client is told.
    pub unchanged: usize,
    /// Blocks of which something did not arrive.
    pub lost: usize,
}

type ByBlock = BTreeMap<u64, Vec<Sight>>;

impl Matched {
    /// Of the lines that were written in the measured time.
    pub fn of(seen: &Seen, warm_up: Duration, measured: Duration) -> Self {
        let mut matched = Self::default();
        let [facts, results, frames, liquidations] =
            [&seen.facts, &seen.results.records, &seen.frames.positions, &seen.frames.liquidations].map(by_block);
        let window = seen.began + warm_up..seen.began + warm_up + measured;
        let lines: Vec<&Line> = seen.lines.iter().filter(|line| window.contains(&line.at)).collect();
        matched.late = lateness(&lines);
        for line in lines {
            let block = line.written.block;
            matched.blocks += 1;
            matched.fills += line.written.fills;
            let [facts, results, frames] = [&facts, &results, &frames].map(|sights| of_block(sights, block));
            if frames.is_empty() && results.is_empty() && !facts.is_empty() && block <= seen.results.whole_up_to {
                matched.unchanged += 1;
            } else if matched.follow(line, facts, results, frames).is_none() {
                matched.lost += 1;
            }
            matched.to_liquidation.extend(of_block(&liquidations, block).first().map(|first| ms(line.at, first.at)));
        }
        matched
    }

    /// Through the partition whose frame came first. Nothing, when anything of the block is missing.
    fn follow(&mut self, line: &Line, facts: &[Sight], results: &[Sight], frames: &[Sight]) -> Option<()> {
        let (frame, last) = (frames.first()?, frames.last()?);
        let of_partition = |sights: &[Sight]| sights.iter().find(|sight| sight.partition == frame.partition).copied();
        let (fact, result) = (of_partition(facts)?, of_partition(results)?);
        if frames.len() != results.len() {
            return None;
        }
        self.to_facts.push(ms(line.at, fact.at));
        self.to_results.push(ms(fact.at, result.at));
        self.to_frame.push(ms(result.at, frame.at));
        self.total.push(ms(line.at, frame.at));
        self.to_last_frame.push(ms(line.at, last.at));
        Some(())
    }
}

/// In the order in which they were seen.
fn by_block(sights: &Vec<Sight>) -> ByBlock {
    let mut blocks = ByBlock::new();
    for sight in sights {
        blocks.entry(sight.block).or_default().push(*sight);
    }
    blocks
}

fn of_block(sights: &ByBlock, block: u64) -> &[Sight] {
    sights.get(&block).map_or(&[], Vec::as_slice)
}

/// Lines are due by one clock and written by another one; the line that was in time most is taken to have been in time.
fn lateness(lines: &[&Line]) -> Vec<f64> {
    let Some(first) = lines.first() else { return Vec::new() };
    let behind = |line: &&Line| {
        let due = (line.written.local_time - first.written.local_time) as f64 / 1e6;
        ms(first.at, line.at) - due
    };
    let least = lines.iter().map(behind).fold(f64::INFINITY, f64::min);
    lines.iter().map(|line| behind(line) - least).collect()
}

/// From one moment to another; below zero when the other one was first.
fn ms(from: Instant, to: Instant) -> f64 {
    let after = to.saturating_duration_since(from).as_secs_f64();
    let before = from.saturating_duration_since(to).as_secs_f64();
    (after - before) * 1000.0
}

#[cfg(test)]
mod tests {
    use simulator::WrittenBlock;

    use super::*;

    fn sight(began: Instant, block: u64, partition: u32, ms: u64) -> Sight {
        Sight { block, partition, at: began + Duration::from_millis(ms) }
    }

    fn line(began: Instant, block: u64, ms: u64) -> Line {
        let written = WrittenBlock { block, fills: 10, local_time: i64::try_from(ms).unwrap_or_default() * 1_000_000 };
        Line { written, at: began + Duration::from_millis(ms) }
    }

    /// One block with two partitions: the second one is the first to be told.
    fn one_block() -> Seen {
        let began = Instant::now();
        let at = |partition, ms| sight(began, 7, partition, ms);
        Seen {
            began,
            lines: vec![line(began, 7, 1_000)],
            facts: vec![at(0, 1_003), at(1, 1_004)],
            results: Results { records: vec![at(0, 1_009), at(1, 1_010), at(1, 1_010)], whole_up_to: 9 },
            frames: Frames {
                positions: vec![at(1, 1_012), at(1, 1_013), at(0, 1_020)],
                liquidations: vec![at(0, 1_031)],
            },
        }
    }

    fn matched(seen: &Seen) -> Matched {
        Matched::of(seen, Duration::from_millis(500), Duration::from_secs(1))
    }

    fn counts(matched: &Matched) -> [usize; 4] {
        [matched.blocks, matched.total.len(), matched.unchanged, matched.lost]
    }

    #[test]
    fn a_block_is_followed_through_the_partition_whose_frame_comes_first() {
        let found = matched(&one_block());
        let hops = [&found.to_facts, &found.to_results, &found.to_frame, &found.total, &found.to_last_frame];
        let rounded: Vec<i64> = hops.into_iter().flatten().map(|ms| ms.round() as i64).collect();
        assert_eq!(rounded, [4, 6, 2, 12, 20]);
        assert_eq!(found.to_liquidation.iter().map(|ms| ms.round() as i64).collect::<Vec<_>>(), [31]);
        assert_eq!(counts(&found), [1, 1, 0, 0]);
    }

    #[test]
    fn what_is_written_outside_of_the_measured_time_does_not_count() {
        let mut seen = one_block();
        seen.lines = vec![line(seen.began, 7, 499), line(seen.began, 7, 1_500)];
        assert_eq!(counts(&matched(&seen)), [0, 0, 0, 0]);
    }

    #[test]
    fn a_block_that_did_not_arrive_whole_is_lost() {
        let takings: [fn(&mut Seen); 4] = [
            |seen| seen.frames.positions.truncate(2),
            |seen| seen.frames.positions.clear(),
            |seen| seen.facts.clear(),
            |seen| seen.results.records.clear(),
        ];
        for take in takings {
            let mut seen = one_block();
            take(&mut seen);
            assert_eq!(counts(&matched(&seen)), [1, 0, 0, 1]);
        }
    }

    #[test]
    fn a_block_without_results_is_unchanged_only_when_none_can_come_any_more() {
        let mut seen = one_block();
        seen.results.records.clear();
        seen.frames.positions.clear();
        assert_eq!(counts(&matched(&seen)), [1, 0, 1, 0]);
        seen.results.whole_up_to = 6;
        assert_eq!(counts(&matched(&seen)), [1, 0, 0, 1]);
    }

    #[test]
    fn lines_are_late_against_the_one_that_was_most_in_time() {
        let began = Instant::now();
        let late = |due, at| Line { at: began + Duration::from_millis(at), ..line(began, 1, due) };
        let lines = [late(10, 15), late(20, 23), late(30, 40)];
        let found: Vec<i64> = lateness(&lines.iter().collect::<Vec<_>>()).iter().map(|ms| ms.round() as i64).collect();
        assert_eq!(found, [2, 0, 7]);
    }
}
