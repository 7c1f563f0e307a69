//! Measured values → how they are spread, as a row of a table and as JSON.

use serde_json::{Value, json};

/// How values are spread.
#[derive(Debug, PartialEq)]
pub struct Spread {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
    pub n: usize,
}

impl Spread {
    /// Nothing, of nothing.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let max = *sorted.last()?;
        // The least value that so many hundredths are not above: one that was measured, never one between two.
        let percentile = |hundredths: usize| sorted[(sorted.len() * hundredths).div_ceil(100) - 1];
        Some(Self { p50: percentile(50), p95: percentile(95), p99: percentile(99), max, n: sorted.len() })
    }

    pub fn row(&self) -> String {
        let Self { p50, p95, p99, max, n } = self;
        format!("{p50:>9.1}{p95:>9.1}{p99:>9.1}{max:>9.1}{n:>10}")
    }

    pub fn json(&self) -> Value {
        json!({ "p50": self.p50, "p95": self.p95, "p99": self.p99, "max": self.max, "n": self.n })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(Spread::of(&values), Some(Spread { p50: 100.0, p95: 190.0, p99: 198.0, max: 200.0, n: 200 }));
        assert_eq!(Spread::of(&[-3.0, 9.0]), Some(Spread { p50: -3.0, p95: 9.0, p99: 9.0, max: 9.0, n: 2 }));
        assert_eq!(Spread::of(&[]), None);
    }
}
