//! The steps of a call in words, in both languages.
//!
//! Names stand where they need not be declined.

use maud::{Markup, html};

use super::people::People;
use super::plain::grouped;
use super::{Language, Look, shortened};
use calltrace_model::call::{
    Direction, Fact, RingOutcome, RungParty, Step, StepEvent, Story, Summary, TransferResult,
};
use calltrace_model::record::Stamp;
use calltrace_output::story::{self as told, Teller, Voice};

/// Steps told; those after them are among all records.
const STEPS_MAX: usize = 80;

/// Notices below one step; of more only how many.
const NOTICES_MAX: usize = 12;

/// People named in one step; of more only how many.
const NAMED_MAX: usize = 12;

/// Chats named in one step.
const CHATS_MAX: usize = 6;

/// A step of the call with what was sent and asked until the next one.
struct Told<'s> {
    step: &'s Step,
    notices: Vec<&'s Step>,
}

/// The story as a list; nothing for a call without a step.
pub(super) fn story(look: &Look, words: &Words<'_>, story: &Story) -> Markup {
    let l = look.language;
    let told = with_notices(story);
    let begin = told.first().map(|told| told.step.at);
    html! {
        @if let Some(begin) = begin {
            section.story {
                h2 { (l.of("Ход звонка", "What happened")) }
                ol {
                    @for told in told.iter().take(STEPS_MAX) {
                        li class=(class(&told.step.event)) {
                            (time(look, begin, told.step.at))
                            div.what {
                                p { (words.step(told.step)) (words.mark(told.step)) }
                                @for notice in told.notices.iter().take(NOTICES_MAX) {
                                    p.note { (words.step(notice)) (words.mark(notice)) }
                                }
                                @if told.notices.len() > NOTICES_MAX {
                                    p.note { (l.more(told.notices.len() - NOTICES_MAX)) }
                                }
                            }
                        }
                    }
                }
                @if told.len() > STEPS_MAX {
                    p.quiet { (l.of("Шагов слишком много: дальше смотрите все записи.", "There are too many steps: the rest is among all records.")) }
                }
            }
        }
    }
}

/// Notices stand with the step before them; what comes first stands alone.
fn with_notices(story: &Story) -> Vec<Told<'_>> {
    let mut all: Vec<Told<'_>> = Vec::new();
    for step in &story.steps {
        match all.last_mut() {
            Some(told) if step.event.is_notice() => told.notices.push(step),
            _ => all.push(Told {
                step,
                notices: Vec::new(),
            }),
        }
    }
    all
}

/// What matters most in a story stands out.
fn class(event: &StepEvent) -> &'static str {
    match event {
        StepEvent::Answered { .. } | StepEvent::Resumed { .. } => "step main",
        StepEvent::Transferred {
            result: TransferResult::Completed,
            ..
        } => "step main",
        StepEvent::Ended { .. } | StepEvent::Unfinished { .. } => "step main",
        event if event.is_notice() => "step note",
        _ => "step",
    }
}

fn time(look: &Look, begin: Stamp, at: Stamp) -> Markup {
    let offset = at.since(begin);
    html! {
        div.t {
            time datetime=(look.clock.rfc3339(at)) { (look.clock.time(at)) }
            @if offset >= 1000 { span.off { "+" (look.language.duration(offset)) } }
        }
    }
}

/// What steps are put into words with.
pub(super) struct Words<'w> {
    pub(super) language: Language,
    pub(super) people: &'w People<'w>,
    pub(super) summary: &'w Summary,
    pub(super) facts: &'w [Fact],
    /// Nothing more will come of the call: who has not answered did not.
    pub(super) is_over: bool,
}

impl Words<'_> {
    /// Says of a step that one of its records was recovered.
    fn mark(&self, step: &Step) -> Markup {
        html! {
            @if step.is_recovered(self.facts) { " " small { "· " (recovered(self.language)) } }
        }
    }
}

/// The mark of what never arrived and was recovered.
pub(super) fn recovered(l: Language) -> &'static str {
    l.of("восстановлено", "recovered")
}

impl Teller for Words<'_> {
    fn voice(&self) -> Voice {
        self.language.voice()
    }

    fn summary(&self) -> &Summary {
        self.summary
    }

    fn party(&self, party: &str) -> String {
        if party.is_empty() {
            return self.language.text("неизвестный номер", "an unknown number");
        }
        let number = grouped(party);
        let text = shortened(self.people.text(party).as_bytes(), 120);
        text.replace(&number, &unbroken(&number))
    }

    /// `150, 151`; of very many the first ones.
    fn all<'p>(&self, parties: impl Iterator<Item = &'p String>) -> String {
        let parties: Vec<&String> = parties.collect();
        let named = parties.iter().take(NAMED_MAX);
        let mut named: Vec<String> = named.map(|party| self.party(party)).collect();
        if parties.len() > NAMED_MAX {
            let more = parties.len() - NAMED_MAX;
            let more = self
                .language
                .of(format!("ещё {more}"), format!("{more} more"));
            named.push(more);
        }
        named.join(", ")
    }

    /// With a remark if none of them picks up.
    fn rung(&self, rung: &[RungParty]) -> String {
        let none = self.is_over && rung.iter().all(|it| it.outcome == RingOutcome::NotAnswered);
        let remark = match none {
            true => self.language.of(" — нет ответа", ", no answer"),
            false => "",
        };
        format!("{}{remark}", self.all(rung.iter().map(|it| &it.party)))
    }

    fn line(&self, line: &str) -> String {
        self.people.line(self.language, line)
    }

    fn chats(&self, chats: &[String]) -> String {
        let l = self.language;
        let is_named = |chat: &String| self.people.names.chats.contains_key(chat);
        if chats.len() <= CHATS_MAX && chats.iter().any(is_named) || chats.len() == 1 {
            let names = chats.iter().map(|chat| self.people.chat_text(l, chat));
            return names.collect::<Vec<_>>().join(", ");
        }
        l.count(chats.len(), ["чат", "чата", "чатов"], ["chat", "chats"])
    }

    fn stage(&self, stage: &str) -> String {
        stage_of(self.language, stage)
    }

    fn number(&self, n: usize) -> String {
        self.language.number(n)
    }

    fn duration(&self, millis: i64) -> String {
        self.language.duration(millis)
    }

    /// A client waits from the first moment, and may hear a greeting before anybody is rung.
    fn waited(&self, rang: Option<i64>) -> Option<i64> {
        match self.summary.direction {
            Direction::Incoming => self.summary.wait_millis.or(rang),
            _ => rang,
        }
    }

    /// The client by that word, who is named at the beginning.
    fn subject(&self, who: &[String]) -> String {
        let is_internal = self.summary.direction == Direction::Internal;
        match who {
            [one] if *one == self.summary.client && !is_internal => {
                self.language.text("клиент", "the client")
            }
            who => self.all(who.iter()),
        }
    }
}

/// What a Telegram message is about, by the stage of the call at which the bot sends it.
pub(super) fn stage_of(l: Language, stage: &str) -> String {
    told::stage(stage, l.voice(), || shortened(stage.as_bytes(), 40))
}

/// A number whose groups stay on one line.
pub(super) fn unbroken(number: &str) -> String {
    number.replace(' ', "\u{a0}")
}
