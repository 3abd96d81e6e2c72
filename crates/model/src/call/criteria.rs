//! The conditions on a whole call that a question sets.

use super::evidence::Evidence;
use super::fact::Fact;
use super::faults::FaultCode;
use super::summary::{Direction, Outcome, is_stated_answered};
use crate::record::{Stamp, phone};

/// Conditions on a call; every one that is given must hold. Conditions on a single record are in `filter`,
/// and reach a call as [`Fact::matched`].
#[derive(Debug, Clone, Default)]
pub struct Criteria {
    /// An outside number of the call.
    pub phone: Option<phone::PhoneQuery>,
    /// At least one of these extensions rang, called, talked or was dialled; empty for any.
    pub extensions: Vec<String>,
    /// The call used one of these lines; empty for any.
    pub trunks: Vec<String>,
    /// One of these Telegram chats got a message about the call; empty for any.
    pub chats: Vec<String>,
    pub direction: Option<Direction>,
    pub outcome: Option<Outcome>,
    /// The call is over and reached no person: it has one of the unanswered outcomes.
    pub unanswered: bool,
    /// The shortest talk (milliseconds).
    pub min_talk_millis: Option<i64>,
    /// The shortest ringing (milliseconds).
    pub min_ring_millis: Option<i64>,
    /// The call was transferred.
    pub transferred: bool,
    /// At least one record was recovered from the host's journal.
    pub recovered: bool,
    /// The call has this fault; the facts must have been read with their texts.
    pub fault: Option<FaultCode>,
    /// The call began at this time or later.
    pub since: Option<Stamp>,
    /// The call began before this time.
    pub until: Option<Stamp>,
    /// The current time, at which a call may be in progress; without it no call is.
    pub now: Option<Stamp>,
    /// At least one record must pass the question's record filter.
    pub needs_match: bool,
}

impl Criteria {
    /// Whether the records (in order of time) rule the call out before it is summed up. In a search for
    /// missed calls, most calls say "answered" in one field.
    pub fn rules_out(&self, facts: &[Fact]) -> bool {
        let other_outcome = || {
            let unanswered = self.unanswered || self.outcome.is_some_and(Outcome::is_unanswered);
            unanswered && is_stated_answered(facts)
        };
        let outside_time = facts.first().is_some_and(|first| {
            self.since.is_some_and(|t| first.at < t) || self.until.is_some_and(|t| first.at >= t)
        });
        let has_arrived = || self.recovered && !facts.iter().any(|fact| fact.recovered);
        outside_time
            || other_outcome()
            || has_arrived()
            || (self.needs_match && !facts.iter().any(|f| f.matched))
    }

    /// Whether time is the only condition.
    pub fn is_of_all(&self) -> bool {
        let Criteria {
            phone,
            extensions,
            trunks,
            chats,
            direction,
            outcome,
            unanswered,
            min_talk_millis,
            min_ring_millis,
            transferred,
            recovered,
            fault,
            since: _,
            until: _,
            now: _,
            needs_match,
        } = self;
        let names = [extensions, trunks, chats];
        phone.is_none()
            && names.into_iter().all(Vec::is_empty)
            && direction.is_none()
            && outcome.is_none()
            && min_talk_millis.is_none()
            && min_ring_millis.is_none()
            && fault.is_none()
            && !(*unanswered || *transferred || *recovered || *needs_match)
    }

    /// Whether a call meets all conditions.
    pub fn accepts(&self, call: &impl Evidence) -> bool {
        let shows = |names: &[String], has: &dyn Fn(&str) -> bool| {
            names.is_empty() || names.iter().any(|name| has(name))
        };
        self.direction.is_none_or(|d| d == call.direction())
            && self.outcome.is_none_or(|o| o == call.outcome())
            && (!self.unanswered || call.outcome().is_unanswered())
            && self.since.is_none_or(|t| call.first() >= t)
            && self.until.is_none_or(|t| call.first() < t)
            && self
                .min_talk_millis
                .is_none_or(|least| call.talk_millis() >= Some(least))
            && self
                .min_ring_millis
                .is_none_or(|least| call.ring_millis() >= Some(least))
            && (!self.transferred || call.was_transferred())
            && (!self.recovered || call.was_recovered())
            && shows(&self.trunks, &|trunk| call.has_trunk(trunk))
            && shows(&self.extensions, &|extension| call.has_party(extension))
            && shows(&self.chats, &|chat| call.has_chat(chat))
            && self
                .phone
                .as_ref()
                .is_none_or(|query| has_phone(query, call))
            && (!self.needs_match || call.has_match())
            && self.fault.is_none_or(|code| call.has_fault(code, self.now))
    }
}

/// A number with few digits may also be an extension, so it is compared only with the outside number of the
/// call.
fn has_phone(query: &phone::PhoneQuery, call: &impl Evidence) -> bool {
    if query.is_short() {
        let is_outside = !matches!(call.direction(), Direction::Internal);
        return is_outside && query.matches_field(call.client());
    }
    call.has_number(query)
}
