//! Calls by time: a bar for each hour of the day, and one for each day if there are several.

use maud::{Markup, html};

use super::super::Language;
use super::super::bars::{BARS_MAX, Bar, bars, legend};
use super::super::filters::Filters;
use super::super::page_data::StatsPage;
use super::StatsSpan;
use calltrace_model::call::Outcome;
use calltrace_model::stats::{GroupKey, WeekCounts};

/// Draws a bar for each hour of the day.
pub(super) fn by_hour(l: Language, page: &StatsPage<'_>) -> Markup {
    html! {
        section.chart.hours { (chart(l, l.of("По часам", "By hour"), &hours(l, page))) }
    }
}

/// Draws a bar for each day; draws nothing for a single day.
pub(super) fn by_day(l: Language, page: &StatsPage<'_>) -> Markup {
    html! {
        @if page.span != StatsSpan::Day {
            section.chart { (chart(l, l.of("По дням", "By day"), &days(l, page))) }
        }
    }
}

/// Draws the bars in one row and, for narrow screens, in rows of bars that are wide enough for a finger.
fn chart(l: Language, heading: &str, all: &[Bar]) -> Markup {
    let rows = all.len().div_ceil(BARS_MAX as usize);
    let in_row = all.len().div_ceil(rows.max(1));
    html! {
        h2 { (heading) }
        @if rows > 1 {
            div.on-narrow { (bars(l, heading, all, in_row)) }
            div.on-wide { (bars(l, heading, all, all.len())) }
        } @else {
            (bars(l, heading, all, all.len()))
        }
        (legend(l.of("остальные", "others"), l.of("пропущенные", "missed")))
    }
}

/// Returns the hours from the first that has calls on any day to the last.
pub(super) fn hours_with_calls(counts: &WeekCounts) -> std::ops::Range<usize> {
    let is_busy = |hour: &usize| counts.iter().any(|day| day[*hour] > 0);
    let first = (0..24).find(is_busy);
    let last = (0..24).rfind(is_busy);
    first.unwrap_or(0)..last.map_or(0, |last| last + 1)
}

fn hours(l: Language, page: &StatsPage<'_>) -> Vec<Bar> {
    let hours = hours_with_calls(&page.days.calls);
    let sum = |counts: &WeekCounts, hour: usize| counts.iter().map(|day| day[hour]).sum();
    let bar = |hour: usize| {
        let (calls, lost) = (sum(&page.days.calls, hour), sum(&page.days.missed, hour));
        let from = u32::try_from(hour).expect("a day has 24 hours");
        Bar {
            label: hour.to_string(),
            aria_label: format!(
                "{hour}:00–{}:00: {}",
                hour + 1,
                l.calls_and_missed(calls, lost)
            ),
            calls,
            lost,
            link: page.list(
                l,
                &Filters {
                    hours: Some((from, from + 1)),
                    ..page.all()
                },
            ),
        }
    };
    hours.map(bar).collect()
}

fn days(l: Language, page: &StatsPage<'_>) -> Vec<Bar> {
    let outcomes_of = |day| {
        let mut groups = page.days.groups.iter();
        let group = groups.find(|group| group.key == GroupKey::Day(day));
        group
            .map(|group| group.figures.outcomes)
            .unwrap_or_default()
    };
    let days = page.from().iter_days().take_while(|day| *day <= page.date);
    let bar = |day: chrono::NaiveDate| {
        let outcomes = outcomes_of(day);
        let (calls, lost) = (outcomes.all(), outcomes.of(Outcome::Missed));
        Bar {
            label: day.format("%-d").to_string(),
            aria_label: format!("{}: {}", l.day(day), l.calls_and_missed(calls, lost)),
            calls,
            lost,
            link: page.list(l, &Filters::default().on(day, day)),
        }
    };
    days.map(bar).collect()
}
