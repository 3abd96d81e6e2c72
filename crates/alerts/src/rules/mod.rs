//! The rules: what is known of an enterprise goes in, findings come out. Pure; the time is a parameter.
//!
//! A rule says nothing rather than something uncertain: the runs of a month ask each rule 8,640 times per enterprise, so
//! a share counts as too high only if chance explains it in one of 100,000 cases (`certain`).

mod callbacks;
mod certain;
mod hangups;
mod hours;
mod missed;
mod shares;
mod silence;

use chrono::{DateTime, TimeDelta, Utc};

use super::finding::{
    AlertSeverity, CheckFinding, FigureValue, FindingFigure, RuleKind, Scope, ScopePart,
};
use super::history::History;
use calltrace_model::call::{FaultCode, Summary};
use calltrace_model::record::{LogZone, Stamp, Zone};
use calltrace_store::tree::EnterpriseName;

pub use hours::CheckHours;
pub(crate) use missed::MissedHours;

/// A check of the settings: a rule with its thresholds.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Its name, different for each check.
    pub name: String,
    /// The rule.
    pub kind: RuleKind,
    /// The enterprises that are checked; all if empty.
    pub enterprises: Vec<EnterpriseName>,
    /// When it is checked; always if `None`.
    pub hours: Option<CheckHours>,
    /// Its zone: days are compared by its clock.
    pub zone: Zone,
    /// The thresholds.
    pub limits: Limits,
}

/// The thresholds of a check. A rule uses some of them: [`Limits::usual`] says which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long something must last, or be due (milliseconds).
    pub after_millis: i64,
    /// The least number of calls, requests or events on which a finding is based.
    pub calls: u32,
    /// The share above which something is too high, in percent.
    pub percent: u32,
    /// How many times the usual share is too high.
    pub times: u32,
    /// The duration that 95 percent of requests may take (milliseconds).
    pub over_millis: i64,
    /// The faults that count.
    pub faults: Vec<FaultCode>,
}

/// A threshold by the name of its setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    After,
    Calls,
    Percent,
    Times,
    Over,
    Faults,
}

/// What is known of an enterprise at the time of a run.
#[derive(Debug, Clone, Copy)]
pub struct EnterpriseView<'v> {
    pub enterprise: &'v EnterpriseName,
    /// The calls that began in the last [`lookback`], in any order.
    pub calls: &'v [Summary],
    /// When `calls` begin.
    pub since: DateTime<Utc>,
    /// Earlier hours, and the hours of `calls`.
    pub history: &'v History,
    pub now: DateTime<Utc>,
    /// The same as the time of a record.
    pub at: Stamp,
    /// The zone of the times of calls.
    pub log: LogZone,
}

/// A finding with the calls that show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub finding: CheckFinding,
    /// UniqueIds, the newest call first; a few at most.
    pub calls: Vec<String>,
}

/// What a check says about an enterprise.
#[derive(Debug, Clone, PartialEq)]
pub enum CheckVerdict {
    /// All that is wrong; empty if nothing is.
    Judged(Vec<Found>),
    /// It can't be said. Findings of earlier runs stay as they are.
    Silent(UnjudgedReason),
}

/// Why a check says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnjudgedReason {
    /// There are fewer than seven comparable days.
    FewDays,
    /// It is not the time of day or the weekday of the check.
    OutsideHours,
    /// Nothing runs here that the check could look at: no hosts, no service.
    NothingToCheck,
    /// What it needs could not be read or asked; the message is on stderr.
    Failed,
}

/// Most calls that a finding links to.
pub(crate) const CALLS_MAX: usize = 5;

/// A rule over shares looks at the last hour, the last two and the last three (milliseconds).
pub(crate) const HOUR_MILLIS: i64 = 3_600_000;
pub(crate) const SHARE_HOURS: i64 = 3;

/// After this time (milliseconds past the time at which it became a finding) a client who was not called back and a call
/// without hangup are no longer looked at.
pub(crate) const WATCHED_MILLIS: i64 = 8 * HOUR_MILLIS;

