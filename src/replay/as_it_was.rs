//! A moment → the state that there was of positions, ratios or liquidation maps: what their tasks had saved before it, and the
//! facts from there up to it once more.

use std::sync::Arc;

use ::computer::Rules;
use schemas::{ResultClock, Topic, topics};

use super::Request;
use super::plan::{Plan, in_words};
use crate::failure::Failure;
use crate::log::Log;

/// What is told whole of any moment.
pub static TOPICS: [&Topic; 3] = [&topics::POSITIONS, &topics::LONG_SHORT_RATIOS, &topics::LIQUIDATION_MAP];

/// As it was when everything up to its clock had happened.
#[derive(Debug)]
pub struct AsItWas {
    /// Each key with its value, in their order.
    pub values: Vec<(Vec<u8>, Vec<u8>)>,
    pub clock: ResultClock,
    /// The clock of the oldest state that it began with; nothing where that were the first records.
    pub began_with: Option<i64>,
    /// How many facts were read for it.
    pub records: u64,
}

/// Of a topic, of one coin or of all. Whoever has no time for more than so many facts is told how many there are.
pub fn as_it_was(
    log: &Arc<dyn Log>,
    rules: &Rules,
    (topic, coin): (&'static Topic, Option<&str>),
    at: &str,
    most: u64,
) -> Result<AsItWas, Failure> {
    let request = Request { coin: coin.map(str::to_owned), topic: Some(topic.name.to_owned()), ..Request::default() };
    let plan = Plan::of_a_moment(log, &request, at)?;
    let time = plan.to;
    let records = plan.records_up_to(log, time)?;
    if records > most {
        return Err(Failure::stop(format!(
            "{} is {records} facts behind the snapshot before it, and {most} are read at most: `fathom replay --at` has no such bound",
            in_words(time)
        )));
    }
    let (mut values, mut clocks, mut records) = (Vec::new(), Vec::new(), 0);
    for mut task in plan.begin(log, rules)? {
        task.go_to(time, &mut |_, _, _| Ok(()))?;
        task.tell_all(&mut |of, _, record| {
            let is_asked = std::ptr::eq(of, topic) && coin.is_none_or(|coin| super::is_of_coin(record.key, coin));
            if let Some(value) = record.value.filter(|_| is_asked) {
                values.push((record.key.to_vec(), value.to_vec()));
            }
            Ok(())
        })?;
        records += task.facts;
        clocks.push(task.clock());
    }
    values.sort_unstable();
    Ok(AsItWas { values, clock: of_all(&clocks), began_with: plan.began_with(), records })
}

/// Those that are asked for: all of them where none is named.
pub fn asked(name: Option<&str>) -> Result<Vec<&'static Topic>, Failure> {
    let asked: Vec<&'static Topic> =
        TOPICS.into_iter().filter(|topic| name.is_none_or(|name| name == topic.name)).collect();
    if asked.is_empty() {
        let names = TOPICS.map(|topic| topic.name).join(", ");
        return Err(Failure::Usage(format!("of {} no state is told; it is of {names}", name.unwrap_or_default())));
    }
    Ok(asked)
}

/// Up to the earliest of them, since the latest of their beginnings.
fn of_all(clocks: &[ResultClock]) -> ResultClock {
    let by_now = clocks.iter().min_by_key(|clock| clock.time).copied();
    let since = clocks.iter().max_by_key(|clock| clock.since_time).copied();
    let none = ResultClock { time: 0, block: 0, since_time: 0, since_block: 0 };
    let (by_now, since) = (by_now.unwrap_or(none), since.unwrap_or(none));
    ResultClock { since_time: since.since_time, since_block: since.since_block, ..by_now }
}
