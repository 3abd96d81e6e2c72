//! Steps of a call in English.

use super::{Words, capital, stage_of};
use calltrace_model::call::{
    Direction, Lookup, MessageAction, Outcome, RequestResult, Step, StepEvent, TransferResult,
};

impl Words<'_> {
    pub(super) fn english(&self, step: &Step) -> String {
        let client = match self.summary.direction {
            Direction::Internal => "the caller",
            _ => "the client",
        };
        match &step.event {
            StepEvent::Called {
                direction,
                from,
                line,
                rings,
            } => {
                let over = self.over(line);
                let rings = match rings.as_slice() {
                    _ if *direction == Direction::Outgoing => String::new(),
                    [] => String::new(),
                    rings => format!("; ringing: {}", self.rung(rings)),
                };
                match direction {
                    Direction::Incoming => {
                        format!("The client calls: {}{over}{rings}", self.who(from))
                    }
                    Direction::Outgoing => format!(
                        "{} calls {}{over}",
                        self.who(from),
                        self.who(&self.summary.client)
                    ),
                    Direction::Internal => format!("A colleague calls: {}{rings}", self.who(from)),
                    Direction::Unknown => format!("{} calls{over}{rings}", self.who(from)),
                }
            }
            StepEvent::Rang { who, by: None } => format!("Ringing: {}", self.rung(who)),
            StepEvent::Rang { who, by: Some(by) } => {
                format!("{} calls {}", self.who(by), self.rung(who))
            }
            StepEvent::Answered { by, after } => {
                let verb = if by.len() > 1 { "answer" } else { "answers" };
                format!(
                    "{} {verb}{}",
                    capital(&self.subject(by)),
                    self.lasting(" after ", self.waited(*after))
                )
            }
            StepEvent::Held { by, calls, lasted } => {
                let lasted = self.lasting(" for ", *lasted);
                match (by.as_slice(), calls.as_slice()) {
                    (_, []) | ([], _) => format!("On hold: {client}{lasted}"),
                    (by, calls) => format!(
                        "On hold: {client}{lasted}; {} calls {}",
                        self.all(by.iter()),
                        self.rung(calls)
                    ),
                }
            }
            StepEvent::HandedOver { by, to, lasted } => format!(
                "{} hands the call on to {}; {client} waits{}",
                self.all(by.iter()),
                self.rung(to),
                self.lasting(" ", *lasted)
            ),
            StepEvent::Consulted { by, with, lasted } => format!(
                "{} and {} talk between themselves{}",
                self.who(by),
                self.who(with),
                self.lasting(" for ", *lasted)
            ),
            StepEvent::Transferred { result, by, to, .. } => {
                let way = format!("{} → {}", self.who(by), self.who(to));
                match result {
                    TransferResult::Completed => format!("Transferred: {way}"),
                    TransferResult::Refused => format!("Transfer not taken: {way}"),
                    TransferResult::NotAnswered => format!("Transfer not answered: {way}"),
                }
            }
            StepEvent::Resumed { with } => format!("The talk goes on: {}", self.all(with.iter())),
            StepEvent::Joined { who } => format!("Joins the talk: {}", self.all(who.iter())),
            StepEvent::Left { who } => format!("Leaves the talk: {}", self.all(who.iter())),
            StepEvent::Messages {
                action,
                stage,
                chats,
                replaces,
                cut,
            } => {
                let done = match action {
                    MessageAction::Send if *replaces => "sent in place of the one before",
                    MessageAction::Send => "sent",
                    MessageAction::Edit => "edited",
                    MessageAction::Delete => "deleted",
                    MessageAction::Other => "touched",
                };
                let cut = if *cut {
                    " (its text is cut in the log)"
                } else {
                    ""
                };
                format!(
                    "Telegram: {} {done}: {}{cut}",
                    stage_of(self.language, stage),
                    self.chats(chats)
                )
            }
            StepEvent::Requests { lookup, result } => {
                let n = step.records.len();
                let times = if n > 1 {
                    format!(" ({n})")
                } else {
                    String::new()
                };
                match (lookup, result) {
                    (Some(Lookup::Found), _) => format!("Name lookup{times}: found"),
                    (Some(Lookup::Empty), _) => format!("Name lookup{times}: none found"),
                    (Some(Lookup::Failed), _) => format!("Name lookup{times}: failed"),
                    (None, RequestResult::Good) => {
                        format!("Request to another system{times}: done")
                    }
                    (None, RequestResult::Failed) => {
                        format!("Request to another system{times}: failed")
                    }
                    (None, RequestResult::Unknown) => {
                        format!("Request to another system{times}: result unknown")
                    }
                }
            }
            StepEvent::Queries => self.language.count(
                step.records.len(),
                ["", "", ""],
                ["database query", "database queries"],
            ),
            StepEvent::Ended {
                by,
                outcome,
                talked,
                held,
                waited,
            } => {
                let ended = match by.as_deref() {
                    Some(by) => format!("{} hangs up", capital(&self.subject(&[by.to_owned()]))),
                    None => "The call ends".to_owned(),
                };
                match outcome {
                    Outcome::Busy => format!("{ended}: busy"),
                    outcome if outcome.is_unanswered() => {
                        format!(
                            "{ended}: not answered{}",
                            self.lasting(", waited ", *waited)
                        )
                    }
                    _ => self.with_lengths(ended, *talked, *held),
                }
            }
            StepEvent::Unfinished {
                outcome: Outcome::InProgress,
            } => "The call goes on".to_owned(),
            StepEvent::Unfinished { .. } => "The end of the call is not in the log".to_owned(),
        }
    }
}
