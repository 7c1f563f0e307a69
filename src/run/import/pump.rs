//! Facts out of an import, into the log: the next are made while the last are written.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use parser::Taken;
use schemas::{Outbox, Topic};

use crate::failure::Failure;
use crate::log::Writer;
use crate::run::{PATIENCE, Shared};

/// Goes on until there is nothing more; whether that is so, or the end was asked for. `topics` are those that are
/// written to.
pub fn pump(
    shared: &Shared,
    writer: &mut dyn Writer,
    topics: &[&'static Topic],
    make: impl FnMut(&mut Outbox) -> Result<Taken, Failure>,
) -> Result<bool, Failure> {
    let generation = shared.log.generation();
    let (made, to_write) = sync_channel(0);
    let (written, to_fill) = sync_channel(2);
    (0..2).for_each(|_| drop(written.send(Outbox::new(generation))));
    std::thread::scope(|scope| {
        let writing = scope.spawn(move || write(writer, &to_write, &written));
        let outcome = fill(shared, topics, &to_fill, &made, make);
        drop(made);
        let ended = writing.join().unwrap_or_else(|_| Err(Failure::stop("whoever writes panicked: this is a bug")));
        ended.and(outcome)
    })
}

fn fill(
    shared: &Shared,
    topics: &[&'static Topic],
    to_fill: &Receiver<Outbox>,
    made: &SyncSender<Outbox>,
    mut make: impl FnMut(&mut Outbox) -> Result<Taken, Failure>,
) -> Result<bool, Failure> {
    while !shared.stop.asked() {
        if shared.log.is_any_held_up(topics) {
            shared.stop.rest(PATIENCE);
            continue;
        }
        // Whoever writes has failed, and says why.
        let Ok(mut out) = to_fill.recv() else { return Ok(false) };
        let taken = make(&mut out)?;
        if made.send(out).is_err() {
            return Ok(false);
        }
        if taken == Taken::default() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn write(writer: &mut dyn Writer, made: &Receiver<Outbox>, written: &SyncSender<Outbox>) -> Result<(), Failure> {
    for mut out in made {
        if out.records() > 0 {
            writer.commit(&out)?;
            out.clear();
        }
        let _ = written.send(out);
    }
    Ok(())
}
