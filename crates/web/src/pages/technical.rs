//! Technical details, folded: channels and why they belong together, bridges, delays of messages.

use maud::{Markup, html};

use super::frame::wide;
use super::people::PageNames;
use super::story::stage_of;
use super::{CallPage, Language, PageContext, shortened, shown};
use calltrace_engine::TracedCall;
use calltrace_model::call::{Fact, MessageAction, Reason, StepEvent, Story};

/// The largest number of channels and of bridges shown; a runaway join has hundreds.
const LEGS_MAX: usize = 100;

/// The largest number of bursts of messages shown.
const BURSTS_MAX: usize = 20;

/// Renders a section that can be unfolded.
pub(super) fn technical(
    context: &PageContext,
    page: &CallPage<'_>,
    people: &PageNames<'_>,
    story: &Story,
) -> Markup {
    let l = context.language;
    let call = page.call;
    html! {
        details.technical {
            summary { h2 { (l.of("Технические подробности", "Technical details")) } }
            dl.pairs {
                dt { (l.of("Основной канал", "Main channel")) } dd { code { (shown(call.summary.main_uid.as_bytes())) } }
                dt { (l.of("Записей", "Records")) } dd { (l.number(call.lines.len())) }
                dt { (l.of("Файлов просмотрено", "Files searched")) } dd { (l.number(page.searched.files)) }
                @if let Some(status) = call.summary.call_status {
                    dt { "CallStatus" } dd { code { (shown(&[status])) } }
                }
                @let inferred = call.closure.inferred();
                @if inferred > 0 {
                    dt { (l.of("Присоединено по номеру и времени, а не по идентификатору", "Joined by number and time, not by id")) }
                    dd { (l.count(inferred, ["канал", "канала", "каналов"], ["channel", "channels"])) }
                }
            }
            (channels(context, call, people))
            (bridges(context, call))
            (lags(context, call, story))
        }
    }
}

fn channels(context: &PageContext, call: &TracedCall, people: &PageNames<'_>) -> Markup {
    let l = context.language;
    let legs = &call.summary.legs;
    let heads = l.of(
        ["Кто", "С", "По", "Канал", "UniqueId", "Почему"],
        ["Who", "From", "To", "Channel", "UniqueId", "Why"],
    );
    html! {
        @if !legs.is_empty() {
            h3 { (l.of("Каналы и почему они вместе", "Channels, and why they belong together")) " (" (legs.len()) ")" }
            (wide(l.of("Каналы звонка", "Channels of the call"), &html! {
                table {
                    thead { tr {
                        @for head in heads { th scope="col" { (head) } }
                    } }
                    tbody {
                        @for leg in legs.iter().take(LEGS_MAX) {
                            tr {
                                td { @if leg.label == "Local" { (l.of("служебный", "Local")) } @else { (people.text(&leg.label)) } }
                                td { (context.clock.time(leg.first)) }
                                td { (context.clock.time(leg.last)) }
                                td { code { (shortened(leg.channel.as_bytes(), 60)) } }
                                td { code { (shortened(leg.uid.as_bytes(), 60)) } }
                                td { (why(l, call, &leg.uid)) }
                            }
                        }
                    }
                }
        }))
        }
    }
}

/// Returns the names of bridges in order of appearance, each once.
pub(super) fn bridges_of(facts: &[Fact]) -> Vec<&[u8]> {
    let mut bridges: Vec<&[u8]> = Vec::new();
    for fact in facts {
        if !fact.bridge().is_empty()
            && !bridges.contains(&fact.bridge())
            && bridges.len() < LEGS_MAX
        {
            bridges.push(fact.bridge());
        }
    }
    bridges
}

/// Returns the letter of a bridge: A, B, C; a star after Z.
pub(super) fn letter(bridge: usize) -> char {
    u8::try_from(bridge)
        .ok()
        .filter(|n| *n < 26)
        .map_or('*', |n| char::from(b'A' + n))
}

fn bridges(context: &PageContext, call: &TracedCall) -> Markup {
    let l = context.language;
    let bridges = bridges_of(&call.facts);
    let span = |bridge: &[u8]| {
        let mut own = call.facts.iter().filter(|fact| fact.bridge() == bridge);
        let first = own.next().map(|fact| fact.at);
        first.map(|first| (first, own.next_back().map_or(first, |fact| fact.at)))
    };
    html! {
        @if !bridges.is_empty() {
            h3 { (l.of("Мосты", "Bridges")) " (" (bridges.len()) ")" }
            ul.plain {
                @for (at, bridge) in bridges.iter().enumerate() {
                    li {
                        (letter(at)) " · "
                        @if let Some((from, to)) = span(bridge) { (context.clock.time(from)) "–" (context.clock.time(to)) " · " }
                        code { (shortened(bridge, 60)) }
                    }
                }
            }
        }
    }
}

/// Lists how long after the previous event each burst of messages was sent.
fn lags(context: &PageContext, call: &TracedCall, story: &Story) -> Markup {
    let l = context.language;
    let lag = |at: usize| {
        let before = call.facts[..at].iter().rfind(|fact| fact.is_asterisk());
        before.map(|event| call.facts[at].at.since(event.at))
    };
    let bursts = story.steps.iter().filter_map(|step| match &step.event {
        StepEvent::Messages {
            action: MessageAction::Send,
            stage,
            ..
        } => {
            let lag = step.records.iter().copied().find_map(lag)?;
            Some((step.at, stage_of(l, stage), lag))
        }
        _ => None,
    });
    let bursts: Vec<_> = bursts.take(BURSTS_MAX).collect();
    html! {
        @if !bursts.is_empty() {
            h3 { (l.of("Задержки сообщений после события", "How long after the event messages were sent")) }
            ul.plain {
                @for (at, stage, lag) in bursts { li { (context.clock.time(at)) " · " (stage) " · " (l.duration(lag)) } }
            }
        }
    }
}

/// Says why a channel belongs to the call.
fn why(l: Language, call: &TracedCall, uid: &str) -> Markup {
    let mut joins = call.closure.joins().iter();
    let reason = joins.find(|join| join.uid == uid).map(|join| &join.reason);
    let by = |text: &'static str, what: &str| {
        html! { (text) " " code { (shortened(what.as_bytes(), 100)) } }
    };
    match reason {
        None => html! {},
        Some(Reason::Asked) => html! { (l.of("открыт по ссылке", "the link leads to it")) },
        Some(Reason::Bridge(bridge)) => by(l.of("общий мост", "shares the bridge"), bridge),
        Some(Reason::LocalPair(stem)) => by(l.of("вторая половина", "other half of"), stem),
        Some(Reason::Message { message, .. }) => {
            by(l.of("общее сообщение", "shares the message"), message)
        }
        // The engine writes the circumstances in English.
        Some(Reason::Inferred(circumstance)) => match l {
            Language::Russian => html! { "по номеру и времени" },
            Language::English => html! { "by circumstance: " (circumstance) },
        },
    }
}
