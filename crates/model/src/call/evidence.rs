//! The values by which criteria accept a call: its summary, the other parties that its records name, and its
//! faults.
//!
//! A search gets them from the records ([`CallRecords`]). A table of calls stores them (a [`Digest`] holds
//! what is not in the summary), and gives the same answers.

use std::collections::BTreeSet;

use super::digest::Digest;
use super::fact::{Event, Fact};
use super::faults::{Fault, FaultCode};
use super::reach;
use super::summary::{Direction, Outcome, Summary};
use crate::record::{Stamp, phone};

/// The values by which a call is accepted; values that [`Summary`] also has mean the same there.
pub trait Evidence {
    /// The time of the first record.
    fn first(&self) -> Stamp;
    fn direction(&self) -> Direction;
    /// How the call ended, or that it has not ended.
    fn outcome(&self) -> Outcome;
    /// The outside number, digits only, or the name that a caller without a number shows. For an internal
    /// call, the calling extension.
    fn client(&self) -> &[u8];
    /// How long the call rang (milliseconds).
    fn ring_millis(&self) -> Option<i64>;
    /// How long the parties talked (milliseconds).
    fn talk_millis(&self) -> Option<i64>;
    /// Whether a transfer was completed.
    fn was_transferred(&self) -> bool;
    /// Whether one of the records never arrived and was recovered.
    fn was_recovered(&self) -> bool;
    /// Whether the call used the line with this name.
    fn has_trunk(&self, trunk: &str) -> bool;
    /// Whether this extension, or this number as written, rang, called, talked or was dialled.
    fn has_party(&self, party: &str) -> bool;
    /// Whether the Telegram chat with this id got a message.
    fn has_chat(&self, chat: &str) -> bool;
    /// Whether an Asterisk event names a number, or a party with the digits of a number, that the query
    /// matches. The query is a long one. Texts and requests do not count, since they may mention any number.
    fn has_number(&self, query: &phone::PhoneQuery) -> bool;
    /// Whether the call has the fault at the time `now`; without a time, when no more records can come.
    fn has_fault(&self, code: FaultCode, now: Option<Stamp>) -> bool;
    /// Whether a record passed the question's filter for records.
    fn has_match(&self) -> bool;
}

/// The records of a call, in order of time.
#[derive(Debug, Clone, Copy)]
pub struct CallRecords<'c> {
    /// The summary of these records.
    pub summary: &'c Summary,
    pub facts: &'c [Fact],
}

impl<'c> CallRecords<'c> {
    /// Extensions and numbers as they are written.
    fn parties(self) -> impl Iterator<Item = &'c [u8]> {
        let labels = self.summary.legs.iter().map(|leg| leg.label.as_bytes());
        let calls = self.facts.iter().filter(|fact| fact.is_call_event());
        labels.chain(calls.flat_map(|fact| [fact.phone()].into_iter().chain(fact.extensions())))
    }

    /// Digits of the numbers in Asterisk events.
    fn numbers(self) -> impl Iterator<Item = &'c [u8]> {
        let events = self.facts.iter().filter(|fact| fact.is_asterisk());
        events
            .flat_map(|fact| {
                [fact.phone(), fact.caller(), fact.connected(), fact.exten()]
                    .into_iter()
                    .chain(fact.extensions())
            })
            .map(phone::digits_of)
    }

    fn trunks(self) -> impl Iterator<Item = &'c [u8]> {
        self.facts.iter().map(Fact::trunk)
    }

    fn chats(self) -> impl Iterator<Item = &'c [u8]> {
        let messages = self.facts.iter();
        messages
            .filter(|fact| matches!(fact.event, Event::Message(_)))
            .map(Fact::chat)
    }
}

impl Evidence for CallRecords<'_> {
    fn first(&self) -> Stamp {
        self.summary.first
    }

    fn direction(&self) -> Direction {
        self.summary.direction
    }

    fn outcome(&self) -> Outcome {
        self.summary.outcome
    }

    fn client(&self) -> &[u8] {
        self.summary.client.as_bytes()
    }

    fn ring_millis(&self) -> Option<i64> {
        self.summary.ring_millis
    }

    fn talk_millis(&self) -> Option<i64> {
        self.summary.talk_millis
    }

    fn was_transferred(&self) -> bool {
        self.summary.transfers > 0
    }

    fn was_recovered(&self) -> bool {
        self.summary.recovered > 0
    }

    fn has_trunk(&self, trunk: &str) -> bool {
        self.trunks().any(|known| known == trunk.as_bytes())
    }

    fn has_party(&self, party: &str) -> bool {
        self.parties().any(|known| known == party.as_bytes())
    }

    fn has_chat(&self, chat: &str) -> bool {
        self.chats().any(|known| known == chat.as_bytes())
    }

    fn has_number(&self, query: &phone::PhoneQuery) -> bool {
        let parties = self.parties().map(phone::digits_of);
        let mut all = self.numbers().chain(parties);
        all.any(|digits| query.matches_digits(digits))
    }

    /// The facts must have been read with their texts.
    fn has_fault(&self, code: FaultCode, now: Option<Stamp>) -> bool {
        let faults = Fault::all(self.facts, self.summary, now.unwrap_or(Stamp(i64::MAX)));
        faults.iter().any(|fault| fault.code == code)
    }

    fn has_match(&self) -> bool {
        self.facts.iter().any(|fact| fact.matched)
    }
}

impl Digest {
    /// The digest of these records, which must have been read with their texts.
    pub fn of(records: CallRecords<'_>) -> Digest {
        let faults = Fault::all(records.facts, records.summary, Stamp(i64::MAX));
        let parties: BTreeSet<&[u8]> = records.parties().map(phone::digits_of).collect();
        let is_long = |digits: &&[u8]| digits.len() >= phone::SUFFIX_DIGITS_MIN;
        let numbers = records.numbers().filter(is_long);
        Digest {
            parties: texts(records.parties()),
            numbers: texts(numbers.filter(|digits| !parties.contains(digits))),
            trunks: texts(records.trunks()),
            chats: texts(records.chats()),
            faults: texts(faults.iter().map(|fault| fault.code.name().as_bytes())),
            silence_millis: reach::silence(records.facts),
        }
    }
}

/// The values that are valid text, sorted and without repetition. Empty ones are left out, since no question
/// can ask for them.
fn texts<'t>(all: impl Iterator<Item = &'t [u8]>) -> Vec<String> {
    let texts: BTreeSet<&str> = all
        .filter_map(|text| std::str::from_utf8(text).ok())
        .filter(|text| !text.is_empty())
        .collect();
    texts.into_iter().map(str::to_owned).collect()
}
