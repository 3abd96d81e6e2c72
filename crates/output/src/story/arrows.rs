//! The steps of a call as arrows between participants: what a ladder, a sequence diagram and a file show.

use super::Told;
use crate::words::duration;
use calltrace_model::call::{Outcome, PersonDoing, Step, StepEvent, TransferResult};
use calltrace_model::record::{Stamp, phone};

/// One arrow, or a note where it begins and ends at one participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrow {
    /// When.
    pub at: Stamp,
    /// Half-way to the next one of another time: what everybody does then, they do in between.
    pub between: Stamp,
    /// From that participant: an index into the people of the story.
    pub from: usize,
    /// To that one.
    pub to: usize,
    /// What it says, whole and short.
    pub labels: [String; 2],
    /// It goes both ways: the two talk.
    pub both: bool,
}

impl Told<'_> {
    /// The arrows of the call, in order of time.
    pub(super) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows: Vec<Arrow> = Vec::new();
        for step in self.story.talk_steps() {
            self.draw(step, &mut arrows);
        }
        let mut next: Option<Stamp> = None;
        let mut after = None;
        for arrow in arrows.iter_mut().rev() {
            if after.is_some_and(|after| after > arrow.at) {
                next = after;
            }
            after = Some(arrow.at);
            arrow.between = next.map_or(arrow.at, |next| {
                arrow.at.plus_millis(next.since(arrow.at) / 2)
            });
        }
        arrows
    }

    fn index(&self, party: &str) -> Option<usize> {
        self.story.people.iter().position(|lane| {
            lane.party == party || phone::same_number(lane.party.as_bytes(), party.as_bytes())
        })
    }

    fn draw(&self, step: &Step, arrows: &mut Vec<Arrow>) {
        let s = &self.call.summary;
        let client = s.client.as_str();
        let mut add = |from: &str, to: &str, label: &str, short: &str, both: bool| {
            // Somebody without a lane is the other side, as far as anybody knows.
            let from = self.index(from).unwrap_or(0);
            let to = self.index(to).unwrap_or(0);
            if !self.story.people.is_empty() {
                arrows.push(Arrow {
                    at: step.at,
                    between: step.at,
                    from,
                    to,
                    labels: [label.to_owned(), short.to_owned()],
                    both,
                });
            }
        };
        let lasting = |label: &str, lasted: &Option<i64>| match lasted {
            Some(lasted) => format!("{label} {}", duration(*lasted)),
            None => label.to_owned(),
        };
        match &step.event {
            StepEvent::Called { from, rings, .. } => {
                for rung in rings {
                    add(from, &rung.party, "calls", "calls", false);
                }
                if rings.is_empty() {
                    add(from, from, "calls", "calls", false);
                }
            }
            StepEvent::Rang { who, by } => {
                let by = by.as_deref().unwrap_or(client);
                for rung in who {
                    add(by, &rung.party, "calls", "calls", false);
                }
            }
            StepEvent::Answered { by, after } => {
                let long = match after {
                    Some(after) => format!("answers after {}", duration(*after)),
                    None => "answers".to_owned(),
                };
                let heard = s.heard.first().and_then(|heard| heard.with.first());
                for who in by {
                    let is_client = self.index(who) == self.index(client);
                    let to = heard.filter(|_| is_client).map_or(client, String::as_str);
                    add(who, to, &long, "answers", false);
                }
            }
            StepEvent::Held { by, calls, lasted } => {
                for who in by {
                    add(who, client, &lasting("hold", lasted), "hold", false);
                }
                for rung in calls {
                    add(
                        by.first().map_or(client, String::as_str),
                        &rung.party,
                        "calls",
                        "calls",
                        false,
                    );
                }
            }
            StepEvent::HandedOver { by, to, lasted } => {
                for who in by {
                    add(who, client, &lasting("hands on", lasted), "hands on", false);
                }
                for rung in to {
                    add(client, &rung.party, "calls", "calls", false);
                }
            }
            StepEvent::Consulted { by, with, lasted } => {
                add(by, with, &lasting("talk", lasted), "talk", true);
            }
            StepEvent::Transferred { result, by, to, .. } => match result {
                TransferResult::Completed => add(by, to, "transfer", "transfer", false),
                TransferResult::Refused => add(to, by, "declines", "declines", false),
                TransferResult::NotAnswered => add(to, to, "no answer", "no answer", false),
            },
            StepEvent::Resumed { with } => {
                for who in with {
                    add(who, client, "talks again", "back", false);
                }
            }
            StepEvent::Joined { who } => {
                for who in who {
                    add(who, client, "joins", "joins", false);
                }
            }
            StepEvent::Left { who } => {
                for who in who {
                    add(who, client, "leaves", "leaves", false);
                }
            }
            StepEvent::Ended {
                by: Some(by),
                talked,
                ..
            } => {
                let last = s.heard.last().and_then(|heard| heard.with.first());
                let is_client = self.index(by) == self.index(client);
                let to = last.filter(|_| is_client).map_or(client, String::as_str);
                let long = match talked {
                    Some(talked) => format!("hangs up, talked {}", duration(*talked)),
                    None => "hangs up".to_owned(),
                };
                add(by, to, &long, "hangs up", false);
            }
            StepEvent::Ended {
                by: None, outcome, ..
            } => {
                let what = match outcome {
                    Outcome::Missed => "ends, no answer",
                    Outcome::NotReached => "ends, not reached",
                    Outcome::Busy => "ends, busy",
                    _ => "ends",
                };
                add(client, client, what, "ends", false);
            }
            StepEvent::Unfinished { outcome } => {
                let what = match outcome {
                    Outcome::InProgress => "goes on",
                    _ => "no end logged",
                };
                add(client, client, what, what, false);
            }
            StepEvent::Messages { .. } | StepEvent::Requests { .. } | StepEvent::Queries => {}
        }
    }

    /// What a participant does from `at` on; `None` while not in the call.
    pub(super) fn doing(&self, person: usize, at: Stamp) -> Option<&PersonDoing> {
        let spans = self.story.people.get(person)?.spans.iter();
        let within = |from: Stamp, to: Option<Stamp>| from <= at && to.is_none_or(|to| at < to);
        let spans = spans.filter(|span| within(span.from, span.to));
        // A telephone that rings until it is picked up talks from then on.
        spans
            .max_by_key(|span| !matches!(span.doing, PersonDoing::Rings(_)))
            .map(|span| &span.doing)
    }
}
