//! Calls over time: a bar for each stretch of hours of a day, or for each day, that leads to its calls.

use chrono::{Days, NaiveDate, Timelike};
use maud::{Markup, html};

use super::filters::Filters;
use super::given::ListPage;
use super::{Language, Look};
use calltrace_model::call::Outcome;
use calltrace_model::stats::Outcomes;

/// Height of the tallest bar, of the letters below and above (pixels).
const BARS: usize = 72;
const LETTERS: usize = 18;
const TOP: usize = 14;

/// More bars than this are too narrow for a finger on a telephone of 320 pixels.
const BARS_MAX: u32 = 11;

/// More days than this are not drawn: who looks at a year has the numbers.
const DAYS_MAX: u64 = 62;

/// A stretch of time.
struct Bar {
    /// Below the bar.
    label: String,
    /// In full, for whoever can't see the chart.
    name: String,
    calls: Outcomes,
    /// The list of its calls.
    link: String,
}

/// What is drawn, and how it is called.
struct Drawn {
    heading: &'static str,
    column: &'static str,
    bars: Vec<Bar>,
}

/// A chart of the hours of a day or of the days of a period; nothing where there are no calls, or where the
/// list has no first and last day.
pub(super) fn chart(look: &Look, page: &ListPage<'_>) -> Markup {
    let l = look.language;
    let drawn = match page.period {
        Some((from, to)) if from == to => by_hour(look, page, from),
        Some((from, to)) => by_day(look, page, from, to),
        None => None,
    };
    let Some(drawn) = drawn.filter(|drawn| drawn.bars.len() > 1) else {
        return html! {};
    };
    let most = drawn.bars.iter().map(|bar| bar.calls.all()).max();
    let most = most.unwrap_or(0).max(1);
    let width = 100.0 / drawn.bars.len() as f64;
    let per_cent = |part: f64| format!("{part:.2}%");
    // Labels of many days would lie on one another.
    let every = drawn.bars.len().div_ceil(BARS_MAX as usize);
    html! {
        section.chart {
            h2 { (drawn.heading) }
            svg role="group" width="100%" height=(TOP + BARS + LETTERS) aria-label=(drawn.heading) {
                text x="0" y="10" { (l.number(most)) }
                line.tick x1="0" x2="100%" y1=(TOP) y2=(TOP) {}
                line.tick x1="0" x2="100%" y1=(TOP + BARS) y2=(TOP + BARS) {}
                @for (at, bar) in drawn.bars.iter().enumerate() {
                    @let x = at as f64 * width;
                    @let label = html! {
                        @if at % every == 0 {
                            text x=(per_cent(x + width / 2.0)) y=(TOP + BARS + 15) text-anchor="middle" { (bar.label) }
                        }
                    };
                    @if bar.calls.all() > 0 {
                        a href=(bar.link) aria-label=(said(l, bar)) {
                            rect.touch x=(per_cent(x)) width=(per_cent(width)) y="0" height=(TOP + BARS + LETTERS) {}
                            (stack(bar.calls, most, &per_cent(x + width * 0.15), &per_cent(width * 0.7)))
                            (label)
                        }
                    } @else {
                        (label)
                    }
                }
            }
            ul.legend {
                li { svg width="14" height="14" aria-hidden="true" { rect.answered x="1" y="1" width="12" height="12" {} } (l.of("с ответом и идущие", "answered and in progress")) }
                li { svg width="14" height="14" aria-hidden="true" { rect.missed x="1" y="1" width="12" height="12" {} } (l.of("без ответа", "not answered")) }
            }
            details {
                summary { (l.of("Числами", "In numbers")) }
                (table(l, &drawn))
            }
        }
    }
}

/// Calls that were answered or go on below, the others above.
fn stack(calls: Outcomes, most: usize, x: &str, width: &str) -> Markup {
    let is_lost = |outcome: &Outcome| outcome.is_unanswered();
    let lost = Outcome::ALL.into_iter().filter(is_lost);
    let lost: usize = lost.map(|outcome| calls.of(outcome)).sum();
    let height = |calls: usize| match calls {
        0 => 0,
        // One call among thousands is still to be seen.
        _ => (calls * BARS / most).max(2),
    };
    let (answered, missed) = (height(calls.all() - lost), height(lost));
    html! {
        @if answered > 0 {
            rect.answered x=(x) width=(width) y=(TOP + BARS - answered) height=(answered) {}
        }
        @if missed > 0 {
            rect.missed x=(x) width=(width) y=((TOP + BARS).saturating_sub(answered + missed)) height=(missed) {}
        }
    }
}

