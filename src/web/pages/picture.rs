//! A call drawn: a lane a leg over one axis of time, so that a transfer can be seen.
//!
//! Positions are per cents of the width and heights are pixels, so the drawing fills a telephone as
//! well as a desk without scaling its letters; there is no `viewBox`. Colours come from the style
//! sheet by class. What the drawing shows is also in the timeline below it, so a reader that can't
//! see it is told its gist by its label.

use maud::{Markup, html};

use super::people::People;
use super::{Look, shortened};
use crate::call::{Doing, Event, Fact, Lane, Lanes, MessageAction, RequestResult};
use crate::engine::TracedCall;
use crate::record::Stamp;

/// Heights (pixels).
const AXIS: usize = 24;
const LANE: usize = 40;
const LABEL: usize = 15;
const BAR: usize = 14;

/// Lanes drawn; a runaway join has hundreds.
const LANES_MAX: usize = 24;

/// Marks drawn in one lane.
const MARKS_MAX: usize = 200;

/// Stretches drawn in one lane.
const SPANS_MAX: usize = 200;

/// Lines across the picture, at most.
const TICKS_MAX: usize = 12;

/// Bridges that have a colour of their own; those after them share the last.
const COLOURS: usize = 5;

/// What was written later than this after the last event (milliseconds) is drawn at the right edge:
/// a deletion an hour later would press the call into a corner.
const AFTER_MILLIS: i64 = 15_000;

const DAY_MILLIS: i64 = 86_400_000;

/// Events that are further than this (milliseconds) from the next one are of another time: a clock
/// that was wrong, or a line that lies about its time. No call lasts as long.
const FAR_MILLIS: i64 = DAY_MILLIS;

/// Times far from the call that are listed; of more only how many.
const FAR_MAX: usize = 5;

/// The Asterisk events that are drawn, and the times of those that are too far from them; `None` when
/// all are near each other. Drawn is the stretch with the most events, of several the first.
pub(super) fn near(facts: &[Fact]) -> Option<(Vec<Fact>, Vec<Stamp>)> {
    let events: Vec<&Fact> = facts.iter().filter(|fact| fact.is_asterisk()).collect();
    let touches = |a: &&Fact, b: &&Fact| b.at.since(a.at) <= FAR_MILLIS;
    let mut stretches = events.chunk_by(touches);
    let first = stretches.next()?;
    let largest = stretches.fold(first, |largest, next| {
        if next.len() > largest.len() {
            next
        } else {
            largest
        }
    });
    if largest.len() == events.len() {
        return None;
    }
    let (from, to) = (largest[0].at, largest[largest.len() - 1].at);
    let is_near = |at: Stamp| from.since(at) <= FAR_MILLIS && at.since(to) <= FAR_MILLIS;
    let is_drawn = |fact: &&Fact| match fact.is_asterisk() {
        true => fact.at >= from && fact.at <= to,
        false => is_near(fact.at),
    };
    let drawn = facts.iter().filter(is_drawn).cloned().collect();
    let far = facts.iter().filter(|fact| !is_drawn(fact));
    Some((drawn, far.map(|fact| fact.at).collect()))
}

/// Says which records are not drawn because they are far from the call.
fn far_times(look: &Look, far: &[Stamp]) -> Markup {
    let l = look.language;
    html! {
        @if !far.is_empty() {
            p.quiet {
                (l.of("Не нарисовано, далеко от звонка: ", "Not drawn, far from the call: "))
                @for (n, at) in far.iter().take(FAR_MAX).enumerate() {
                    @if n > 0 { ", " }
                    (look.clock.moment(*at).format("%d.%m.%Y %H:%M:%S").to_string())
                }
                @if far.len() > FAR_MAX {
                    (l.of(" и ещё ", " and ")) (far.len() - FAR_MAX) (l.of("", " more"))
                }
            }
        }
    }
}

