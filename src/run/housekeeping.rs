//! Forgets what is too old or too much, now and then.

use std::time::Duration;

use tracing::debug;

use super::Shared;
use crate::failure::Failure;
use crate::log::retention;

const EVERY: Duration = Duration::from_secs(10);

pub fn run(shared: &Shared) -> Result<(), Failure> {
    while !shared.stop.asked() {
        let forgotten = retention::forget(&shared.log)?;
        if forgotten > 0 {
            debug!("{forgotten} old records went");
        }
        shared.stop.rest(EVERY);
    }
    Ok(())
}
