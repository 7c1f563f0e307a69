//! What the log has to do now and then: forget what is old, or see how far it reaches.

use std::time::Duration;

use super::Shared;
use crate::failure::Failure;

const EVERY: Duration = Duration::from_secs(10);

pub fn run(shared: &Shared) -> Result<(), Failure> {
    while !shared.stop.asked() {
        shared.log.keep_house()?;
        shared.stop.rest(EVERY);
    }
    Ok(())
}
