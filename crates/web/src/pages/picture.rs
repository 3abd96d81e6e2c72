//! The picture of a call: one lane per person over one time axis, so that hold and transfers are visible.
//!
//! Positions are percent of the width and heights are pixels, so the drawing fills a telephone as well as a
//! desktop screen without scaling its letters; there is no `viewBox`. The style sheet sets the colours by
//! class, one for each extension, and no fact is shown by colour alone: a hatching means ringing, a frame for
//! a consultation, a dashed frame for hold, and marks and texts say the rest. The story below says the same;
//! screen readers read its gist from the label.

use maud::{Markup, html};

use super::axis::Axis;
use super::story::StoryWords;
use super::{PageContext, shortened};
use calltrace_model::call::{
    PersonDoing, PersonLane, PersonSpan, RingOutcome, StepEvent, Story, TransferResult,
};
use calltrace_model::record::Stamp;
use calltrace_output::story::Teller as _;

/// The heights of the axis, a lane, a label and a bar (pixels).
const AXIS: usize = 22;
const LANE: usize = 48;
const LABEL: usize = 17;
const BAR: usize = 22;

/// The largest number of drawn lanes; a runaway join has hundreds.
const LANES_MAX: usize = 24;

/// The largest number of spans drawn in one lane.
const SPANS_MAX: usize = 120;

/// The number of colours of people; further people share the last one.
const COLOURS: usize = 6;

/// The room for a name in a lane, and for one that is followed by the outcome of the ringing (pixels, on a
/// narrow telephone).
const NAME_PIXELS: f64 = 280.0;
const SHORT_NAME_PIXELS: f64 = 150.0;

/// The longest name in a bar (characters), and the space around a text there (pixels).
const NAME_CHARS_MAX: usize = 36;
const PADDING_PIXELS: f64 = 8.0;

/// One percent of the width in pixels, on a narrow telephone and on a screen of 700 pixels.
const PHONE: f64 = 3.0;
const SCREEN: f64 = 6.2;

/// Draws the picture of a call with its legend; draws nothing for a call in which no person took part. Open
/// intervals are drawn up to `upto`.
pub(super) fn picture(
    context: &PageContext,
    story: &Story,
    words: &StoryWords<'_>,
    upto: Stamp,
) -> Markup {
    let lanes: Vec<PersonLane> = story.people.iter().take(LANES_MAX).map(drawn).collect();
    let is_left_out = |lane: &PersonLane| lane.spans.len() > SPANS_MAX;
    let is_cut = story.people.len() > LANES_MAX || story.people.iter().any(is_left_out);
    let spans = lanes.iter().flat_map(|lane| &lane.spans);
    let changes = spans.flat_map(|span| [span.from, span.to.unwrap_or(upto).max(span.from)]);
    let Some(axis) = Axis::of(changes.collect()) else {
        return html! {};
    };
    let picture = Picture {
        context,
        words,
        lanes: &lanes,
        axis,
        upto,
    };
    let l = context.language;
    let height = AXIS + lanes.len() * LANE;
    html! {
        section.picture aria-label=(l.of("Кто с кем говорил", "Who talked to whom")) {
            h2 { (l.of("Кто с кем говорил", "Who talked to whom")) }
            svg role="img" width="100%" height=(height) aria-label=(picture.gist()) {
                (definitions())
                (picture.times(height))
                // The names are drawn over the arrows, with an outline that interrupts them.
                (picture.transfers(story))
                @for (at, lane) in lanes.iter().enumerate() { (picture.lane(lane, AXIS + at * LANE)) }
            }
            (picture.legend(story))
            @if picture.axis.is_widened {
                p.quiet { (l.of("Короткие отрезки нарисованы шире, чтобы их было видно.", "Short stretches are drawn wider, to be seen.")) }
            }
            @if is_cut {
                p.quiet { (l.of("Нарисовано не всё: участников или событий слишком много.", "Not all is drawn: there are too many people or events.")) }
            }
        }
    }
}

/// Returns a lane as it is drawn: a telephone that is logged as ringing while its owner talks is not shown as
/// ringing.
fn drawn(lane: &PersonLane) -> PersonLane {
    let talks = |at: Stamp| {
        lane.spans.iter().any(|span| {
            let is_talk = matches!(span.doing, PersonDoing::Talks(_) | PersonDoing::Consults(_));
            is_talk && span.from <= at && span.to.is_none_or(|to| at < to)
        })
    };
    let is_drawn =
        |span: &&PersonSpan| !matches!(span.doing, PersonDoing::Rings(_)) || !talks(span.from);
    PersonLane {
        party: lane.party.clone(),
        is_client: lane.is_client,
        spans: lane
            .spans
            .iter()
            .filter(is_drawn)
            .take(SPANS_MAX)
            .cloned()
            .collect(),
    }
}