/// Most clients of one enterprise that are told; the oldest first.
pub(crate) const CLIENTS_MAX: usize = 200;

impl UnjudgedReason {
    /// The word in JSON.
    pub fn name(self) -> &'static str {
        match self {
            UnjudgedReason::FewDays => "few_days",
            UnjudgedReason::OutsideHours => "outside_hours",
            UnjudgedReason::NothingToCheck => "nothing_to_check",
            UnjudgedReason::Failed => "failed",
        }
    }
}

impl Limit {
    /// The name of the setting.
    pub fn name(self) -> &'static str {
        match self {
            Limit::After => "after",
            Limit::Calls => "calls",
            Limit::Percent => "percent",
            Limit::Times => "times",
            Limit::Over => "over",
            Limit::Faults => "faults",
        }
    }
}

impl RuleKind {
    /// The thresholds that the rule has.
    pub fn limits(self) -> &'static [Limit] {
        match self {
            RuleKind::MissedShare => &[Limit::Calls, Limit::Times],
            RuleKind::Silent => &[Limit::After, Limit::Calls],
            RuleKind::NotCalledBack | RuleKind::NoHangup => &[Limit::After],
            RuleKind::CallFaults => &[Limit::Calls, Limit::Percent, Limit::Faults],
            RuleKind::FailedRequests => &[Limit::Calls, Limit::Percent],
            RuleKind::SlowRequests => &[Limit::Calls, Limit::Over],
            RuleKind::MissingEvents => &[Limit::After, Limit::Calls, Limit::Percent],
            RuleKind::NameService | RuleKind::Doctor => &[],
        }
    }

    /// How much a finding of the rule matters.
    pub fn severity(self) -> AlertSeverity {
        match self {
            RuleKind::MissedShare | RuleKind::Silent | RuleKind::FailedRequests => {
                AlertSeverity::Critical
            }
            _ => AlertSeverity::Warning,
        }
    }

    /// Whether it is judged by calls. The others are about services and the tree.
    pub fn is_of_calls(self) -> bool {
        !matches!(self, RuleKind::NameService | RuleKind::Doctor)
    }
}

impl Limits {
    /// The usual thresholds of a rule.
    pub fn usual(kind: RuleKind) -> Limits {
        const MINUTE: i64 = 60_000;
        let after_millis = match kind {
            RuleKind::NoHangup => 4 * HOUR_MILLIS,
            RuleKind::MissingEvents => 26 * HOUR_MILLIS,
            _ => 60 * MINUTE,
        };
        Limits {
            after_millis,
            calls: match kind {
                RuleKind::Silent => 10,
                _ => 20,
            },
            percent: match kind {
                RuleKind::MissingEvents => 2,
                _ => 20,
            },
            times: 2,
            over_millis: 5_000,
            faults: vec![
                FaultCode::MessageNotSent,
                FaultCode::WrongNumber,
                FaultCode::RequestFailed,
            ],
        }
    }
}

impl Check {
    /// A check of all enterprises at all hours with the usual thresholds, named like its rule.
    pub fn usual(kind: RuleKind, zone: Zone) -> Check {
        Check {
            name: kind.name().to_owned(),
            kind,
            enterprises: Vec::new(),
            hours: None,
            zone,
            limits: Limits::usual(kind),
        }
    }

    /// The checks of settings without any: each rule once.
    pub fn all_usual(zone: Zone) -> Vec<Check> {
        let all = RuleKind::ALL.into_iter();
        all.map(|kind| Check::usual(kind, zone)).collect()
    }

    /// Whether it is about this enterprise.
    pub fn is_of(&self, enterprise: &EnterpriseName) -> bool {
        self.enterprises.is_empty() || self.enterprises.contains(enterprise)
    }

    /// Whether it is made at this time.
    pub fn is_at(&self, now: DateTime<Utc>) -> bool {
        let hours = self.hours.as_ref();
        hours.is_none_or(|hours| hours.hold(now.with_timezone(&self.zone).naive_local()))
    }

