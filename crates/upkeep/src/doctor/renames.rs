//! Whether the processes that write to the live file now rename it themselves. What earlier processes did proves
//! nothing about these.

use std::fs;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Circumstances;
use super::file::ExaminedFile;
use super::survey::HealthSurvey;
use crate::rotate::Mode;
use crate::survey::times::day_of;
use calltrace_model::record::Stamp;
use calltrace_store::fsx::WriterProcess;
use calltrace_store::source::ContentFormat;

/// Ticks of a second in `/proc/PID/stat`, on every Linux that calltrace is built for.
const TICKS: f64 = 100.0;

/// Whether a writer renames the live file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renames {
    /// One of these processes has renamed it.
    Seen,
    /// Earlier processes have, and these have not run over a midnight yet.
    Before,
    /// Nothing shows it.
    No,
}

impl Renames {
    /// Decides it for the processes that have the live file open.
    pub(super) fn of(
        survey: &HealthSurvey,
        live: &ExaminedFile,
        writers: &[WriterProcess],
        circumstances: &Circumstances<'_>,
    ) -> Renames {
        // A file with a new name each day need not be renamed.
        if live.is_daily() || !survey.rotates_itself() {
            return Renames::No;
        }
        let starts: Option<Vec<_>> = writers
            .iter()
            .map(|writer| started(writer.pid, circumstances.doctor.now))
            .collect();
        // If one has ended since, only the files in the folder show it.
        let Some(began) = starts.and_then(|starts| starts.into_iter().min()) else {
            return Renames::Seen;
        };
        let doctor = circumstances.doctor;
        // If rotation is set to rename the live file, it has made the archives.
        let ours = matches!(doctor.policy.mode, Mode::Rename | Mode::Collapse);
        let shows = |seen: &&ExaminedFile| {
            let is_archive = matches!(seen.log.form, ContentFormat::Bgzf { .. });
            survey.is_by_writer(seen)
                && !(is_archive && ours)
                && seen.log.modified_nanos > began.timestamp_nanos_opt().unwrap_or(i64::MAX)
        };
        if survey.files.iter().any(|seen| shows(&seen)) {
            return Renames::Seen;
        }
        let had_midnight = |last: Stamp| day_of(last) > day_of(doctor.zone.stamp(began));
        match ours || live.log.last.is_some_and(had_midnight) {
            true => Renames::No,
            false => Renames::Before,
        }
    }
}

/// When a process was started, computed from the current time `now`.
fn started(pid: u32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split(' ').next()?.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ago = Duration::try_from_secs_f64(uptime - ticks(&stat)? / TICKS).unwrap_or_default();
    now.checked_sub_signed(TimeDelta::from_std(ago).ok()?)
}

/// The field 22 of `/proc/PID/stat`. The name before it, in parentheses, may hold anything.
fn ticks(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_process_with_any_name_is_found() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4321 8 9";
        assert_eq!(ticks(stat), Some(4321.0));
        assert_eq!(ticks("7 (a) S 1"), None);
        let now = DateTime::from_timestamp(1_764_763_200, 0).expect("a time");
        let began = started(std::process::id(), now).expect("we run");
        let ago = (now - began).num_seconds();
        assert!((0..600).contains(&ago), "{ago}");
    }
}
