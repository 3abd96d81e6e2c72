//! The first screen: who called whom, how it went, and what went wrong.

use maud::{Markup, html};

use super::frame::day_and_time;
use super::people::People;
use super::{CallPage, Language, Look};
use crate::call::{Direction, MessageLife, Outcome, Phase, State, Summary, reach};
use crate::engine::TracedCall;
use crate::output::phone as grouped;

/// Of those rung, shown by name at most; of the rest how many.
const RUNG_MAX: usize = 12;

/// Where a call stands that goes on, as far as the records tell; `None` once it is over, or nothing
/// more can come of it.
pub(super) fn going_on(look: &Look, call: &TracedCall) -> Option<State> {
    let state = State::of(&call.facts, &call.summary)?;
    let silent = look.now.since(call.summary.last);
    let waits = !state.is_over() && silent < reach::silence(&call.facts);
    waits.then_some(state)
}

/// The first screen.
pub(super) fn headline(
    look: &Look,
    page: &CallPage<'_>,
    people: &People<'_>,
    live: Option<&State>,
) -> Markup {
    let l = look.language;
    let s = &page.call.summary;
    let (class, mark, result) = result(l, s, live);
    html! {
        header.head {
            p.where {
                @if let Some(title) = page.title { bdi { (super::shortened(title.as_bytes(), 60)) } " · " }
                (page.enterprise)
            }
            h1 { (l.direction(s.direction)) }
            p class={ "badge " (class) } { span aria-hidden="true" { (mark) } " " (result) }
            (parties(look, people, s))
            p.when {
                time datetime=(look.clock.rfc3339(s.first)) { (day_and_time(look, s.first)) }
                " " span.zone { "(" (look.clock.zone(s.first)) ")" }
            }
            (figures(look, page.call, live))
        }
        (problems(look, page, live))
    }
}

fn result(l: Language, s: &Summary, live: Option<&State>) -> (&'static str, &'static str, String) {
    if let Some(state) = live {
        let text = match state.phase {
            Phase::Answered | Phase::Transferred => l.of("Идёт разговор", "Talking now"),
            Phase::Ringing => l.of("Звонит сейчас", "Ringing now"),
            _ => l.of("Звонок идёт", "Call going on"),
        };
        return ("live", "●", text.to_owned());
    }
    let text = l.outcome(s.outcome, Some(s.direction)).to_owned();
    match s.outcome {
        Outcome::Answered => ("ok", "✓", text),
        Outcome::Missed | Outcome::NotReached | Outcome::Busy => ("bad", "✕", text),
        Outcome::InProgress => ("live", "●", text),
        Outcome::Unknown => ("odd", "?", text),
    }
}

/// Who, an arrow, whom; then who picked up and where the call went.
fn parties(look: &Look, people: &People<'_>, s: &Summary) -> Markup {
    let l = look.language;
    let client = || {
        html! {
            @if s.client.is_empty() { (l.of("номер неизвестен", "number unknown")) } @else { (people.party(&s.client)) }
        }
    };
    let rung = || {
        html! {
            @if s.rang.is_empty() { (l.of("никому не звонили", "nobody was rung")) }
            @for (at, party) in s.rang.iter().take(RUNG_MAX).enumerate() {
                @if at > 0 { ", " }
                (people.party(party))
            }
            @if s.rang.len() > RUNG_MAX { " +" (s.rang.len() - RUNG_MAX) }
        }
    };
    let outgoing = s.direction == Direction::Outgoing;
    html! {
        dl.who {
            dt { (l.of("Кто", "From")) }
            dd { @if outgoing { (rung()) } @else { (client()) } }
            dt { (if s.trunk.is_empty() { l.of("Кому", "To") } else { l.of("Кому, линия", "To, line") }) }
            dd {
                @if outgoing { (client()) } @else { (rung()) }
                @if !s.trunk.is_empty() { div.line { (people.line(&s.trunk)) } }
            }
            @if let Some(who) = &s.answered_by {
                @if !outgoing {
                    dt { (l.of("Ответил", "Picked up")) }
                    dd { strong { (people.party(who)) } }
                }
            }
            @if !s.transferred_to.is_empty() {
                dt { (l.of("Переведён на", "Transferred to")) }
                dd {
                    @for (at, who) in s.transferred_to.iter().enumerate() {
                        @if at > 0 { " → " }
                        (people.party(who))
                    }
                }
            }
        }
    }
}

/// How long it rang, how long they talked, how long it took in all, the messages.
fn figures(look: &Look, call: &TracedCall, live: Option<&State>) -> Markup {
    let l = look.language;
    let s = &call.summary;
    let rang = match s.outcome.is_unanswered() {
        true => l.of("Звонили", "Rang"),
        false => l.of("До ответа", "Rang"),
    };
    let talked = match live {
        Some(_) => None,
        None => s.talk_millis,
    };
    let end = if live.is_some() {
        look.now.max(s.last)
    } else {
        s.last
    };
    html! {
        dl.figures {
            @if let Some(millis) = s.ring_millis {
                div { dt { (rang) } dd { (l.duration(millis)) } }
            }
            @if let Some(millis) = talked {
                div { dt { (l.of("Говорили", "Talked")) } dd { (l.duration(millis)) } }
            }
            div { dt { (l.of("Всего", "In all")) } dd { (l.duration(end.since(s.first))) } }
            @if s.messages.sent > 0 {
                div { dt { (l.of("Telegram, осталось", "Telegram, standing")) } dd { (s.messages.standing) "\u{a0}" (l.of("из", "of")) "\u{a0}" (s.messages.sent) } }
            }
        }
    }
}

