//! Which calls are asked for, judged by the whole call.

use super::evidence::Evidence;
use super::fact::Fact;
use super::faults::FaultCode;
use super::summary::{Direction, Outcome, Summary, is_stated_answered};
use crate::record::{Stamp, phone};

/// Conditions on a call; every one that is given must hold. What a single record must be like is
/// `filter`'s, and reaches a call as [`Fact::matched`].
#[derive(Debug, Clone, Default)]
pub struct Criteria {
    /// An outside number of the call.
    pub phone: Option<phone::PhoneQuery>,
    /// An extension that rang, called, talked or was dialled.
    pub extension: Option<String>,
    /// The line.
    pub trunk: Option<String>,
    /// A Telegram chat that got a message of it.
    pub chat: Option<String>,
    /// Which way.
    pub direction: Option<Direction>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// It is over and reached no person, by whatever word.
    pub unanswered: bool,
    /// Talked at least this long (milliseconds).
    pub min_talk_millis: Option<i64>,
    /// Rang at least this long (milliseconds).
    pub min_ring_millis: Option<i64>,
    /// Was transferred.
    pub transferred: bool,
    /// Has this fault; the facts must have been read with their texts.
    pub fault: Option<FaultCode>,
    /// Began at this time or later.
    pub since: Option<Stamp>,
    /// Began before this time.
    pub until: Option<Stamp>,
    /// The time of day, in which a call may be in progress; without it none is.
    pub now: Option<Stamp>,
    /// At least one record must pass the question's record filter.
    pub needs_match: bool,
}

impl Criteria {
    /// Whether the records (in order of time) rule the call out before it is summed up: most calls
    /// of a search for missed ones say "answered" in one field.
    pub fn rules_out(&self, facts: &[Fact]) -> bool {
        let other_outcome = || {
            let unanswered = self.unanswered || self.outcome.is_some_and(Outcome::is_unanswered);
            unanswered && is_stated_answered(facts)
        };
        let outside_time = facts.first().is_some_and(|first| {
            self.since.is_some_and(|t| first.at < t) || self.until.is_some_and(|t| first.at >= t)
        });
        outside_time || other_outcome() || (self.needs_match && !facts.iter().any(|f| f.matched))
    }

    /// Whether a call is one of those asked for, by its summary and by what its records show besides.
    pub fn accepts(&self, summary: &Summary, evidence: &impl Evidence) -> bool {
        let at_least = |least: Option<i64>, is: Option<i64>| least.is_none_or(|m| is >= Some(m));
        let shows = |name: &Option<String>, has: &dyn Fn(&str) -> bool| {
            name.as_ref().is_none_or(|name| has(name))
        };
        self.direction.is_none_or(|d| d == summary.direction)
            && self.outcome.is_none_or(|o| o == summary.outcome)
            && (!self.unanswered || summary.outcome.is_unanswered())
            && self.since.is_none_or(|t| summary.first >= t)
            && self.until.is_none_or(|t| summary.first < t)
            && at_least(self.min_talk_millis, summary.talk_millis)
            && at_least(self.min_ring_millis, summary.ring_millis)
            && (!self.transferred || summary.transfers > 0)
            && shows(&self.trunk, &|trunk| evidence.has_trunk(trunk))
            && shows(&self.extension, &|extension| evidence.has_party(extension))
            && shows(&self.chat, &|chat| evidence.has_chat(chat))
            && self
                .phone
                .as_ref()
                .is_none_or(|query| has_phone(query, summary, evidence))
            && (!self.needs_match || evidence.has_match())
            && self
                .fault
                .is_none_or(|code| evidence.has_fault(code, self.now))
    }
}

/// A number of few digits may be an extension as well, so only the outside number of the call counts.
fn has_phone(query: &phone::PhoneQuery, summary: &Summary, evidence: &impl Evidence) -> bool {
    if query.is_short() {
        let is_outside = !matches!(summary.direction, Direction::Internal);
        return is_outside && query.matches_field(summary.client.as_bytes());
    }
    evidence.has_number(query)
}
