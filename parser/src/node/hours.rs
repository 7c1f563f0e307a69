//! The hours of a folder, in the order in which they happened. Their names are numbers without leading zeros: 9 comes
//! before 10.

use std::io;
use std::path::Path;

use crate::source_error::SourceError;

/// The earliest hour behind this one, as `YYYYMMDD/H`; the first of all behind nothing.
pub fn after(hourly: &Path, hour: &str) -> Result<Option<String>, SourceError> {
    let after = in_order(hour);
    let mut days = names(hourly)?;
    days.retain(|day| is_day(day) && after.as_ref().is_none_or(|(at, _)| day >= at));
    days.sort_unstable();
    for day in days {
        let mut hours: Vec<(String, u8)> = Vec::new();
        for name in names(&hourly.join(&day))? {
            hours.extend(in_order(&format!("{day}/{name}")));
        }
        hours.sort_unstable();
        if let Some((day, hour)) = hours.into_iter().find(|hour| after.as_ref().is_none_or(|after| hour > after)) {
            return Ok(Some(format!("{day}/{hour}")));
        }
    }
    Ok(None)
}

/// `20260628/8` as what it is ordered by.
pub fn in_order(hour: &str) -> Option<(String, u8)> {
    let (day, hour) = hour.split_once('/')?;
    let hour = hour.parse().ok().filter(|hour| *hour < 24)?;
    is_day(day).then(|| (day.to_owned(), hour))
}

/// When an hour begins.
pub fn begins(hour: &str) -> Option<i64> {
    let (day, hour) = in_order(hour)?;
    let day = chrono::NaiveDate::parse_from_str(&day, "%Y%m%d").ok()?;
    Some(day.and_hms_opt(u32::from(hour), 0, 0)?.and_utc().timestamp_millis())
}

/// The hour in which something happened.
pub fn of(time: i64) -> String {
    chrono::DateTime::from_timestamp_millis(time).unwrap_or_default().format("%Y%m%d/%-H").to_string()
}

/// `…/20250727/8.lz4` → `20250727/8`
pub fn hour_of(path: &Path) -> Option<String> {
    let day = path.parent()?.file_name()?.to_str()?;
    let hour = path.file_stem()?.to_str()?;
    Some(format!("{day}/{hour}")).filter(|hour| in_order(hour).is_some())
}

fn is_day(day: &str) -> bool {
    day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit())
}

fn names(folder: &Path) -> Result<Vec<String>, SourceError> {
    let failed = |source: io::Error| SourceError::Read { path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        // The node has not written anything yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let name = |entry: io::Result<std::fs::DirEntry>| entry.map(|entry| entry.file_name().into_string().ok());
    Ok(entries.map(name).collect::<io::Result<Vec<_>>>().map_err(failed)?.into_iter().flatten().collect())
}
