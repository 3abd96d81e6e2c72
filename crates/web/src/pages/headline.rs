//! The first screen: a sentence that sums the call up, its durations, and links.

use maud::{Markup, html};

use super::faults;
use super::frame::day_and_time;
use super::plain::grouped;
use super::row::look_of;
use super::sentence::sentence;
use super::story::{StoryWords, unbroken};
use super::{CallPage, Language, PageContext};
use calltrace_engine::TracedCall;
use calltrace_model::call::{
    CallState, Direction, Fault, Phase, Severity, Story, Summary, felt_hold, reach,
};
use calltrace_model::record::phone;
use calltrace_output::story::Teller as _;

/// Returns the state of a call in progress, as far as the records show it; `None` once it is over, or when no
/// more records are expected.
pub(super) fn going_on(context: &PageContext, call: &TracedCall) -> Option<CallState> {
    let state = CallState::of(&call.facts, &call.summary)?;
    let silent = context.now.since(call.summary.last);
    let waits = !state.is_over() && silent < reach::silence(&call.facts);
    waits.then_some(state)
}

/// The data of the first screen.
pub(super) struct Headline<'h> {
    pub(super) words: &'h StoryWords<'h>,
    pub(super) story: &'h Story,
    pub(super) faults: &'h [Fault],
    pub(super) live: Option<&'h CallState>,
}

/// Renders the first screen.
pub(super) fn headline(context: &PageContext, page: &CallPage<'_>, it: &Headline<'_>) -> Markup {
    let l = context.language;
    let s = &page.call.summary;
    let (class, mark, result) = result(l, s, it.live);
    let lasted = context.now.max(s.last).since(s.first);
    let answer = sentence(it.words, it.story, it.live.map(|state| (state, lasted)));
    html! {
        header.head {
            p.where {
                @if let Some(title) = page.title { bdi { (super::shortened(title.as_bytes(), 60)) } " · " }
                (page.enterprise)
                " · " (l.direction(s.direction))
                @if !s.trunk.is_empty() { " · " (it.words.line(&s.trunk)) }
            }
            p.when {
                time datetime=(context.clock.rfc3339(s.first)) { (day_and_time(context, s.first)) }
                " " span.zone { "(" (context.clock.zone(s.first)) ")" }
            }
            p class={ "badge " (class) } { span aria-hidden="true" { (mark) } " " (result) }
            h1 { (with_number(&answer, &unbroken(&grouped(&s.client)))) }
            (figures(context, page.call, it))
            (actions(context, page, it))
            (forward(context, page, result, &answer))
        }
    }
}

/// Draws a text in which one tap selects the client's number.
fn with_number(text: &str, number: &str) -> Markup {
    let parts = match phone::digits_of(
        number
            .trim_start_matches('+')
            .replace(['\u{a0}', '-'], "")
            .as_bytes(),
    ) {
        b"" => None,
        _ => text.split_once(number),
    };
    html! {
        @match parts {
            Some((before, after)) => { (before) span.num.pick { (number) } (after) }
            None => { (text) }
        }
    }
}

/// Returns the mark, its class and the word for the outcome or the state of a call.
fn result(
    l: Language,
    s: &Summary,
    live: Option<&CallState>,
) -> (&'static str, &'static str, &'static str) {
    if let Some(state) = live {
        let text = match state.phase {
            Phase::Answered | Phase::Transferred => l.of("Идёт разговор", "Talking now"),
            Phase::Ringing => l.of("Вызываем", "Ringing now"),
            _ => l.of("Звонок идёт", "Call going on"),
        };
        return ("live", "●", text);
    }
    let (class, mark) = look_of(s.outcome);
    (class, mark, l.outcome(s.outcome, Some(s.direction)))
}

/// Lists how long the client waited, talked and was on hold, and the total duration.
fn figures(context: &PageContext, call: &TracedCall, it: &Headline<'_>) -> Markup {
    let l = context.language;
    let s = &call.summary;
    let is_live = it.live.is_some();
    let talked = s.talk_millis.filter(|_| !is_live);
    let held = felt_hold(s).filter(|_| !is_live);
    let end = if is_live {
        context.now.max(s.last)
    } else {
        s.last
    };
    let waited = it.words.waited(s.ring_millis);
    html! {
        dl.figures {
            @for (what, millis) in [
                (l.of("Ожидание", "Waiting"), waited),
                (l.of("Разговор", "Talk"), talked),
                (l.of("На удержании", "On hold"), held),
                (l.of("Весь звонок", "In all"), Some(end.since(s.first))),
            ] {
                @if let Some(millis) = millis {
                    div { dt { (what) } dd { (l.duration(millis)) } }
                }
            }
        }
    }
}

