//! What systemd is told, where it started us: that we serve, that we are alive, that we end. Elsewhere
//! nobody listens, and nothing is said.

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

/// Whoever does not hear it ends us by itself.
fn tell(state: &NotifyState<'_>) {
    let _ = notify(std::slice::from_ref(state));
}
