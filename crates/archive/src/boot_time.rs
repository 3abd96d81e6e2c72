//! The time since the machine was started, which all programs on it share and no user sets.

use std::fmt;
use std::fs;
use std::sync::LazyLock;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A random number that the kernel chooses at each start; `None` where it does not say which one.
static BOOT: LazyLock<Option<String>> = LazyLock::new(|| {
    let number = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(number.trim().to_owned()).filter(|number| !number.is_empty())
});

/// A moment since the start of the machine. As text it is the number of that start, a blank, and nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BootTime {
    boot: String,
    since: Duration,
}

impl BootTime {
    /// The current moment; `None` where the kernel does not say which start it was.
    pub(crate) fn now() -> Option<BootTime> {
        let boot = BOOT.clone()?;
        let now = clock_gettime(ClockId::Boottime);
        let since = Duration::new(now.tv_sec.try_into().ok()?, now.tv_nsec.try_into().ok()?);
        Some(BootTime { boot, since })
    }

    /// How long ago the moment with this text was; `None` if that was before the machine was started, or is no text of
    /// a moment in the past.
    pub(crate) fn since(&self, text: &str) -> Option<Duration> {
        let (boot, nanos) = text.split_once(' ')?;
        let since = Duration::from_nanos(nanos.parse().ok()?);
        (boot == self.boot).then(|| self.since.checked_sub(since))?
    }
}

impl fmt::Display for BootTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.boot, self.since.as_nanos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_moment_of_the_same_start_has_an_age() {
        let at = |boot: &str, seconds| BootTime {
            boot: boot.to_owned(),
            since: Duration::from_secs(seconds),
        };
        let then = at("b1", 100).to_string();
        assert_eq!(at("b1", 104).since(&then), Some(Duration::from_secs(4)));
        assert_eq!(at("b1", 99).since(&then), None, "it is in the future");
        assert_eq!(
            at("b2", 104).since(&then),
            None,
            "the machine was restarted"
        );
        for wrong in [
            "",
            "b1",
            "b1 ",
            "b1 -5",
            "b1 4e3",
            "b1 99999999999999999999999",
        ] {
            assert_eq!(at("b1", 104).since(wrong), None, "{wrong}");
        }
        let now = BootTime::now().expect("the kernel says which start it was");
        assert!(now.since(&now.to_string()) == Some(Duration::ZERO));
    }
}
