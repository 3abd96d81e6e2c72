//! Makes the report of two matched sides: what is the same and what differs.

use std::collections::BTreeMap;
use std::sync::Arc;

use calltrace_hosts::services::Complaint;
use calltrace_model::sighting::{self, Comparison, Delivery, Difference, Sighting};

use super::{CompareQuery, EventFilter, SideEvents};

/// The result of a comparison.
#[derive(Debug, Default)]
pub struct CompareReport {
    /// Counts by type of event.
    pub events: BTreeMap<Arc<str>, EventCounts>,
    /// Counts of all events.
    pub total: EventCounts,
    /// The differences, in the order of time.
    pub findings: Vec<Mismatch>,
    /// Events that arrived and were not sent, in the order of time. They do not count as a difference, as the sender
    /// may keep other journals.
    pub unsent: Vec<Sighting>,
    /// The time from sending to arrival; `None` if no event arrived.
    pub lag: Option<Lag>,
    /// The last event that was sent.
    pub last_sent: Option<Sighting>,
    /// The last event that arrived, sent or not.
    pub last_received: Option<Sighting>,
    /// Errors of events that are asked about and arrived as they were sent.
    pub complaints: Vec<Complaint>,
    /// The files that could not be read, as sentences.
    pub incomplete: Vec<String>,
}

/// Numbers of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Events that were sent.
    pub sent: usize,
    /// Sent events for which the sender had an answer below 400.
    pub accepted: usize,
    /// Sent events that arrived, including those that differ.
    pub received: usize,
    /// Arrivals beyond the number of times that the event was sent.
    pub duplicate: usize,
    /// Sent events that did not arrive.
    pub missing: usize,
    /// Events that arrived with another body.
    pub differs: usize,
    /// Events that arrived and were not sent.
    pub unsent: usize,
}

/// The time from sending to arrival (milliseconds); negative if clocks differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// The median.
    pub p50_millis: i64,
    /// The 95th percentile.
    pub p95_millis: i64,
}

/// An event that is not the same on both sides.
#[derive(Debug, Clone)]
pub struct Mismatch {
    /// The kind of difference.
    pub kind: MismatchKind,
    /// The event as it was sent; `None` for a duplicate.
    pub sent: Option<Sighting>,
    /// The event as it arrived; `None` if it did not arrive.
    pub received: Option<Sighting>,
    /// The errors that a service reports for it.
    pub complaints: Vec<Complaint>,
}

/// The kind of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MismatchKind {
    /// The event has not arrived, and its window has not ended.
    MayStillCome,
    /// The event did not arrive.
    Missing,
    /// The event arrived with another body. The list is empty if one body is cut off after its last whole field.
    Differs(Vec<Difference>),
    /// The event arrived again.
    Duplicate,
}

impl MismatchKind {
    /// The word for it in tables and JSON.
    pub fn word(&self) -> &'static str {
        match self {
            MismatchKind::MayStillCome | MismatchKind::Missing => "missing",
            MismatchKind::Differs(_) => "differs",
            MismatchKind::Duplicate => "duplicate",
        }
    }
}

impl Mismatch {
    /// The event as it was sent, otherwise as it arrived.
    pub fn sighting(&self) -> &Sighting {
        let any = self.sent.as_ref().or(self.received.as_ref());
        any.expect("it was seen on one side")
    }

    /// The time from sending to arrival, in milliseconds.
    pub fn lag_millis(&self) -> Option<i64> {
        let both = self.sent.as_ref().zip(self.received.as_ref());
        both.map(|(sent, received)| received.at_millis - sent.at_millis)
    }
}

