//! The list of an enterprise's calls: the day's numbers, a form to look for some, a row a call.

use chrono::NaiveDate;
use maud::{Markup, html};

use super::chart::chart;
use super::frame::Frame;
use super::people::People;
use super::troubles::missing_parts;
use super::{Language, Look, shortened};
use crate::call::{Direction, Outcome, Summary};
use crate::directory::Names;
use crate::engine::Tally;
use crate::error::Trouble;
use crate::tree::EnterpriseName;

/// Of those rung, shown in a row.
const RUNG_MAX: usize = 4;

/// What is typed into the form, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// A phone number in any form.
    pub phone: String,
    /// An extension.
    pub extension: String,
    /// First day.
    pub from: Option<NaiveDate>,
    /// Last day, inclusive.
    pub to: Option<NaiveDate>,
    /// Which way.
    pub direction: Option<Direction>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

impl Filters {
    /// Nothing is asked for but the newest.
    pub fn is_empty(&self) -> bool {
        *self == Filters::default()
    }
}

/// What of the form can't be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// No phone number, or fewer than seven digits of one.
    Phone,
    /// No extension: digits, `*` and `#`, 20 at most.
    Extension,
    /// No date of the form 2025-11-30.
    Date,
    /// The first day is after the last.
    Order,
    /// No such direction or result.
    Choice,
}

/// Where links on the list lead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListLinks {
    /// The list without any filter.
    pub all: String,
    /// The same rows in the other language.
    pub language: String,
    /// Newer rows of the same question.
    pub newer: Option<String>,
    /// Older rows of the same question.
    pub older: Option<String>,
    /// There are older rows that no page shows: too many to leaf through.
    pub is_cut: bool,
    /// The same question about the day before.
    pub day_before: Option<String>,
    /// The same question about the day after.
    pub day_after: Option<String>,
}

/// What the list is made of.
#[derive(Debug)]
pub struct ListPage<'a> {
    /// Whose.
    pub enterprise: &'a EnterpriseName,
    /// What people call it.
    pub title: Option<&'a str>,
    /// What was asked for.
    pub filters: &'a Filters,
    /// What of it makes no sense; then nothing was searched.
    pub mistake: Option<Mistake>,
    /// Calls of this page, newest first, each with where it leads; empty: nowhere.
    pub rows: &'a [(Summary, String)],
    /// All calls that match.
    pub tally: &'a Tally,
    /// First and last day that were looked at; `None` for all there are.
    pub period: Option<(NaiveDate, NaiveDate)>,
    /// What could not be read.
    pub troubles: &'a [Trouble],
    /// Who is who.
    pub names: &'a Names,
    /// What opens the page, for the form to send along.
    pub token: &'a str,
    /// Links.
    pub links: &'a ListLinks,
}

/// The list.
pub fn list_page(look: &Look, page: &ListPage<'_>) -> Markup {
    let l = look.language;
    let people = People {
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
                @if page.mistake.is_none() { (numbers(l, page.tally)) }
                (days(l, page.links))
            }
            (form(l, page))
            (missing_parts(look, page.troubles))
            @if page.mistake.is_none() {
                @if page.tally.total().all() > 0 { (chart(look, page.tally, page.period)) }
                (rows(look, page, &people))
            }
        }
        (frame.footer(look, &html! {}))
    };
    frame.around(l, &content)
}

fn heading(l: Language, page: &ListPage<'_>) -> String {
    if page.mistake.is_some() {
        return l.of("Поиск звонков", "Search for calls").to_owned();
    }
    match page.period {
        Some((from, to)) if from == to => format!("{} {}", l.of("Звонки", "Calls,"), l.day(from)),
        Some((from, to)) => format!(
            "{} {} – {}",
            l.of("Звонки", "Calls,"),
            l.day(from),
            l.day(to)
        ),
        None => match page.filters.to {
            Some(to) => format!("{} {}", l.of("Звонки по", "Calls up to"), l.day(to)),
            None => l.of("Звонки за все дни", "Calls of all days").to_owned(),
        },
    }
}