    /// How far back it needs calls (milliseconds).
    pub fn lookback_millis(&self) -> i64 {
        let after = self.limits.after_millis;
        match self.kind {
            RuleKind::NotCalledBack | RuleKind::NoHangup => after + WATCHED_MILLIS,
            RuleKind::Silent => after.max(WATCHED_MILLIS),
            _ => SHARE_HOURS * HOUR_MILLIS,
        }
    }

    /// For a rule about single calls: how long after a call it is no longer looked at.
    pub(crate) fn watched(&self) -> Option<TimeDelta> {
        let ends = matches!(self.kind, RuleKind::NotCalledBack | RuleKind::NoHangup);
        ends.then(|| TimeDelta::milliseconds(self.lookback_millis()))
    }

    /// What it says about an enterprise, for a rule about calls; [`UnjudgedReason::NothingToCheck`] for others. `is_firing` tells
    /// whether a finding about a scope was told: it is over only when it is clearly so.
    pub fn judge(
        &self,
        view: &EnterpriseView<'_>,
        is_firing: impl Fn(&Scope) -> bool,
    ) -> CheckVerdict {
        if !self.is_at(view.now) {
            return CheckVerdict::Silent(UnjudgedReason::OutsideHours);
        }
        match self.kind {
            RuleKind::MissedShare => missed::judge(self, view, is_firing),
            RuleKind::Silent => silence::judge(self, view, is_firing),
            RuleKind::NotCalledBack => callbacks::judge(self, view),
            RuleKind::NoHangup => hangups::judge(self, view),
            RuleKind::CallFaults => shares::call_faults(self, view, is_firing),
            RuleKind::FailedRequests => shares::failed_requests(self, view, is_firing),
            RuleKind::SlowRequests => shares::slow_requests(self, view, is_firing),
            RuleKind::MissingEvents => shares::missing_events(self, view, is_firing),
            RuleKind::NameService | RuleKind::Doctor => {
                CheckVerdict::Silent(UnjudgedReason::NothingToCheck)
            }
        }
    }

    /// A finding of this check.
    pub fn finding(
        &self,
        scope: Scope,
        since: DateTime<Utc>,
        figures: impl IntoIterator<Item = (&'static str, FigureValue)>,
    ) -> CheckFinding {
        let figures = figures.into_iter();
        CheckFinding {
            rule: self.name.clone(),
            kind: self.kind,
            severity: self.kind.severity(),
            scope,
            since,
            figures: figures
                .map(|(name, value)| FindingFigure { name, value })
                .collect(),
            links: Vec::new(),
        }
    }
}

/// How far back these checks need calls (milliseconds).
pub fn lookback<'c>(checks: impl IntoIterator<Item = &'c Check>) -> i64 {
    let of_calls = checks.into_iter().filter(|check| check.kind.is_of_calls());
    let longest = of_calls.map(Check::lookback_millis).max();
    longest.unwrap_or_default().max(SHARE_HOURS * HOUR_MILLIS)
}

impl EnterpriseView<'_> {
    fn scope(&self, part: Option<ScopePart>) -> Scope {
        Scope {
            enterprise: Some(self.enterprise.clone()),
            part,
        }
    }

    fn began(&self, call: &Summary) -> DateTime<Utc> {
        self.log.moment(call.first)
    }

    /// The calls of the last hour.
    pub(crate) fn last_hour(&self) -> impl Iterator<Item = &Summary> {
        let is_recent = |call: &&Summary| (0..HOUR_MILLIS).contains(&self.age_millis(call));
        self.calls.iter().filter(is_recent)
    }

    /// How long ago it began (milliseconds).
    fn age_millis(&self, call: &Summary) -> i64 {
        self.at.since(call.first)
    }
}

/// The newest few of these calls.
fn newest<'c>(calls: impl IntoIterator<Item = &'c Summary>) -> Vec<String> {
    let mut calls: Vec<&Summary> = calls.into_iter().collect();
    calls.sort_by_key(|call| std::cmp::Reverse(call.first));
    calls.truncate(CALLS_MAX);
    calls
        .into_iter()
        .map(|call| call.main_uid.clone())
        .collect()
}
