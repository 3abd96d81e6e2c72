//! The resources of the process, read from `/proc`.

use std::fs;

/// Returns the resident memory in bytes; 0 if it can't be read.
pub(super) fn memory() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    resident_bytes(&status).unwrap_or_default()
}

/// Returns the number of open descriptors; 0 if it can't be read.
pub(super) fn descriptors() -> i64 {
    // The folder itself is open while it is counted.
    let descriptors = fs::read_dir("/proc/self/fd").map_or(0, |open| open.count() - 1);
    i64::try_from(descriptors).unwrap_or(i64::MAX)
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
        assert!(memory() > 1 << 20, "{}", memory());
        assert!(descriptors() >= 3, "{}", descriptors());
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