/// `143 звонка: 120 отвечено, 20 пропущено, 3 не дозвонились`
fn numbers(l: Language, tally: &Tally) -> Markup {
    let total = tally.total();
    html! {
        p.numbers {
            strong { (l.count(total.all(), ["звонок", "звонка", "звонков"], ["call", "calls"])) }
            @if total.all() > 0 {
                ": " span.ok { "✓ " (l.number(total.answered)) " " (l.of("отвечено", "answered")) }
                " " span.bad { "✕ " (l.number(total.missed)) " " (l.of("пропущено", "missed")) }
                @if total.not_reached > 0 {
                    " " span.bad { "✕ " (l.number(total.not_reached)) " " (l.of("не дозвонились", "not reached")) }
                }
                @if total.busy > 0 {
                    " " span.bad { "✕ " (l.number(total.busy)) " " (l.of("занято", "busy")) }
                }
                @if total.in_progress > 0 {
                    " " span.live { "● " (l.number(total.in_progress)) " " (l.of("идёт сейчас", "in progress")) }
                }
                @if total.unknown > 0 {
                    " " span.odd { "? " (l.number(total.unknown)) " " (l.of("без завершения", "without an end")) }
                }
            }
        }
    }
}

fn days(l: Language, links: &ListLinks) -> Markup {
    html! {
        @if links.day_before.is_some() || links.day_after.is_some() {
            nav.pages aria-label=(l.of("Дни", "Days")) {
                @if let Some(link) = &links.day_before { a href=(link) { "← " (l.of("день раньше", "the day before")) } }
                " "
                @if let Some(link) = &links.day_after { a href=(link) { (l.of("день позже", "the day after")) " →" } }
            }
        }
    }
}

