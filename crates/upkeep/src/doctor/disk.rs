//! Room on the disks that the tree is on.

use std::collections::HashSet;
use std::path::Path;

use super::survey::HealthSurvey;
use super::{Circumstances, Code, Field, Finding};
use calltrace_store::fsx::Volume;

/// A warning, or a problem, if both the percentage and the bytes that are left are below these: a tenth of a large
/// disk is much.
const LOW_PERCENT: u64 = 10;
const LOW_BYTES: u64 = 20_000_000_000;
const FULL_PERCENT: u64 = 5;
const FULL_BYTES: u64 = 5_000_000_000;

/// Checks each disk once, and names it by the first folder that is on it, beginning with the tree's root.
pub(super) fn check(surveys: &[HealthSurvey], circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let root = circumstances.doctor.tree.root();
    let root = (root, Volume::of(root).ok());
    let folders = surveys.iter().map(|survey| &survey.more);
    let folders = folders.map(|more| (more.folder.as_path(), more.volume));
    let mut known = HashSet::new();
    let mut findings = Vec::new();
    for (folder, volume) in [root].into_iter().chain(folders) {
        let Some(volume) = volume.filter(|volume| known.insert(volume.device)) else {
            continue;
        };
        let is_here = |other: Volume| other.device == volume.device;
        let there = surveys
            .iter()
            .filter(|s| s.more.volume.is_some_and(is_here));
        let files = there.flat_map(|survey| &survey.files);
        let plain = files.filter(|seen| !seen.log.name.gz);
        let largest = plain.map(|seen| seen.log.bytes).max().unwrap_or(0);
        let judged = judge(&volume, largest, folder).into_iter();
        findings.extend(judged.map(|finding| finding.file(folder)));
    }
    findings
}

/// The findings about a file system; `largest` is the size of its largest plain log (bytes).
fn judge(volume: &Volume, largest: u64, folder: &Path) -> Vec<Finding> {
    [full(volume, folder), no_room(volume, largest)]
        .into_iter()
        .flatten()
        .collect()
}

fn full(volume: &Volume, folder: &Path) -> Option<Finding> {
    let low = |percent: u64, bytes: u64| {
        let is_low = volume.bytes_free.saturating_mul(100) < volume.bytes.saturating_mul(percent);
        is_low && volume.bytes_free < bytes
    };
    let few = |percent: u64| {
        volume.inodes > 0
            && volume.inodes_free.saturating_mul(100) < volume.inodes.saturating_mul(percent)
    };
    let finding = if low(FULL_PERCENT, FULL_BYTES) || few(FULL_PERCENT) {
        Finding::problem(Code::DiskFull)
    } else if low(LOW_PERCENT, LOW_BYTES) || few(LOW_PERCENT) {
        Finding::warning(Code::DiskFull)
    } else {
        return None;
    };
    let finding = finding
        .seen("{free} of {all} are free on its disk")
        .with("free", Field::Bytes(volume.bytes_free))
        .with("all", Field::Bytes(volume.bytes));
    let finding = match few(LOW_PERCENT) {
        true => finding
            .seen("{inodes} of {inodes_all} inodes are free")
            .with("inodes", Field::Count(volume.inodes_free))
            .with("inodes_all", Field::Count(volume.inodes)),
        false => finding,
    };
    let why = "when it is full, writers lose every line, and a rotation can't make archives";
    Some(
        finding
            .why(why)
            .remedy(
                "find out what takes the space: `du -xh --max-depth=1 {folder} | sort -h`; {rotate} compresses and expires logs",
            )
            .with("folder", Field::Path(folder.to_owned()))
            .with("rotate", Field::Calltrace("rotate")),
    )
}

/// An archive mostly takes a seventh of its log, but the log is removed only when the archive is complete.
fn no_room(volume: &Volume, largest: u64) -> Option<Finding> {
    (largest > volume.bytes_free).then(|| {
        Finding::warning(Code::NoRoom)
            .seen(
                "{free} are free on its disk, less than the {largest} of the largest file that is \
                 not sealed",
            )
            .with("free", Field::Bytes(volume.bytes_free))
            .with("largest", Field::Bytes(largest))
            .why(
                "there may be no space for its archive, and a file is removed only when its archive is complete",
            )
            .remedy("free some space, or run {rotate} with a shorter --keep")
            .with("rotate", Field::Calltrace("rotate"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::FindingSeverity;
    use super::*;

    #[test]
    fn free_space_is_judged_by_its_share_and_by_its_size() {
        let volume = |bytes_free, inodes_free| Volume {
            device: 1,
            bytes: 100_000_000_000,
            bytes_free,
            inodes: 1000,
            inodes_free,
            is_read_only: false,
        };
        let judged = |volume: &Volume, largest| -> Vec<(Code, FindingSeverity)> {
            let findings = judge(volume, largest, Path::new("/srv"));
            findings
                .iter()
                .map(|found| (found.code, found.severity))
                .collect()
        };
        assert_eq!(judged(&volume(50_000_000_000, 900), 1), []);
        assert_eq!(
            judged(&volume(9_000_000_000, 900), 1),
            [(Code::DiskFull, FindingSeverity::Warning)]
        );
        assert_eq!(
            judged(&volume(4_000_000_000, 900), 1),
            [(Code::DiskFull, FindingSeverity::Problem)]
        );
        assert_eq!(
            judged(&volume(50_000_000_000, 20), 1),
            [(Code::DiskFull, FindingSeverity::Problem)]
        );
        assert_eq!(
            judged(&volume(50_000_000_000, 900), 60_000_000_000),
            [(Code::NoRoom, FindingSeverity::Warning)]
        );
        let full = judge(&volume(1, 900), 1, Path::new("/srv"));
        let folder = Field::Path("/srv".into());
        assert_eq!(full[0].remedy.field("folder"), Some(&folder));
        let large = Volume {
            bytes: 10_000_000_000_000,
            ..volume(900_000_000_000, 900)
        };
        assert_eq!(judged(&large, 1), []);
    }
}
