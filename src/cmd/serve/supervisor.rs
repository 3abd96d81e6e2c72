//! What systemd is told, where it started us: that we serve, that we are alive, that we end. Elsewhere
//! nobody listens, and nothing is said.

use std::env;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use sd_notify::{NotifyState, notify, watchdog_enabled};
use tokio::time::interval;

/// From now on connections are answered. Where a watchdog is set, it is fed from the threads that
/// answer: if these hang, the service is started anew.
pub(super) fn ready() {
    tell(&NotifyState::Ready);
    let Some(patience) = watchdog_enabled() else {
        return;
    };
    // Twice as often as it must be.
    let period = (patience / 2).max(Duration::from_millis(10));
    tokio::spawn(async move {
        let mut turns = interval(period);
        loop {
            turns.tick().await;
            tell(&NotifyState::Watchdog);
        }
    });
}

/// What runs is finished, and nothing new begun.
pub(super) fn stopping() {
    tell(&NotifyState::Stopping);
}

/// Whether stdout is the journal, where many can read it for long. `JOURNAL_STREAM` names the device
/// and inode of the stream that the journal reads (systemd.exec(5)); a shell started from a service
/// inherits the variable and not the stream.
pub(super) fn keeps_what_is_printed() -> bool {
    let Ok(stream) = env::var("JOURNAL_STREAM") else {
        return false;
    };
    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let metadata = stdout.and_then(|stdout| stdout.metadata());
    metadata.is_ok_and(|stdout| stream == format!("{}:{}", stdout.dev(), stdout.ino()))
}

/// Whoever does not hear it ends us by itself.
fn tell(state: &NotifyState<'_>) {
    let _ = notify(std::slice::from_ref(state));
}