/// Returns the width of a text of 12 pixels' height in the widest of the usual fonts (pixels).
fn width_of(text: &str) -> f64 {
    let width = |c: char| match c {
        'W' | 'M' | '@' | 'Щ' | 'Ш' | 'Ж' | 'Ю' | 'Ы' | 'Ф' | 'М' => 12.0,
        ' ' | '.' | ',' | ':' | '·' | '(' | ')' | 'i' | 'l' | 'j' | '|' => 5.0,
        c if c.is_ascii_digit() || c.is_lowercase() => 7.4,
        c if c < '\u{2000}' => 9.2,
        _ => 14.0,
    };
    text.chars().map(width).sum()
}

/// Returns as much of a text as fits.
fn fitted(text: &str, pixels: f64) -> String {
    if width_of(text) <= pixels {
        return text.to_owned();
    }
    let mut chars: Vec<char> = text.chars().collect();
    while !chars.is_empty() {
        chars.pop();
        let cut = chars.iter().collect::<String>() + "…";
        if width_of(&cut) <= pixels {
            return cut;
        }
    }
    String::new()
}

struct Picture<'p> {
    context: &'p PageContext,
    words: &'p StoryWords<'p>,
    lanes: &'p [PersonLane],
    axis: Axis,
    upto: Stamp,
}

/// Defines the hatching for ringing, and the head of an arrow.
fn definitions() -> Markup {
    html! {
        defs {
            pattern #ring width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                rect.ring-ground width="6" height="6" {}
                rect.ring-line width="2" height="6" {}
            }
            marker #head orient="auto" markerWidth="8" markerHeight="8" refX="7" refY="4" markerUnits="userSpaceOnUse" {
                path.arrow-head d="M0 0L8 4L0 8z" {}
            }
        }
    }
}

/// `12.34%`
fn percent(at: f64) -> String {
    format!("{at:.2}%")
}

