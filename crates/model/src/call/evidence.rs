//! What a call is judged by: its summary, whom its records name beyond that, and what is wrong with them.
//!
//! A search asks it of the records themselves ([`CallRecords`]); a table of calls keeps the answers (for what is
//! not in the summary a [`Digest`]), and gives the same ones.

use std::collections::BTreeSet;

use super::digest::Digest;
use super::fact::{Event, Fact};
use super::faults::{Fault, FaultCode};
use super::reach;
use super::summary::{Direction, Outcome, Summary};
use crate::record::{Stamp, phone};

/// What a call is judged by; see [`Summary`] for what has the same name there.
pub trait Evidence {
    /// Its first record.
    fn first(&self) -> Stamp;
    /// Which way.
    fn direction(&self) -> Direction;
    /// How it ended, or that it has not.
    fn outcome(&self) -> Outcome;
    /// The outside number, digits only, or what a caller without one shows; of an internal call the calling
    /// extension.
    fn client(&self) -> &[u8];
    /// How long it rang (milliseconds).
    fn ring_millis(&self) -> Option<i64>;
    /// How long was talked (milliseconds).
    fn talk_millis(&self) -> Option<i64>;
    /// Whether a transfer was completed.
    fn was_transferred(&self) -> bool;
    /// Whether one of its records never arrived and was recovered.
    fn was_recovered(&self) -> bool;
    /// Whether it went over the line of this name.
    fn has_trunk(&self, trunk: &str) -> bool;
    /// Whether this extension, or number as it is written, rang, called, talked or was dialled.
    fn has_party(&self, party: &str) -> bool;
    /// Whether a Telegram chat of this id got a message.
    fn has_chat(&self, chat: &str) -> bool;
    /// Whether Asterisk names a number, or a party whose digits are one, that the query, a long one, takes. A
    /// text or a request may mention anybody's.
    fn has_number(&self, query: &phone::PhoneQuery) -> bool;
    /// Whether it has the fault at the time `now`; without one, once all has come that may come.
    fn has_fault(&self, code: FaultCode, now: Option<Stamp>) -> bool;
    /// Whether a record passed the question's filter for records.
    fn has_match(&self) -> bool;
}

/// The records of a call, in order of time.
#[derive(Debug, Clone, Copy)]
pub struct CallRecords<'c> {
    /// What they sum up to.
    pub summary: &'c Summary,
    /// The records.
    pub facts: &'c [Fact],
}

impl<'c> CallRecords<'c> {
    /// Extensions and numbers as they are written.
    fn parties(self) -> impl Iterator<Item = &'c [u8]> {
        let labels = self.summary.legs.iter().map(|leg| leg.label.as_bytes());
        let calls = self.facts.iter().filter(|fact| fact.is_call_event());
        labels.chain(calls.flat_map(|fact| [fact.phone()].into_iter().chain(fact.extensions())))
    }

    /// Digits of the numbers that Asterisk names.
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
    /// What the records show; they must have been read with their texts.
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

/// Those that are text, each once and sorted; an empty one can't be asked for.
fn texts<'t>(all: impl Iterator<Item = &'t [u8]>) -> Vec<String> {
    let texts: BTreeSet<&str> = all
        .filter_map(|text| std::str::from_utf8(text).ok())
        .filter(|text| !text.is_empty())
        .collect();
    texts.into_iter().map(str::to_owned).collect()
}
