//! The calls of a simulated enterprise: an office with working hours, a lunch break in which more calls are missed, and
//! people who call back.

use chrono::{
    DateTime, Datelike as _, NaiveDate, TimeDelta, TimeZone as _, Timelike as _, Utc, Weekday,
};

use super::plan::Planned;
use super::random::Random;
use crate::finding::RuleKind;
use calltrace_model::call::{Digest, Direction, Outcome, Request, Summary};
use calltrace_model::record::{LogZone, Stamp, Zone};

/// Arrivals are drawn for each stretch of so many seconds.
const SLOT_SECONDS: i64 = 30;

/// A call, and what becomes of it.
#[derive(Debug, Clone)]
pub(super) struct SimCall {
    /// As it is when it begins: in progress.
    pub(super) call: Summary,
    pub(super) outcome: Outcome,
    /// When that outcome is known.
    pub(super) over: DateTime<Utc>,
}

pub(super) struct Office {
    number: usize,
    zone: Zone,
    /// Calls per hour while it is open.
    rate: f64,
    /// The usual share of missed calls.
    missed: f64,
    calls: u64,
    /// Calls from outside so far.
    incoming: u64,
}

/// What is true at one moment.
struct SimMoment<'p> {
    at: DateTime<Utc>,
    odd: Option<&'p Planned>,
    /// The share of missed calls at this time of day, and that of this day.
    usual: f64,
    missed: f64,
}

impl SimMoment<'_> {
    fn is_trouble(&self, kind: RuleKind) -> bool {
        let odd = self.odd.filter(|odd| odd.holds(self.at));
        odd.is_some_and(|odd| odd.is_trouble_of(kind))
    }

    fn is_near(&self, kind: RuleKind, form: usize) -> bool {
        let odd = self.odd.filter(|odd| odd.holds(self.at));
        odd.is_some_and(|odd| odd.is_near(kind, form))
    }
}

impl Office {
    pub(super) fn new(number: usize, zone: Zone, random: &mut Random) -> Office {
        Office {
            number,
            zone,
            rate: random.real(24.0, 40.0),
            missed: random.real(0.05, 0.2),
            calls: 0,
            incoming: 0,
        }
    }

    /// The calls of a day, in order of time; `odd` is what is odd about it.
    pub(super) fn day(
        &mut self,
        day: NaiveDate,
        odd: Option<&Planned>,
        random: &mut Random,
    ) -> Vec<SimCall> {
        let (busy, bad) = (random.real(0.85, 1.15), random.real(0.85, 1.15));
        let mut calls = Vec::new();
        // Calls of a near miss that consists of a few calls.
        let mut few = 0;
        let midnight = day.and_hms_opt(0, 0, 0).expect("each day has a midnight");
        for slot in 0..86_400 / SLOT_SECONDS {
            let local = midnight + TimeDelta::seconds(slot * SLOT_SECONDS);
            let Some(at) = self.zone.from_local_datetime(&local).single() else {
                continue;
            };
            let at = at.to_utc() + TimeDelta::seconds(random.between(0, SLOT_SECONDS - 1));
            let mut rate = busy * self.rate_at(day, local.hour());
            let lunch = if local.hour() == 13 { 1.8 } else { 1.0 };
            let mut moment = SimMoment {
                at,
                odd,
                usual: self.missed * lunch,
                missed: self.missed * bad * lunch,
            };
            self.disturb(&mut moment, &mut rate);
            if moment.is_near(RuleKind::MissedShare, 1) {
                rate = if few < 10 { 6.0 } else { 0.0 };
            }
            let is_burst = moment.is_near(RuleKind::MissedShare, 2);
            if is_burst && few < 5 {
                (moment.missed, rate) = (1.0, 60.0);
            }
            if random.chance(rate * SLOT_SECONDS as f64 / 3600.0) {
                few += usize::from(is_burst || moment.is_near(RuleKind::MissedShare, 1));
                self.call(&moment, random, &mut calls);
            }
        }
        if let Some(odd) = odd {
            self.single(odd, random, &mut calls);
        }
        calls.sort_by_key(|one| one.call.first);
        calls
    }

    fn rate_at(&self, day: NaiveDate, hour: u32) -> f64 {
        match (day.weekday(), hour) {
            (Weekday::Sun, 10..15) => 2.0,
            (Weekday::Sat, 10..15) => self.rate / 2.0,
            (Weekday::Sat | Weekday::Sun, _) => 0.2,
            (_, 9..18) => self.rate,
            (_, 8 | 18..22) => 2.0,
            _ => 0.2,
        }
    }

    fn disturb(&self, moment: &mut SimMoment<'_>, rate: &mut f64) {
        let usual = moment.usual;
        if moment.is_trouble(RuleKind::MissedShare) {
            moment.missed = (3.0 * usual).max(usual + 0.35).min(0.95);
        }
        if moment.is_near(RuleKind::MissedShare, 0) {
            moment.missed = 1.4 * moment.usual;
        }
        if moment.is_near(RuleKind::MissedShare, 1) {
            moment.missed = 1.0;
        }
        let silent = moment.odd.filter(|odd| odd.kind == RuleKind::Silent);
        if let Some(silent) = silent {
            if silent.holds(moment.at) {
                *rate = 0.0;
            }
            // No one who was missed just before is still to be called back.
            if (silent.begin - TimeDelta::hours(1)..silent.begin).contains(&moment.at) {
                moment.missed = 0.0;
            }
        }
    }

