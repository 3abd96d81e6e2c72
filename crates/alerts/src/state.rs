//! What is known from earlier runs: which findings wait, fire or are over, and who was told. Pure; the time is a
//! parameter.
//!
//! ```text
//! found -> pending -> firing -> (absent for a while) -> resolved -> told to all channels -> forgotten
//! ```
//! A finding is told only when it was seen in two runs, and it is over only when it was absent in two runs, so a figure
//! near its threshold sends no messages. A channel counts as told only once it has delivered: [`AlertState::notice`] says what
//! a channel still has to be told, and [`AlertState::delivered`] notes it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::figures::EnterpriseFigures;
use super::finding::{CheckFinding, RuleKind, Scope};
use super::history::History;
use super::notice::{AlertNotice, Ending, ResolvedFinding};
use super::rules::{Check, CheckVerdict};
use calltrace_model::record::Zone;
use calltrace_output::Language;
use calltrace_store::tree::EnterpriseName;

/// A timer runs every five minutes, a little early or late: two runs in a row are at least this far apart (minutes).
const TWO_RUNS: i64 = 4;

/// Most findings that one message lists; the rest follows with the next runs.
const TOLD_MAX: usize = 100;

/// After this time (days) it is not told any more that something is over.
const END_KEPT: i64 = 7;

/// How far a finding has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertPhase {
    /// It was seen in one run, and is not told yet.
    Pending,
    /// It is to be told, or was.
    Firing,
    /// It is over. It is kept until each channel was told.
    Resolved {
        ended: DateTime<Utc>,
        ending: Ending,
    },
}

/// A finding with what was done about it.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackedFinding {
    /// As it was last seen, with the time since when it was first seen to be so. Without links.
    pub finding: CheckFinding,
    pub phase: AlertPhase,
    /// The first run that saw it.
    pub found: DateTime<Utc>,
    /// The last run that saw it.
    pub seen: DateTime<Utc>,
    /// The first run after that which did not see it.
    pub absent: Option<DateTime<Utc>>,
    /// When each channel last told that it fires.
    pub told: BTreeMap<String, DateTime<Utc>>,
    /// The channels that told that it is over.
    pub told_end: BTreeSet<String>,
}

/// All that is known from earlier runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AlertState {
    /// The time of the last run.
    pub at: Option<DateTime<Utc>>,
    /// By [`CheckFinding::key`].
    pub entries: BTreeMap<String, TrackedFinding>,
    /// Calls by hour.
    pub history: BTreeMap<EnterpriseName, History>,
    /// The figures of the last run, for metrics.
    pub figures: BTreeMap<EnterpriseName, EnterpriseFigures>,
    /// Channels that asked to be left alone until then.
    pub not_before: BTreeMap<String, DateTime<Utc>>,
}

/// How notices are made.
#[derive(Debug, Clone, Copy)]
pub struct Telling {
    /// After this time a finding that still fires is told again; never if `None`.
    pub repeat: Option<Duration>,
    pub language: Language,
    pub zone: Zone,
}

impl RuleKind {
    /// Whether one run is enough: what the rule sees does not change by chance.
    fn is_steady(self) -> bool {
        matches!(self, RuleKind::NotCalledBack | RuleKind::NoHangup)
    }
}

impl AlertState {
    /// Whether a finding of this check about a scope fires.
    pub fn is_firing(&self, check: &Check, scope: &Scope) -> bool {
        let entry = self.entries.get(&CheckFinding::key_of(&check.name, scope));
        entry.is_some_and(|entry| entry.phase == AlertPhase::Firing)
    }

    /// Takes over what a check says. The verdict is about one enterprise, or about the tree as a whole for `None`.
    pub fn update(
        &mut self,
        check: &Check,
        enterprise: Option<&EnterpriseName>,
        verdict: &CheckVerdict,
        now: DateTime<Utc>,
    ) {
        let CheckVerdict::Judged(found) = verdict else {
            return;
        };
        let keys: BTreeSet<String> = found.iter().map(|one| one.finding.key()).collect();
        for one in found {
            self.see(&one.finding, now);
        }
        let is_of = |entry: &TrackedFinding| {
            let finding = &entry.finding;
            finding.rule == check.name && finding.scope.enterprise.as_ref() == enterprise
        };
        let absent =
            |(key, entry): &(&String, &mut TrackedFinding)| is_of(entry) && !keys.contains(*key);
        for (_, entry) in self.entries.iter_mut().filter(absent) {
            entry.miss(check, now);
        }
        self.forget();
    }

