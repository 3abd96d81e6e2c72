//! A client was not called back in time after a missed call.

use std::collections::BTreeMap;

use super::{
    CLIENTS_MAX, Check, CheckVerdict, EnterpriseView, FigureValue, Found, ScopePart,
    WATCHED_MILLIS, newest,
};
use calltrace_model::call::{Outcome, Summary};
use calltrace_model::record::phone;
use calltrace_model::stats::{Contacts, Fate, StatsCall};

pub(super) fn judge(check: &Check, view: &EnterpriseView<'_>) -> CheckVerdict {
    let after = check.limits.after_millis;
    let missed: Vec<&Summary> = (view.calls.iter())
        .filter(|call| call.outcome == Outcome::Missed)
        .filter(|call| (after..after + WATCHED_MILLIS).contains(&view.age_millis(call)))
        .collect();
    if missed.is_empty() {
        return CheckVerdict::Judged(Vec::new());
    }
    let mut contacts = Contacts::default();
    for call in view.calls {
        contacts.add(0, &StatsCall::from(call));
    }
    // A call that is returned late is returned all the same.
    let returns = contacts.settle(i64::MAX, view.at);
    let mut clients: BTreeMap<u64, Vec<&Summary>> = BTreeMap::new();
    for call in missed {
        if let (Fate::Pending, Some(client)) = (
            returns.fate(0, &call.client, call.first),
            phone::key(call.client.as_bytes()),
        ) {
            clients.entry(client).or_default().push(call);
        }
    }
    let mut found: Vec<Found> = clients
        .into_values()
        .map(|calls| one(check, view, calls))
        .collect();
    found.sort_by_key(|one| one.finding.since);
    found.truncate(CLIENTS_MAX);
    CheckVerdict::Judged(found)
}

fn one(check: &Check, view: &EnterpriseView<'_>, mut calls: Vec<&Summary>) -> Found {
    calls.sort_by_key(|call| call.first);
    let first = calls.first().expect("each client has a call");
    let part = ScopePart::Client(first.client.clone());
    let figures = [
        ("client", FigureValue::Phone(first.client.clone())),
        ("missed", FigureValue::Count(calls.len() as u64)),
        ("waiting", FigureValue::Millis(view.age_millis(first))),
    ];
    Found {
        finding: check.finding(view.scope(Some(part)), view.began(first), figures),
        calls: newest(calls),
    }
}
