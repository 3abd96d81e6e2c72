//! The hours of the week, with all calls and with missed ones: one row per hour and one column per weekday,
//! so that the table fits on a telephone. Each number links to its calls; more calls have a darker ground.

use maud::{Markup, html};

use super::super::filters::Filters;
use super::super::page_data::StatsPage;
use super::super::{Language, PageContext};
use super::StatsSpan;
use super::times::hours_with_calls;
use calltrace_model::call::Outcome;
use calltrace_model::stats::WeekCounts;
use calltrace_output::stats::shade;
use chrono::Datelike;

/// Draws both maps; draws nothing for a single day.
pub(super) fn section(context: &PageContext, page: &StatsPage<'_>) -> Markup {
    let (l, stats) = (context.language, page.days);
    if page.span == StatsSpan::Day {
        return html! {};
    }
    html! {
        (map(l, page, l.of("По дням недели и часам", "By weekday and hour"), (&stats.calls, None)))
        @if stats.total.outcomes.of(Outcome::Missed) > 0 {
            (map(l, page, l.of("Пропущенные по дням недели и часам", "Missed by weekday and hour"), (&stats.missed, Some(Outcome::Missed))))
        }
    }
}

fn map(
    l: Language,
    page: &StatsPage<'_>,
    heading: &str,
    (counts, outcome): (&WeekCounts, Option<Outcome>),
) -> Markup {
    let most = counts.iter().flatten().copied().max().unwrap_or(0);
    let class = if outcome.is_some() {
        "heat lost"
    } else {
        "heat"
    };
    let link = |weekday, hour| {
        let of_hour = Filters {
            outcome,
            ..of_hour(page, weekday, hour)
        };
        page.list(l, &of_hour)
    };
    html! {
        section.map {
            h2 { (heading) }
            table class=(class) {
                thead { tr {
                    td {}
                    @for day in 0..7 { th scope="col" { (l.weekday(day)) } }
                } }
                tbody {
                    // Both maps have the same rows.
                    @for hour in hours_with_calls(&page.days.calls) {
                        tr {
                            th scope="row" { (hour) }
                            @for (day, hours) in counts.iter().enumerate() { (cell(l, (day, hour, hours[hour]), most, &link)) }
                        }
                    }
                }
            }
        }
    }
}

fn cell(
    l: Language,
    (day, hour, count): (usize, usize, usize),
    most: usize,
    link: &dyn Fn(usize, usize) -> String,
) -> Markup {
    let shade = match count {
        0 => return html! { td {} },
        count => ["s1", "s2", "s3", "s4"][shade(count, most)],
    };
    let calls = l.calls_and_missed(count, 0);
    let aria_label = format!("{} {hour}:00–{}:00: {calls}", l.weekday(day), hour + 1);
    html! {
        td class=(shade) { a href=(link(day, hour)) aria-label=(aria_label) { (count) } }
    }
}

/// Returns the filters of an hour on a weekday: on that one day, or on the days of both weeks.
fn of_hour(page: &StatsPage<'_>, weekday: usize, hour: usize) -> Filters {
    let from = u32::try_from(hour).expect("a day has 24 hours");
    let is_it = |day: &chrono::NaiveDate| day.weekday().num_days_from_monday() as usize == weekday;
    let days = page.from().iter_days().take_while(|day| *day <= page.date);
    let mut days = days.filter(is_it);
    let of_days = match (days.next(), days.next()) {
        (Some(day), None) => page.all().on(day, day),
        _ => Filters {
            weekday: u8::try_from(weekday).ok(),
            ..page.all()
        },
    };
    Filters {
        hours: Some((from, from + 1)),
        ..of_days
    }
}