impl CompareReport {
    /// Whether every sent event arrived unchanged and once.
    pub fn is_same(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Compares both sides within the limits of the query. `now_millis` is the current time.
pub fn compare(
    mut sent: SideEvents,
    mut received: SideEvents,
    question: &CompareQuery,
    now_millis: i64,
) -> CompareReport {
    let scope = EventFilter::of(question, &[&sent.sightings, &received.sightings]);
    sent.sightings
        .retain(|one| scope.is_within(one.at_millis) && scope.holds(one));
    received.sightings.retain(|one| scope.holds(one));
    let reach = sent.reach(question.window);
    let comparison = sighting::compare(&sent.sightings, &received.sightings, question.window);
    let mut report = CompareReport {
        last_sent: sent
            .sightings
            .iter()
            .max_by_key(|one| one.at_millis)
            .cloned(),
        ..CompareReport::default()
    };
    report.count(&sent.sightings, &comparison, &received.sightings);
    report.find(&sent.sightings, &received.sightings, &comparison, |one| {
        now_millis <= question.window.around(one).1
    });
    let is_asked = |one: &&Sighting| {
        let is_bounded = question.since_millis.is_some() || question.until_millis.is_some();
        match is_bounded {
            true => scope.is_within(one.at_millis),
            false => reach.is_none_or(|(from, to)| (from..=to).contains(&one.at_millis)),
        }
    };
    let unsent = comparison.unsent.iter();
    let unsent = unsent.map(|&place| &received.sightings[place]);
    report.unsent = unsent.filter(is_asked).cloned().collect();
    report.unsent.sort_by_key(|one| one.at_millis);
    for one in &report.unsent {
        report
            .events
            .entry(Arc::clone(&one.event))
            .or_default()
            .unsent += 1;
        report.total.unsent += 1;
    }
    // The received side includes arrivals after --until, which are not part of the query.
    let arrivals = comparison.pairs.iter().map(|pair| pair.received);
    let arrivals = arrivals.chain(comparison.duplicates.iter().copied());
    let arrivals = arrivals.map(|place| &received.sightings[place]);
    let last = arrivals
        .chain(&report.unsent)
        .max_by_key(|one| one.at_millis);
    report.last_received = last.cloned();
    let complaints = sent.complaints.into_iter().chain(received.complaints);
    report.complain(complaints.collect(), &sent.sightings, question);
    report.incomplete = sent.incomplete;
    report.incomplete.append(&mut received.incomplete);
    report
}

impl CompareReport {
    fn count(&mut self, sent: &[Sighting], comparison: &Comparison, received: &[Sighting]) {
        let mut add = |one: &Sighting, what: &dyn Fn(&mut EventCounts)| {
            what(self.events.entry(Arc::clone(&one.event)).or_default());
            what(&mut self.total);
        };
        for one in sent {
            let is_accepted = one.delivery == Delivery::Accepted;
            add(one, &|counts| {
                counts.sent += 1;
                counts.accepted += usize::from(is_accepted);
            });
        }
        let mut lags: Vec<i64> = Vec::with_capacity(comparison.pairs.len());
        for pair in &comparison.pairs {
            let (one, other) = (&sent[pair.sent], &received[pair.received]);
            let is_other = is_other(one, other);
            lags.push(other.at_millis - one.at_millis);
            add(one, &|counts| {
                counts.received += 1;
                counts.differs += usize::from(is_other);
            });
        }
        for &place in &comparison.missing {
            add(&sent[place], &|counts| counts.missing += 1);
        }
        for &place in &comparison.duplicates {
            add(&received[place], &|counts| counts.duplicate += 1);
        }
        self.lag = Lag::of(lags);
    }

    fn find(
        &mut self,
        sent: &[Sighting],
        received: &[Sighting],
        comparison: &Comparison,
        may_still_come: impl Fn(&Sighting) -> bool,
    ) {
        let finding = |kind, sent: Option<&Sighting>, received: Option<&Sighting>| Mismatch {
            kind,
            sent: sent.cloned(),
            received: received.cloned(),
            complaints: Vec::new(),
        };
        let missing = comparison.missing.iter().map(|&place| {
            let kind = match may_still_come(&sent[place]) {
                true => MismatchKind::MayStillCome,
                false => MismatchKind::Missing,
            };
            finding(kind, Some(&sent[place]), None)
        });
        let differs = comparison.pairs.iter().filter_map(|pair| {
            let (one, other) = (&sent[pair.sent], &received[pair.received]);
            let kind = MismatchKind::Differs(pair.differences.clone());
            is_other(one, other).then(|| finding(kind, Some(one), Some(other)))
        });
        let duplicates = comparison.duplicates.iter();
        let duplicates =
            duplicates.map(|&place| finding(MismatchKind::Duplicate, None, Some(&received[place])));
        self.findings = missing.chain(differs).chain(duplicates).collect();
        self.findings
            .sort_by_key(|finding| finding.sighting().at_millis);
    }

    /// Attaches errors to the difference that they belong to. It keeps those other errors that belong to events that
    /// were sent.
    fn complain(&mut self, complaints: Vec<Complaint>, sent: &[Sighting], question: &CompareQuery) {
        if complaints.is_empty() {
            return;
        }
        let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, finding) in self.findings.iter().enumerate() {
            for id in ids(finding.sighting()) {
                found.entry(id).or_default().push(place);
            }
        }
        let known: std::collections::HashSet<String> = sent.iter().flat_map(ids).collect();
        let window = question.window;
        for complaint in complaints {
            let Some(id) = complaint.id.as_ref() else {
                self.complaints.push(complaint);
                continue;
            };
            let is_near = |place: &&usize| {
                let (first, last) = window.around(self.findings[**place].sighting());
                (first..=last).contains(&complaint.at_millis)
            };
            let about = found.get(id).into_iter().flatten();
            match about.filter(is_near).copied().next() {
                Some(place) => self.findings[place].complaints.push(complaint),
                None if known.contains(id) => self.complaints.push(complaint),
                None => {}
            }
        }
    }
}

/// Whether the received body differs from the sent one, as far as both are known.
fn is_other(sent: &Sighting, received: &Sighting) -> bool {
    !sent.body.is_unknown() && sent.body != received.body
}

fn ids(sighting: &Sighting) -> Vec<String> {
    let ids = ["UniqueId", "BridgeUniqueid"].map(|field| sighting.body.text_of(field));
    ids.into_iter()
        .flatten()
        .filter(|id| !id.is_empty())
        .collect()
}

impl Lag {
    /// The nearest rank, as for all percentiles in calltrace.
    pub(super) fn of(mut millis: Vec<i64>) -> Option<Lag> {
        millis.sort_unstable();
        let at = |percent: usize| {
            let place = (percent * millis.len()).div_ceil(100).checked_sub(1)?;
            millis.get(place).copied()
        };
        Some(Lag {
            p50_millis: at(50)?,
            p95_millis: at(95)?,
        })
    }
}
