//! How many files a process may hold open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many as the system lets a process ask for: most begin with 1,024, which is fewer than there may be clients, and log
/// and database need some as well. Where that is refused, connections wait for others to end. Gives back how many it
/// may hold now; without a number there is no limit.
pub fn allow_open_files() -> Option<u64> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    getrlimit(Resource::Nofile).current
}
