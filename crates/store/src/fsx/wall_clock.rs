//! The current time, as a parameter.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};

/// Returns the current time. `cmd` creates the one that asks the system and passes it down; tests
/// make their own clocks. Durations and deadlines are measured with [`std::time::Instant`] instead,
/// which no change of the system's clock affects.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl WallClock {
    /// A clock that shows what `now` returns.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use calltrace_store::fsx::WallClock;
    ///
    /// let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_763_200);
    /// let clock = WallClock::new(move || noon);
    /// assert_eq!(clock.utc().to_rfc3339(), "2025-12-03T12:00:00+00:00");
    /// ```
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> WallClock {
        WallClock(Arc::new(now))
    }

    /// The time, to be compared with times of files.
    pub fn now(&self) -> SystemTime {
        (self.0)()
    }

    /// The time, to be compared with times of records.
    pub fn utc(&self) -> DateTime<Utc> {
        self.now().into()
    }

    /// The time in whole seconds of Unix time, as links carry it; 0 before 1970.
    pub fn unix_seconds(&self) -> u64 {
        let since = self.now().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WallClock")
    }
}
