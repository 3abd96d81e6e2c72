//! What a step and a fault say, in English. The only place of these words.

use super::Told;
use crate::words::{self, duration};
use calltrace_model::call::{
    Direction, Fault, FaultCode, Lookup, MessageAction, Outcome, RequestResult, Rung, Step,
    StepEvent, TransferResult,
};
use calltrace_model::record::Record;

/// Characters shown of a record within a sentence.
const RECORD_CHARS_MAX: usize = 120;

/// Chats named in a step; of more only how many.
const CHATS_NAMED: usize = 3;

impl Told<'_> {
    /// A step as a sentence without a full stop; safe to show, without secrets.
    pub(super) fn sentence(&self, step: &Step) -> String {
        let text = self.words(step);
        self.secrets.mask(&text).into_owned()
    }

    fn words(&self, step: &Step) -> String {
        let who = |parties: &[String]| {
            let names: Vec<String> = parties.iter().map(|p| self.people.party(p)).collect();
            and(&names)
        };
        let rung = |rung: &[Rung]| {
            let parties: Vec<String> = rung.iter().map(|r| r.party.clone()).collect();
            who(&parties)
        };
        match &step.event {
            StepEvent::Called {
                direction,
                from,
                line,
                rings,
            } => self.called(*direction, from, line, rings),
            StepEvent::Rang {
                who: them,
                by: None,
            } => {
                format!("{} {}", rung(them), verb(them.len(), "ring"))
            }
            StepEvent::Rang {
                who: them,
                by: Some(by),
            } => {
                format!("{} calls {}", self.people.party(by), rung(them))
            }
            StepEvent::Answered { by, after } => {
                let after = after.map(|ms| format!(" after {}", duration(ms)));
                let answers = verb(by.len(), "answer");
                format!("{} {answers}{}", who(by), after.unwrap_or_default())
            }
            StepEvent::Held { by, calls, lasted } => {
                let puts = verb(by.len(), "put");
                let calls = match calls.as_slice() {
                    [] => String::new(),
                    them => format!(" and {} {}", verb(by.len(), "call"), rung(them)),
                };
                format!(
                    "{} {puts} {} on hold{calls}{}",
                    who(by),
                    self.client(),
                    lasting(*lasted)
                )
            }
            StepEvent::HandedOver { by, to, lasted } => format!(
                "{} {} {} on to {}, who {}{}",
                who(by),
                verb(by.len(), "hand"),
                self.client(),
                rung(to),
                verb(to.len(), "ring"),
                lasting(*lasted)
            ),
            StepEvent::Consulted { by, with, lasted } => format!(
                "{} talks to {}{}",
                self.people.party(by),
                self.people.party(with),
                lasting(*lasted)
            ),
            StepEvent::Transferred { result, by, to, .. } => {
                let to = self.people.party(to);
                match result {
                    TransferResult::Completed => format!("transferred to {to}"),
                    TransferResult::Refused => {
                        format!(
                            "{to} does not take the call, {} does",
                            self.people.party(by)
                        )
                    }
                    TransferResult::NotAnswered => format!("{to} does not answer the transfer"),
                }
            }
            StepEvent::Resumed { with } => {
                format!(
                    "{} {} to {} again",
                    who(with),
                    verb(with.len(), "talk"),
                    self.client()
                )
            }
            StepEvent::Joined { who: them } => {
                format!("{} {}", who(them), verb(them.len(), "join"))
            }
            StepEvent::Left { who: them } => format!("{} {}", who(them), verb(them.len(), "leave")),
            StepEvent::Messages {
                action,
                stage,
                chats,
                replaces,
                cut,
            } => self.messages(*action, stage, chats, (*replaces, *cut)),
            StepEvent::Requests { lookup, result } => self.requests(step, *lookup, *result),
            StepEvent::Queries => counted(step.records.len(), "SQL query", "SQL queries"),
            StepEvent::Ended {
                by,
                outcome,
                talked,
                held,
                waited,
            } => self.ended(by.as_deref(), *outcome, (*talked, *held, *waited)),
            StepEvent::Unfinished { outcome } => match outcome {
                Outcome::InProgress => "the call goes on".to_owned(),
                _ => "no end was logged".to_owned(),
            },
        }
    }

    /// The other side, in the middle of a sentence.
    fn client(&self) -> String {
        match self.call.summary.direction {
            Direction::Internal => self.people.party(&self.call.summary.client),
            _ => "the client".to_owned(),
        }
    }

    fn called(&self, direction: Direction, from: &str, line: &str, rings: &[Rung]) -> String {
        let over = match line {
            "" => String::new(),
            line => format!(" over line {}", self.people.line(line)),
        };
        let from = self.people.party(from);
        let names: Vec<String> = rings.iter().map(|r| self.people.party(&r.party)).collect();
        let client = &self.call.summary.client;
        match direction {
            Direction::Outgoing => format!("{from} calls {}{over}", self.people.party(client)),
            Direction::Internal if !names.is_empty() => format!("{from} calls {}", and(&names)),
            _ if names.is_empty() => format!("{from} calls{over}"),
            _ => format!(
                "{from} calls{over}; {} {}",
                and(&names),
                verb(names.len(), "ring")
            ),
        }
    }

    fn messages(
        &self,
        action: MessageAction,
        stage: &str,
        chats: &[String],
        (replaces, cut): (bool, bool),
    ) -> String {
        let stage = match stage {
            "start" => "message about the call",
            "dial" => "message about the ringing",
            "bridge" => "message about the talk",
            "hangup" => "final message",
            _ => "message",
        };
        let what = match action {
            MessageAction::Send => "sent to",
            MessageAction::Edit => "changed in",
            MessageAction::Delete => "deleted in",
            MessageAction::Other => "touched in",
        };
        let is_named = |chat: &&String| self.people.chats.contains_key(*chat);
        let chats = match chats {
            all if all.len() <= CHATS_NAMED && all.iter().all(|chat| is_named(&chat)) => and(&all
                .iter()
                .map(|chat| self.people.chat(chat))
                .collect::<Vec<_>>()),
            [chat] => format!("chat {}", self.people.chat(chat)),
            all => counted(all.len(), "chat", "chats"),
        };
        let replaces = if replaces {
            ", in place of the one before"
        } else {
            ""
        };
        let cut = if cut { " (cut in the log)" } else { "" };
        format!("{stage} {what} {chats}{replaces}{cut}")
    }

    fn requests(&self, step: &Step, lookup: Option<Lookup>, result: RequestResult) -> String {
        let n = step.records.len();
        let of = |one: &str, many: &str| counted(n, one, many);
        match (lookup, result) {
            (Some(Lookup::Found), _) => {
                format!("{}: found", of("name looked up", "names looked up"))
            }
            (Some(Lookup::Empty), _) => {
                format!("{}: none found", of("name looked up", "names looked up"))
            }
            (Some(Lookup::Failed), _) => format!(
                "{} failed{}",
                of("name lookup", "name lookups"),
                self.shown(step)
            ),
            (None, RequestResult::Good) => format!("{} served", of("request", "requests")),
            (None, RequestResult::Failed) => {
                format!("{} failed{}", of("request", "requests"), self.shown(step))
            }
            (None, RequestResult::Unknown) => {
                format!(
                    "{} of unknown result{}",
                    of("request", "requests"),
                    self.shown(step)
                )
            }
        }
    }

    /// The first request of a step: what was asked, and the status.
    fn shown(&self, step: &Step) -> String {
        let line = step.records.first().and_then(|&at| self.call.lines.get(at));
        let shown = line.map(|line| words::other(&Record::parse(&line.text)));
        shown.map_or_else(String::new, |shown| {
            format!(": {}", shortened(&self.secrets.mask(&shown)))
        })
    }

    fn ended(
        &self,
        by: Option<&str>,
        outcome: Outcome,
        (talked, held, waited): (Option<i64>, Option<i64>, Option<i64>),
    ) -> String {
        let waited = waited.map(|ms| format!(" after {}", duration(ms)));
        let waited = waited.unwrap_or_default();
        let spoken = talked.map(|ms| format!("talked {}", duration(ms)));
        let held = held.map(|ms| format!("on hold {}", duration(ms)));
        let lengths: Vec<String> = spoken.into_iter().chain(held).collect();
        let lengths = match lengths.as_slice() {
            [] => String::new(),
            all => format!(": {}", all.join(", ")),
        };
        match (outcome, by) {
            (Outcome::Missed, _) => format!("the call ends{waited}: nobody answered"),
            (Outcome::NotReached, _) => format!("the call ends{waited}: not reached"),
            (Outcome::Busy, _) => format!("the call ends{waited}: busy"),
            (_, Some(by)) => format!("{} hangs up{lengths}", self.people.party(by)),
            (_, None) => format!("the call ends{lengths}"),
        }
    }

    /// What a fault says of the call, with the first record that shows it.
    pub(super) fn fault_sentence(&self, fault: &Fault) -> String {
        let n = fault.records.len();
        let more = match n {
            1 => String::new(),
            n => format!(" ({n} records)"),
        };
        let shown = fault
            .records
            .first()
            .and_then(|&at| self.call.lines.get(at));
        let shown = shown
            .filter(|_| fault.code != FaultCode::NoEnd)
            .map(|line| {
                let what = words::other(&Record::parse(&line.text));
                format!(": {}", shortened(&self.secrets.mask(&what)))
            });
        let lengths = match fault.code {
            FaultCode::WrongDuration => self.lengths(fault),
            _ => String::new(),
        };
        format!(
            "{}{more}{lengths}{}",
            fault_words(fault.code),
            shown.unwrap_or_default()
        )
    }
}

