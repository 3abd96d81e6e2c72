//! The only place that reads the system's clock.

use std::time::SystemTime;

use calltrace_store::fsx::WallClock;

/// The clock of this run: the system's clock.
///
/// A build with debug assertions, as in the tests, takes `CALLTRACE_NOW` (RFC 3339) as the time
/// at which the process starts; its clock runs on from there. A build without them ignores the
/// variable: a user who could set the clock of `serve` could open links that have expired.
///
/// # Panics
/// If `CALLTRACE_NOW` is used and is not RFC 3339.
pub(super) fn wall_clock() -> WallClock {
    #[cfg(debug_assertions)]
    if let Some(at) = std::env::var_os("CALLTRACE_NOW") {
        let at = at.to_str().and_then(|at| at.parse().ok());
        let at: chrono::DateTime<chrono::Utc> = at.expect("CALLTRACE_NOW is in RFC 3339");
        let (at, began) = (SystemTime::from(at), std::time::Instant::now());
        return WallClock::new(move || at + began.elapsed());
    }
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the only place that may read the clock"
    )]
    let now = SystemTime::now;
    WallClock::new(now)
}
