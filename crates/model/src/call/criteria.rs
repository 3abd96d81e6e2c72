//! Which calls are asked for, judged by the whole call.

use super::fact::{Event, Fact};
use super::faults::{Fault, FaultCode};
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

    /// Whether the call, with its records and what they sum up to, is one of those asked for.
    pub fn accepts(&self, summary: &Summary, facts: &[Fact]) -> bool {
        let at_least = |least: Option<i64>, is: Option<i64>| least.is_none_or(|m| is >= Some(m));
        self.direction.is_none_or(|d| d == summary.direction)
            && self.outcome.is_none_or(|o| o == summary.outcome)
            && (!self.unanswered || summary.outcome.is_unanswered())
            && self.since.is_none_or(|t| summary.first >= t)
            && self.until.is_none_or(|t| summary.first < t)
            && at_least(self.min_talk_millis, summary.talk_millis)
            && at_least(self.min_ring_millis, summary.ring_millis)
            && (!self.transferred || summary.transfers > 0)
            && self
                .trunk
                .as_ref()
                .is_none_or(|trunk| has_trunk(trunk, facts))
            && self
                .extension
                .as_ref()
                .is_none_or(|e| has_extension(e, summary, facts))
            && self.chat.as_ref().is_none_or(|chat| has_chat(chat, facts))
            && self
                .phone
                .as_ref()
                .is_none_or(|query| has_phone(query, summary, facts))
            && (!self.needs_match || facts.iter().any(|f| f.matched))
            && self
                .fault
                .is_none_or(|code| has_fault(code, summary, facts, self.now))
    }
}

fn has_fault(code: FaultCode, summary: &Summary, facts: &[Fact], now: Option<Stamp>) -> bool {
    let faults = Fault::all(facts, summary, now.unwrap_or(Stamp(i64::MAX)));
    faults.iter().any(|fault| fault.code == code)
}

fn has_trunk(trunk: &str, facts: &[Fact]) -> bool {
    facts.iter().any(|f| f.trunk() == trunk.as_bytes())
}

fn has_extension(extension: &str, summary: &Summary, facts: &[Fact]) -> bool {
    let wanted = extension.as_bytes();
    summary.legs.iter().any(|leg| leg.label == extension)
        || facts
            .iter()
            .filter(|f| f.is_call_event())
            .any(|f| f.phone() == wanted || f.extensions().any(|e| e == wanted))
}

fn has_chat(chat: &str, facts: &[Fact]) -> bool {
    facts
        .iter()
        .any(|f| matches!(f.event, Event::Message(_)) && f.chat() == chat.as_bytes())
}

/// Only what Asterisk says of numbers counts: a text or a request may mention anybody's. A group
/// of records without any Asterisk event goes by the match of its lines.
/// A number of few digits may be an extension as well, so only the outside number of the call counts.
fn has_phone(query: &phone::PhoneQuery, summary: &Summary, facts: &[Fact]) -> bool {
    if query.is_short() {
        let is_outside = !matches!(summary.direction, Direction::Internal);
        return is_outside && query.matches_digits(summary.client.as_bytes());
    }
    facts.iter().filter(|f| f.is_asterisk()).any(|f| {
        [f.phone(), f.caller(), f.connected(), f.exten()]
            .into_iter()
            .chain(f.extensions())
            .any(|field| query.matches_digits(phone::digits_of(field)))
    })
}
