//! What a step and a fault say in the outputs of the shell.

use super::StoryView;
use super::phrases::{self, Voice, counted};
use super::telling::Teller;
use crate::words::{self, duration};
use calltrace_model::call::{Fault, FaultCode, RungParty, Step, Summary};
use calltrace_model::record::Record;

/// Characters shown of a record within a sentence.
const RECORD_CHARS_MAX: usize = 120;

/// Chats named in a step; of more only how many.
const CHATS_NAMED: usize = 3;

impl Teller for StoryView<'_> {
    fn voice(&self) -> Voice {
        Voice::Terminal
    }

    fn summary(&self) -> &Summary {
        &self.call.summary
    }

    fn party(&self, party: &str) -> String {
        self.people.party(party)
    }

    fn all<'p>(&self, parties: impl Iterator<Item = &'p String>) -> String {
        and(&parties.map(|party| self.party(party)).collect::<Vec<_>>())
    }

    fn rung(&self, rung: &[RungParty]) -> String {
        self.all(rung.iter().map(|rung| &rung.party))
    }

    fn line(&self, line: &str) -> String {
        self.people.line(line)
    }

    fn chats(&self, chats: &[String]) -> String {
        let is_named = |chat: &String| self.people.chats.contains_key(chat);
        match chats {
            all if all.len() <= CHATS_NAMED && all.iter().all(is_named) => {
                let names = all.iter().map(|chat| self.people.chat(chat));
                and(&names.collect::<Vec<_>>())
            }
            [chat] => format!("chat {}", self.people.chat(chat)),
            all => counted(all.len(), "chat", "chats"),
        }
    }

    fn stage(&self, stage: &str) -> String {
        phrases::stage(stage, Voice::Terminal, String::new)
    }

    fn number(&self, n: usize) -> String {
        n.to_string()
    }

    fn duration(&self, millis: i64) -> String {
        duration(millis)
    }

    fn request(&self, step: &Step) -> Option<String> {
        self.shown(&step.records)
    }
}

impl StoryView<'_> {
    /// A step as a sentence without a full stop; safe to show, without secrets. It is marked if one of its records
    /// was recovered.
    pub(super) fn sentence(&self, step: &Step) -> String {
        let mark = match step.is_recovered(&self.call.facts) {
            true => " [recovered]",
            false => "",
        };
        format!("{}{mark}", self.secrets.mask(&self.step(step)))
    }

    /// The request of the first of some records, and its status.
    fn shown(&self, records: &[usize]) -> Option<String> {
        let line = self.call.lines.get(*records.first()?)?;
        let shown = words::other(&Record::parse(&line.text));
        Some(shortened(&self.secrets.mask(&shown)))
    }

    /// What a fault says of the call, with the first record that shows it.
    pub(super) fn fault_sentence(&self, fault: &Fault) -> String {
        let more = match fault.records.len() {
            1 => String::new(),
            n => format!(" ({n} records)"),
        };
        let shown = self.shown(&fault.records);
        let shown = shown.filter(|_| fault.code != FaultCode::NoEnd);
        let shown = shown.map_or_else(String::new, |shown| format!(": {shown}"));
        let lengths = match fault.code {
            FaultCode::WrongDuration => self.stated_length(fault),
            _ => String::new(),
        };
        let what = phrases::fault(fault.code, Voice::Terminal);
        format!("{what}{more}{lengths}{shown}")
    }

    /// The length that a message states, and the real one.
    fn stated_length(&self, fault: &Fault) -> String {
        let fact = fault
            .records
            .first()
            .and_then(|&at| self.call.facts.get(at));
        let stated = fact.and_then(|fact| fact.text_details.talk_seconds);
        let stated = stated.map_or(0, |seconds| i64::from(seconds) * 1000);
        let was = match self.call.summary.talk_millis {
            Some(talk) => format!("the talk was {}", duration(talk)),
            None => "nobody talked".to_owned(),
        };
        format!(", {} where {was}", duration(stated))
    }
}

/// The beginning of what a record says; all of it is among the records.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(RECORD_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `150`, `150 and 151`, `150, 151 and 152`.
fn and(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
