//! Clocks: that of the machine that writes the records, that of the telephony host, and the zone that is set for
//! record times.
//!
//! Every id begins with the second in which the host created the channel, in UTC. The machine that keeps the logs
//! writes the first record of a call a second or two later. So the difference shows the host's clock against this
//! machine's. A difference of whole hours may also be a wrong zone in the settings; the file's modification time shows
//! which of the two it is.

use super::file::ExaminedFile;
use super::survey::HealthSurvey;
use super::{Circumstances, Code, DAY_MILLIS, Field, Finding};
use calltrace_store::source::ContentFormat;

/// Older faults (milliseconds) may have been fixed since.
pub(super) const RECENT_MILLIS: i64 = 3 * DAY_MILLIS;

/// Records may be this far ahead (milliseconds): synchronised clocks are never off by more.
const AHEAD_MILLIS_MAX: i64 = 5 * MINUTE_MILLIS;

/// A host's clock may be off by this (milliseconds) without harm: calls without a common id are joined by times
/// closer than that.
const SKEW_MILLIS_MAX: i64 = MINUTE_MILLIS;

/// Fewer calls prove nothing: the first record of one may be late for other reasons.
const CALLS_MIN: usize = 5;

/// Zones differ by whole quarters of an hour, and by this much at most (milliseconds).
const ZONE_STEP_MILLIS: i64 = 15 * MINUTE_MILLIS;
const ZONE_MILLIS_MAX: i64 = 14 * 60 * MINUTE_MILLIS;

/// A difference this close to that of a zone (milliseconds) is taken for one.
const ZONE_SLACK_MILLIS: i64 = 90_000;

const MINUTE_MILLIS: i64 = 60_000;

pub(super) fn check(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let sampled = survey.sampled();
    let skew = sampled.and_then(|seen| Some((seen, skew(&seen.more.reading.as_ref()?.lags)?)));
    let found = match skew {
        Some((seen, skew)) if skew.abs() > SKEW_MILLIS_MAX => {
            Some(skew_finding(survey, seen, skew, circumstances))
        }
        Some(_) => None,
        None => by_change(survey, circumstances),
    };
    // A wrong clock or zone also explains records that seem to be in the future.
    let found = found.or_else(|| future(survey, circumstances));
    found.into_iter().collect()
}

/// If there are too few calls, compares the modification time of a live file with its last record. Only a file that
/// a process has open counts: any other may be a copy.
fn by_change(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Option<Finding> {
    let today = circumstances.today();
    let is_held = |seen: &&ExaminedFile| seen.is_live(today) && !seen.more.writers.is_empty();
    let live = survey.files.iter().find(is_held)?;
    let skew = live.log.last?.since(live.log.modified);
    let offset = zone_offset(skew)?;
    let text = match skew > 0 {
        true => "its last record is of {skew} after its last change",
        false => "its last record is of {skew} before its last change",
    };
    let finding = Finding::warning(Code::ZoneWrong)
        .file(live.log.name.full())
        .seen(text)
        .with("skew", Field::Millis(skew.abs()));
    Some(zone_wrong(finding, live, offset, circumstances))
}

/// The typical record time minus channel creation: the lower quartile, because a record can only be late.
fn skew(lags: &[i64]) -> Option<i64> {
    let mut lags = lags.to_vec();
    lags.sort_unstable();
    (lags.len() >= CALLS_MIN).then(|| lags[lags.len() / 4])
}

/// The zone's offset that would explain a difference.
fn zone_offset(millis: i64) -> Option<i64> {
    let steps = (millis.abs() + ZONE_STEP_MILLIS / 2) / ZONE_STEP_MILLIS;
    let nearest = steps * ZONE_STEP_MILLIS * millis.signum();
    let fits = steps > 0
        && nearest.abs() <= ZONE_MILLIS_MAX
        && (millis - nearest).abs() <= ZONE_SLACK_MILLIS;
    fits.then_some(nearest)
}

/// What is wrong if record times and ids differ as zones do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Culprit {
    Zone,
    HostClock,
    /// One of the two.
    Either,
}

/// A file's modification time, by this machine's clock and in no zone, shows which time its last record should
/// have. Archives and most copies have another modification time.
fn culprit(
    survey: &HealthSurvey,
    sampled: &ExaminedFile,
    offset: i64,
    circ: &Circumstances<'_>,
) -> Culprit {
    let today = circ.today();
    let is_live = |seen: &&ExaminedFile| seen.is_live(today) && seen.log.last.is_some();
    let newest = survey.files.iter().rev().find(is_live).unwrap_or(sampled);
    let Some(last) = newest
        .log
        .last
        .filter(|_| newest.log.form == ContentFormat::Plain)
    else {
        return Culprit::Either;
    };
    let ahead = last.since(newest.log.modified);
    let is_near = |millis: i64| millis.abs() <= AHEAD_MILLIS_MAX;
    if is_near(ahead) {
        return Culprit::HostClock;
    }
    if is_near(ahead - offset) {
        return Culprit::Zone;
    }
    match is_near(circ.age(last)) {
        true => Culprit::HostClock,
        false => Culprit::Either,
    }
}

