//! A call as one HTML file for a ticket: nothing is fetched, no script, no token.

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::StoryView;
use super::arrows::Arrow;
use crate::layout::fit;
use crate::number::phone;
use crate::words;
use calltrace_model::call::PersonDoing;
use calltrace_model::record::Record;

/// Forbids the file to load anything and to run scripts.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

const STYLE: &str = include_str!("ticket.css");

/// Width of a column of the picture, height of one of its rows (pixels).
const COLUMN: usize = 160;
const ROW: usize = 26;
const HEAD: usize = 44;
const TIME: usize = 70;

/// As much of a name fits over a column.
const NAME_COLUMNS: usize = 17;

/// Writes a call as a file that holds everything it needs.
///
/// # Errors
/// When `out` can't be written.
pub fn write_html(out: &mut dyn Write, view: &StoryView<'_>) -> io::Result<()> {
    let page = page(view).into_string();
    out.write_all(view.secrets.mask_page(page).as_bytes())
}

fn page(view: &StoryView<'_>) -> Markup {
    let s = &view.call.summary;
    let title = view.title();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (words::parties(s, view.people)) }
                    p.result { strong { (words::result(s, view.people)) } " · " (words::direction(s.direction)) " · " (view.trace.enterprise.as_str()) }
                    ul { @for line in view.summary_lines() { li { (line) } } }
                    (faults(view))
                    h2 { "Who talked to whom" }
                    (picture(view))
                    p.legend { "thick line: talks to the client · thin line: talks without the client · dotted: rings, waits or is on hold" }
                    h2 { "What happened" }
                    (steps(view))
                    details {
                        summary { "All " (view.call.lines.len()) " records" }
                        (records(view))
                    }
                }
            }
        }
    }
}

fn faults(view: &StoryView<'_>) -> Markup {
    html! {
        @if !view.faults.is_empty() {
            h2 { "What is wrong" }
            ul.faults {
                @for fault in &view.faults {
                    @let severity = fault.code.severity();
                    li.(severity.name()) {
                        strong { (severity.name()) } " " (view.fault_sentence(fault)) " " code { (fault.code.name()) }
                    }
                }
            }
        }
    }
}

fn steps(view: &StoryView<'_>) -> Markup {
    html! {
        table {
            thead { tr { th { "Time" } th { "After" } th { "What" } } }
            tbody {
                @for step in &view.story.steps {
                    tr.notice[step.event.is_notice()] {
                        td.num { (view.clock.time(step.at)) }
                        td.num { (view.offset(step.at)) }
                        td { (view.sentence(step)) }
                    }
                }
            }
        }
    }
}

fn records(view: &StoryView<'_>) -> Markup {
    html! {
        table.records {
            thead { tr { th { "Time" } th { "Kind" } th { "Leg" } th { "What" } } }
            tbody {
                @for (line, fact) in view.call.lines.iter().zip(&view.call.facts) {
                    @let record = Record::parse(&line.text);
                    tr {
                        td.num { (view.clock.time_millis(line.at)) }
                        td { (record.kind().as_str()) }
                        td { (crate::timeline::leg_text(view.call, fact.uid())) }
                        td { (words::record(&record, fact)) }
                    }
                }
            }
        }
    }
}

/// Draws the ladder as a picture.
fn picture(view: &StoryView<'_>) -> Markup {
    let arrows = view.arrows();
    let people = view.story.people.len().max(1);
    let (width, height) = (TIME + people * COLUMN, HEAD + (arrows.len() + 1) * ROW);
    let middle = |person: usize| TIME + person * COLUMN + COLUMN / 2;
    let y = |row: usize| HEAD + row * ROW + ROW / 2;
    html! {
        div.picture {
            svg viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) role="img" aria-label="Who talked to whom; the table below says the same" {
                @for (person, lane) in view.story.people.iter().enumerate() {
                    text.name x=(middle(person)) y="16" text-anchor="middle" { (view.people.name(&lane.party).map(|name| fit(&name, NAME_COLUMNS).trim_end().to_owned()).unwrap_or_default()) }
                    text.name x=(middle(person)) y="34" text-anchor="middle" { (phone(&lane.party)) }
                    @for (row, arrow) in arrows.iter().enumerate() {
                        line class=(life(view, person, arrow)) x1=(middle(person)) x2=(middle(person)) y1=(y(row)) y2=(y(row) + ROW) {}
                    }
                }
                @for (row, arrow) in arrows.iter().enumerate() {
                    text.time x="0" y=(y(row) + 4) { (view.clock.time(arrow.at)) }
                    (drawn(arrow, middle(arrow.from), middle(arrow.to), y(row)))
                }
            }
        }
    }
}

fn drawn(arrow: &Arrow, from: usize, to: usize, y: usize) -> Markup {
    let head = |tip: usize, points_right: bool| {
        let back = if points_right { tip - 7 } else { tip + 7 };
        html! { path.head d=(format!("M{tip} {y}L{back} {}L{back} {}Z", y - 4, y + 4)) {} }
    };
    html! {
        @if arrow.from == arrow.to {
            text.note x=(from + 8) y=(y + 4) { (arrow.labels[0]) }
        } @else {
            line.arrow x1=(from) x2=(to) y1=(y) y2=(y) {}
            (head(to, to > from))
            @if arrow.both { (head(from, from > to)) }
            text.label x=((from + to) / 2) y=(y - 3) text-anchor="middle" { (arrow.labels[0]) }
        }
    }
}

/// The class of a participant's line below an arrow.
fn life(view: &StoryView<'_>, person: usize, arrow: &Arrow) -> &'static str {
    match view.doing(person, arrow.between) {
        Some(PersonDoing::Talks(_)) => "talks",
        Some(PersonDoing::Consults(_)) => "consults",
        Some(PersonDoing::Rings(_) | PersonDoing::Waits | PersonDoing::Held) => "waits",
        None => "gone",
    }
}
