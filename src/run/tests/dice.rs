//! Chance that can be had again: the same number makes the same throws.

pub struct Dice(pub u64);

impl Dice {
    /// One of so many.
    pub fn below(&mut self, many: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % many
    }
}
