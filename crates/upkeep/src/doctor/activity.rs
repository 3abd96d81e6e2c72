//! Whether anybody writes at all.

use super::survey::HealthSurvey;
use super::{Circumstances, Code, DAY_MILLIS, Field, Finding};
use calltrace_model::record::Stamp;

/// Nobody calls anybody for so long only when something is broken, or all are on holiday
/// (milliseconds).
const SILENT_TREE_MILLIS: i64 = 3 * DAY_MILLIS;

/// One enterprise may well be silent over a long weekend (milliseconds).
const SILENT_MILLIS: i64 = 7 * DAY_MILLIS;

/// The newest record that is not of the future, and that arrived: recovered ones are none of a writer that is silent.
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
            .why("calls of the days since are nowhere")
            .remedy("see that the service that writes runs, and that it writes into this tree")
    })
}

pub(super) fn check(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    if survey.files.is_empty() && survey.troubles.is_empty() {
        return vec![
            Finding::note(Code::NoLogs)
                .seen("no log file is in its folder")
                .why("either nothing was ever written for it, or it was written elsewhere")
                .remedy("remove the folder if the enterprise is gone"),
        ];
    }
    let silent =
        newest_of(survey, circumstances).filter(|at| circumstances.age(*at) > SILENT_MILLIS);
    let said = silent.map(|newest| {
        Finding::note(Code::Silent)
            .seen("its newest record is of {newest}, {days} ago")
            .with("newest", Field::At(newest))
            .with("days", Field::Days(circumstances.age(newest) / DAY_MILLIS))
            .why("its host may be down, or no longer know where to send events")
            .remedy("ask whether it still has calls")
    });
    said.into_iter().collect()
}
