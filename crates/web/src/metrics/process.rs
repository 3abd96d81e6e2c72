//! What the process takes of its host, out of `/proc`.

use std::fs;

/// What it takes now. What can't be learned is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) resident_bytes: i64,
    pub(super) descriptors: i64,
}

pub(super) fn look() -> Process {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    // The folder itself is open while it is counted.
    let descriptors = fs::read_dir("/proc/self/fd").map_or(0, |open| open.count() - 1);
    Process {
        resident_bytes: resident_bytes(&status).unwrap_or_default(),
        descriptors: i64::try_from(descriptors).unwrap_or(i64::MAX),
    }
}

/// `VmRSS:     1234 kB`, where kB are KiB.
fn resident_bytes(status: &str) -> Option<i64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_descriptors_of_this_process_are_known() {
        let before = look();
        assert!(before.resident_bytes > 1 << 20, "{before:?}");
        assert!(before.descriptors >= 3, "{before:?}");
    }

    #[test]
    fn a_status_without_memory_has_none() {
        assert_eq!(resident_bytes("Name: x\nVmRSS:\t  12 kB\n"), Some(12_288));
        for odd in [
            "",
            "VmRSS: kB",
            "VmRSS: 12",
            "VmRSS: 9223372036854775807 kB",
        ] {
            assert_eq!(resident_bytes(odd), None, "{odd}");
        }
    }
}
