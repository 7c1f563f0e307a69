//! What takers bought and sold: of each trade the taker's leg alone, with its side, for both legs together are as much
//! bought as sold.

use schemas::{Amount, Fill, Side};
use serde::{Deserialize, Serialize};

use crate::windows;

/// What takers did in a stretch of time.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Flow {
    pub bought: Taken,
    pub sold: Taken,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Taken {
    /// Absent when it is too large for an exact decimal.
    pub notional: Option<Amount>,
    pub trades: u64,
}

impl Flow {
    /// None where nobody took anything.
    pub fn of(fill: &Fill) -> Option<Self> {
        if !fill.is_trade() || !fill.crossed {
            return None;
        }
        let taken = Taken { notional: fill.px.times(fill.sz).ok(), trades: 1 };
        Some(match fill.side {
            Side::Buy => Self { bought: taken, sold: Taken::NOTHING },
            Side::Sell => Self { bought: Taken::NOTHING, sold: taken },
        })
    }

    /// Bought over sold.
    pub fn ratio(&self) -> Option<Amount> {
        self.bought.notional?.over(self.sold.notional?).ok()
    }
}

impl Taken {
    const NOTHING: Self = Self { notional: Some(Amount::ZERO), trades: 0 };

    fn add(&mut self, other: Self) {
        self.notional = Amount::sum(self.notional, other.notional);
        self.trades += other.trades;
    }
}

impl Default for Flow {
    fn default() -> Self {
        Self { bought: Taken::NOTHING, sold: Taken::NOTHING }
    }
}

impl windows::Value for Flow {
    fn merge(&mut self, other: &Self) {
        self.bought.add(other.bought);
        self.sold.add(other.sold);
    }
}