    /// A call from outside, and the call back if it was missed.
    fn call(&mut self, moment: &SimMoment<'_>, random: &mut Random, calls: &mut Vec<SimCall>) {
        let is_missed = random.chance(moment.missed);
        let client = format!("37529{:07}", random.between(0, 9_999_999));
        let (outcome, seconds) = match is_missed {
            true => (Outcome::Missed, random.between(15, 60)),
            false => (Outcome::Answered, random.between(40, 600)),
        };
        let over = moment.at + TimeDelta::seconds(seconds);
        let mut call = self.summary(moment.at, Direction::Incoming, &client);
        self.details(moment, random, &mut call);
        calls.push(SimCall {
            call,
            outcome,
            over,
        });
        if is_missed {
            let back = moment.at + TimeDelta::seconds(random.between(180, 2700));
            calls.push(self.reached(back, Direction::Outgoing, &client));
        }
    }

    fn details(&mut self, moment: &SimMoment<'_>, random: &mut Random, call: &mut Summary) {
        // A trouble hits so many of five calls in a row, so that it is as large as it is meant to be.
        self.incoming += 1;
        let hits = |of_five: u64| {
            if self.incoming % 5 < of_five {
                1.0
            } else {
                0.0
            }
        };
        let mut fault = |code: &str, share: f64| random.chance(share).then(|| code.to_owned());
        let wrong = match () {
            () if moment.is_trouble(RuleKind::CallFaults) => hits(3),
            () if moment.is_near(RuleKind::CallFaults, 0) => 0.12,
            () => 0.02,
        };
        // A fault that does not count.
        let cut = if moment.is_near(RuleKind::CallFaults, 1) {
            0.9
        } else {
            0.1
        };
        let faults = [fault("wrong_number", wrong), fault("text_cut", cut)];
        call.digest = Some(Box::new(Digest {
            faults: faults.into_iter().flatten().collect(),
            ..Digest::default()
        }));
        let failing = match () {
            () if moment.is_trouble(RuleKind::FailedRequests) => hits(3),
            () if moment.is_near(RuleKind::FailedRequests, 0) => 0.12,
            () => 0.02,
        };
        let slow = match () {
            () if moment.is_trouble(RuleKind::SlowRequests) => hits(2),
            () if moment.is_near(RuleKind::SlowRequests, 0) => 0.02,
            () => 0.005,
        };
        let all_slower = moment.is_near(RuleKind::SlowRequests, 1);
        for host in ["crm.example.org:443", "api.telegram.org:443"] {
            let is_crm = host.starts_with("crm");
            let millis = match random.chance(if is_crm { slow } else { 0.005 }) {
                true => random.between(6_000, 12_000),
                false if all_slower => random.between(4_000, 4_950),
                false => random.between(50, 1_500),
            };
            call.requests.push(Request {
                host: host.to_owned(),
                millis: Some(millis),
                failed: random.chance(if is_crm { failing } else { 0.02 }),
            });
        }
        if moment.is_near(RuleKind::FailedRequests, 1) && random.chance(0.1) {
            call.requests.push(Request {
                host: "rare.example.org".to_owned(),
                millis: Some(100),
                failed: true,
            });
        }
        call.events = 10;
        call.recovered = match () {
            () if moment.is_trouble(RuleKind::MissingEvents) => 2,
            () if moment.is_near(RuleKind::MissingEvents, 0) => usize::from(random.chance(0.1)),
            () => 0,
        };
    }

    /// The single calls that some rules are about.
    fn single(&mut self, odd: &Planned, random: &mut Random, calls: &mut Vec<SimCall>) {
        let at = odd.begin;
        let client = format!("37533{:07}", random.between(0, 9_999_999));
        let later = |minutes: i64| at + TimeDelta::minutes(minutes);
        match (odd.kind, odd.is_trouble, odd.form) {
            (RuleKind::NotCalledBack, is_trouble, form) => {
                let anonymous = !is_trouble && form == 2;
                let client = if anonymous { "anonymous" } else { &client };
                let call = self.summary(at, Direction::Incoming, client);
                let over = at + TimeDelta::seconds(30);
                calls.push(SimCall {
                    call,
                    outcome: Outcome::Missed,
                    over,
                });
                match (is_trouble, form) {
                    // One is called back after three hours, another one never.
                    (true, 0 | 1) => {
                        calls.push(self.reached(later(180), Direction::Outgoing, client));
                    }
                    (false, 0) => {
                        let back = later(random.between(50, 58));
                        calls.push(self.reached(back, Direction::Outgoing, client));
                    }
                    (false, 1) => {
                        let again = later(random.between(50, 58));
                        calls.push(self.reached(again, Direction::Incoming, client));
                    }
                    _ => {}
                }
            }
            (RuleKind::NoHangup, true, _) => {
                let call = self.summary(at, Direction::Incoming, &client);
                calls.push(SimCall {
                    call,
                    outcome: Outcome::Unknown,
                    over: later(30),
                });
            }
            (RuleKind::NoHangup, false, _) => {
                let call = self.summary(at, Direction::Incoming, &client);
                let over = later(random.between(210, 237));
                calls.push(SimCall {
                    call,
                    outcome: Outcome::Answered,
                    over,
                });
            }
            _ => {}
        }
    }

    /// A call in which a person was reached.
    fn reached(&mut self, at: DateTime<Utc>, direction: Direction, client: &str) -> SimCall {
        SimCall {
            call: self.summary(at, direction, client),
            outcome: Outcome::Answered,
            over: at + TimeDelta::seconds(60),
        }
    }

    fn summary(&mut self, at: DateTime<Utc>, direction: Direction, client: &str) -> Summary {
        self.calls += 1;
        let first: Stamp = LogZone::default().stamp(at);
        Summary {
            main_uid: format!(
                "{}.{}",
                at.timestamp(),
                self.number as u64 * 1_000_000 + self.calls
            ),
            first,
            last: first,
            direction,
            client: client.to_owned(),
            rang: vec!["151".to_owned()],
            outcome: Outcome::InProgress,
            ..Summary::empty()
        }
    }
}
