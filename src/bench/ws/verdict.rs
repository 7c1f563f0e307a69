//! What was found → whether it is good enough.

use super::events::Events;
use super::report::Report;
use super::stalled::Limits;
use crate::failure::Failure;

/// So many times as late an update may be beside clients that do not keep up.
const MOST_RATIO: f64 = 2.0;
/// An update that waits is no larger than this, with all that is kept of it.
const UPDATE_BYTES: u64 = 2 * 1024;
/// What a market of some minutes may need more, whoever listens.
const ALLOWANCE: u64 = 64 * 1024 * 1024;
/// The code that says to somebody that it read too slowly.
const TOO_SLOW: u16 = 4009;

pub fn is_held_up(report: &Report<'_>) -> bool {
    report.ratio() > MOST_RATIO
}

/// Whether anything else is not as it should be.
pub fn is_broken(report: &Report<'_>) -> bool {
    !broken(report).is_empty()
}

/// An error that says everything that is not as it should be.
pub fn judge(report: &Report<'_>) -> Result<(), Failure> {
    let held_up = is_held_up(report).then(|| {
        format!(
            "p99 beside a stalled and a slow client is {:.2} times what it is, and may be {MOST_RATIO}",
            report.ratio()
        )
    });
    let wrong: Vec<String> = held_up.into_iter().chain(broken(report)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Failure::stop(wrong.join("; "))) }
}

/// For two clients for which as much waits as may.
pub fn most_growth(Limits { events_waiting, changes_waiting, .. }: Limits) -> u64 {
    2 * (events_waiting + changes_waiting) * UPDATE_BYTES + ALLOWANCE
}

fn broken(report: &Report<'_>) -> Vec<String> {
    let stalled = &report.found.stalled;
    let is_told = stalled.told > 0 && stalled.code() == Some(TOO_SLOW);
    let stalled = (!is_told).then(|| format!("whoever stopped reading is to hear `lagged` and {TOO_SLOW}: {stalled}"));
    [cut_off(report), lost(report), grown(report), stalled].into_iter().flatten().collect()
}

fn cut_off(Report { cut, .. }: &Report<'_>) -> Option<String> {
    let why = cut.first()?;
    Some(format!("{} clients that kept up were cut off: {why}", cut.len()))
}

fn lost(Report { events: Events { all, missed, repeated }, holes, .. }: &Report<'_>) -> Option<String> {
    if *all == 0 {
        return Some("there was no event that could have been lost: measure longer".to_owned());
    }
    let is_whole = *missed == 0 && *repeated == 0 && *holes == 0;
    (!is_whole).then(|| {
        format!("{missed} events were missed, {repeated} heard twice, and {holes} frames were not the next one")
    })
}

fn grown(report: &Report<'_>) -> Option<String> {
    let (growth, most) = (report.growth(), most_growth(report.found.limits));
    let [grown, may] = [growth, most].map(|bytes| bytes / 1_000_000);
    (growth > most).then(|| format!("the server grew by {grown} MB beside those two, and may by {may} MB"))
}
