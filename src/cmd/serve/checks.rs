//! The last run of `calltrace check`, for metrics: they are read from its state file, and again once the file was replaced.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use calltrace_alerts::{AlertPhase, AlertState, AlertStateFile};
use calltrace_web::{CheckCounts, CheckFigures, ReadChecks};

use crate::cmd::App;

/// The figures that were read last, and when their file was written.
type LastFigures = Option<(SystemTime, CheckFigures)>;

/// Reads the figures of the last run from the state that the settings name.
pub(super) fn of_state(app: &App) -> ReadChecks {
    let state = std::env::var_os("CALLTRACE_CHECK_STATE").map(PathBuf::from);
    let state = state.unwrap_or_else(|| app.settings.notify.state.clone());
    let file = AlertStateFile::new(&state, app.tree.root());
    let known: Mutex<LastFigures> = Mutex::default();
    Box::new(move || {
        let written = file.written()?;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_none_or(|(at, _)| *at != written) {
            *known = Some((written, figures(&file.look()?)?));
        }
        known.as_ref().map(|(_, figures)| figures.clone())
    })
}

fn figures(state: &AlertState) -> Option<CheckFigures> {
    let mut firing: BTreeMap<(&'static str, Option<String>), u64> = BTreeMap::new();
    let open = state.open().into_iter();
    for entry in open.filter(|entry| entry.phase == AlertPhase::Firing) {
        let finding = &entry.finding;
        let enterprise = finding.scope.enterprise.as_ref().map(ToString::to_string);
        *firing.entry((finding.kind.name(), enterprise)).or_default() += 1;
    }
    let counts = state.figures.iter().map(|(name, figures)| {
        let counts = CheckCounts {
            calls: figures.calls,
            missed: figures.missed,
            usual_calls: figures.usual_calls,
            usual_missed: figures.usual_missed,
            not_called_back: figures.not_called_back,
            no_hangup: figures.no_hangup,
            requests: figures.requests,
            failed_requests: figures.failed_requests,
        };
        (name.to_string(), counts)
    });
    let firing = firing.into_iter();
    Some(CheckFigures {
        at: state.at?.timestamp(),
        firing: firing
            .map(|((rule, enterprise), count)| (rule, enterprise, count))
            .collect(),
        counts: counts.collect(),
    })
}
