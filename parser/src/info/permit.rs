//! The right to ask one question → what it has cost in the end.

use std::sync::Arc;

use super::budget::Budget;

/// Dropped without an answer it counts as spent: nobody knows whether the exchange has heard the question.
#[derive(Debug)]
pub struct Permit {
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    budget: Arc<Budget>,
    reserved: u32,
    at: i64,
}

impl Permit {
    pub fn new(budget: Arc<Budget>, reserved: u32, at: i64) -> Self {
        Self { held: Some(Held { budget, reserved, at }) }
    }

    /// Where there is no limit.
    pub fn free() -> Self {
        Self { held: None }
    }

    /// The exchange has answered, and this is its price.
    pub fn settle(mut self, price: u32) {
        if let Some(Held { budget, reserved, at }) = self.held.take() {
            budget.settle(reserved, price, |spending, _| spending.confirm_open(at));
        }
    }

    /// The exchange has said that it was too much.
    pub fn refuse(mut self) {
        if let Some(Held { budget, reserved, at }) = self.held.take() {
            budget.settle(reserved, reserved, |spending, now| spending.close(at, now));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(Held { budget, reserved, .. }) = self.held.take() {
            budget.settle(reserved, reserved, |_, _| {});
        }
    }
}
