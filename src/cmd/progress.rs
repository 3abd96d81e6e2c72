//! The progress of a long read, on stderr if it is a terminal. Nothing else is printed at the same
//! time.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::App;
use calltrace_output::rotation::size;
use calltrace_store::scan::Meter;

/// A shorter read shows no progress.
pub(super) const PROGRESS_AFTER: Duration = Duration::from_millis(500);
/// Time between two updates.
const TICK: Duration = Duration::from_millis(200);

/// Shows the progress of a read until it is dropped.
pub(super) struct ReadProgress {
    /// The thread ends when this sender is dropped; nothing is sent.
    running: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl App {
    /// Shows the progress of what is read from now on, if stderr is a terminal.
    pub(super) fn progress(&self) -> Option<ReadProgress> {
        let is_seen = io::stderr().is_terminal() && !self.global.quiet;
        is_seen.then(|| ReadProgress::new(Arc::clone(self.engine.meter())))
    }
}

impl ReadProgress {
    fn new(meter: Arc<Meter>) -> ReadProgress {
        let (running, ends) = mpsc::channel::<()>();
        let (begin, before) = (Instant::now(), meter.now().0);
        let thread = thread::spawn(move || {
            let mut wait = PROGRESS_AFTER;
            while ends.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = TICK;
                let (read, ahead) = meter.now();
                let text = text((read - before, ahead), begin.elapsed());
                draw(&format!("\r{text}\x1b[K"));
            }
            if wait == TICK {
                draw("\r\x1b[K");
            }
        });
        ReadProgress {
            running: Some(running),
            thread: Some(thread),
        }
    }
}

impl Drop for ReadProgress {
    fn drop(&mut self) {
        self.running = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Writes to stderr; an error of stderr is ignored.
fn draw(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// `reading: 1.2 GB of 4.5 GB, 400.0 MB/s, 9 s left`; at most 60 columns.
pub(super) fn text((read, ahead): (u64, u64), elapsed: Duration) -> String {
    let millis = u64::try_from(elapsed.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    let rate = (u128::from(read) * 1000 / u128::from(millis)).max(1);
    let rate = u64::try_from(rate).unwrap_or(u64::MAX);
    let of = match ahead {
        0 => String::new(),
        ahead => format!(" of {}", size(read.saturating_add(ahead))),
    };
    let left = match ahead / rate {
        _ if ahead == 0 || read == 0 => String::new(),
        seconds @ 0..100 => format!(", {seconds} s left"),
        seconds @ 100..6000 => format!(", {} min left", seconds / 60),
        seconds => format!(", {} h left", seconds / 3600),
    };
    format!("reading: {}{of}, {}/s{left}", size(read), size(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_rate_and_time_left_are_shown_if_known() {
        let second = Duration::from_secs(1);
        for (read, ahead, elapsed, expected) in [
            (
                1_200_000_000,
                3_300_000_000,
                second * 3,
                "reading: 1.2 GB of 4.5 GB, 400.0 MB/s, 8 s left",
            ),
            (500_000, 0, second, "reading: 500.0 kB, 500.0 kB/s"),
            (0, 5_000, second, "reading: 0 B of 5.0 kB, 1 B/s"),
            (
                1_000_000,
                600_000_000,
                second,
                "reading: 1.0 MB of 601.0 MB, 1.0 MB/s, 10 min left",
            ),
            (
                1_000,
                36_000_000,
                second,
                "reading: 1.0 kB of 36.0 MB, 1.0 kB/s, 10 h left",
            ),
        ] {
            assert_eq!(text((read, ahead), elapsed), expected);
        }
        assert!(text((u64::MAX >> 8, u64::MAX >> 8), Duration::MAX).len() < 100);
    }
}