fn skew_finding(
    survey: &HealthSurvey,
    seen: &ExaminedFile,
    skew: i64,
    circumstances: &Circumstances<'_>,
) -> Finding {
    let reading = seen.more.reading.as_ref();
    let calls = reading.map_or(0, |reading| reading.lags.len());
    let seen_skew = |finding: Finding, text| {
        let finding = finding.file(seen.log.name.full()).seen(text);
        finding
            .with("skew", Field::Millis(skew.abs()))
            .with("calls", Field::Count(calls as u64))
    };
    let zone = zone_offset(skew);
    let zone = zone.map(|offset| (offset, culprit(survey, seen, offset, circumstances)));
    if let Some((offset, culprit @ (Culprit::Zone | Culprit::Either))) = zone {
        let text = match skew > 0 {
            true => "record times are {skew} ahead of the ids of {calls} calls",
            false => "record times are {skew} behind the births of {calls} calls, by their ids",
        };
        let finding = seen_skew(Finding::warning(Code::ZoneWrong), text);
        return match culprit {
            Culprit::Zone => zone_wrong(finding, seen, offset, circumstances),
            _ => zone_or_clock(finding, circumstances),
        };
    }
    let last = seen.log.last.unwrap_or(seen.log.modified);
    let is_recent = circumstances.age(last) < RECENT_MILLIS;
    let finding = Finding::warning_if(is_recent, Code::ClockSkew);
    let text = match skew > 0 {
        true => {
            "the telephony host's clock is {skew} behind the one of these logs, by the ids of {calls} calls"
        }
        false => {
            "the telephony host's clock is {skew} ahead of the one of these logs, by the ids of {calls} calls"
        }
    };
    seen_skew(finding, text)
        .why(
            "parts of a call that share no id are joined by time, and times inside bodies are the \
             host's",
        )
        .remedy("synchronise the clocks of both machines with NTP: `timedatectl set-ntp true`")
}

/// Says that the right zone is the one that is set, plus `offset` (milliseconds).
fn zone_wrong(
    finding: Finding,
    seen: &ExaminedFile,
    offset: i64,
    circumstances: &Circumstances<'_>,
) -> Finding {
    let set = circumstances.doctor.zone;
    let at = seen.log.last.unwrap_or(circumstances.now);
    let offset_set = at.0 - set.moment(at).timestamp_millis();
    let right = (offset_set + offset) / MINUTE_MILLIS;
    finding
        .why(
            "all times are shown wrong by that, and a search for a day misses calls near its \
              ends",
        )
        .remedy("set log_timezone in the settings to a zone of {offset}{name} (now {zone})")
        .with("offset", Field::Offset(right))
        .with("name", Field::Text(zone_name(right)))
        .with("zone", Field::Text(set.0.name().to_owned()))
}

/// `, such as "Etc/GMT-3"`: the text that can be typed for an offset from UTC (minutes), if there is one.
fn zone_name(minutes: i64) -> String {
    match (minutes % 60, minutes / 60) {
        (0, 0) => ", such as \"UTC\"".to_owned(),
        (0, hours @ -12..=14) => {
            format!(", such as \"Etc/GMT{:+}\" (its sign is reversed)", -hours)
        }
        _ => String::new(),
    }
}

/// Says that either the zone or the host's clock is wrong.
fn zone_or_clock(finding: Finding, circumstances: &Circumstances<'_>) -> Finding {
    let set = circumstances.doctor.zone.0.name().to_owned();
    finding
        .seen("this copy does not show whether the zone of the logs or the host's clock is wrong")
        .why("either all times are shown wrong, or those inside bodies are")
        .remedy(
            "find out at which time some call was made: if its records show another time, log_timezone (now {zone}) is wrong, otherwise the host's clock was",
        )
        .with("zone", Field::Text(set))
}

fn future(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Option<Finding> {
    let ahead = |seen: &&ExaminedFile| {
        let last = seen.log.last?;
        let ahead = -circumstances.age(last);
        (ahead > AHEAD_MILLIS_MAX).then_some((last, ahead))
    };
    let files = survey.files.iter();
    let found = files.filter_map(|seen| Some((seen, ahead(&seen)?)));
    let (seen, (last, ahead)) = found.max_by_key(|(_, (last, _))| *last)?;
    let finding = Finding::warning(Code::Future)
        .file(seen.log.name.full())
        .seen("its latest record is of {last}, {ahead} ahead of the clock")
        .with("last", Field::At(last))
        .with("ahead", Field::Millis(ahead))
        .why(
            "until then such a record is shown as the newest, and its file is not removed when \
             it is old",
        );
    Some(
        match zone_offset(ahead).filter(|_| seen.is_live(circumstances.today())) {
            Some(_) => finding
                .remedy(
                    "check that log_timezone (now {zone}) is the zone of the machine that writes; if it is, set that machine's clock",
                )
                .with(
                    "zone",
                    Field::Text(circumstances.doctor.zone.0.name().to_owned()),
                ),
            None => finding
                .remedy("set the clock of the machine that writes, or of this one: `timedatectl`"),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_calls_show_the_skew_and_one_near_a_quarter_of_an_hour_is_a_zone() {
        assert_eq!(skew(&[1000, 900, 40_000, 1200]), None);
        assert_eq!(skew(&[1000, 900, 40_000, 1200, 500_000]), Some(1000));
        for (millis, zone) in [
            (10_801_500, Some(10_800_000)),
            (-10_799_000, Some(-10_800_000)),
            (19_800_000, Some(19_800_000)),
            (80_000, None),
            (400_000, None),
            (60 * 60_000 * 15, None),
        ] {
            assert_eq!(zone_offset(millis), zone, "{millis}");
        }
    }
}
