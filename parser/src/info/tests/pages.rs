//! A list that grows while it is read: each item once, or in a millisecond that was said to be beyond reach.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::border::{Border, Item};

/// Of the made-up exchange.
const FULL: usize = 7;

/// How many milliseconds after the item before; mostly none.
fn tape() -> impl Strategy<Value = Vec<i64>> {
    let later = prop_oneof![6 => Just(0i64), 3 => 1i64..3, 1 => 3i64..100];
    prop::collection::vec(later, 0..150)
}

struct Exchange {
    /// Times of what there is; the place is the number.
    times: Vec<i64>,
    happened: usize,
}

impl Exchange {
    /// The first items from a time on, some of them twice.
    fn page(&self, from: i64, twice: u64) -> Vec<Item<usize>> {
        let all = self.times[..self.happened].iter().enumerate().filter(|(_, time)| **time >= from).take(FULL);
        let item = |(number, time): (usize, &i64)| Item { time: *time, id: number.to_string(), value: number };
        let page = all.map(item).flat_map(|item| {
            let times = if (twice >> (item.value % 64)) & 1 == 1 { 2 } else { 1 };
            (0..times).map(move |_| Item { time: item.time, id: item.id.clone(), value: item.value })
        });
        page.take(FULL).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_item_is_read_once_or_was_said_to_be_beyond_reach(
        tape in tape(),
        at_first in 0usize..150,
        at_once in 1usize..20,
        twice in any::<u64>(),
        restarts in any::<u64>(),
    ) {
        let times: Vec<i64> = tape.iter().scan(1_000, |time, later| { *time += later; Some(*time) }).collect();
        let all = times.len();
        let mut exchange = Exchange { times, happened: at_first.min(all) };
        let (mut border, mut read, mut unreachable) = (Border::at(1_000), Vec::new(), BTreeSet::new());
        for round in 0..10 * all + 10 {
            // Another process, which knows what was written down.
            if (restarts >> (round % 64)) & 1 == 1 {
                border = serde_json::from_str(&serde_json::to_string(&border).unwrap()).unwrap();
            }
            let news = border.pass(exchange.page(border.time, twice), FULL);
            let is_end = news.is_end();
            unreachable.extend(news.unreachable);
            read.extend(news.items.into_iter().map(|item| item.value));
            if is_end {
                exchange.happened = (exchange.happened + at_once).min(all);
            }
        }
        prop_assert_eq!(exchange.happened, all, "it does not get on");
        let once: BTreeSet<usize> = read.iter().copied().collect();
        prop_assert_eq!(once.len(), read.len(), "an item was read twice");
        prop_assert!(read.is_sorted_by_key(|number| exchange.times[*number]));
        for (number, time) in exchange.times.iter().enumerate().filter(|(number, _)| !once.contains(number)) {
            prop_assert!(unreachable.contains(time), "item {number} of {time} is missing and nothing says so");
        }
        for time in unreachable {
            let page = exchange.page(time, twice);
            prop_assert!(page.len() == FULL && page.iter().all(|item| item.time == time), "{time} can be reached");
        }
    }
}

#[test]
fn a_page_need_not_be_in_order() {
    let mut border = Border::at(0);
    let item = |time: i64| Item { time, id: "a".to_owned(), value: () };
    let news = border.pass(vec![item(3), item(1), item(2)], 10);
    assert_eq!(news.items.iter().map(|item| item.time).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(border.time, 3);
}
