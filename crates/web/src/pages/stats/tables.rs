//! How fast people answer, and the calls of each person and each line.

use maud::{Markup, html};

use super::super::filters::Filters;
use super::super::frame::wide;
use super::super::page_data::StatsPage;
use super::super::people::PageNames;
use super::super::{Language, PageContext, shortened};

use calltrace_model::call::Outcome;
use calltrace_model::stats::{Figures, Group, GroupKey, HostRequests, Spread};

/// The number of listed hosts.
const HOSTS_MAX: usize = 10;

/// The longest extension that the list accepts (characters).
const EXTENSION_CHARS_MAX: usize = 20;

/// Draws how long clients wait and, folded, how long they talk and how long messages and requests
/// took.
pub(super) fn speed(context: &PageContext, page: &StatsPage<'_>) -> Markup {
    let (l, total) = (context.language, &page.days.total);
    let more = [
        (l.of("Разговор", "Talk"), total.talk),
        (l.of("Удержание", "Hold"), total.hold),
        (l.of("Сообщения", "Messages"), total.message_lag),
    ];
    let has_more = more.iter().any(|(_, spread)| spread.is_some()) || total.http > 0;
    html! {
        section.speed {
            h2 { (l.of("Сколько ждут ответа", "How long clients wait")) }
            @match total.wait {
                None => p.quiet { (l.of("Входящих звонков нет.", "There are no incoming calls.")) },
                Some(wait) => {
                    dl.figures {
                        @for (what, millis) in parts(l, wait) { div { dt { (what) } dd { (l.duration(millis)) } } }
                    }
                    p.quiet {
                        (l.of("По входящим (", "Of incoming calls (")) (l.number(wait.count))
                        (l.of("): до ответа или пока клиент не положил трубку.", "): until somebody answered, or the client hung up."))
                    }
                }
            }
            @if has_more {
                details {
                    summary { (l.of("Разговоры, сообщения, запросы", "Talk, messages, requests")) }
                    (spreads(l, more))
                    @if total.messages_standing > 0 {
                        p.quiet { (l.of("Не удалено сообщений: ", "Messages that still stand: ")) (l.number(total.messages_standing)) }
                    }
                    @if total.http > 0 { (requests(l, &page.days.requests)) }
                }
            }
        }
    }
}

fn parts(l: Language, spread: Spread) -> [(&'static str, i64); 4] {
    [
        (l.of("половина до", "half up to"), spread.p50),
        (l.of("90\u{a0}% до", "90% up to"), spread.p90),
        (l.of("95\u{a0}% до", "95% up to"), spread.p95),
        (l.of("дольше всех", "longest"), spread.max),
    ]
}

fn spreads(l: Language, rows: [(&str, Option<Spread>); 3]) -> Markup {
    let heading = l.of("Длительность", "Duration");
    html! {
        (wide(heading, &html! {
            table {
                thead { tr {
                    th scope="col" { (heading) }
                    @for head in [l.of("половина", "half"), "90\u{a0}%", "95\u{a0}%", l.of("дольше всех", "longest"), l.of("звонков", "count")] {
                        th scope="col" { (head) }
                    }
                } }
                tbody {
                    @for (what, spread) in rows {
                        @if let Some(spread) = spread {
                            tr {
                                th scope="row" { (what) }
                                @for (_, millis) in parts(l, spread) { td { (l.duration(millis)) } }
                                td { (l.number(spread.count)) }
                            }
                        }
                    }
                }
            }
        }))
    }
}

fn requests(l: Language, hosts: &[HostRequests]) -> Markup {
    let heading = l.of("Запросы HTTP", "HTTP requests");
    html! {
        (wide(heading, &html! {
            table {
                thead { tr {
                    th scope="col" { (heading) }
                    @for head in [l.of("всего", "all"), l.of("с ошибкой", "failed"), l.of("95\u{a0}% до", "95% up to")] { th scope="col" { (head) } }
                } }
                tbody {
                    @for host in hosts.iter().take(HOSTS_MAX) {
                        tr {
                            th scope="row" { @if host.host.is_empty() { "—" } @else { (shortened(host.host.as_bytes(), 60)) } }
                            td { (l.number(host.count)) }
                            td { (l.number(host.failed)) }
                            td { (length(l, host.took, |took| took.p95)) }
                        }
                    }
                }
            }
        }))
        @if hosts.len() > HOSTS_MAX { p.quiet { (l.more(hosts.len() - HOSTS_MAX)) } }
    }
}

/// Lists all people who had calls, the busiest first.
pub(super) fn persons(
    context: &PageContext,
    page: &StatsPage<'_>,
    people: &PageNames<'_>,
) -> Markup {
    let l = context.language;
    let is_number = |name: &str| {
        name.bytes()
            .all(|b| b.is_ascii_digit() || b"*#".contains(&b))
    };
    let filters = |name: &str| {
        let is_asked_for = !name.is_empty() && name.len() <= EXTENSION_CHARS_MAX && is_number(name);
        is_asked_for.then(|| Filters {
            extension: name.to_owned(),
            ..page.all()
        })
    };
    let note = l.of(
        "Пропущенный засчитан каждому, у кого звонил; по ссылке — все звонки с участием сотрудника.",
        "A missed call counts for everybody it rang; a link leads to all calls that a person took part in.",
    );
    let table = GroupTable {
        heading: l.of("По сотрудникам", "By person"),
        groups: &page.persons.groups,
        shown: page.rows_max,
        name: &|name| people.text(name),
        filters: &filters,
    };
    html! {
        section.groups {
            (groups(l, page, &table))
            p.quiet { (note) }
        }
    }
}

/// Lists all lines, the busiest first; draws nothing if no call names one.
pub(super) fn lines(context: &PageContext, page: &StatsPage<'_>, people: &PageNames<'_>) -> Markup {
    let l = context.language;
    let filters = |name: &str| {
        (!name.is_empty()).then(|| Filters {
            line: name.to_owned(),
            ..page.all()
        })
    };
    let table = GroupTable {
        heading: l.of("По линиям", "By line"),
        groups: &page.lines.groups,
        shown: page.rows_max,
        name: &|name| people.line(l, name),
        filters: &filters,
    };
    html! {
        @if page.lines.groups.iter().any(|group| !name_of(group).is_empty()) {
            section.groups { (groups(l, page, &table)) }
        }
    }
}

/// Groups of calls as a table.
struct GroupTable<'t> {
    heading: &'static str,
    groups: &'t [Group],
    /// The largest number of rows.
    shown: usize,
    name: &'t dyn Fn(&str) -> String,
    /// Returns the filters of a group, if the list can select it.
    filters: &'t dyn Fn(&str) -> Option<Filters>,
}

