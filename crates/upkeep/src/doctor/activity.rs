//! Whether logs are still written at all.

use super::survey::HealthSurvey;
use super::{Circumstances, Code, DAY_MILLIS, Field, Finding};
use calltrace_model::record::Stamp;

/// A whole tree is silent for this long only if something is broken, or over holidays (milliseconds).
const SILENT_TREE_MILLIS: i64 = 3 * DAY_MILLIS;

/// One enterprise may well be silent over a long weekend (milliseconds).
const SILENT_MILLIS: i64 = 7 * DAY_MILLIS;

/// The newest record that is not in the future. Recovered records do not count: they do not show that a writer
/// works.
pub(super) fn newest(surveys: &[HealthSurvey], circumstances: &Circumstances<'_>) -> Option<Stamp> {
    let newest = surveys.iter();
    let newest = newest.filter_map(|survey| newest_of(survey, circumstances));
    newest.max()
}

fn newest_of(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Option<Stamp> {
    let files = survey.files.iter();
    let written = files.filter(|seen| !seen.log.name.is_recovered());
    let times = written.filter_map(|seen| seen.log.last);
    times
        .filter(|last| circumstances.age(*last) > -DAY_MILLIS)
        .max()
}

/// About the tree as a whole.
pub(super) fn tree(surveys: &[HealthSurvey], circumstances: &Circumstances<'_>) -> Option<Finding> {
    let newest = newest(surveys, circumstances)?;
    let age = circumstances.age(newest);
    (age > SILENT_TREE_MILLIS).then(|| {
        Finding::warning(Code::Silent)
            .file(circumstances.doctor.tree.root())
            .seen("the newest record of all enterprises looked at is of {newest}, {days} ago")
            .with("newest", Field::At(newest))
            .with("days", Field::Days(age / DAY_MILLIS))
            .why("calls since then are in no log")
            .remedy(
                "check that the service that writes is running, and that it writes into this tree",
            )
    })
}

pub(super) fn check(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    if survey.files.is_empty() && survey.troubles.is_empty() {
        return vec![
            Finding::note(Code::NoLogs)
                .seen("its folder holds no log file")
                .why("either nothing was ever written for it, or it was written elsewhere")
                .remedy("remove the folder if the enterprise is gone"),
        ];
    }
    let silent =
        newest_of(survey, circumstances).filter(|at| circumstances.age(*at) > SILENT_MILLIS);
    let finding = silent.map(|newest| {
        Finding::note(Code::Silent)
            .seen("its newest record is of {newest}, {days} ago")
            .with("newest", Field::At(newest))
            .with("days", Field::Days(circumstances.age(newest) / DAY_MILLIS))
            .why("its host may be down, or no longer know where to send events")
            .remedy("ask whether it still has calls")
    });
    finding.into_iter().collect()
}
