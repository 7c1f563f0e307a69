//! What is said once more of a stretch → lines of it, where it differs from what stands on the log, or a generation of its
//! own.

use std::sync::Arc;

use ::computer::Rules;
use schemas::{Record, Topic, kind};
use serde_json::{Value, json};

use super::check::Check;
use super::plan::Plan;
use super::shadow::Shadow;
use super::{Request, is_of_coin, readable};
use crate::failure::Failure;
use crate::log::Log;

pub enum Fate {
    Told { coin: Option<String>, results: u64 },
    Compared(Box<Check>),
    Kept(Box<Shadow>),
}

type Each<'a> = &'a mut dyn FnMut(Value) -> Result<(), Failure>;

impl Fate {
    pub fn begin(log: &Arc<dyn Log>, rules: &Rules, request: &Request, plan: &Plan) -> Result<Self, Failure> {
        let coin = request.coin.clone();
        if request.check {
            let check = Check::begin(log, &plan.scope(log.as_ref()), coin.as_deref())?;
            return Ok(Self::Compared(Box::new(check)));
        }
        if request.keep {
            return Ok(Self::Kept(Box::new(Shadow::begin(log, rules, request, (plan.from, plan.to))?)));
        }
        Ok(Self::Told { coin, results: 0 })
    }

    /// A record that was said, before the stretch begins as well.
    pub fn take(
        &mut self,
        is_before: bool,
        (topic, partition): (&'static Topic, u32),
        record: &Record<'_>,
        each: Each<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::Compared(check) => check.take(topic, partition, record),
            _ if is_before => {}
            Self::Kept(shadow) => shadow.take(topic, partition, record)?,
            Self::Told { .. } if is_a_clock(record) => {}
            Self::Told { coin, results } => {
                if coin.as_deref().is_none_or(|coin| is_of_coin(record.key, coin)) {
                    *results += 1;
                    each(line(topic, partition, record)?)?;
                }
            }
        }
        Ok(())
    }

    /// Everything up to a time has been said.
    pub fn comes_to(&mut self, time: i64, each: Each<'_>) -> Result<(), Failure> {
        match self {
            Self::Compared(check) => check.compare_up_to(time, each),
            Self::Kept(shadow) => shadow.commit(),
            Self::Told { .. } => Ok(()),
        }
    }

    /// What came of it.
    pub fn end(self, summary: &mut Value, each: Each<'_>) -> Result<(), Failure> {
        match self {
            Self::Compared(check) => summary["check"] = check.end(each)?,
            Self::Kept(shadow) => (summary["generation"], summary["results"]) = shadow.end()?,
            Self::Told { results, .. } => summary["results"] = results.into(),
        }
        Ok(())
    }

    /// It has not come to its end.
    pub fn give_up(self) {
        if let Self::Kept(shadow) = self {
            shadow.give_up();
        }
    }
}

pub fn is_a_clock(record: &Record<'_>) -> bool {
    record.headers.get(kind::HEADER) == Some(kind::CLOCK)
}

fn line(topic: &Topic, partition: u32, record: &Record<'_>) -> Result<Value, Failure> {
    let value = record.value.map_or(Ok(Value::Null), readable)?;
    Ok(json!({
        "topic": topic.name, "partition": partition, "time": record.time, "key": String::from_utf8_lossy(record.key),
        "kind": record.headers.get(kind::HEADER).map(String::from_utf8_lossy), "replayed": true, "value": value,
    }))
}
