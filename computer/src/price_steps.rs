//! The steps into which prices are divided.
//!
//! A step follows the price: the largest of 1, 5, 10, 50… that is no more than a share of it. Each step is made of whole
//! smaller ones, so whoever shows several can bring them to one.

use schemas::{Amount, AmountError};

/// The step in which a price lies: from its lowest price to the lowest of the next.
pub fn step_around(px: Amount, steps: i64) -> Option<(Amount, Amount)> {
    let step = step_of(px, steps).ok().flatten()?;
    step_at(px, step).ok()
}

/// The largest of 1, 5, 10, 50… and their fractions of which the price holds so many.
pub fn step_of(px: Amount, steps: i64) -> Result<Option<Amount>, AmountError> {
    for exponent in (-SMALLEST..=SMALLEST).rev() {
        for digit in [5, 1] {
            let step = Amount::power_of_ten(exponent)?.times(Amount::from(digit))?;
            if step.times(Amount::from(steps))? <= px {
                return Ok(Some(step));
            }
        }
    }
    Ok(None)
}

/// Where a price lies in steps of this width.
pub fn step_at(px: Amount, step: Amount) -> Result<(Amount, Amount), AmountError> {
    let low = px.over(step)?.floor().times(step)?;
    Ok((low.shortest(), low.plus(step)?.shortest()))
}

const SMALLEST: i32 = 12;
