//! The steps of a call in words, in both languages.
//!
//! Names stand where they need not be declined.

mod english;
mod russian;

use maud::{Markup, html};

use super::people::People;
use super::plain::grouped;
use super::{Language, Look, shortened};
use calltrace_model::call::{
    Direction, RingOutcome, Rung, Step, StepEvent, Story, Summary, TransferResult,
};
use calltrace_model::record::Stamp;

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
                                p { (words.step(told.step)) }
                                @for notice in told.notices.iter().take(NOTICES_MAX) {
                                    p.note { (words.step(notice)) }
                                }
                                @if told.notices.len() > NOTICES_MAX {
                                    p.note { (l.of("и ещё ", "and ")) (told.notices.len() - NOTICES_MAX) (l.of("", " more")) }
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
            time datetime=(look.clock.rfc3339(at)) { (look.clock.moment(at).format("%H:%M:%S").to_string()) }
            @if offset >= 1000 { span.off { "+" (look.language.duration(offset)) } }
        }
    }
}

/// What steps are put into words with.
pub(super) struct Words<'w> {
    pub(super) language: Language,
    pub(super) people: &'w People<'w>,
    pub(super) summary: &'w Summary,
    /// Nothing more will come of the call: who has not answered did not.
    pub(super) is_over: bool,
}

impl Words<'_> {
    /// A step as a sentence without a full stop.
    pub(super) fn step(&self, step: &Step) -> String {
        match self.language {
            Language::Russian => self.russian(step),
            Language::English => self.english(step),
        }
    }

    /// A participant by name and number.
    pub(super) fn who(&self, party: &str) -> String {
        match party {
            "" => self
                .language
                .of("неизвестный номер", "an unknown number")
                .to_owned(),
            party => {
                let number = grouped(party);
                let text = shortened(self.people.text(party).as_bytes(), 120);
                text.replace(&number, &unbroken(&number))
            }
        }
    }

    /// `150, 151`; of very many the first ones.
    pub(super) fn all<'p>(&self, parties: impl Iterator<Item = &'p String>) -> String {
        let parties: Vec<&String> = parties.collect();
        let mut named: Vec<String> = parties
            .iter()
            .take(NAMED_MAX)
            .map(|party| self.who(party))
            .collect();
        if parties.len() > NAMED_MAX {
            let more = parties.len() - NAMED_MAX;
            named.push(
                self.language
                    .of(format!("ещё {more}"), format!("{more} more")),
            );
        }
        named.join(", ")
    }

    /// Those who are rung; with a remark if none of them picks up.
    fn rung(&self, rung: &[Rung]) -> String {
        let none = self.is_over && rung.iter().all(|it| it.outcome == RingOutcome::NotAnswered);
        let remark = match none {
            true => self.language.of(" — нет ответа", ", no answer"),
            false => "",
        };
        format!("{}{remark}", self.all(rung.iter().map(|it| &it.party)))
    }

    fn lasting(&self, before: &str, millis: Option<i64>) -> String {
        millis.map_or_else(String::new, |ms| {
            format!("{before}{}", self.language.duration(ms))
        })
    }

    /// How long the other side waited for the first person, who rang for so long: a client waits from the
    /// first moment, and may hear a greeting before anybody is rung.
    pub(super) fn waited(&self, rang: Option<i64>) -> Option<i64> {
        match self.summary.direction {
            Direction::Incoming => self.summary.wait_millis.or(rang),
            _ => rang,
        }
    }

    /// `, линия Линия 1 (0001363)`
    fn over(&self, line: &str) -> String {
        if line.is_empty() {
            return String::new();
        }
        let known = self.people.names.lines.contains_key(line);
        let word = if known {
            ""
        } else {
            self.language.of("линия ", "line ")
        };
        format!(", {word}{}", self.people.line(line))
    }

    /// How long was talked, with whom, and held: for the end of the story and the headline.
    pub(super) fn lengths(&self, talked: Option<i64>, held: Option<i64>) -> Vec<String> {
        let l = self.language;
        let talked = talked.map(|ms| format!("{} {}", l.of("разговор", "talk"), l.duration(ms)));
        let held = held.map(|ms| format!("{} {}", l.of("на удержании", "on hold"), l.duration(ms)));
        talked.into_iter().chain(held).collect()
    }

    fn chats(&self, chats: &[String]) -> String {
        let l = self.language;
        let is_named = |chat: &String| self.people.names.chats.contains_key(chat);
        if chats.len() <= CHATS_MAX && chats.iter().any(is_named) || chats.len() == 1 {
            let names: Vec<String> = chats
                .iter()
                .map(|chat| self.people.chat_text(l, chat))
                .collect();
            return names.join(", ");
        }
        l.count(chats.len(), ["чат", "чата", "чатов"], ["chat", "chats"])
    }

    fn with_lengths(&self, ended: String, talked: Option<i64>, held: Option<i64>) -> String {
        match self.lengths(talked, held).as_slice() {
            [] => ended,
            lengths => format!("{ended}: {}", lengths.join(", ")),
        }
    }

    /// Who does something: the client by that word, who is named at the beginning.
    fn subject(&self, who: &[String]) -> String {
        match who {
            [one]
                if *one == self.summary.client && self.summary.direction != Direction::Internal =>
            {
                self.language.of("клиент", "the client").to_owned()
            }
            who => self.all(who.iter()),
        }
    }
}

/// What a Telegram message is about, by the stage of the call at which the bot sends it.
pub(super) fn stage_of(l: Language, stage: &str) -> String {
    match stage {
        "start" => l
            .of("сообщение о начале звонка", "message about the start")
            .to_owned(),
        "dial" => l
            .of("сообщение о вызове", "message about the ringing")
            .to_owned(),
        "bridge" => l
            .of("сообщение о разговоре", "message about the talk")
            .to_owned(),
        "hangup" => l.of("итоговое сообщение", "final message").to_owned(),
        "" => l.of("сообщение", "message").to_owned(),
        other => format!(
            "{} ({})",
            l.of("сообщение", "message"),
            shortened(other.as_bytes(), 40)
        ),
    }
}

/// A number whose groups stay on one line.
pub(super) fn unbroken(number: &str) -> String {
    number.replace(' ', "\u{a0}")
}

/// With its first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
