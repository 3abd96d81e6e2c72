//! The steps of a call in words, in both languages.
//!
//! Russian is told in the present tense: it is the only one that does not ask for the gender of the one
//! who answered. Names stand where they need not be declined.

use maud::{Markup, html};

use super::people::People;
use super::{Language, Look, shortened};
use crate::call::{
    Direction, Lookup, MessageAction, Outcome, RequestResult, RingOutcome, Rung, Step, StepEvent,
    Story, Summary, TransferResult,
};
use crate::record::Stamp;

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
    let told = grouped(story);
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
fn grouped(story: &Story) -> Vec<Told<'_>> {
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
            party => shortened(self.people.text(party).as_bytes(), 120),
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

    fn russian(&self, step: &Step) -> String {
        let client = match self.summary.direction {
            Direction::Internal => "собеседник",
            _ => "клиент",
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
                    rings => format!("; вызываем: {}", self.rung(rings)),
                };
                match direction {
                    Direction::Incoming => {
                        format!("Звонит клиент: {}{over}{rings}", self.who(from))
                    }
                    Direction::Outgoing => {
                        let client = self.who(&self.summary.client);
                        match from.as_str() {
                            "" => format!("Исходящий звонок, вызываем: {client}{over}"),
                            from => format!("Звонит {}, вызываем: {client}{over}", self.who(from)),
                        }
                    }
                    Direction::Internal => format!("Звонит коллега: {}{rings}", self.who(from)),
                    Direction::Unknown => format!("Звонит {}{over}{rings}", self.who(from)),
                }
            }
            StepEvent::Rang { who, by: None } => format!("Вызываем: {}", self.rung(who)),
            StepEvent::Rang { who, by: Some(by) } => {
                format!("{} вызывает: {}", self.who(by), self.rung(who))
            }
            StepEvent::Answered { by, after } => {
                let verb = if by.len() > 1 {
                    "Отвечают"
                } else {
                    "Отвечает"
                };
                format!(
                    "{verb} {}{}",
                    self.subject(by),
                    self.lasting(" через ", self.waited(*after))
                )
            }
            StepEvent::Held { by, calls, lasted } => {
                let lasted = self.lasting(" ", *lasted);
                match (by.as_slice(), calls.as_slice()) {
                    (_, []) | ([], _) => format!("На удержании: {client}{lasted}"),
                    (by, calls) => format!(
                        "На удержании: {client}{lasted}; {} вызывает: {}",
                        self.all(by.iter()),
                        self.rung(calls)
                    ),
                }
            }
            StepEvent::HandedOver { by, to, lasted } => format!(
                "{} переводит звонок, вызываем: {}; {client} ждёт{}",
                self.all(by.iter()),
                self.rung(to),
                self.lasting(" ", *lasted)
            ),
            StepEvent::Consulted { by, with, lasted } => format!(
                "{} и {} говорят между собой{}",
                self.who(by),
                self.who(with),
                self.lasting(", ", *lasted)
            ),
            StepEvent::Transferred { result, by, to, .. } => {
                let way = format!("{} → {}", self.who(by), self.who(to));
                match result {
                    TransferResult::Completed => format!("Звонок переведён: {way}"),
                    TransferResult::Refused => format!("Перевод не состоялся: {way}"),
                    TransferResult::NotAnswered => format!("Перевод без ответа: {way}"),
                }
            }
            StepEvent::Resumed { with } => {
                format!("Разговор продолжается: {}", self.all(with.iter()))
            }
            StepEvent::Joined { who } => {
                format!("К разговору присоединяется: {}", self.all(who.iter()))
            }
            StepEvent::Left { who } => format!("Из разговора выходит: {}", self.all(who.iter())),
            StepEvent::Messages {
                action,
                stage,
                chats,
                replaces,
                cut,
            } => {
                let done = match action {
                    MessageAction::Send if *replaces => "отправлено вместо прежнего",
                    MessageAction::Send => "отправлено",
                    MessageAction::Edit => "изменено",
                    MessageAction::Delete => "удалено",
                    MessageAction::Other => "неизвестное действие",
                };
                let cut = if *cut {
                    " (текст в журнале обрезан)"
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
                    (Some(Lookup::Found), _) => format!("Запрос имени{times}: имя найдено"),
                    (Some(Lookup::Empty), _) => format!("Запрос имени{times}: имя не найдено"),
                    (Some(Lookup::Failed), _) => format!("Запрос имени{times}: ошибка"),
                    (None, RequestResult::Good) => {
                        format!("Запрос к другой системе{times}: выполнен")
                    }
                    (None, RequestResult::Failed) => {
                        format!("Запрос к другой системе{times}: ошибка")
                    }
                    (None, RequestResult::Unknown) => {
                        format!("Запрос к другой системе{times}: результат неизвестен")
                    }
                }
            }
            StepEvent::Queries => self.language.count(
                step.records.len(),
                [
                    "запрос к базе данных",
                    "запроса к базе данных",
                    "запросов к базе данных",
                ],
                ["", ""],
            ),
            StepEvent::Ended {
                by,
                outcome,
                talked,
                held,
                waited,
            } => {
                let ended = match by.as_deref() {
                    Some(by) => {
                        format!("{} кладёт трубку", capital(&self.subject(&[by.to_owned()])))
                    }
                    None => "Звонок завершён".to_owned(),
                };
                match outcome {
                    Outcome::Busy => format!("{ended}: занято"),
                    outcome if outcome.is_unanswered() => {
                        format!(
                            "{ended}: нет ответа{}",
                            self.lasting(", ожидание ", *waited)
                        )
                    }
                    _ => self.with_lengths(ended, *talked, *held),
                }
            }
            StepEvent::Unfinished {
                outcome: Outcome::InProgress,
            } => "Звонок ещё идёт".to_owned(),
            StepEvent::Unfinished { .. } => "Конца звонка в журнале нет".to_owned(),
        }
    }

    fn english(&self, step: &Step) -> String {
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

/// With its first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
