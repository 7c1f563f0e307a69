//! What a task was told when it was made, among what it remembers: a part of the state that is never saved.

use schemas::Batch;

use crate::table::State;

#[derive(Debug, Default)]
pub struct Given<T>(pub T);

impl<T: Default + Send> State for Given<T> {
    fn begin_tick(&mut self, _: u64) {}

    fn save(&mut self, _: &str, _: &mut Batch) {}

    fn restore(&mut self, _: &str, _: &str, _: &[u8]) -> Option<()> {
        None
    }

    fn restored(&mut self, _: u64) {}

    fn len(&self) -> usize {
        0
    }
}
