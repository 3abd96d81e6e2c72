//! The progress of a long run in bytes, on stderr.

use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::progress::PROGRESS_AFTER;

/// A progress bar that appears on a terminal when the run takes long; otherwise it is never drawn.
pub(super) struct ByteBar {
    pub(super) bar: ProgressBar,
    begin: Instant,
    /// The bar is wanted and not drawn yet.
    waits: bool,
}

impl ByteBar {
    /// `done` is what was done with the bytes: "read".
    pub(super) fn new(wanted: bool, done: &str) -> ByteBar {
        let style = ProgressStyle::with_template(&format!(
            "{{percent:>3}}% of {{decimal_total_bytes}} {done}, {{decimal_bytes_per_sec}}, {{eta}} left  {{wide_msg}}",
        ));
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        ByteBar {
            bar,
            begin: Instant::now(),
            waits: wanted,
        }
    }

    pub(super) fn add(&mut self, bytes: u64) {
        if self.waits && self.begin.elapsed() > PROGRESS_AFTER {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.waits = false;
        }
        self.bar.inc(bytes);
    }
}
