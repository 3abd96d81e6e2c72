//! Calls have no hangup after hours.

use super::{Check, CheckVerdict, EnterpriseView, FigureValue, Found, WATCHED_MILLIS, newest};
use calltrace_model::call::{Outcome, Summary};

pub(super) fn judge(check: &Check, view: &EnterpriseView<'_>) -> CheckVerdict {
    let after = check.limits.after_millis;
    let open: Vec<&Summary> = (view.calls.iter())
        .filter(|call| matches!(call.outcome, Outcome::InProgress | Outcome::Unknown))
        // What was joined from other records, without a start, a dial or a hangup, is not known to be a call.
        .filter(|call| !call.rang.is_empty())
        .filter(|call| (after..after + WATCHED_MILLIS).contains(&view.age_millis(call)))
        .collect();
    let Some(oldest) = open.iter().min_by_key(|call| call.first) else {
        return CheckVerdict::Judged(Vec::new());
    };
    let figures = [
        ("calls", FigureValue::Count(open.len() as u64)),
        ("oldest", FigureValue::Millis(view.age_millis(oldest))),
    ];
    CheckVerdict::Judged(vec![Found {
        finding: check.finding(view.scope(None), view.began(oldest), figures),
        calls: newest(open),
    }])
}