/// Links to call back, to listen, and to see more.
fn actions(context: &PageContext, page: &CallPage<'_>, it: &Headline<'_>) -> Markup {
    let l = context.language;
    let s = &page.call.summary;
    let of = |wanted: Severity| {
        it.faults
            .iter()
            .filter(move |it| it.code.severity() == wanted)
    };
    let (problems, warnings) = (of(Severity::Problem).count(), of(Severity::Warning).count());
    let problem = (["проблема", "проблемы", "проблем"], ["problem", "problems"]);
    let warning = (
        ["предупреждение", "предупреждения", "предупреждений"],
        ["warning", "warnings"],
    );
    html! {
        p.actions {
            @if let Some(number) = dialled(&s.client).filter(|_| s.direction != Direction::Internal) {
                a.button href={ "tel:" (number) } {
                    span aria-hidden="true" { "☎ " } (l.of("Позвонить: ", "Call: ")) (grouped(&s.client))
                }
            }
            @if let Some(recording) = page.recording {
                a.button href=(recording) rel="noopener noreferrer" { span aria-hidden="true" { "▶ " } (l.of("Запись", "Recording")) }
            }
            @if !page.others.is_empty() {
                a.button href="#others" { (l.of("Другие звонки клиента", "Other calls of this client")) }
            }
            @for (severity, class, count, (russian, english)) in [
                (Severity::Problem, "bad", problems, problem),
                (Severity::Warning, "odd", warnings, warning),
            ] {
                @if count > 0 {
                    a.button.(class) href="#faults" {
                        span aria-hidden="true" { (faults::mark(severity)) " " }
                        (l.count(count, russian, english))
                    }
                }
            }
        }
    }
}

/// Returns a client's number as a telephone dials it; `None` if it is not a number.
fn dialled(client: &str) -> Option<String> {
    let digits = phone::digits_of(client.as_bytes());
    let number = String::from_utf8(phone::canonical(digits).into_owned()).ok()?;
    match number.len() {
        0 => None,
        // It has a country code; shorter numbers belong to this country or to a service.
        11.. => Some(format!("+{number}")),
        _ => Some(number),
    }
}

/// Draws the summary as a text to pass on: one tap selects all of it, without a script.
fn forward(context: &PageContext, page: &CallPage<'_>, result: &str, answer: &str) -> Markup {
    let l = context.language;
    let s = &page.call.summary;
    let moment = context.clock.moment(s.first);
    let day = l.day(moment.date_naive());
    let title = match page.title {
        Some(title) => format!(
            "{} ({})",
            super::shortened(title.as_bytes(), 60),
            page.enterprise
        ),
        None => page.enterprise.to_string(),
    };
    html! {
        details.forward {
            summary { (l.of("Текст для пересылки", "Text to pass on")) }
            p.pick {
                (title) ", " (day) ", " (moment.format("%H:%M").to_string()) ". " (result) ". " (answer)
            }
        }
    }
}

/// Notes that are not faults: how the summary was found, and which parts are missing.
pub(super) fn notes(context: &PageContext, page: &CallPage<'_>, is_live: bool) -> Markup {
    let l = context.language;
    let s = &page.call.summary;
    let mut sentences: Vec<String> = Vec::new();
    if !page.names.missing.is_empty() {
        sentences.push(l.text(
            "Справочник сейчас не отвечает, поэтому часть имён не показана.",
            "A directory does not answer at the moment, so some names are not shown.",
        ));
    }
    if page.call.closure.capped {
        sentences.push(l.text(
            "Связей слишком много: часть звонка может отсутствовать или быть чужой.",
            "Too many links: parts of the call may be missing or foreign.",
        ));
    }
    // Internal calls are not announced, and not every enterprise has a bot.
    if s.messages.sent == 0 && s.direction != Direction::Internal && s.ended && !is_live {
        sentences.push(l.text(
            "Сообщений в Telegram об этом звонке нет.",
            "There are no Telegram messages about this call.",
        ));
    }
    if s.recovered > 0 {
        let count = l.count(
            s.recovered,
            ["событие", "события", "событий"],
            ["event", "events"],
        );
        sentences.push(l.of(
            format!("Не дошло вовремя и восстановлено из журнала АТС: {count}."),
            format!("Did not arrive, and recovered from the host's journal: {count}."),
        ));
    }
    html! {
        @if !sentences.is_empty() {
            ul.notes { @for line in sentences { li { (line) } } }
        }
    }
}
