//! The steps of a call as arrows between participants: what a ladder, a sequence diagram and a file show.

use super::StoryView;
use crate::words::duration;
use calltrace_model::call::{
    Outcome, PersonDoing, RungParty, Step, StepEvent, TalkSpan, TransferResult,
};
use calltrace_model::record::{Stamp, phone};

/// One arrow, or a note if it begins and ends at one participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrow {
    /// When.
    pub at: Stamp,
    /// The time half-way to the next arrow of another time: it shows what each participant does in between.
    pub between: Stamp,
    /// From that participant: an index into the people of the story.
    pub from: usize,
    /// To that one.
    pub to: usize,
    /// Its text: the full form and a short one.
    pub labels: [String; 2],
    /// Whether it goes both ways: the two talk.
    pub both: bool,
}

/// An arrow before the positions of the participants are known.
#[derive(Clone)]
struct PartyArrow<'s> {
    from: &'s str,
    to: &'s str,
    label: String,
    short: &'static str,
}

fn line<'s>(from: &'s str, to: &'s str, label: &str, short: &'static str) -> PartyArrow<'s> {
    PartyArrow {
        from,
        to,
        label: label.to_owned(),
        short,
    }
}

fn each<'s>(
    who: &'s [String],
    to: &'s str,
    label: &str,
    short: &'static str,
) -> Vec<PartyArrow<'s>> {
    who.iter().map(|who| line(who, to, label, short)).collect()
}

fn calls<'s>(by: &'s str, rung: &'s [RungParty]) -> Vec<PartyArrow<'s>> {
    let rung = rung.iter();
    rung.map(|rung| line(by, &rung.party, "calls", "calls"))
        .collect()
}

impl StoryView<'_> {
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
        if self.story.people.is_empty() {
            return;
        }
        // A party without a lane is taken for the other side.
        let lane = |party: &str| self.index(party).unwrap_or(0);
        arrows.extend(self.lines(step).into_iter().map(|line| Arrow {
            at: step.at,
            between: step.at,
            from: lane(line.from),
            to: lane(line.to),
            labels: [line.label, line.short.to_owned()],
            both: matches!(step.event, StepEvent::Consulted { .. }),
        }));
    }

    fn lines<'s>(&'s self, step: &'s Step) -> Vec<PartyArrow<'s>> {
        let s = &self.call.summary;
        let client = s.client.as_str();
        let lasting = |label: &str, lasted: &Option<i64>| match lasted {
            Some(lasted) => format!("{label} {}", duration(*lasted)),
            None => label.to_owned(),
        };
        // To whom the other side answers or hangs up.
        let other = |who: &str, heard: Option<&'s TalkSpan>| {
            let heard = heard.and_then(|heard| heard.with.first());
            let is_client = self.index(who) == self.index(client);
            heard.filter(|_| is_client).map_or(client, String::as_str)
        };
        match &step.event {
            StepEvent::Called { from, rings, .. } if rings.is_empty() => {
                vec![line(from, from, "calls", "calls")]
            }
            StepEvent::Called { from, rings, .. } => calls(from, rings),
            StepEvent::Rang { who, by } => calls(by.as_deref().unwrap_or(client), who),
            StepEvent::Answered { by, after } => {
                let label = lasting("answers after", after);
                let label = if after.is_none() { "answers" } else { &label };
                let answers =
                    |who: &'s String| line(who, other(who, s.heard.first()), label, "answers");
                by.iter().map(answers).collect()
            }
            StepEvent::Held {
                by,
                calls: rung,
                lasted,
            } => {
                let caller = by.first().map_or(client, String::as_str);
                let held = each(by, client, &lasting("hold", lasted), "hold");
                [held, calls(caller, rung)].concat()
            }
            StepEvent::HandedOver { by, to, lasted } => {
                let handed = each(by, client, &lasting("hands on", lasted), "hands on");
                [handed, calls(client, to)].concat()
            }
            StepEvent::Consulted { by, with, lasted } => {
                vec![line(by, with, &lasting("talk", lasted), "talk")]
            }
            StepEvent::Transferred { result, by, to, .. } => vec![match result {
                TransferResult::Completed => line(by, to, "transfer", "transfer"),
                TransferResult::Refused => line(to, by, "declines", "declines"),
                TransferResult::NotAnswered => line(to, to, "no answer", "no answer"),
            }],
            StepEvent::Resumed { with } => each(with, client, "talks again", "back"),
            StepEvent::Joined { who } => each(who, client, "joins", "joins"),
            StepEvent::Left { who } => each(who, client, "leaves", "leaves"),
            StepEvent::Ended {
                by: Some(by),
                talked,
                ..
            } => {
                let label = lasting("hangs up, talked", talked);
                let label = if talked.is_none() { "hangs up" } else { &label };
                vec![line(by, other(by, s.heard.last()), label, "hangs up")]
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
                vec![line(client, client, what, "ends")]
            }
            StepEvent::Unfinished { outcome } => {
                let what = match outcome {
                    Outcome::InProgress => "goes on",
                    _ => "no end logged",
                };
                vec![line(client, client, what, what)]
            }
            StepEvent::Messages { .. } | StepEvent::Requests { .. } | StepEvent::Queries => {
                Vec::new()
            }
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
