//! The list of an enterprise's calls: the numbers of the day, a search form, and one row per call.

use chrono::NaiveDate;
use maud::{Markup, html};

use super::chart::chart;
use super::filters::{DIRECTIONS, Filters, Mistake};
use super::frame::Frame;
use super::numbers::numbers;
use super::page_data::{ListLinks, ListPage};
use super::people::PageNames;
use super::row::row;
use super::troubles::{missing_parts, other_damage};
use super::{Language, PageContext, shortened};
use calltrace_model::call::{Outcome, Summary};
use calltrace_store::error::Trouble;

impl ListPage<'_> {
    /// Returns the link to the list with these filters.
    pub(super) fn link(&self, l: Language, filters: &Filters) -> String {
        filters.link(self.token, l)
    }
}

/// Renders the list.
pub fn list_page(context: &PageContext, page: &ListPage<'_>) -> Markup {
    let l = context.language;
    let people = PageNames {
        names: page.names,
        client: None,
    };
    let frame = Frame {
        title: l.of("Звонки", "Calls"),
        refresh: None,
        other_language: Some(&page.links.language),
    };
    let content = html! {
        main {
            header.head {
                p.where {
                    @if let Some(title) = page.title { bdi { (shortened(title.as_bytes(), 60)) } " · " }
                    (page.enterprise)
                }
                h1 { (heading(l, page)) }
                @if page.mistake.is_none() {
                    @let link = |outcome| page.link(l, &Filters { outcome: Some(outcome), ..page.fixed.clone() });
                    (numbers(l, page.tally.total(), &link))
                }
                (tabs(l, page.links))
                p.pages { a href=(page.links.stats) { (l.of("Статистика", "Statistics")) " →" } }
            }
            (form(l, page))
            (missing_parts(context, None, page.troubles))
            @if page.mistake.is_none() {
                @if page.tally.total().all() > 0 { (chart(context, page)) }
                (rows(context, page, &people))
            }
        }
        (frame.footer(context, &html! {}))
    };
    frame.around(l, &content)
}

fn heading(l: Language, page: &ListPage<'_>) -> String {
    if page.mistake.is_some() {
        return l.text("Поиск звонков", "Search for calls");
    }
    let filters = page.filters;
    let days = match page.period {
        Some((from, to)) => format!("{} {}", l.of("Звонки", "Calls,"), l.days(from, to)),
        None => match filters.to {
            Some(to) => format!("{} {}", l.of("Звонки по", "Calls up to"), l.day(to)),
            None => l.text("Звонки за все дни", "Calls of all days"),
        },
    };
    let weekday = filters.weekday.map_or(String::new(), |day| {
        format!(", {}", l.weekday(usize::from(day)))
    });
    let hours = filters
        .hours
        .map_or(String::new(), |(from, to)| format!(", {from}:00–{to}:00"));
    days + &weekday + &hours
}

/// Links to other days and results.
fn tabs(l: Language, links: &ListLinks) -> Markup {
    let spans = [
        l.of("Сегодня", "Today"),
        l.of("Вчера", "Yesterday"),
        l.of("Неделя", "Week"),
    ];
    let results = [l.of("Все", "All"), l.of("Пропущенные", "Missed")];
    let tab = |(name, link): (&str, &Option<String>)| {
        html! {
            @match link {
                Some(link) => a href=(link) { (name) },
                None => a aria-current="true" { (name) },
            }
        }
    };
    html! {
        nav.tabs aria-label=(l.of("Результат", "Result")) {
            @for named in results.into_iter().zip(&links.outcomes) { (tab(named)) }
        }
        nav.tabs aria-label=(l.of("Дни", "Days")) {
            @if let Some(link) = &links.day_before { a href=(link) aria-label=(l.of("день раньше", "the day before")) { "←" } }
            @for named in spans.into_iter().zip(&links.spans) { (tab(named)) }
            @if let Some(link) = &links.day_after { a href=(link) aria-label=(l.of("день позже", "the day after")) { "→" } }
        }
    }
}