impl Picture<'_> {
    fn x(&self, at: Stamp) -> String {
        percent(self.axis.at(at))
    }

    fn end(&self, span: &PersonSpan) -> Stamp {
        span.to.unwrap_or(self.upto).max(span.from)
    }

    fn lasted(&self, span: &PersonSpan) -> String {
        self.context
            .language
            .duration(self.end(span).since(span.from))
    }

    /// Draws lines across the lanes, each with its time.
    fn times(&self, height: usize) -> Markup {
        let client = self.lanes.iter().filter(|lane| lane.is_client);
        let changes = client.flat_map(|lane| lane.spans.iter().map(|span| span.from));
        html! {
            @for label in self.axis.labels(changes) {
                line.tick x1=(self.x(label.at)) x2=(self.x(label.at)) y1="17" y2=(height) {}
                text.tick-time x=(self.x(label.at)) y="13" text-anchor=(label.anchor) { (self.context.clock.time(label.at)) }
            }
        }
    }

    fn lane(&self, lane: &PersonLane, y: usize) -> Markup {
        let bar = y + LABEL;
        let outcome = self.ring_outcome(lane);
        let room = match outcome {
            Some(_) => SHORT_NAME_PIXELS,
            None => NAME_PIXELS,
        };
        html! {
            g.lane {
                text.lane-name x="1%" y=(y + 12) { (fitted(&self.name(lane), room)) }
                @if let Some(outcome) = outcome {
                    text.lane-outcome x="99%" y=(y + 12) text-anchor="end" { (outcome) }
                }
                @for span in lane.spans.iter() { (self.span(lane, span, bar)) }
            }
        }
    }

    /// `Клиент · +375 29 000-12-34`, `Анна Сидорова (151)`.
    fn name(&self, lane: &PersonLane) -> String {
        let l = self.context.language;
        match lane.is_client && self.is_outside(&lane.party) {
            true => format!(
                "{} · {}",
                l.of("Клиент", "Client"),
                self.words.people.text(&lane.party)
            ),
            false => self.words.people.text(&lane.party),
        }
    }

    fn is_outside(&self, party: &str) -> bool {
        calltrace_model::record::phone::is_external(party.trim_start_matches('+').as_bytes())
    }

    /// Returns the outcome of ringing a person who never answered.
    fn ring_outcome(&self, lane: &PersonLane) -> Option<String> {
        let l = self.context.language;
        let rings = || {
            lane.spans.iter().filter_map(|span| match span.doing {
                PersonDoing::Rings(outcome) => Some((outcome, span.to)),
                _ => None,
            })
        };
        let is_open = rings().any(|(_, to)| to.is_none());
        if rings().next().is_none() || is_open || rings().any(|(o, _)| o == RingOutcome::Answered) {
            return None;
        }
        Some(
            match rings().any(|(outcome, _)| outcome == RingOutcome::Elsewhere) {
                true => l.text("→ ответ на другом", "→ answered elsewhere"),
                false => l.text("✕ нет ответа", "✕ no answer"),
            },
        )
    }

    fn span(&self, lane: &PersonLane, span: &PersonSpan, y: usize) -> Markup {
        let (left, right) = (self.axis.at(span.from), self.axis.at(self.end(span)));
        let width = right - left;
        let title = format!("{}, {}", self.doing(span), self.lasted(span));
        html! {
            rect class=(self.class(lane, span)) x=(percent(left)) y=(y) width=(percent(width)) height=(BAR) rx="3" {
                title { (title) }
            }
            (self.text_in(lane, span, width, &percent((left + right) / 2.0), y + BAR / 2 + 4))
        }
    }

    /// Draws the text of a bar: as much as fits on a telephone, and a second one for wider screens.
    fn text_in(
        &self,
        lane: &PersonLane,
        span: &PersonSpan,
        width: f64,
        x: &str,
        y: usize,
    ) -> Markup {
        let texts = self.texts(lane, span);
        let fitting = |pixels: f64| {
            let fits = |text: &&String| width_of(text) + PADDING_PIXELS <= width * pixels;
            texts.iter().find(fits)
        };
        let class = match span.doing {
            PersonDoing::Talks(_) => "on-talk",
            _ => "on-pale",
        };
        let text = |class: String, text: &String| {
            html! { text class=(class) x=(x) y=(y) text-anchor="middle" { (text) } }
        };
        match (fitting(PHONE), fitting(SCREEN)) {
            (narrow, wide) if narrow == wide => html! {
                @if let Some(line) = wide { (text(class.to_owned(), line)) }
            },
            (narrow, wide) => html! {
                @if let Some(line) = narrow { (text(format!("{class} on-narrow"), line)) }
                @if let Some(line) = wide { (text(format!("{class} on-wide"), line)) }
            },
        }
    }

    /// Returns the texts for a bar, the longest first.
    fn texts(&self, lane: &PersonLane, span: &PersonSpan) -> Vec<String> {
        let l = self.context.language;
        let lasted = self.lasted(span);
        let with = |who: &str| {
            let name = shortened(self.words.people.text(who).as_bytes(), NAME_CHARS_MAX);
            let short = shortened(who.as_bytes(), 12);
            vec![
                format!("{name} · {lasted}"),
                format!("{short} · {lasted}"),
                lasted.clone(),
            ]
        };
        match &span.doing {
            PersonDoing::Talks(who) if lane.is_client => match who.as_slice() {
                [one] => with(one),
                many => {
                    let names: Vec<String> = many
                        .iter()
                        .map(|who| shortened(who.as_bytes(), 12))
                        .collect();
                    vec![format!("{} · {lasted}", names.join(" + ")), lasted]
                }
            },
            PersonDoing::Talks(_) => vec![lasted],
            PersonDoing::Consults(other) => with(other),
            PersonDoing::Held => {
                let held = l.of("на удержании", "on hold");
                vec![format!("{held} · {lasted}"), held.to_owned(), lasted]
            }
            PersonDoing::Waits => {
                let waits = l.of("ожидание", "waiting");
                vec![format!("{waits} · {lasted}"), lasted]
            }
            PersonDoing::Rings(outcome) => {
                let mark = match outcome {
                    _ if span.to.is_none() => "…",
                    RingOutcome::Answered => "✓",
                    RingOutcome::Elsewhere => "→",
                    RingOutcome::NotAnswered => "✕",
                };
                vec![format!("{mark} {lasted}"), mark.to_owned()]
            }
        }
    }

    fn class(&self, lane: &PersonLane, span: &PersonSpan) -> String {
        match &span.doing {
            PersonDoing::Waits => "waits".to_owned(),
            PersonDoing::Held => "held".to_owned(),
            PersonDoing::Rings(_) => "ringing".to_owned(),
            PersonDoing::Consults(_) => format!("consult p{}", self.colour(&lane.party)),
            PersonDoing::Talks(who) => {
                let of_whom = match lane.is_client {
                    true => who.first().map_or("", String::as_str),
                    false => &lane.party,
                };
                format!("talk p{}", self.colour(of_whom))
            }
        }
    }

    /// Returns the colour of an extension, the same in every lane.
    fn colour(&self, party: &str) -> usize {
        let ours = self.lanes.iter().filter(|lane| !lane.is_client);
        let known = ours
            .map(|lane| &lane.party)
            .position(|known| known == party);
        known.unwrap_or(COLOURS).min(COLOURS - 1)
    }

    /// Draws an arrow from the person who transferred the call to the person who got it.
    fn transfers(&self, story: &Story) -> Markup {
        let lane_of = |party: &String| self.lanes.iter().position(|lane| lane.party == *party);
        let middle = |lane: usize| AXIS + lane * LANE + LABEL + BAR / 2;
        html! {
            @for step in &story.steps {
                @if let StepEvent::Transferred { result, by, to, .. } = &step.event {
                    @if let (Some(from), Some(lane)) = (lane_of(by), lane_of(to)) {
                        @let is_done = *result == TransferResult::Completed;
                        // A transfer that was not answered is drawn where it began to
                        // ring.
                        @let at = match result {
                            TransferResult::NotAnswered => self.last_ring(lane).unwrap_or(step.at),
                            _ => step.at,
                        };
                        @let (y1, y2) = match from < lane {
                            true => (middle(from), middle(lane) - BAR / 2),
                            false => (middle(from), middle(lane) + BAR / 2),
                        };
                        line class=(if is_done { "handed" } else { "handed failed" }) x1=(self.x(at)) x2=(self.x(at)) y1=(y1) y2=(y2) marker-end="url(#head)" {
                            title { (self.words.step(step)) }
                        }
                    }
                }
            }
        }
    }

    fn last_ring(&self, lane: usize) -> Option<Stamp> {
        let mut spans = self.lanes[lane].spans.iter();
        let ring = spans.rfind(|span| matches!(span.doing, PersonDoing::Rings(_)));
        ring.map(|span| span.from)
    }

    fn doing(&self, span: &PersonSpan) -> String {
        let l = self.context.language;
        let names = |who: &[String]| {
            let names: Vec<String> = who.iter().map(|who| self.words.people.text(who)).collect();
            names.join(", ")
        };
        match &span.doing {
            PersonDoing::Waits => l.text("ожидание", "waiting"),
            PersonDoing::Held => l.text("на удержании", "on hold"),
            PersonDoing::Talks(who) => format!("{}: {}", l.of("разговор", "talk"), names(who)),
            PersonDoing::Consults(who) => format!(
                "{}: {}",
                l.of("разговор без клиента", "talk without the client"),
                self.words.people.text(who)
            ),
            PersonDoing::Rings(outcome) => {
                let outcome = match outcome {
                    _ if span.to.is_none() => l.of("вызов идёт", "ringing"),
                    RingOutcome::Answered => l.of("вызов, есть ответ", "rang, answered"),
                    RingOutcome::Elsewhere => l.of(
                        "вызов, ответ на другом телефоне",
                        "rang, answered elsewhere",
                    ),
                    RingOutcome::NotAnswered => l.of("вызов, нет ответа", "rang, not answered"),
                };
                outcome.to_owned()
            }
        }
    }

    fn legend(&self, story: &Story) -> Markup {
        let l = self.context.language;
        let does = |wanted: fn(&PersonDoing) -> bool| {
            self.lanes
                .iter()
                .flat_map(|lane| &lane.spans)
                .any(|span| wanted(&span.doing))
        };
        let swatch = |class: &str| {
            html! {
                svg width="24" height="14" aria-hidden="true" { rect class=(class) x="1" y="1" width="22" height="12" rx="3" {} }
            }
        };
        let has_transfers = story
            .steps
            .iter()
            .any(|step| matches!(step.event, StepEvent::Transferred { .. }));
        html! {
            ul.legend {
                @if does(|d| *d == PersonDoing::Waits) { li { (swatch("waits")) (l.of("клиент ждёт ответа", "the client waits")) } }
                @if does(|d| matches!(d, PersonDoing::Rings(_))) {
                    li { (swatch("ringing")) (l.of("вызов: ✓ ответ, ✕ нет ответа, → ответ на другом", "rings: ✓ answered, ✕ not answered, → elsewhere")) }
                }
                @if does(|d| matches!(d, PersonDoing::Talks(_))) { li { (swatch("talk p0")) (l.of("разговор с клиентом", "talk with the client")) } }
                @if does(|d| matches!(d, PersonDoing::Consults(_))) { li { (swatch("consult p0")) (l.of("разговор без клиента", "talk without the client")) } }
                @if does(|d| *d == PersonDoing::Held) { li { (swatch("held")) (l.of("клиент на удержании", "the client is on hold")) } }
                @if has_transfers {
                    li { svg width="14" height="16" aria-hidden="true" { line.handed x1="7" x2="7" y1="1" y2="15" marker-end="url(#head)" {} } (l.of("перевод звонка", "transfer")) }
                }
            }
        }
    }

    /// Describes the drawing for readers who can't see it.
    fn gist(&self) -> String {
        let lane = |lane: &PersonLane| {
            let spans = lane.spans.iter().take(8).map(|span| {
                let from = self.context.clock.time(span.from);
                format!("{from} {}, {}", self.doing(span), self.lasted(span))
            });
            format!(
                "{}: {}",
                self.name(lane),
                spans.collect::<Vec<_>>().join("; ")
            )
        };
        self.lanes.iter().map(lane).collect::<Vec<_>>().join(". ")
    }
}