/// The picture of a call, with its legend.
pub(super) fn picture(
    look: &Look,
    call: &TracedCall,
    lanes: &Lanes,
    far: &[Stamp],
    people: &People<'_>,
) -> Markup {
    let l = look.language;
    let axis = Axis::of(call, lanes);
    let telegram = marks(call, |fact| matches!(fact.event, Event::Message(_)));
    let requests = marks(call, |fact| matches!(fact.event, Event::Http | Event::Sql));
    let drawn: Vec<&Lane> = lanes.lanes.iter().take(LANES_MAX).collect();
    let is_cut = drawn.iter().any(|lane| lane.spans.len() > SPANS_MAX)
        || [&telegram, &requests]
            .iter()
            .any(|marks| marks.len() > MARKS_MAX);
    let extra = [&telegram, &requests]
        .iter()
        .filter(|marks| !marks.is_empty())
        .count();
    let height = AXIS + (drawn.len() + extra) * LANE + 4;
    let mut y = AXIS;
    let mut next = || {
        let at = y;
        y += LANE;
        at
    };
    html! {
        section.picture aria-label=(l.of("Картина звонка", "The call drawn")) {
            h2 { (l.of("Как шёл звонок", "How the call went")) }
            svg role="img" width="100%" height=(height) aria-label=(gist(look, lanes, people)) {
                (patterns())
                (ticks(look, &axis, height))
                @for lane in &drawn { (lane_of(look, &axis, lane, people, next())) }
                @if !telegram.is_empty() { (mark_lane(&axis, "Telegram", &telegram, next())) }
                @if !requests.is_empty() { (mark_lane(&axis, l.of("Запросы", "Requests"), &requests, next())) }
                @if let Some(at) = lanes.talk_from() {
                    line.answer x1=(axis.x(at)) x2=(axis.x(at)) y1=(AXIS) y2=(height) {}
                }
            }
            @if lanes.lanes.len() > LANES_MAX {
                p.quiet { (l.of("Показаны не все каналы: ", "Not all legs are drawn: ")) (LANES_MAX) (l.of(" из ", " of ")) (lanes.lanes.len()) }
            }
            @if is_cut {
                p.quiet { (l.of("Нарисовано только начало: у канала не больше ", "Only the beginning is drawn: of a leg at most ")) (SPANS_MAX) (l.of(" отрезков.", " stretches.")) }
            }
            (far_times(look, far))
            (legend(look, lanes, !telegram.is_empty(), !requests.is_empty()))
        }
    }
}

/// From when to when is drawn.
struct Axis {
    first: Stamp,
    millis: i64,
}

impl Axis {
    fn of(call: &TracedCall, lanes: &Lanes) -> Axis {
        let first = lanes
            .first
            .min(call.summary.first)
            .max(lanes.first.plus_millis(-AFTER_MILLIS));
        let last = call
            .summary
            .last
            .min(lanes.last.plus_millis(AFTER_MILLIS))
            .max(lanes.last);
        Axis {
            first,
            millis: last.since(first).max(1000),
        }
    }

    /// Per cents of the width, kept inside; a little room stays at both edges.
    fn at(&self, at: Stamp) -> f64 {
        let part = at.since(self.first) as f64 / self.millis as f64;
        1.0 + part.clamp(0.0, 1.0) * 98.0
    }

    fn x(&self, at: Stamp) -> String {
        format!("{:.2}%", self.at(at))
    }

    fn width(&self, from: Stamp, to: Stamp) -> String {
        format!("{:.2}%", (self.at(to) - self.at(from)).max(0.0))
    }
}

/// Hatching for what rings: told apart without colour.
fn patterns() -> Markup {
    html! {
        defs {
            pattern #ring width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                rect.ring-ground width="6" height="6" {}
                rect.ring-line width="2.5" height="6" {}
            }
        }
    }
}

fn ticks(look: &Look, axis: &Axis, height: usize) -> Markup {
    let times = tick_times(look, axis);
    html! {
        @for at in times {
            line.tick x1=(axis.x(at)) x2=(axis.x(at)) y1="18" y2=(height) {}
            @let middle = axis.at(at);
            @if (11.0..=89.0).contains(&middle) {
                text.tick-time x=(axis.x(at)) y="13" text-anchor="middle" {
                    (look.clock.moment(at).format("%H:%M:%S").to_string())
                }
            }
        }
    }
}