impl Told<'_> {
    /// What a message states, and what was.
    fn lengths(&self, fault: &Fault) -> String {
        let fact = fault
            .records
            .first()
            .and_then(|&at| self.call.facts.get(at));
        let said = fact.and_then(|fact| fact.said.talk_seconds);
        let said = said.map_or(0, |seconds| i64::from(seconds) * 1000);
        let was = match self.call.summary.talk_millis {
            Some(talk) => format!("the talk was {}", duration(talk)),
            None => "nobody talked".to_owned(),
        };
        format!(", {} where {was}", duration(said))
    }
}

/// What a fault means, as a clause.
pub fn fault_words(code: FaultCode) -> &'static str {
    match code {
        FaultCode::MessageRepeated => "a message was sent twice to one chat",
        FaultCode::MessageLeftStanding => {
            "a message of an earlier stage still stands after the end"
        }
        FaultCode::MessageNotSent => "a chat was told of the call and not of its end",
        FaultCode::WrongNumber => "a message holds a number that is none of the call's",
        FaultCode::WrongDuration => "a message states a length that is not that of the talk",
        FaultCode::NameLookupFailed => "a name could not be looked up",
        FaultCode::NameLookupEmpty => "a lookup found no name",
        FaultCode::RequestFailed => "a request failed",
        FaultCode::NoEnd => "no end was logged",
        FaultCode::TextCut => "the log holds only the beginning of a message",
        FaultCode::ResponseCut => "the log holds only the beginning of an answer",
    }
}

/// The beginning of what a record says; all of it is among the records.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(RECORD_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `1 chat`, `3 chats`.
pub(super) fn counted(n: usize, one: &str, many: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
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

fn verb(subjects: usize, verb: &str) -> String {
    match subjects {
        0 | 1 => format!("{verb}s"),
        _ => verb.to_owned(),
    }
}

fn lasting(lasted: Option<i64>) -> String {
    lasted.map_or_else(String::new, |ms| format!(" ({})", duration(ms)))
}
