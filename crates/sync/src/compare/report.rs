//! Two sides, matched -> what is the same and what differs.

use std::collections::BTreeMap;
use std::sync::Arc;

use calltrace_hosts::services::Complaint;
use calltrace_model::sighting::{self, Comparison, Delivery, Difference, Sighting};

use super::{Question, Scope, Side};

/// What two sides make of each other.
#[derive(Debug, Default)]
pub struct Report {
    /// How many there are of each type of event.
    pub events: BTreeMap<Arc<str>, Counts>,
    /// How many there are of all.
    pub total: Counts,
    /// What is not the same, in the order of time.
    pub findings: Vec<Finding>,
    /// What arrived and was not sent, in the order of time. That is no difference: the sender may write elsewhere.
    pub unsent: Vec<Sighting>,
    /// How long events were on their way; `None` where none arrived.
    pub lag: Option<Lag>,
    /// The last event that was sent.
    pub last_sent: Option<Sighting>,
    /// The last event that arrived, sent or not.
    pub last_received: Option<Sighting>,
    /// What went wrong with events that are asked about and arrived as they were sent.
    pub complaints: Vec<Complaint>,
    /// What could not be read, as sentences.
    pub incomplete: Vec<String>,
}

/// How many events there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Were sent.
    pub sent: usize,
    /// Were sent, and the sender had an answer below 400.
    pub accepted: usize,
    /// Were sent and arrived, those included that differ.
    pub received: usize,
    /// Arrived once more than they were sent.
    pub duplicate: usize,
    /// Were sent and did not arrive.
    pub missing: usize,
    /// Arrived with another body.
    pub differs: usize,
    /// Arrived and were not sent.
    pub unsent: usize,
}

/// How long events were on their way (milliseconds); negative where clocks differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Half of them took no longer.
    pub p50_millis: i64,
    /// 95 percent of them took no longer.
    pub p95_millis: i64,
}

/// Something that is not the same on both sides.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// As it was sent; `None` for what arrived once more.
    pub sent: Option<Sighting>,
    /// As it arrived; `None` for what did not.
    pub received: Option<Sighting>,
    /// What a service says went wrong with it.
    pub complaints: Vec<Complaint>,
}

/// What is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It did not arrive. It may still: its window has not ended.
    MayStillCome,
    /// It did not arrive.
    Missing,
    /// It arrived with another body. No field differs where one is cut off behind the last whole field.
    Differs(Vec<Difference>),
    /// It arrived once more.
    Duplicate,
}

impl Kind {
    /// Its word in tables and JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Kind::MayStillCome | Kind::Missing => "missing",
            Kind::Differs(_) => "differs",
            Kind::Duplicate => "duplicate",
        }
    }
}

impl Finding {
    /// The event, as it was sent if it was.
    pub fn sighting(&self) -> &Sighting {
        let any = self.sent.as_ref().or(self.received.as_ref());
        any.expect("it was seen on one side")
    }

    /// How long it was on its way, in milliseconds.
    pub fn lag_millis(&self) -> Option<i64> {
        let both = self.sent.as_ref().zip(self.received.as_ref());
        both.map(|(sent, received)| received.at_millis - sent.at_millis)
    }
}

impl Report {
    /// Whether everything that was sent arrived as it was, once.
    pub fn is_same(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Compares what was sent with what arrived, as far as the question goes. `now_millis` is the time of day.
pub fn compare(mut sent: Side, mut received: Side, question: &Question, now_millis: i64) -> Report {
    let scope = Scope::of(question, &[&sent.sightings, &received.sightings]);
    sent.sightings
        .retain(|one| scope.is_within(one.at_millis) && scope.holds(one));
    received.sightings.retain(|one| scope.holds(one));
    let reach = sent.reach(question.window);
    let comparison = sighting::compare(&sent.sightings, &received.sightings, question.window);
    let mut report = Report {
        last_sent: sent
            .sightings
            .iter()
            .max_by_key(|one| one.at_millis)
            .cloned(),
        ..Report::default()
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
    // What arrived behind --until is read as well, and not asked about.
    let told = comparison.pairs.iter().map(|pair| pair.received);
    let told = told.chain(comparison.duplicates.iter().copied());
    let told = told.map(|place| &received.sightings[place]);
    let last = told.chain(&report.unsent).max_by_key(|one| one.at_millis);
    report.last_received = last.cloned();
    let complaints = sent.complaints.into_iter().chain(received.complaints);
    report.complain(complaints.collect(), &sent.sightings, question);
    report.incomplete = sent.incomplete;
    report.incomplete.append(&mut received.incomplete);
    report
}

impl Report {
    fn count(&mut self, sent: &[Sighting], comparison: &Comparison, received: &[Sighting]) {
        let mut add = |one: &Sighting, what: &dyn Fn(&mut Counts)| {
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
        let finding = |kind, sent: Option<&Sighting>, received: Option<&Sighting>| Finding {
            kind,
            sent: sent.cloned(),
            received: received.cloned(),
            complaints: Vec::new(),
        };
        let missing = comparison.missing.iter().map(|&place| {
            let kind = match may_still_come(&sent[place]) {
                true => Kind::MayStillCome,
                false => Kind::Missing,
            };
            finding(kind, Some(&sent[place]), None)
        });
        let differs = comparison.pairs.iter().filter_map(|pair| {
            let (one, other) = (&sent[pair.sent], &received[pair.received]);
            let kind = Kind::Differs(pair.differences.clone());
            is_other(one, other).then(|| finding(kind, Some(one), Some(other)))
        });
        let duplicates = comparison.duplicates.iter();
        let duplicates =
            duplicates.map(|&place| finding(Kind::Duplicate, None, Some(&received[place])));
        self.findings = missing.chain(differs).chain(duplicates).collect();
        self.findings
            .sort_by_key(|finding| finding.sighting().at_millis);
    }

    /// Puts complaints beside the finding that they are about, else keeps those that are about an event that was sent.
    fn complain(&mut self, complaints: Vec<Complaint>, sent: &[Sighting], question: &Question) {
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

/// Whether what arrived is not what was sent, as far as that is known.
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
    /// By nearest rank, as all percentiles of calltrace.
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
