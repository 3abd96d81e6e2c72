//! Whether something contradicts the host's clock. Expiry is the one step that a wrong clock turns into
//! a loss: with the clock 23 days ahead, one run would remove everything older than `keep`.
//!
//! A clock that is right has left signs on the way to now: the last run (the time of the last change of
//! `.calltrace/lock`), changes of log files anywhere in the tree, days in their names, records of this enterprise.
//! **If more than [`gap_days`] days pass without any sign, the clock may have jumped**, and nothing is removed. The
//! time since the last run counts, or, if none is known, since the newest sign. So an enterprise with only old logs
//! expires: other enterprises, or the runs of the days before, show that time has passed. A clock that is behind
//! removes nothing too early.

use std::sync::OnceLock;
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use super::context::RotationContext;
use super::look::RotationSurvey;
use crate::survey::times::{DAY_MILLIS, day_of, day_start};
use calltrace_model::record::{LogZone, Stamp};
use calltrace_store::tree::{ListedFile, Tree, look_at};

/// Signs of a time further ahead than this are of a clock that was wrong (milliseconds).
const AHEAD_MILLIS_MAX: i64 = DAY_MILLIS;

/// How many days without a sign are accepted: a week, because a host may be idle over holidays; less if less is
/// kept, because that is what a jump could cost.
pub(super) fn gap_days(keep_days: u32) -> i64 {
    i64::from(keep_days).clamp(2, 7)
}

/// Modification times of all files of the tree and days in their names, read once for all enterprises, when first
/// needed.
pub(super) type Signs = OnceLock<Vec<Stamp>>;

/// Why the clock may be wrong, as a clause; `None` if nothing contradicts it.
pub(super) fn contradiction(
    context: &RotationContext<'_>,
    tree: &Tree,
    survey: &RotationSurvey,
    last_run: Option<SystemTime>,
    of_tree: &Signs,
) -> Option<String> {
    let last_run = last_run.map(|at| context.zone.stamp(DateTime::<Utc>::from(at)));
    let gap_days = gap_days(context.policy.keep_days);
    let own = signs_of(survey);
    let now = context.now();
    // Usually the last run was yesterday, so nothing else must be read.
    longest_gap(&own, last_run, now, gap_days)?;
    let all = of_tree.get_or_init(|| signs_in(tree, context.zone));
    let all: Vec<Stamp> = own.iter().chain(all).copied().collect();
    let gap = longest_gap(&all, last_run, now, gap_days)?;
    Some(match gap.end == now {
        true => format!(
            "nothing in the log tree is of a time between {} and now ({})",
            day_of(gap.start),
            day_of(now)
        ),
        false => format!(
            "the last run was on {}, and nothing in the log tree is of a time between {} and {}",
            day_of(last_run.unwrap_or(gap.start)),
            day_of(gap.start),
            day_of(gap.end)
        ),
    })
}

/// A time without signs.
#[derive(Debug, PartialEq, Eq)]
struct Gap {
    start: Stamp,
    end: Stamp,
}

/// The longest time without a sign, if it is longer than so many days.
fn longest_gap(signs: &[Stamp], last_run: Option<Stamp>, now: Stamp, gap_days: i64) -> Option<Gap> {
    // A sign in the future means that the clock is behind, if anything.
    let limit = now.plus_millis(AHEAD_MILLIS_MAX);
    if last_run.is_some_and(|at| at > now) || signs.iter().any(|at| *at > limit) {
        return None;
    }
    let newest = signs.iter().copied().filter(|at| *at <= now).max();
    let start = last_run.or(newest)?;
    let mut all: Vec<Stamp> = signs.to_vec();
    all.retain(|at| (start..now).contains(at));
    all.extend([start, now]);
    all.sort();
    let gaps = all.windows(2).map(|pair| Gap {
        start: pair[0],
        end: pair[1],
    });
    let longest = gaps.max_by_key(|gap| gap.end.since(gap.start))?;
    (longest.end.since(longest.start) > gap_days * DAY_MILLIS).then_some(longest)
}

/// The records at the ends of an enterprise's files.
fn signs_of(survey: &RotationSurvey) -> Vec<Stamp> {
    let first = survey.live().and_then(|live| live.log.first);
    let last = survey.files.iter().filter_map(|seen| seen.log.last);
    let records = first.into_iter().chain(last);
    // A record ahead of the clock shows only that its writer's clock was wrong.
    records
        .filter(|at| day_of(*at) <= survey.more.today)
        .collect()
}

fn signs_in(tree: &Tree, zone: LogZone) -> Vec<Stamp> {
    let enterprises = tree.enterprises().unwrap_or_default();
    let folders = enterprises.iter().filter_map(|name| tree.folder(name).ok());
    let files = folders.flat_map(|folder| look_at(&folder).unwrap_or_default());
    files.flat_map(|file| signs_of_file(&file, zone)).collect()
}

fn signs_of_file(file: &ListedFile, zone: LogZone) -> Vec<Stamp> {
    let changed = DateTime::from_timestamp_nanos(file.modified);
    let named = file.name.day().and_then(day_start);
    std::iter::once(zone.stamp(changed)).chain(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> Stamp {
        Stamp(1_764_000_000_000 + day * DAY_MILLIS)
    }

    #[test]
    fn a_week_without_any_sign_contradicts_the_clock() {
        let gap = |signs: &[i64], last_run: Option<i64>, now: i64| {
            let signs: Vec<Stamp> = signs.iter().copied().map(day).collect();
            let found = longest_gap(&signs, last_run.map(day), day(now), 7);
            found.map(|gap| gap.start.since(day(0)) / DAY_MILLIS)
        };
        // The clock went 23 days ahead; writers may have written since.
        assert_eq!(gap(&[0, 1, 2], None, 25), Some(2));
        assert_eq!(gap(&[0, 1, 2], Some(2), 25), Some(2));
        assert_eq!(gap(&[0, 1, 2, 25], Some(2), 25), Some(2));
        assert_eq!(gap(&[0, 1, 2, 24, 25], Some(2), 25), Some(2));
        // Old, and runs or other files show that time has passed.
        assert_eq!(gap(&[0], Some(99), 100), None);
        assert_eq!(gap(&[0, 99], None, 100), None);
        assert_eq!(gap(&[10, 16, 22], Some(9), 29), None);
        // Nothing is known, or the clock is behind.
        assert_eq!(gap(&[], None, 100), None);
        assert_eq!(gap(&[0, 200], None, 100), None);
        assert_eq!(gap(&[0], Some(200), 100), None);
    }

    #[test]
    fn the_accepted_gap_is_shorter_if_fewer_days_are_kept() {
        assert_eq!([0, 3, 14, 365].map(gap_days), [2, 3, 7, 7]);
    }
}
