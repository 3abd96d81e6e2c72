//! What goes wrong in the simulated month: 40 troubles that must be told, and 200 near misses that must not. Each is on a
//! working day of its own.

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, TimeZone as _, Utc, Weekday};

use super::random::Random;
use crate::finding::RuleKind;
use calltrace_model::record::Zone;

pub(super) const ENTERPRISES: usize = 16;
pub(super) const TROUBLES_PER_RULE: usize = 5;
pub(super) const NEAR_MISSES_PER_RULE: usize = 25;

/// The rules that are simulated: those about calls.
pub(super) const RULES: [RuleKind; 8] = [
    RuleKind::MissedShare,
    RuleKind::Silent,
    RuleKind::NotCalledBack,
    RuleKind::NoHangup,
    RuleKind::CallFaults,
    RuleKind::FailedRequests,
    RuleKind::SlowRequests,
    RuleKind::MissingEvents,
];

/// Something odd about one enterprise.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) enterprise: usize,
    pub(super) day: NaiveDate,
    pub(super) kind: RuleKind,
    pub(super) is_trouble: bool,
    /// One of several forms of a near miss.
    pub(super) form: usize,
    pub(super) begin: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
}

impl Planned {
    pub(super) fn holds(&self, at: DateTime<Utc>) -> bool {
        (self.begin..self.end).contains(&at)
    }

    fn is(&self, kind: RuleKind, is_trouble: bool) -> bool {
        self.kind == kind && self.is_trouble == is_trouble
    }

    pub(super) fn is_trouble_of(&self, kind: RuleKind) -> bool {
        self.is(kind, true)
    }

    pub(super) fn is_near(&self, kind: RuleKind, form: usize) -> bool {
        self.is(kind, false) && self.form == form
    }
}

/// Draws the plan of a month: `days` days from `first` on.
pub(super) fn plan(random: &mut Random, first: NaiveDate, days: u64, zone: Zone) -> Vec<Planned> {
    let days = first.iter_days().take(days as usize);
    let working = |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let days: Vec<NaiveDate> = days.filter(working).collect();
    let mut places: Vec<(usize, NaiveDate)> = (0..ENTERPRISES)
        .flat_map(|enterprise| days.iter().map(move |day| (enterprise, *day)))
        .collect();
    random.shuffle(&mut places);
    let mut places = places.into_iter();
    let mut planned = Vec::new();
    for kind in RULES {
        for number in 0..TROUBLES_PER_RULE + NEAR_MISSES_PER_RULE {
            let (enterprise, day) = places.next().expect("there are enough days");
            let is_trouble = number < TROUBLES_PER_RULE;
            let form = number % 3;
            let (begin, minutes) = span(random, kind, is_trouble, form);
            let midnight = day.and_hms_opt(0, 0, 0).expect("each day has a midnight");
            let begin = zone.from_local_datetime(&(midnight + TimeDelta::minutes(begin)));
            let begin = begin
                .single()
                .expect("clocks do not change that day")
                .to_utc();
            planned.push(Planned {
                enterprise,
                day,
                kind,
                is_trouble,
                form,
                begin,
                end: begin + TimeDelta::minutes(minutes),
            });
        }
    }
    planned
}

/// When it begins (minutes since midnight) and how long it lasts.
fn span(random: &mut Random, kind: RuleKind, is_trouble: bool, form: usize) -> (i64, i64) {
    match (kind, is_trouble) {
        (RuleKind::Silent, true) => (random.between(10 * 60, 14 * 60), random.between(110, 170)),
        (RuleKind::Silent, false) => (random.between(10 * 60, 16 * 60), random.between(35, 53)),
        // Ten calls in the evening, all of them missed: fewer than 20 in three hours.
        (RuleKind::MissedShare, false) if form == 1 => (20 * 60, 180),
        // Five missed calls in a busy hour, one after the other.
        (RuleKind::MissedShare, false) if form == 2 => (random.between(10 * 60, 16 * 60), 10),
        (RuleKind::NotCalledBack | RuleKind::NoHangup, _) => {
            (random.between(9 * 60 + 30, 13 * 60), 1)
        }
        _ => (
            random.between(9 * 60 + 15, 13 * 60),
            random.between(150, 210),
        ),
    }
}
