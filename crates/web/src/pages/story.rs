//! The steps of a call in words, in both languages.
//!
//! Names are placed where Russian does not decline them.

use maud::{Markup, html};

use super::people::PageNames;
use super::plain::grouped;
use super::{Language, PageContext, shortened};
use calltrace_model::call::{
    Direction, Fact, RingOutcome, RungParty, Step, StepEvent, Story, Summary, TransferResult,
};
use calltrace_model::record::Stamp;
use calltrace_output::story::{self as wording, Teller, Voice};

/// The largest number of steps; those after them are among all records.
const STEPS_MAX: usize = 80;

/// The number of notices shown below one step; further ones are only counted.
const NOTICES_MAX: usize = 12;

/// The number of people named in one step; further ones are only counted.
const NAMED_MAX: usize = 12;

/// The number of chats named in one step.
const CHATS_MAX: usize = 6;

/// A step of the call, with the messages and requests until the next one.
struct StepWithNotices<'s> {
    step: &'s Step,
    notices: Vec<&'s Step>,
}

/// Renders the story as a list; draws nothing for a call without a step.
pub(super) fn story(context: &PageContext, words: &StoryWords<'_>, story: &Story) -> Markup {
    let l = context.language;
    let entries = with_notices(story);
    let begin = entries.first().map(|entry| entry.step.at);
    html! {
        @if let Some(begin) = begin {
            section.story {
                h2 { (l.of("Ход звонка", "What happened")) }
                ol {
                    @for entry in entries.iter().take(STEPS_MAX) {
                        li class=(class(&entry.step.event)) {
                            (time(context, begin, entry.step.at))
                            div.what {
                                p { (words.step(entry.step)) (words.mark(entry.step)) }
                                @for notice in entry.notices.iter().take(NOTICES_MAX) {
                                    p.note { (words.step(notice)) (words.mark(notice)) }
                                }
                                @if entry.notices.len() > NOTICES_MAX {
                                    p.note { (l.more(entry.notices.len() - NOTICES_MAX)) }
                                }
                            }
                        }
                    }
                }
                @if entries.len() > STEPS_MAX {
                    p.quiet { (l.of("Шагов слишком много: дальше смотрите все записи.", "There are too many steps: the rest is among all records.")) }
                }
            }
        }
    }
}

/// Notices belong to the step before them; those before the first step are entries of their own.
fn with_notices(story: &Story) -> Vec<StepWithNotices<'_>> {
    let mut all: Vec<StepWithNotices<'_>> = Vec::new();
    for step in &story.steps {
        match all.last_mut() {
            Some(entry) if step.event.is_notice() => entry.notices.push(step),
            _ => all.push(StepWithNotices {
                step,
                notices: Vec::new(),
            }),
        }
    }
    all
}

/// The most important steps of a story stand out.
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

fn time(context: &PageContext, begin: Stamp, at: Stamp) -> Markup {
    let offset = at.since(begin);
    html! {
        div.t {
            time datetime=(context.clock.rfc3339(at)) { (context.clock.time(at)) }
            @if offset >= 1000 { span.off { "+" (context.language.duration(offset)) } }
        }
    }
}

/// The data that steps are put into words with.
pub(super) struct StoryWords<'w> {
    pub(super) language: Language,
    pub(super) people: &'w PageNames<'w>,
    pub(super) summary: &'w Summary,
    pub(super) facts: &'w [Fact],
    /// The call is over, so people who have not answered did not answer.
    pub(super) is_over: bool,
}

impl StoryWords<'_> {
    /// Marks a step that has a recovered record.
    fn mark(&self, step: &Step) -> Markup {
        html! {
            @if step.is_recovered(self.facts) { " " small { "· " (recovered(self.language)) } }
        }
    }
}

/// The mark of a record that was not delivered in time and was recovered.
pub(super) fn recovered(l: Language) -> &'static str {
    l.of("восстановлено", "recovered")
}

impl Teller for StoryWords<'_> {
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

    /// `150, 151`; of very many only the first ones.
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

    /// The names of rung parties, with a remark if none of them answers.
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

    /// A client waits from the first moment, and may hear a greeting before any extension rings.
    fn waited(&self, rang: Option<i64>) -> Option<i64> {
        match self.summary.direction {
            Direction::Incoming => self.summary.wait_millis.or(rang),
            _ => rang,
        }
    }

    /// Returns the word for the client, who is named at the beginning.
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

/// Says what a Telegram message is about, by the stage of the call at which the bot sends it.
pub(super) fn stage_of(l: Language, stage: &str) -> String {
    wording::stage(stage, l.voice(), || shortened(stage.as_bytes(), 40))
}

/// Returns a number that is not broken across lines.
pub(super) fn unbroken(number: &str) -> String {
    number.replace(' ', "\u{a0}")
}