/// Round times, four to seven of them as a rule.
fn tick_times(look: &Look, axis: &Axis) -> Vec<Stamp> {
    const STEPS: [i64; 16] = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200,
    ];
    let wanted = axis.millis / 4;
    let step = STEPS.iter().map(|s| s * 1000).find(|step| *step >= wanted);
    // Beyond that whole days: as many of them as keep the ticks few.
    let days = (wanted + DAY_MILLIS - 1) / DAY_MILLIS;
    let step = step.unwrap_or(days.max(1) * DAY_MILLIS);
    // Round in the zone that is shown, whose offset may be of half an hour.
    let moment = look.clock.moment(axis.first);
    let into_day = i64::from(chrono::Timelike::num_seconds_from_midnight(&moment)) * 1000
        + i64::from(chrono::Timelike::nanosecond(&moment) / 1_000_000);
    let until_first = (step - into_day % step) % step;
    (0..)
        .map(|n| until_first + n * step)
        .take_while(|millis| *millis <= axis.millis)
        .take(TICKS_MAX)
        .map(|millis| axis.first.plus_millis(millis))
        .collect()
}

fn lane_of(look: &Look, axis: &Axis, lane: &Lane, people: &People<'_>, y: usize) -> Markup {
    let bar = y + LABEL + 3;
    let name = name_of(look, lane, people);
    let whole = lane.spans.first().zip(lane.spans.last());
    // Local channels tie the others together; they are nobody.
    let of_nobody = lane.label == "Local";
    html! {
        g class=(if of_nobody { "lane nobody" } else { "lane" }) {
        text.lane-name x="1%" y=(y + 12) { (name) }
        @if let Some((first, last)) = whole {
            line.life x1=(axis.x(first.from)) x2=(axis.x(last.to)) y1=(bar + BAR / 2) y2=(bar + BAR / 2) {}
        }
        @for span in lane.spans.iter().take(SPANS_MAX) {
            @let (class, letter) = class_of(span.doing);
            rect class=(class) x=(axis.x(span.from)) y=(bar) width=(axis.width(span.from, span.to)) height=(BAR) rx="3" {
                title { (doing(look, span.doing)) ", " (look.language.duration(span.to.since(span.from))) }
            }
            @if let Some(letter) = letter {
                // Only where there is room for a letter.
                @if !of_nobody && axis.at(span.to) - axis.at(span.from) > 7.0 {
                    text.bridge-name x=(format!("{:.2}%", (axis.at(span.from) + axis.at(span.to)) / 2.0)) y=(bar + 11) text-anchor="middle" { (letter) }
                }
            }
        }
        }
    }
}

fn name_of(look: &Look, lane: &Lane, people: &People<'_>) -> String {
    let l = look.language;
    match lane.label.as_str() {
        "" => l.of("канал", "leg").to_owned(),
        "Local" => l.of("служебный канал (Local)", "Local channel").to_owned(),
        label => shortened(people.text(label).as_bytes(), 40),
    }
}

fn class_of(doing: Doing) -> (String, Option<char>) {
    match doing {
        Doing::Present => ("present".to_owned(), None),
        Doing::Ringing => ("ringing".to_owned(), None),
        Doing::Alone(bridge) => (format!("alone b{}", bridge.min(COLOURS)), None),
        Doing::Talking(bridge) => (
            format!("talk b{}", bridge.min(COLOURS)),
            Some(letter(bridge)),
        ),
    }
}

/// Bridges by letter: A, B, C; after Z a star.
pub(super) fn letter(bridge: usize) -> char {
    u8::try_from(bridge)
        .ok()
        .filter(|n| *n < 26)
        .map_or('*', |n| char::from(b'A' + n))
}

fn doing(look: &Look, doing: Doing) -> String {
    let l = look.language;
    match doing {
        Doing::Present => l.of("на линии", "on the line").to_owned(),
        Doing::Ringing => l.of("звонок", "ringing").to_owned(),
        Doing::Alone(bridge) => format!(
            "{} {}",
            l.of("ждёт в мосту", "waits in bridge"),
            letter(bridge)
        ),
        Doing::Talking(bridge) => format!(
            "{} {}",
            l.of("разговор, мост", "talking, bridge"),
            letter(bridge)
        ),
    }
}

/// One mark: when, and how it is drawn.
struct Mark {
    at: Stamp,
    class: &'static str,
}

