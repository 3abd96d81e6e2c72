//! Statistics of an enterprise's calls on one sheet: how many, how many were missed and not called back, how fast
//! people answer, when, who, and on which line. Each figure of a group leads to its calls.

mod heat;
mod link;
mod missed;
mod tables;
mod times;

use chrono::{Days, NaiveDate};
use maud::{Markup, html};

pub use link::{Span, StatsLink};

use super::filters::Filters;
use super::frame::Frame;
use super::given::StatsPage;
use super::numbers::numbers;
use super::people::People;
use super::troubles::missing_parts;
use super::{Language, Look, shortened};
use calltrace_model::call::Outcome;

impl StatsPage<'_> {
    /// The first day.
    fn from(&self) -> NaiveDate {
        self.span.first(self.date)
    }

    /// All days.
    fn all(&self) -> Filters {
        Filters::default().on(self.from(), self.date)
    }

    /// The list of calls that these filters ask for.
    fn list(&self, l: Language, filters: &Filters) -> String {
        format!(
            "../calls/{}{}",
            self.enterprise,
            filters.link(self.token, l)
        )
    }

    /// Other statistics of the enterprise.
    fn of(&self, l: Language, span: Span, date: NaiveDate) -> String {
        let date = Some(date);
        StatsLink { span, date }.link(self.token, l)
    }
}

/// The page.
pub fn stats_page(look: &Look, page: &StatsPage<'_>) -> Markup {
    let l = look.language;
    let people = People {
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
            (head(look, page, has_calls))
            (missing_parts(look, None, page.troubles))
            @if has_calls {
                (missed::section(look, page, &people))
                div {
                    (tables::speed(look, page))
                    (times::by_day(l, page))
                }
                (times::by_hour(l, page))
                (heat::section(look, page))
                (tables::persons(look, page, &people))
                (tables::lines(look, page, &people))
                (downloads(l, page))
            } @else if page.mistake.is_none() {
                section.rows { p { (nothing(l, page)) } }
            }
        }
        (frame.footer(look, &html! {}))
    };
    frame.around(l, &content)
}

fn head(look: &Look, page: &StatsPage<'_>, has_calls: bool) -> Markup {
    let l = look.language;
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

/// What is asked first: how many were missed, how many of them were not called back, how long clients wait.
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

/// Other days.
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
            @for (span, name) in Span::ALL.into_iter().zip(spans) {
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

/// The same figures for spreadsheets and programs.
fn downloads(l: Language, page: &StatsPage<'_>) -> Markup {
    html! {
        p.downloads {
            (l.of("Скачать:", "Download:"))
            @for file in page.files { " " a.button href=(file.link) download { (file.name) } }
        }
    }
}