/// What is no fault, but good to know: what the answer rests on, what is not there.
pub(super) fn notes(look: &Look, page: &CallPage<'_>, live: Option<&State>) -> Markup {
    let said = note_lines(look.language, page, live.is_some());
    html! {
        @if !said.is_empty() {
            ul.notes { @for line in said { li { (line) } } }
        }
    }
}

fn note_lines(l: Language, page: &CallPage<'_>, is_live: bool) -> Vec<String> {
    let call = page.call;
    let s = &call.summary;
    let mut said = Vec::new();
    let inferred = call
        .closure
        .joins()
        .iter()
        .filter(|join| !join.reason.is_proven())
        .count();
    if inferred > 0 {
        let legs = l.count(inferred, ["канал", "канала", "каналов"], ["leg", "legs"]);
        said.push(l.of(
            format!("По номеру и времени, а не по идентификатору, присоединено: {legs}."),
            format!("Joined by number and time, not by id: {legs}."),
        ));
    }
    if !page.names.missing.is_empty() {
        said.push(
            l.of(
                "Справочник сейчас не отвечает, поэтому часть имён не показана.",
                "A directory does not answer at the moment, so some names are not shown.",
            )
            .to_owned(),
        );
    }
    // Internal calls are not told of, and not every enterprise has a bot.
    if s.messages.sent == 0 && s.direction != Direction::Internal && s.ended && !is_live {
        said.push(
            l.of(
                "Сообщений в Telegram об этом звонке нет.",
                "There are no Telegram messages about this call.",
            )
            .to_owned(),
        );
    }
    said
}

/// What went wrong, if something did.
fn problems(look: &Look, page: &CallPage<'_>, live: Option<&State>) -> Markup {
    let l = look.language;
    let said = problem_lines(l, page.call, live.is_some());
    html! {
        @if !said.is_empty() {
            section.problems {
                h2 { (l.of("Что не так", "What went wrong")) }
                ul { @for line in said { li { (line) } } }
            }
        }
    }
}

fn problem_lines(l: Language, call: &TracedCall, is_live: bool) -> Vec<String> {
    let s = &call.summary;
    let mut said = Vec::new();
    if s.outcome.is_unanswered() {
        said.push(missed(l, s));
    }
    if s.outcome == Outcome::Unknown && !is_live {
        said.push(
            l.of(
                "Чем кончился звонок, в журнале нет: события о завершении не пришли.",
                "How the call ended is not in the log: no event of its end arrived.",
            )
            .to_owned(),
        );
    }
    if s.outcome == Outcome::Answered && !s.ended && !is_live {
        said.push(
            l.of(
                "Разговор был, но его конец в журнал не попал.",
                "They talked, but the end of it is not in the log.",
            )
            .to_owned(),
        );
    }
    if s.http_failed > 0 {
        let all = l.count(
            s.http,
            ["запроса", "запросов", "запросов"],
            ["request", "requests"],
        );
        said.push(l.of(
            format!(
                "Не удалось {} из {all} к другим системам (отмечены в хронологии).",
                s.http_failed
            ),
            format!(
                "{} of {all} to other systems failed (marked in the timeline).",
                s.http_failed
            ),
        ));
    }
    said.extend(message_problems(l, call, is_live));
    if call.closure.capped {
        said.push(l.of(
            "Связей слишком много: сборка звонка остановлена, часть может отсутствовать или быть чужой.",
            "Too many links: growing the call was stopped, parts may be missing or foreign.",
        ).to_owned());
    }
    said
}

fn missed(l: Language, s: &Summary) -> String {
    let whom: Vec<String> = match s.direction {
        Direction::Outgoing => vec![grouped(&s.client)],
        _ => s
            .rang
            .iter()
            .take(RUNG_MAX)
            .map(|party| grouped(party))
            .collect(),
    };
    let whom: Vec<String> = whom.into_iter().filter(|who| !who.is_empty()).collect();
    if whom.is_empty() {
        return l
            .of(
                "Звонок закончился раньше, чем кому-нибудь позвонили.",
                "The call ended before anybody was rung.",
            )
            .to_owned();
    }
    let whom = whom.join(", ");
    match s.ring_millis {
        Some(millis) => l.of(
            format!(
                "Трубку никто не взял: звонили {whom}, {}.",
                l.duration(millis)
            ),
            format!("Nobody picked up: {whom} rang for {}.", l.duration(millis)),
        ),
        None => l.of(
            format!("Трубку никто не взял: звонили {whom}."),
            format!("Nobody picked up: {whom} rang."),
        ),
    }
}

fn message_problems(l: Language, call: &TracedCall, is_live: bool) -> Vec<String> {
    let s = &call.summary;
    if is_live {
        return Vec::new();
    }
    if s.messages.sent == 0 {
        return Vec::new();
    }
    let lives = MessageLife::all(&call.facts);
    // What told of ringing and talking is taken back when the call goes on; the last one stays.
    let left = lives.iter().filter(|life| life.stands() && s.ended);
    let left = left.filter(|life| life.stage != "hangup" && !life.message.is_empty());
    let left = left.count();
    let has_end = lives
        .iter()
        .any(|life| life.stage == "hangup" && life.sent.is_some());
    let mut said = Vec::new();
    if left > 0 {
        let messages = l.count(
            left,
            ["сообщение", "сообщения", "сообщений"],
            ["message", "messages"],
        );
        said.push(l.of(
            format!("Промежуточные сообщения остались неудалёнными: {messages}."),
            format!("Left standing though the call is over: {messages} of its course."),
        ));
    }
    if !has_end && s.ended {
        said.push(
            l.of(
                "Итогового сообщения о звонке в журнале нет.",
                "The log holds no final message about the call.",
            )
            .to_owned(),
        );
    }
    said
}