fn name_of(group: &Group) -> &str {
    match &group.key {
        GroupKey::Name { name, .. } => name,
        _ => "",
    }
}

fn groups(l: Language, page: &StatsPage<'_>, table: &GroupTable<'_>) -> Markup {
    let more = table.groups.len().saturating_sub(table.shown);
    let linked = |filters: Option<Filters>, text: &str| match filters {
        Some(filters) => html! { a href=(page.list(l, &filters)) { (text) } },
        None => html! { (text) },
    };
    let row = |group: &Group| {
        let (name, figures) = (name_of(group), &group.figures);
        let filters = (table.filters)(name);
        let missed = figures.outcomes.of(Outcome::Missed);
        let of_missed = filters
            .clone()
            .filter(|_| missed > 0)
            .map(|filters| Filters {
                outcome: Some(Outcome::Missed),
                ..filters
            });
        let text = match name {
            "" => "—".to_owned(),
            name => (table.name)(name),
        };
        html! {
            tr {
                th scope="row" { (linked(filters, &text)) }
                td { (l.number(figures.outcomes.all())) }
                td { (linked(of_missed, &l.number(missed))) }
                td { (l.number(figures.fates.not_returned)) }
                td { (half(l, figures, |figures| figures.wait)) }
                td.extra { (half(l, figures, |figures| figures.talk)) }
            }
        }
    };
    html! {
        h2 { (table.heading) }
        (wide(table.heading, &html! {
            table.counts {
                thead { tr {
                    td {}
                    @for (head, class) in [
                        (l.of("звонков", "calls"), None),
                        (l.of("пропущено", "missed"), None),
                        (l.of("не перезв.", "not called back"), None),
                        (l.of("ждут", "wait"), None),
                        (l.of("говорят", "talk"), Some("extra")),
                    ] { th scope="col" class=[class] { (head) } }
                } }
                tbody { @for group in table.groups.iter().take(table.shown) { (row(group)) } }
            }
        }))
        @if more > 0 { p.quiet.more { (l.more(more)) } }
    }
}

/// The median.
fn half(l: Language, figures: &Figures, of: fn(&Figures) -> Option<Spread>) -> String {
    length(l, of(figures), |spread| spread.p50)
}

fn length(l: Language, spread: Option<Spread>, of: fn(Spread) -> i64) -> String {
    spread.map_or("—".to_owned(), |spread| l.duration(of(spread)))
}