fn table(l: Language, drawn: &Drawn) -> Markup {
    // In the order of all outcomes.
    let columns = [
        l.of("С ответом", "Answered"),
        l.of("Пропущено", "Missed"),
        l.of("Недозвон", "Not reached"),
        l.of("Занято", "Busy"),
        l.of("Идёт", "In progress"),
        l.of("Без конца", "No end"),
    ];
    html! {
        div.wide tabindex="0" role="region" aria-label=(drawn.heading) {
            table {
                thead { tr {
                    th scope="col" { (drawn.column) }
                    @for column in columns { th scope="col" { (column) } }
                } }
                tbody {
                    @for bar in drawn.bars.iter().filter(|bar| bar.calls.all() > 0) {
                        tr {
                            th scope="row" { a href=(bar.link) { (bar.name) } }
                            @for outcome in Outcome::ALL { td { (l.number(bar.calls.of(outcome))) } }
                        }
                    }
                }
            }
        }
    }
}

/// The hours from the first call to the last, in stretches of so many hours that the bars are wide enough.
fn by_hour(look: &Look, page: &ListPage<'_>, day: NaiveDate) -> Option<Drawn> {
    let l = look.language;
    let mut hours = [Outcomes::default(); 24];
    for (at, outcomes) in page.tally.quarters() {
        let hour = &mut hours[look.clock.moment(at).hour() as usize];
        *hour = hour.plus(outcomes);
    }
    if page.filters.hours.is_some() {
        return None;
    }
    let first = hours.iter().position(|calls| calls.all() > 0)? as u32;
    let end = hours.iter().rposition(|calls| calls.all() > 0)? as u32 + 1;
    let step = (1..3).find(|step| (end - first).div_ceil(*step) <= BARS_MAX);
    let step = step.unwrap_or(3) as usize;
    let bars = (first..end).step_by(step).map(|from| {
        let to = (from + step as u32).min(24);
        let of_it = &hours[from as usize..to as usize];
        let filters = Filters {
            hours: Some((from, to)),
            ..page.filters.on(day, day)
        };
        Bar {
            label: from.to_string(),
            name: format!("{from}:00–{to}:00"),
            calls: of_it
                .iter()
                .fold(Outcomes::default(), |sum, of| sum.plus(*of)),
            link: page.link(l, &filters),
        }
    });
    Some(Drawn {
        heading: l.of("По часам", "By hour"),
        column: l.of("Часы", "Hours"),
        bars: bars.collect(),
    })
}

fn by_day(look: &Look, page: &ListPage<'_>, from: NaiveDate, to: NaiveDate) -> Option<Drawn> {
    let l = look.language;
    let days = u64::try_from((to - from).num_days())
        .ok()
        .filter(|days| *days < DAYS_MAX)?;
    let bars = (0..=days).map(|ahead| {
        let day = from + Days::new(ahead);
        let own = page.tally.quarters();
        let own = own.filter(|(at, _)| look.clock.moment(*at).date_naive() == day);
        Bar {
            label: day.format("%-d").to_string(),
            name: l.day(day),
            calls: own.fold(Outcomes::default(), |sum, (_, of)| sum.plus(of)),
            link: page.link(l, &page.filters.on(day, day)),
        }
    });
    Some(Drawn {
        heading: l.of("По дням", "By day"),
        column: l.of("День", "Day"),
        bars: bars.collect(),
    })
}

/// `14:00–15:00: 12 звонков, пропущено 3`
fn said(l: Language, bar: &Bar) -> String {
    let calls = l.count(
        bar.calls.all(),
        ["звонок", "звонка", "звонков"],
        ["call", "calls"],
    );
    let missed = l.of("пропущено", "missed");
    match bar.calls.of(Outcome::Missed) {
        0 => format!("{}: {calls}", bar.name),
        n => format!("{}: {calls}, {missed} {}", bar.name, l.number(n)),
    }
}
