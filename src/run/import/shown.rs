//! How far an import is, for whoever looks: a bar, or a line now and then where nobody does.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tracing::info;

pub struct Shown {
    bar: ProgressBar,
    began: Instant,
}

const SAY_EVERY: Duration = Duration::from_secs(10);

impl Shown {
    pub fn begin(bytes: u64) -> Self {
        let bar = ProgressBar::new(bytes);
        let style = ProgressStyle::with_template("{bar:40} {percent}% {bytes}/{total_bytes}, {msg}, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, began: Instant::now() }
    }

    /// How many bytes are left, and how many of what was made.
    pub fn show(&self, left: u64, made: u64, what: &str) {
        let total = self.bar.length().unwrap_or_default();
        let read = total.saturating_sub(left);
        let seconds = self.began.elapsed().as_secs_f64();
        let rate = made as f64 / seconds.max(0.001);
        self.bar.set_position(read);
        self.bar.set_message(format!("{rate:.0} {what}/s"));
        if !std::io::stderr().is_terminal() && self.bar.elapsed() > SAY_EVERY {
            self.bar.reset_elapsed();
            let seconds_left = (total - read) as f64 * seconds / (read.max(1)) as f64;
            let (read, total) = (read / 1_000_000, total / 1_000_000);
            info!("{read} of {total} MB, {made} {what}, {rate:.0} {what}/s, {seconds_left:.0} s left");
        }
    }

    pub fn end(&self) -> Duration {
        self.bar.finish_and_clear();
        self.began.elapsed()
    }
}