    fn see(&mut self, finding: &CheckFinding, now: DateTime<Utc>) {
        let key = finding.key();
        let again = self.entries.get_mut(&key);
        // What is over and comes again is another case. If someone has not been told of the end yet, it goes on.
        let entry = match again {
            Some(entry) => entry,
            None => self.entries.entry(key).or_insert(TrackedFinding {
                finding: finding.clone(),
                phase: AlertPhase::Pending,
                found: now,
                seen: now,
                absent: None,
                told: BTreeMap::new(),
                told_end: BTreeSet::new(),
            }),
        };
        if matches!(entry.phase, AlertPhase::Resolved { .. }) {
            entry.phase = AlertPhase::Firing;
            // Those who know of its end are told again.
            let ended = std::mem::take(&mut entry.told_end);
            entry.told.retain(|channel, _| !ended.contains(channel));
        }
        let since = entry.finding.since.min(finding.since);
        entry.finding = CheckFinding {
            since,
            links: Vec::new(),
            ..finding.clone()
        };
        (entry.seen, entry.absent) = (now, None);
        let is_sure = finding.kind.is_steady() || is_two_runs(entry.found, now);
        if entry.phase == AlertPhase::Pending && is_sure {
            entry.phase = AlertPhase::Firing;
        }
    }

    /// Drops findings that no check of the settings makes any more, and those that each channel was told of to the end.
    /// `known` are all enterprises of the tree, if they were listed.
    pub fn settle(
        &mut self,
        checks: &[Check],
        known: Option<&[EnterpriseName]>,
        channels: &[&str],
        now: DateTime<Utc>,
    ) {
        let is_known = |name: &EnterpriseName| known.is_none_or(|known| known.contains(name));
        self.history.retain(|name, _| is_known(name));
        self.figures.retain(|name, _| is_known(name));
        let is_made = |entry: &TrackedFinding| {
            let finding = &entry.finding;
            checks.iter().any(|check| {
                let enterprise = finding.scope.enterprise.as_ref();
                check.name == finding.rule
                    && check.kind == finding.kind
                    && enterprise
                        .is_none_or(|enterprise| check.is_of(enterprise) && is_known(enterprise))
            })
        };
        for entry in self.entries.values_mut().filter(|entry| !is_made(entry)) {
            entry.end(now, Ending::Dropped);
        }
        for entry in self.entries.values_mut() {
            entry
                .told
                .retain(|channel, _| channels.contains(&channel.as_str()));
            entry
                .told_end
                .retain(|channel| channels.contains(&channel.as_str()));
        }
        self.not_before
            .retain(|channel, _| channels.contains(&channel.as_str()));
        let oldest = now - TimeDelta::days(END_KEPT);
        let is_fresh = |entry: &TrackedFinding| match entry.phase {
            AlertPhase::Resolved { ended, .. } => ended > oldest,
            _ => true,
        };
        self.entries.retain(|_, entry| is_fresh(entry));
        self.forget_told(channels);
    }

    /// What a channel has to be told now; `None` for nothing, or while the channel asked to be left alone.
    pub fn notice(&self, channel: &str, how: Telling, now: DateTime<Utc>) -> Option<AlertNotice> {
        if self
            .not_before
            .get(channel)
            .is_some_and(|until| now < *until)
        {
            return None;
        }
        let mut notice = AlertNotice {
            at: now,
            firing: Vec::new(),
            resolved: Vec::new(),
            language: how.language,
            zone: how.zone,
        };
        for entry in self.entries.values() {
            match entry.phase {
                AlertPhase::Firing if entry.is_due(channel, how.repeat, now) => {
                    notice.firing.push(entry.finding.clone());
                }
                AlertPhase::Resolved { ended, ending } if !entry.told_end.contains(channel) => {
                    notice.resolved.push(ResolvedFinding {
                        finding: entry.finding.clone(),
                        ended,
                        ending,
                    });
                }
                _ => {}
            }
        }
        notice.firing.sort_by_key(order);
        notice.resolved.sort_by_key(|one| order(&one.finding));
        notice.firing.truncate(TOLD_MAX);
        notice.resolved.truncate(TOLD_MAX);
        (!notice.is_test()).then_some(notice)
    }

