//! Calls over time: a bar for each few hours of a day, or for each day, that leads to its calls.

use chrono::{Days, NaiveDate, Timelike};
use maud::{Markup, html};

use super::bars::{BARS_MAX, Bar, bars, legend};
use super::filters::Filters;
use super::frame::wide;
use super::page_data::ListPage;
use super::{Language, PageContext};
use calltrace_model::call::Outcome;
use calltrace_model::stats::Outcomes;

/// Charts of more days than this are not drawn; the numbers are shown instead.
const DAYS_MAX: u64 = 62;

struct ChartInterval {
    /// The label below its bar.
    label: String,
    /// The full text, for readers who can't see the chart.
    name: String,
    calls: Outcomes,
    /// The link to the list of its calls.
    link: String,
}

struct ChartData {
    heading: &'static str,
    column: &'static str,
    stretches: Vec<ChartInterval>,
}

/// Draws a chart of the hours of a day or of the days of a period. It draws nothing if there are no calls, or
/// if the list has no first and last day.
pub(super) fn chart(context: &PageContext, page: &ListPage<'_>) -> Markup {
    let l = context.language;
    let drawn = match page.period {
        _ if page.filters.hours.is_some() => None,
        Some((from, to)) if from == to => by_hour(context, page, from),
        Some((from, to)) => by_day(context, page, from, to),
        None => None,
    };
    let Some(drawn) = drawn.filter(|drawn| drawn.stretches.len() > 1) else {
        return html! {};
    };
    let drawn_bars = drawn.stretches.iter().map(|stretch| bar(l, stretch));
    let drawn_bars: Vec<Bar> = drawn_bars.collect();
    html! {
        section.chart {
            h2 { (drawn.heading) }
            (bars(l, drawn.heading, &drawn_bars, drawn_bars.len()))
            (legend(l.of("с ответом и идущие", "answered and in progress"), l.of("без ответа", "not answered")))
            details {
                summary { (l.of("Числами", "In numbers")) }
                (table(l, &drawn))
            }
        }
    }
}

/// Answered calls and calls in progress are the lower part, all others the upper one.
fn bar(l: Language, stretch: &ChartInterval) -> Bar {
    let calls = stretch.calls;
    let lost = Outcome::ALL.into_iter().filter(|it| it.is_unanswered());
    let counts = l.calls_and_missed(calls.all(), calls.of(Outcome::Missed));
    Bar {
        label: stretch.label.clone(),
        aria_label: format!("{}: {counts}", stretch.name),
        calls: calls.all(),
        lost: lost.map(|outcome| calls.of(outcome)).sum(),
        link: stretch.link.clone(),
    }
}

fn table(l: Language, drawn: &ChartData) -> Markup {
    // The columns are in the order of all outcomes.
    let columns = [
        l.of("С ответом", "Answered"),
        l.of("Пропущено", "Missed"),
        l.of("Недозвон", "Not reached"),
        l.of("Занято", "Busy"),
        l.of("Идёт", "In progress"),
        l.of("Без конца", "No end"),
    ];
    html! {
        (wide(drawn.heading, &html! {
            table {
                thead { tr {
                    th scope="col" { (drawn.column) }
                    @for column in columns { th scope="col" { (column) } }
                } }
                tbody {
                    @for bar in drawn.stretches.iter().filter(|bar| bar.calls.all() > 0) {
                        tr {
                            th scope="row" { a href=(bar.link) { (bar.name) } }
                            @for outcome in Outcome::ALL { td { (l.number(bar.calls.of(outcome))) } }
                        }
                    }
                }
            }
        }))
    }
}

/// Returns the hours from the first call to the last, in groups large enough for bars that are wide enough.
fn by_hour(context: &PageContext, page: &ListPage<'_>, day: NaiveDate) -> Option<ChartData> {
    let l = context.language;
    let mut hours = [Outcomes::default(); 24];
    for (at, outcomes) in page.tally.quarters() {
        let hour = &mut hours[context.clock.moment(at).hour() as usize];
        *hour = hour.plus(outcomes);
    }
    let first = hours.iter().position(|calls| calls.all() > 0)? as u32;
    let end = hours.iter().rposition(|calls| calls.all() > 0)? as u32 + 1;
    let step = (1..3).find(|step| (end - first).div_ceil(*step) <= BARS_MAX);
    let step = step.unwrap_or(3) as usize;
    let stretches = (first..end).step_by(step).map(|from| {
        let to = (from + step as u32).min(24);
        let of_it = &hours[from as usize..to as usize];
        let filters = Filters {
            hours: Some((from, to)),
            ..page.filters.on(day, day)
        };
        ChartInterval {
            label: from.to_string(),
            name: format!("{from}:00–{to}:00"),
            calls: of_it
                .iter()
                .fold(Outcomes::default(), |sum, of| sum.plus(*of)),
            link: page.link(l, &filters),
        }
    });
    Some(ChartData {
        heading: l.of("По часам", "By hour"),
        column: l.of("Часы", "Hours"),
        stretches: stretches.collect(),
    })
}

fn by_day(
    context: &PageContext,
    page: &ListPage<'_>,
    from: NaiveDate,
    to: NaiveDate,
) -> Option<ChartData> {
    let l = context.language;
    let days = u64::try_from((to - from).num_days())
        .ok()
        .filter(|days| *days < DAYS_MAX)?;
    let stretches = (0..=days).map(|ahead| {
        let day = from + Days::new(ahead);
        let own = page.tally.quarters();
        let own = own.filter(|(at, _)| context.clock.moment(*at).date_naive() == day);
        ChartInterval {
            label: day.format("%-d").to_string(),
            name: l.day(day),
            calls: own.fold(Outcomes::default(), |sum, (_, of)| sum.plus(of)),
            link: page.link(l, &page.filters.on(day, day)),
        }
    });
    Some(ChartData {
        heading: l.of("По дням", "By day"),
        column: l.of("День", "Day"),
        stretches: stretches.collect(),
    })
}