fn form(l: Language, page: &ListPage<'_>) -> Markup {
    let filters = page.filters;
    let date = |date: Option<NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
    // A filter that narrows the rows must be visible: in the links above, or in the form.
    let is_above = |links: &[Option<String>]| links.iter().any(Option::is_none);
    let has_days = filters.from.is_some() || filters.to.is_some();
    let has_more = filters.direction.is_some()
        || !filters.extension.is_empty()
        || !filters.line.is_empty()
        || has_days && !is_above(&page.links.spans)
        || filters.outcome.is_some() && !is_above(&page.links.outcomes);
    html! {
        form.search method="get" role="search" aria-label=(l.of("Поиск звонков", "Search for calls")) {
            input type="hidden" name="token" value=(page.token);
            input type="hidden" name="lang" value=(l.tag());
            @if let Some(mistake) = page.mistake {
                p.fail role="alert" { (mistake_text(l, mistake)) }
            }
            label for="phone" { (l.of("Телефон клиента", "The client's phone")) }
            div.line-up {
                input #phone type="text" inputmode="tel" name="phone" value=(filters.phone) maxlength="100" autocomplete="off"
                    placeholder="+375 (29) 000-12-34" aria-describedby="phone-hint";
                button type="submit" { (l.of("Найти", "Search")) }
            }
            p #phone-hint .quiet {
                (l.of("в любой записи; достаточно последних 7 цифр. Без номера: ", "in any form; the last 7 digits are enough. Without a number: "))
                @let anonymous = Filters { phone: "anonymous".to_owned(), ..Filters::default() };
                a href=(page.link(l, &anonymous)) { "anonymous" }
                (l.of(", адрес SIP", ", a SIP address"))
            }
            details open[has_more] {
                summary { (l.of("Ещё условия", "More conditions")) }
                div.fields {
                    div {
                        label for="result" { (l.of("Результат", "Result")) }
                        select #result name="result" {
                            option value="" { (l.of("любой", "any")) }
                            @for outcome in Outcome::ALL {
                                option value=(outcome.name()) selected[filters.outcome == Some(outcome)] { (l.outcome(outcome, None)) }
                            }
                        }
                    }
                    div {
                        label for="direction" { (l.of("Направление", "Direction")) }
                        select #direction name="direction" {
                            option value="" { (l.of("любое", "any")) }
                            @for direction in DIRECTIONS {
                                option value=(direction.name()) selected[filters.direction == Some(direction)] { (l.way(direction)) }
                            }
                        }
                    }
                    div {
                        label for="ext" { (l.of("Добавочный", "Extension")) }
                        input #ext type="text" inputmode="numeric" name="ext" value=(filters.extension) maxlength="20" autocomplete="off" placeholder="151";
                    }
                    div {
                        label for="line" { (l.of("Линия", "Line")) }
                        input #line type="text" name="line" value=(filters.line) maxlength="40" autocomplete="off" placeholder="0001363";
                    }
                    div {
                        label for="from" { (l.of("С дня", "From day")) }
                        input #from type="date" name="from" value=(date(filters.from));
                    }
                    div {
                        label for="to" { (l.of("По день", "To day")) }
                        input #to type="date" name="to" value=(date(filters.to));
                    }
                }
            }
            @if !filters.is_empty() {
                p.pages { a href=(page.links.all) { (l.of("Сбросить условия", "Clear the conditions")) } }
            }
        }
    }
}

fn mistake_text(l: Language, mistake: Mistake) -> &'static str {
    match mistake {
        Mistake::Phone => l.of(
            "Это не похоже на номер: нужны цифры, не меньше семи последних, а если номера не было, то слово или адрес, как anonymous. Добавочный указывают в «Ещё условия».",
            "That is no phone number: give digits, at least the last seven; of a caller without one a word or an address, such as anonymous. An extension goes into “More conditions”.",
        ),
        Mistake::Extension => l.of("Добавочный: только цифры, например 151.", "An extension is digits, such as 151."),
        Mistake::Date => l.of("Дату не разобрать: нужна вида 2025-11-30.", "The date can't be read; it is like 2025-11-30."),
        Mistake::Order => l.of("Первый день позже последнего.", "The first day is after the last."),
        Mistake::Choice => l.of("Таких часов, такого дня недели, линии, направления или результата нет.", "There are no such hours, day of the week, line, direction or result."),
    }
}

fn rows(context: &PageContext, page: &ListPage<'_>, people: &PageNames<'_>) -> Markup {
    let l = context.language;
    let mut day = page
        .period
        .filter(|(from, to)| from == to)
        .map(|(from, _)| from);
    let offsets = context
        .clock
        .offsets(page.rows.iter().map(|(s, _)| s.first));
    let time = |s: &Summary| {
        let time = context.clock.time(s.first);
        time + &offsets.as_ref().map_or(String::new(), |of| of(s.first))
    };
    html! {
        section.rows {
            h2 { (l.of("Звонки, новые сверху", "Calls, newest first")) }
            @if page.rows.is_empty() {
                p { (nothing(l, page)) }
                (other_damage(context, page.troubles))
            }
            ol {
                @for (summary, link) in page.rows {
                    @let date = context.clock.moment(summary.first).date_naive();
                    @if day.replace(date) != Some(date) {
                        li.day { (l.day(date)) }
                    }
                    @let fate = page.returns.filter(|_| summary.outcome == Outcome::Missed)
                        .map(|returns| returns.fate(0, &summary.client, summary.first));
                    li { (row(context, people, summary, (&time(summary), link), fate.as_ref())) }
                }
            }
            @if page.links.is_cut {
                p.quiet { (l.of("Есть и более старые; чтобы увидеть их, задайте дни или другие условия.",
                    "There are older ones; give days or other conditions to see them.")) }
            }
            @if page.links.newer.is_some() || page.links.older.is_some() {
                nav.pages aria-label=(l.of("Страницы", "Pages")) {
                    @if let Some(link) = &page.links.newer { a rel="prev" href=(link) { "← " (l.of("новее", "newer")) } }
                    " "
                    @if let Some(link) = &page.links.older { a rel="next" href=(link) { (l.of("старее", "older")) " →" } }
                }
            }
        }
    }
}

fn nothing(l: Language, page: &ListPage<'_>) -> &'static str {
    if page.filters.is_empty() {
        l.of(
            "Звонков в журнале ещё нет.",
            "There are no calls in the log yet.",
        )
    } else if !Trouble::any_matters(page.troubles) {
        l.of(
            "Таких звонков нет; всё просмотрено.",
            "There are no such calls; everything was searched.",
        )
    } else {
        l.of(
            "Таких звонков не нашлось, но прочитать удалось не всё.",
            "No such calls were found, but not everything could be read.",
        )
    }
}