fn form(l: Language, page: &ListPage<'_>) -> Markup {
    let filters = page.filters;
    let date = |date: Option<NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
    let has_more = Filters {
        phone: String::new(),
        ..filters.clone()
    } != Filters::default();
    html! {
        form.search method="get" role="search" aria-label=(l.of("Поиск звонков", "Search for calls")) {
            input type="hidden" name="token" value=(page.token);
            input type="hidden" name="lang" value=(l.tag());
            @if let Some(mistake) = page.mistake {
                p.fail role="alert" { (mistake_text(l, mistake)) }
            }
            label for="phone" { (l.of("Телефон клиента", "The client's phone")) }
            div.line-up {
                input #phone type="text" inputmode="tel" name="phone" value=(filters.phone) maxlength="40" autocomplete="off"
                    placeholder="+375 (29) 000-12-34" aria-describedby="phone-hint";
                button type="submit" { (l.of("Найти", "Search")) }
            }
            p #phone-hint .quiet { (l.of("в любой записи; достаточно последних 7 цифр", "in any form; the last 7 digits are enough")) }
            details open[has_more] {
                summary { (l.of("Ещё условия", "More conditions")) }
                div.fields {
                    div {
                        label for="result" { (l.of("Результат", "Result")) }
                        select #result name="result" {
                            option value="" { (l.of("любой", "any")) }
                            @for (value, outcome) in OUTCOMES {
                                option value=(value) selected[filters.outcome == Some(outcome)] { (l.outcome(outcome)) }
                            }
                        }
                    }
                    div {
                        label for="direction" { (l.of("Направление", "Direction")) }
                        select #direction name="direction" {
                            option value="" { (l.of("любое", "any")) }
                            @for (value, direction) in DIRECTIONS {
                                option value=(value) selected[filters.direction == Some(direction)] { (l.way(direction)) }
                            }
                        }
                    }
                    div {
                        label for="ext" { (l.of("Добавочный", "Extension")) }
                        input #ext type="text" inputmode="numeric" name="ext" value=(filters.extension) maxlength="20" autocomplete="off" placeholder="151";
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

/// Directions as the form sends them.
pub(in crate::web) const DIRECTIONS: [(&str, Direction); 3] = [
    ("in", Direction::Incoming),
    ("out", Direction::Outgoing),
    ("internal", Direction::Internal),
];

/// Results as the form sends them.
pub(in crate::web) const OUTCOMES: [(&str, Outcome); 6] = [
    ("answered", Outcome::Answered),
    ("missed", Outcome::Missed),
    ("not_reached", Outcome::NotReached),
    ("busy", Outcome::Busy),
    ("in_progress", Outcome::InProgress),
    ("unknown", Outcome::Unknown),
];

fn mistake_text(l: Language, mistake: Mistake) -> &'static str {
    match mistake {
        Mistake::Phone => l.of(
            "Это не похоже на номер: нужны цифры, не меньше семи последних. Добавочный указывают в «Ещё условия».",
            "That is no phone number: give digits, at least the last seven. An extension goes into “More conditions”.",
        ),
        Mistake::Extension => l.of("Добавочный: только цифры, например 151.", "An extension is digits, such as 151."),
        Mistake::Date => l.of("Дату не разобрать: нужна вида 2025-11-30.", "The date can't be read; it is like 2025-11-30."),
        Mistake::Order => l.of("Первый день позже последнего.", "The first day is after the last."),
        Mistake::Choice => l.of("Такого направления или результата нет.", "There is no such direction or result."),
    }
}

fn rows(look: &Look, page: &ListPage<'_>, people: &People<'_>) -> Markup {
    let l = look.language;
    let mut day = page
        .period
        .filter(|(from, to)| from == to)
        .map(|(from, _)| from);
    let offsets = look.clock.offsets(page.rows.iter().map(|(s, _)| s.first));
    let time = |s: &Summary| {
        let time = look.clock.moment(s.first).format("%H:%M:%S").to_string();
        time + &offsets.as_ref().map_or(String::new(), |of| of(s.first))
    };
    html! {
        section.rows {
            h2 { (l.of("Звонки, новые сверху", "Calls, newest first")) }
            @if page.rows.is_empty() {
                p { (nothing(l, page)) }
            }
            ol {
                @for (summary, link) in page.rows {
                    @let date = look.clock.moment(summary.first).date_naive();
                    @if day.replace(date) != Some(date) {
                        li.day { (l.day(date)) }
                    }
                    li { (row(look, people, summary, (&time(summary), link))) }
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
    } else if page.troubles.is_empty() {
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

fn row(look: &Look, people: &People<'_>, s: &Summary, (time, link): (&str, &str)) -> Markup {
    let l = look.language;
    let (class, mark, result) = match s.outcome {
        Outcome::Answered => ("ok", "✓", l.outcome(s.outcome)),
        Outcome::Missed | Outcome::NotReached | Outcome::Busy => ("bad", "✕", l.outcome(s.outcome)),
        Outcome::InProgress => ("live", "●", l.outcome(s.outcome)),
        Outcome::Unknown => ("odd", "?", l.outcome(s.outcome)),
    };
    let arrow = match s.direction {
        Direction::Incoming => "↘",
        Direction::Outgoing => "↗",
        Direction::Internal => "↔",
        Direction::Unknown => "·",
    };
    html! {
        a.row href=[(!link.is_empty()).then_some(link)] {
            span.at {
                time datetime=(look.clock.rfc3339(s.first)) { (time) }
                span.way { span aria-hidden="true" { (arrow) " " } (l.way(s.direction)) }
            }
            span.whom {
                @if s.client.is_empty() { (l.of("номер неизвестен", "number unknown")) } @else { (people.party(&s.client)) }
                span.leg { (with_whom(l, people, s)) }
            }
            span.how {
                span class={ "badge " (class) } { span aria-hidden="true" { (mark) " " } (result) }
                @if let Some(length) = lasting(l, s) { span.leg { (length) } }
            }
        }
    }
}

/// Who picked up, else who was rung.
fn with_whom(l: Language, people: &People<'_>, s: &Summary) -> String {
    if let Some(who) = &s.answered_by {
        let to: Vec<String> = s
            .transferred_to
            .iter()
            .take(RUNG_MAX)
            .map(|who| people.text(who))
            .collect();
        return [vec![people.text(who)], to].concat().join(" → ");
    }
    let rung: Vec<String> = s
        .rang
        .iter()
        .take(RUNG_MAX)
        .map(|who| people.text(who))
        .collect();
    let more = s.rang.len().saturating_sub(RUNG_MAX);
    match (rung.is_empty(), more) {
        (true, _) => l.of("никому не звонили", "nobody was rung").to_owned(),
        (false, 0) => rung.join(", "),
        (false, more) => format!("{} +{more}", rung.join(", ")),
    }
}

fn lasting(l: Language, s: &Summary) -> Option<String> {
    match (s.outcome, s.talk_millis, s.ring_millis) {
        (Outcome::Answered, Some(talk), _) => Some(l.duration(talk)),
        (outcome, _, Some(ring)) if outcome.is_unanswered() => {
            Some(format!("{} {}", l.of("звонили", "rang"), l.duration(ring)))
        }
        _ => None,
    }
}