    /// Notes that a channel delivered a notice.
    pub fn delivered(&mut self, channel: &str, notice: &AlertNotice) {
        self.not_before.remove(channel);
        for finding in &notice.firing {
            if let Some(entry) = self.entries.get_mut(&finding.key()) {
                entry.told.insert(channel.to_owned(), notice.at);
            }
        }
        for resolved in &notice.resolved {
            if let Some(entry) = self.entries.get_mut(&resolved.finding.key()) {
                entry.told_end.insert(channel.to_owned());
            }
        }
    }

    /// Notes that a channel is not to be used before a time.
    pub fn rests(&mut self, channel: &str, until: DateTime<Utc>) {
        self.not_before.insert(channel.to_owned(), until);
    }

    /// What is pending leaves no trace when it is gone.
    fn forget(&mut self) {
        let is_kept =
            |entry: &TrackedFinding| entry.phase != AlertPhase::Pending || entry.absent.is_none();
        self.entries.retain(|_, entry| is_kept(entry));
    }

    /// Forgets the findings that are over and were told to all channels.
    pub fn forget_told(&mut self, channels: &[&str]) {
        self.entries.retain(|_, entry| {
            let told = channels
                .iter()
                .all(|channel| entry.told_end.contains(*channel));
            !matches!(entry.phase, AlertPhase::Resolved { .. }) || !told
        });
    }

    /// The findings that are not over, sorted by rule and enterprise, the oldest first.
    pub fn open(&self) -> Vec<&TrackedFinding> {
        let open = self.entries.values();
        let mut open: Vec<&TrackedFinding> = open
            .filter(|entry| !matches!(entry.phase, AlertPhase::Resolved { .. }))
            .collect();
        open.sort_by_key(|entry| order(&entry.finding));
        open
    }
}

impl TrackedFinding {
    /// A run that looked for it did not see it.
    fn miss(&mut self, check: &Check, now: DateTime<Utc>) {
        let absent = *self.absent.get_or_insert(now);
        let kind = self.finding.kind;
        if self.phase == AlertPhase::Firing && (kind.is_steady() || is_two_runs(absent, now)) {
            let age = now - self.finding.since;
            // Not seen because it is too old to be looked at.
            let is_old = check.watched().is_some_and(|watched| age >= watched);
            let ending = match is_old {
                true => Ending::Dropped,
                false => Ending::Over,
            };
            self.end(absent, ending);
        }
    }

    fn end(&mut self, ended: DateTime<Utc>, ending: Ending) {
        match self.phase {
            AlertPhase::Firing => self.phase = AlertPhase::Resolved { ended, ending },
            AlertPhase::Pending => self.absent = Some(ended),
            AlertPhase::Resolved { .. } => {}
        }
    }

    /// Whether a channel has to tell that it fires, for the first time or again.
    fn is_due(&self, channel: &str, repeat: Option<Duration>, now: DateTime<Utc>) -> bool {
        let Some(told) = self.told.get(channel) else {
            return true;
        };
        let repeat = repeat.and_then(|repeat| TimeDelta::from_std(repeat).ok());
        // What this run did not look at is not repeated.
        self.seen == now && repeat.is_some_and(|repeat| now - *told >= repeat)
    }
}

/// The order in which findings are listed.
fn order(finding: &CheckFinding) -> (RuleKind, Option<EnterpriseName>, DateTime<Utc>, Scope) {
    let scope = finding.scope.clone();
    (finding.kind, scope.enterprise.clone(), finding.since, scope)
}

fn is_two_runs(first: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - first >= TimeDelta::minutes(TWO_RUNS)
}
