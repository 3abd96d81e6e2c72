//! A share of calls or requests is too high in the last hour, the last two or the last three.

use std::collections::BTreeMap;

use super::certain::{at_least, share};
use super::{
    Check, CheckVerdict, EnterpriseView, FigureValue, Found, HOUR_MILLIS, SHARE_HOURS, Scope,
    ScopePart, newest,
};
use calltrace_model::call::{Outcome, Request, Summary};

/// The part of requests that may take longer than the threshold.
const SLOW_SHARE: f64 = 0.05;

/// What is over when the share is below this part of the threshold.
const CLEARLY_BELOW: f64 = 0.75;

/// Parts of a whole, counted over the last hours.
#[derive(Default)]
struct PartCount<'c> {
    part: u32,
    all: u32,
    /// Calls that show it.
    calls: Vec<&'c Summary>,
}

impl PartCount<'_> {
    /// The part, the whole and the share, with the names of the first two.
    fn figures(&self, part: &'static str, all: &'static str) -> Vec<(&'static str, FigureValue)> {
        vec![
            (part, FigureValue::Count(self.part.into())),
            (all, FigureValue::Count(self.all.into())),
            ("share", FigureValue::Share(share(self.part, self.all))),
        ]
    }
}

/// Counts by scope, for the last hour, the last two and the last three.
type Counts<'c> = BTreeMap<Option<ScopePart>, [PartCount<'c>; SHARE_HOURS as usize]>;

pub(super) fn call_faults(
    check: &Check,
    view: &EnterpriseView<'_>,
    is_firing: impl Fn(&Scope) -> bool,
) -> CheckVerdict {
    let mut counts = Counts::default();
    for call in recent(view).filter(|call| call.outcome != Outcome::InProgress) {
        let faults = call
            .digest
            .as_ref()
            .map_or(&[][..], |digest| &digest.faults);
        for code in &check.limits.faults {
            let has = faults.iter().any(|fault| fault == code.name());
            let part = Some(ScopePart::Fault(code.name().to_owned()));
            add(&mut counts, view, part, call, (usize::from(has), 1));
        }
    }
    let limit = f64::from(check.limits.percent) / 100.0;
    judge(check, view, counts, limit, is_firing, |count| {
        count.figures("faulty", "calls")
    })
}

pub(super) fn failed_requests(
    check: &Check,
    view: &EnterpriseView<'_>,
    is_firing: impl Fn(&Scope) -> bool,
) -> CheckVerdict {
    let counts = requests(view, |request| Some(request.failed));
    let limit = f64::from(check.limits.percent) / 100.0;
    judge(check, view, counts, limit, is_firing, |count| {
        count.figures("failed", "requests")
    })
}

/// That 95 percent of requests take longer than the threshold means that more than 5 percent of them do, which a few
/// requests can show with certainty.
pub(super) fn slow_requests(
    check: &Check,
    view: &EnterpriseView<'_>,
    is_firing: impl Fn(&Scope) -> bool,
) -> CheckVerdict {
    let over = check.limits.over_millis;
    let counts = requests(view, |request| Some(request.millis? > over));
    judge(check, view, counts, SLOW_SHARE, is_firing, |count| {
        let mut figures = count.figures("slow", "requests");
        figures.push(("over", FigureValue::Millis(over)));
        figures
    })
}

/// Events that never arrived and were recovered from the journal of their host.
pub(super) fn missing_events(
    check: &Check,
    view: &EnterpriseView<'_>,
    is_firing: impl Fn(&Scope) -> bool,
) -> CheckVerdict {
    let mut counts = Counts::default();
    for call in recent(view) {
        add(&mut counts, view, None, call, (call.recovered, call.events));
    }
    let limit = f64::from(check.limits.percent) / 100.0;
    judge(check, view, counts, limit, is_firing, |count| {
        count.figures("missing", "events")
    })
}

/// The calls of the last three hours.
fn recent<'v>(view: &EnterpriseView<'v>) -> impl Iterator<Item = &'v Summary> + use<'v> {
    let view = *view;
    let oldest = SHARE_HOURS * HOUR_MILLIS;
    (view.calls.iter()).filter(move |call| (0..oldest).contains(&view.age_millis(call)))
}

/// Counts requests by host: `is_bad` says whether one counts as bad, `None` that it does not count.
fn requests<'v>(
    view: &EnterpriseView<'v>,
    is_bad: impl Fn(&Request) -> Option<bool>,
) -> Counts<'v> {
    let mut counts = Counts::default();
    for call in recent(view) {
        for request in call
            .requests
            .iter()
            .filter(|request| !request.host.is_empty())
        {
            if let Some(bad) = is_bad(request) {
                let part = Some(ScopePart::Host(request.host.clone()));
                add(&mut counts, view, part, call, (usize::from(bad), 1));
            }
        }
    }
    counts
}

fn add<'v>(
    counts: &mut Counts<'v>,
    view: &EnterpriseView<'_>,
    part: Option<ScopePart>,
    call: &'v Summary,
    (bad, all): (usize, usize),
) {
    let hour = (view.age_millis(call) / HOUR_MILLIS) as usize;
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let windows = counts.entry(part).or_default();
    for count in windows.iter_mut().skip(hour) {
        count.all += number(all);
        count.part += number(bad);
        // The requests of a call are counted one after the other.
        if bad > 0
            && count
                .calls
                .last()
                .is_none_or(|last| !std::ptr::eq(*last, call))
        {
            count.calls.push(call);
        }
    }
}

fn judge(
    check: &Check,
    view: &EnterpriseView<'_>,
    counts: Counts<'_>,
    limit: f64,
    is_firing: impl Fn(&Scope) -> bool,
    figures: impl Fn(&PartCount<'_>) -> Vec<(&'static str, FigureValue)>,
) -> CheckVerdict {
    let mut found = Vec::new();
    for (part, windows) in counts {
        let scope = view.scope(part);
        let is_enough = |(_, count): &(i64, &PartCount<'_>)| count.all >= check.limits.calls;
        let enough = || (1..).zip(&windows).filter(is_enough);
        // The shortest stretch shows how it is now: a longer one may be high because of what is over.
        let is_high = |(_, count): &(i64, &PartCount<'_>)| {
            share(count.part, count.all) > limit * CLEARLY_BELOW
        };
        let Some(shortest) = enough().next().filter(is_high) else {
            continue;
        };
        let shown = match is_firing(&scope) {
            true => Some(shortest),
            false => enough().find(|(_, count)| at_least(count.part, count.all) > limit),
        };
        let Some((hours, count)) = shown else {
            continue;
        };
        let oldest = count.calls.iter().map(|call| view.began(call)).min();
        let mut figures = figures(count);
        figures.push(("within", FigureValue::Millis(hours * HOUR_MILLIS)));
        found.push(Found {
            finding: check.finding(scope, oldest.unwrap_or(view.now), figures),
            calls: newest(count.calls.iter().copied()),
        });
    }
    CheckVerdict::Judged(found)
}
