//! The same facts come to the same records: however they are cut, wherever a task is dropped and made again, in memory
//! and on each log. What a clock, the order of a map or the border of a flush would change of them, is seen here.
#![allow(clippy::unwrap_used)]

mod between;
mod dice;
mod facts;
mod generations;
mod held_up;
mod in_memory;
mod on_the_log;
mod replayed;
mod told;
