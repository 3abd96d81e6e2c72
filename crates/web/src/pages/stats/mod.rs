//! Statistics of an enterprise's calls on one page: how many, how many were missed and not called back, how
//! fast people answer, by time, person and line. Each figure of a group links to its calls.

mod heat;
mod link;
mod missed;
mod tables;
mod times;

use chrono::{Days, NaiveDate};
use maud::{Markup, html};

pub use link::{StatsLink, StatsSpan};

use super::filters::Filters;
use super::frame::Frame;
use super::numbers::numbers;
use super::page_data::StatsPage;
use super::people::PageNames;
use super::troubles::missing_parts;
use super::{Language, PageContext, shortened};
use calltrace_model::call::Outcome;

impl StatsPage<'_> {
    /// Returns the first day.
    fn from(&self) -> NaiveDate {
        self.span.first(self.date)
    }

    /// Returns the filters of all days.
    fn all(&self) -> Filters {
        Filters::default().on(self.from(), self.date)
    }

    /// Returns the link to the list with these filters.
    fn list(&self, l: Language, filters: &Filters) -> String {
        format!(
            "../calls/{}{}",
            self.enterprise,
            filters.link(self.token, l)
        )
    }

    /// Returns the link to other statistics of the enterprise.
    fn of(&self, l: Language, span: StatsSpan, date: NaiveDate) -> String {
        let date = Some(date);
        StatsLink { span, date }.link(self.token, l)
    }
}

/// Renders the page.
pub fn stats_page(context: &PageContext, page: &StatsPage<'_>) -> Markup {
    let l = context.language;
    let people = PageNames {
        names: page.names,
        client: None,
    };
    let other = page.of(
        l.of(Language::English, Language::Russian),
        page.span,
        page.date,
    );
    let frame = Frame {
        title: l.of("Звонки: статистика", "Calls: statistics"),
        refresh: None,
        other_language: Some(&other),
    };
    let total = &page.days.total;
    let has_calls = total.outcomes.all() > 0;
    let content = html! {
        nav { a href=(page.list(l, &page.all())) { "← " (l.of("Звонки", "Calls")) } }
        main.stats {
            (head(context, page, has_calls))
            (missing_parts(context, None, page.troubles))
            @if has_calls {
                (missed::section(context, page, &people))
                div {
                    (tables::speed(context, page))
                    (times::by_day(l, page))
                }
                (times::by_hour(l, page))
                (heat::section(context, page))
                (tables::persons(context, page, &people))
                (tables::lines(context, page, &people))
                (downloads(l, page))
            } @else if page.mistake.is_none() {
                section.rows { p { (nothing(l, page)) } }
            }
        }
        (frame.footer(context, &html! {}))
    };
    frame.around(l, &content)
}

fn head(context: &PageContext, page: &StatsPage<'_>, has_calls: bool) -> Markup {
    let l = context.language;
    let of_outcome = |outcome| {
        let outcome = Some(outcome);
        page.list(
            l,
            &Filters {
                outcome,
                ..page.all()
            },
        )
    };
    html! {
        header.head {
            p.where {
                @if let Some(title) = page.title { bdi { (shortened(title.as_bytes(), 60)) } " · " }
                (page.enterprise)
            }
            h1 { (l.of("Статистика, ", "Statistics, ")) (l.days(page.from(), page.date)) }
            p.when { (l.of("Время: ", "Times: ")) (page.zone) }
            @if has_calls {
                (numbers(l, page.days.total.outcomes, &of_outcome))
                (figures(l, page))
            }
            (choice(l, page))
        }
    }
}

/// Draws the main figures: how many calls were missed, how many of them were not called back, and how long
/// clients wait.
fn figures(l: Language, page: &StatsPage<'_>) -> Markup {
    let total = &page.days.total;
    let (all, missed) = (total.outcomes.all(), total.outcomes.of(Outcome::Missed));
    let percent = (missed * 200 + all) / (2 * all);
    html! {
        dl.figures {
            div { dt { (l.of("Пропущено", "Missed")) } dd { (l.number(missed)) " (" (percent) (l.of("\u{a0}%", "%")) ")" } }
            div { dt { (l.of("Не перезвонили", "Not called back")) } dd { (l.number(total.fates.not_returned)) } }
            @if let Some(wait) = total.wait {
                div { dt { (l.of("Половина ждёт до", "Half wait up to")) } dd { (l.duration(wait.p50)) } }
                div { dt { (l.of("90\u{a0}% ждут до", "90% wait up to")) } dd { (l.duration(wait.p90)) } }
            }
        }
    }
}

/// Links to other days.
fn choice(l: Language, page: &StatsPage<'_>) -> Markup {
    let days = Days::new(page.span.days());
    let earlier = page.date.checked_sub_days(days);
    let later = page
        .date
        .checked_add_days(days)
        .map(|date| date.min(page.today));
    let later = later.filter(|date| *date > page.date);
    let spans = [
        l.of("День", "Day"),
        l.of("Неделя", "Week"),
        l.of("Две недели", "Two weeks"),
    ];
    html! {
        nav.tabs aria-label=(l.of("Дни", "Days")) {
            @if let Some(date) = earlier { a href=(page.of(l, page.span, date)) aria-label=(l.of("раньше", "earlier")) { "←" } }
            @for (span, name) in StatsSpan::ALL.into_iter().zip(spans) {
                @match span == page.span && page.mistake.is_none() {
                    true => a aria-current="true" { (name) },
                    false => a href=(page.of(l, span, page.date)) { (name) },
                }
            }
            @if let Some(date) = later { a href=(page.of(l, page.span, date)) aria-label=(l.of("позже", "later")) { "→" } }
        }
        form.until method="get" {
            input type="hidden" name="token" value=(page.token);
            input type="hidden" name="lang" value=(l.tag());
            input type="hidden" name="period" value=(page.span.name());
            @if page.mistake.is_some() {
                p.fail role="alert" { (l.of("Дату не разобрать: нужна вида 2025-11-30.", "The date can't be read; it is like 2025-11-30.")) }
            }
            label for="date" { (l.of("По день", "Up to day")) }
            div.line-up {
                input #date type="date" name="date" value=(page.mistake.map_or(page.date.to_string(), str::to_owned));
                button type="submit" { (l.of("Показать", "Show")) }
            }
        }
    }
}

fn nothing(l: Language, page: &StatsPage<'_>) -> &'static str {
    match page.troubles.is_empty() {
        true => l.of(
            "За эти дни звонков нет; всё просмотрено. Выберите другой день или больше дней.",
            "There are no calls on these days; everything was searched. Choose another day, or more days.",
        ),
        false => l.of(
            "За эти дни звонков не нашлось, но прочитать удалось не всё.",
            "No calls were found on these days, but not everything could be read.",
        ),
    }
}

/// Links to the same statistics as files, for spreadsheets and programs.
fn downloads(l: Language, page: &StatsPage<'_>) -> Markup {
    html! {
        p.downloads {
            (l.of("Скачать:", "Download:"))
            @for file in page.files { " " a.button href=(file.link) download { (file.name) } }
        }
    }
}
