//! Notifications to systemd if it started this process: ready, alive, stopping. Without systemd nothing is sent.

use std::env;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use sd_notify::{NotifyState, notify, watchdog_enabled};
use tokio::time::interval;

/// Reports that connections are answered. With a watchdog, the threads that answer connections also report that they
/// are alive: if they hang, systemd restarts the service.
pub(super) fn ready() {
    send_state(&NotifyState::Ready);
    let Some(patience) = watchdog_enabled() else {
        return;
    };
    // Half the period that systemd allows.
    let period = (patience / 2).max(Duration::from_millis(10));
    tokio::spawn(async move {
        let mut turns = interval(period);
        loop {
            turns.tick().await;
            send_state(&NotifyState::Watchdog);
        }
    });
}

/// Reports that open requests are finished and no new ones begin.
pub(super) fn stopping() {
    send_state(&NotifyState::Stopping);
}

/// Whether stdout is the journal, which keeps it for many readers. `JOURNAL_STREAM` names the device
/// and inode of the stream that the journal reads (systemd.exec(5)); a shell started from a service
/// inherits the variable but not the stream.
pub(super) fn is_kept_by_journal() -> bool {
    let Ok(stream) = env::var("JOURNAL_STREAM") else {
        return false;
    };
    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let metadata = stdout.and_then(|stdout| stdout.metadata());
    metadata.is_ok_and(|stdout| stream == format!("{}:{}", stdout.dev(), stdout.ino()))
}

/// Sends a notification. An error is ignored: a supervisor that misses it acts by its own timeouts.
fn send_state(state: &NotifyState<'_>) {
    let _ = notify(std::slice::from_ref(state));
}
