//! The figures of an enterprise that metrics show: what the rules of the last run counted.

use super::finding::{FigureValue, RuleKind};
use super::rules::{Check, CheckVerdict, EnterpriseView, MissedHours};

/// Counts of one enterprise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EnterpriseFigures {
    /// Calls from outside in the hours that are judged: one to three, up to now.
    pub calls: u64,
    /// The missed ones of them.
    pub missed: u64,
    /// Calls in the same hours of comparable days; 0 with fewer than seven such days.
    pub usual_calls: u64,
    /// The missed ones of them.
    pub usual_missed: u64,
    /// Clients who were not called back in time.
    pub not_called_back: u64,
    /// Calls without a hangup.
    pub no_hangup: u64,
    /// HTTP requests of calls of the last hour.
    pub requests: u64,
    /// The failed ones of them.
    pub failed_requests: u64,
}

impl EnterpriseFigures {
    /// The names in the state and in metrics, in their order.
    pub const NAMES: [&str; 8] = [
        "calls",
        "missed",
        "usual_calls",
        "usual_missed",
        "not_called_back",
        "no_hangup",
        "requests",
        "failed_requests",
    ];

    /// The figures behind these verdicts.
    pub fn of(
        verdicts: &[(&Check, &CheckVerdict)],
        view: &EnterpriseView<'_>,
    ) -> EnterpriseFigures {
        let mut figures = EnterpriseFigures::default();
        let missed = verdicts
            .iter()
            .find(|(check, _)| check.kind == RuleKind::MissedShare);
        if let Some((check, _)) = missed {
            let hours = MissedHours::shown(check, view);
            figures.calls = hours.seen.calls.into();
            figures.missed = hours.seen.missed.into();
            if hours.is_comparable() {
                figures.usual_calls = hours.usual.calls.into();
                figures.usual_missed = hours.usual.missed.into();
            }
        }
        for (check, verdict) in verdicts {
            let CheckVerdict::Judged(found) = verdict else {
                continue;
            };
            match check.kind {
                RuleKind::NotCalledBack => figures.not_called_back += found.len() as u64,
                RuleKind::NoHangup => {
                    let calls = found.iter().filter_map(|one| one.finding.figure("calls"));
                    for calls in calls {
                        if let FigureValue::Count(calls) = calls {
                            figures.no_hangup += calls;
                        }
                    }
                }
                _ => {}
            }
        }
        let requests = view.last_hour().flat_map(|call| &call.requests);
        for request in requests {
            figures.requests += 1;
            figures.failed_requests += u64::from(request.failed);
        }
        figures
    }

    /// The values, in the order of [`EnterpriseFigures::NAMES`].
    pub fn values(self) -> [u64; 8] {
        [
            self.calls,
            self.missed,
            self.usual_calls,
            self.usual_missed,
            self.not_called_back,
            self.no_hangup,
            self.requests,
            self.failed_requests,
        ]
    }

    /// The figures with these values.
    pub fn from_values(values: [u64; 8]) -> EnterpriseFigures {
        let [
            calls,
            missed,
            usual_calls,
            usual_missed,
            not_called_back,
            no_hangup,
            requests,
            failed_requests,
        ] = values;
        EnterpriseFigures {
            calls,
            missed,
            usual_calls,
            usual_missed,
            not_called_back,
            no_hangup,
            requests,
            failed_requests,
        }
    }
}