fn marks(call: &TracedCall, wanted: impl Fn(&Fact) -> bool) -> Vec<Mark> {
    let facts = call.facts.iter().filter(|fact| wanted(fact));
    facts
        .take(MARKS_MAX + 1)
        .map(|fact| Mark {
            at: fact.at,
            class: match fact.event {
                Event::Message(MessageAction::Delete) => "deleted",
                Event::Message(MessageAction::Edit) => "edited",
                Event::Message(_) => "sent",
                Event::Http if fact.request_result() == Some(RequestResult::Failed) => "failed",
                _ => "request",
            },
        })
        .collect()
}

fn mark_lane(axis: &Axis, name: &str, marks: &[Mark], y: usize) -> Markup {
    let middle = y + LABEL + 3 + BAR / 2;
    html! {
        text.lane-name x="1%" y=(y + 12) { (name) }
        @for mark in marks.iter().take(MARKS_MAX) {
            @let x = axis.x(mark.at);
            @match mark.class {
                "failed" => {
                    // A path knows no per cents; a nested drawing has its own origin.
                    svg x=(x) y=(middle) overflow="visible" { path.mark.failed d="M-5-5L5 5M-5 5L5-5" {} }
                }
                "request" => {
                    svg x=(x) y=(middle) overflow="visible" { rect.mark.request x="-4" y="-4" width="8" height="8" {} }
                }
                class => { circle class={ "mark " (class) } cx=(x) cy=(middle) r="5" {} }
            }
        }
    }
}

fn legend(look: &Look, lanes: &Lanes, has_messages: bool, has_requests: bool) -> Markup {
    let l = look.language;
    let does = |wanted: fn(&Doing) -> bool| {
        lanes
            .lanes
            .iter()
            .flat_map(|lane| &lane.spans)
            .any(|span| wanted(&span.doing))
    };
    let swatch = |class: &str| {
        html! {
            svg width="22" height="14" aria-hidden="true" { rect class=(class) x="1" y="1" width="20" height="12" rx="3" {} }
        }
    };
    let dot = |class: &str| {
        html! {
            svg width="14" height="14" aria-hidden="true" { circle class={ "mark " (class) } cx="7" cy="7" r="5" {} }
        }
    };
    html! {
        ul.legend {
            @if does(|d| *d == Doing::Ringing) { li { (swatch("ringing")) (l.of("звонит", "rings")) } }
            @if does(|d| *d == Doing::Present) { li { (swatch("present")) (l.of("на линии", "on the line")) } }
            @for bridge in 0..lanes.bridges.len().min(8) {
                li {
                    (swatch(&format!("talk b{}", bridge.min(COLOURS))))
                    (l.of("разговор, мост ", "talk, bridge ")) (letter(bridge))
                }
            }
            @if does(|d| matches!(d, Doing::Alone(_))) { li { (swatch("alone b0")) (l.of("один в мосту", "alone in a bridge")) } }
            @if has_messages {
                li { (dot("sent")) (l.of("сообщение отправлено", "message sent")) }
                li { (dot("deleted")) (l.of("удалено", "deleted")) }
            }
            @if has_requests {
                li { svg width="14" height="14" aria-hidden="true" { rect.mark.request x="3" y="3" width="8" height="8" {} } (l.of("запрос", "request")) }
                li { svg width="14" height="14" aria-hidden="true" { path.mark.failed d="M3 3L11 11M3 11L11 3" {} } (l.of("запрос не удался", "request failed")) }
            }
        }
    }
}

/// What the drawing shows, for who can't see it.
fn gist(look: &Look, lanes: &Lanes, people: &People<'_>) -> String {
    let mut said = Vec::new();
    for lane in lanes
        .lanes
        .iter()
        .take(LANES_MAX)
        .filter(|lane| lane.label != "Local")
    {
        let spans = lane
            .spans
            .iter()
            .filter(|span| !matches!(span.doing, Doing::Present));
        let spans = spans.map(|span| {
            let from = look.clock.moment(span.from).format("%H:%M:%S");
            let lasting = look.language.duration(span.to.since(span.from));
            format!("{} {from}, {lasting}", doing(look, span.doing))
        });
        let spans: Vec<String> = spans.take(8).collect();
        if !spans.is_empty() {
            said.push(format!(
                "{}: {}",
                name_of(look, lane, people),
                spans.join("; ")
            ));
        }
    }
    match said.is_empty() {
        true => look
            .language
            .of(
                "Никто не соединён и не звонит",
                "Nobody is connected, and nobody rings",
            )
            .to_owned(),
        false => said.join(". "),
    }
}
