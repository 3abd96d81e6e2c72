//! Missed calls: how many were returned, by whom, and which clients were not called back.

use maud::{Markup, html};

use super::super::filters::Filters;
use super::super::page_data::StatsPage;
use super::super::people::PageNames;
use super::super::row::{MINUTE_MILLIS, soon};
use super::super::{Language, PageContext};
use super::StatsSpan;
use calltrace_model::call::Outcome;
use calltrace_model::stats::Fates;

/// The largest number of names of rung extensions, and of people who called back.
const NAMED_MAX: usize = 4;

/// Draws the section about missed calls: how many of them were returned, and by whom.
pub(super) fn section(
    context: &PageContext,
    page: &StatsPage<'_>,
    people: &PageNames<'_>,
) -> Markup {
    let l = context.language;
    let missed = page.days.total.outcomes.of(Outcome::Missed);
    if missed == 0 {
        return html! {
            section.unreturned {
                h2 { (l.of("Пропущенные", "Missed calls")) }
                p { (l.of("Пропущенных звонков нет.", "No call was missed.")) }
            }
        };
    }
    let fates = page.days.total.fates;
    let all = Filters {
        outcome: Some(Outcome::Missed),
        ..page.all()
    };
    html! {
        section.unreturned {
            h2 {
                (l.of("Не перезвонили: ", "Not called back: "))
                (l.number(fates.not_returned)) (l.of(" из ", " of ")) (l.number(missed))
            }
            p.quiet { (became(l, page, fates)) }
            (by_whom(l, page, people))
            @if !page.unreturned.is_empty() {
                ol { @for row in page.unreturned { (unreturned(context, page, people, row)) } }
            }
            p.pages {
                a href=(page.list(l, &all)) { (l.of("Все пропущенные", "All missed calls")) " →" }
            }
            @let more = fates.not_returned.saturating_sub(page.unreturned.len());
            @if more > 0 { p.quiet.more { (l.more(more)) } }
        }
    }
}

/// `Перезвонили за 60 мин: 6 (половина через 5 мин, не дозвонились: 1). Клиент дозвонился сам: 1.`
fn became(l: Language, page: &StatsPage<'_>, fates: Fates) -> String {
    let minutes = usize::try_from(page.days.within_millis / MINUTE_MILLIS).unwrap_or(0);
    let within = l.count(
        minutes,
        ["минуту", "минуты", "минут"],
        ["minute", "minutes"],
    );
    let mut parts = Vec::new();
    if fates.called_back() > 0 {
        let after = page.days.called_back_after;
        let half = after.map(|after| {
            let soon = soon(l, after.p50);
            format!("{} {soon}", l.of("половине через", "half of them after"))
        });
        let tried = (fates.tried > 0).then(|| {
            let word = l.of("не дозвонились:", "not reached:");
            format!("{word} {}", l.number(fates.tried))
        });
        let more: Vec<String> = half.into_iter().chain(tried).collect();
        let called = l.of("Перезвонили за", "Called back within");
        let count = l.number(fates.called_back());
        parts.push(format!("{called} {within}: {count} ({})", more.join(", ")));
    }
    let others = [
        (
            fates.rang_again_answered,
            l.of("Клиент дозвонился сам", "The client got through later"),
        ),
        (fates.pending, l.of("Ещё есть время", "There is still time")),
        (fates.anonymous, l.of("Без номера", "Without a number")),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0);
    parts.extend(others.map(|(count, words)| format!("{words}: {}", l.number(count))));
    match parts.is_empty() {
        true => format!(
            "{} {within}.",
            l.of("Никому не перезвонили за", "Nobody was called back within")
        ),
        false => parts.join(". ") + ".",
    }
}

/// Lists who called back, the busiest first.
fn by_whom(l: Language, page: &StatsPage<'_>, people: &PageNames<'_>) -> Markup {
    let known = page.days.called_back_by.iter();
    let known: Vec<_> = known.filter(|by| !by.person.is_empty()).collect();
    let named = known.iter().take(NAMED_MAX);
    let named: Vec<String> = named
        .map(|by| format!("{}: {}", people.text(&by.person), l.number(by.calls)))
        .collect();
    let more = known.len().saturating_sub(NAMED_MAX);
    html! {
        @if !named.is_empty() {
            p.quiet {
                (l.of("Перезванивали — ", "Who called back: ")) (named.join(", "))
                @if more > 0 { ", " (l.more(more)) }
            }
        }
    }
}

/// Draws a call that was not returned, with a link to its page or, if it has none, to the calls of
/// its client.
fn unreturned(
    context: &PageContext,
    page: &StatsPage<'_>,
    people: &PageNames<'_>,
    row: &super::super::page_data::Unreturned,
) -> Markup {
    let (l, call) = (context.language, &row.call);
    let of_client = || {
        page.list(
            l,
            &Filters {
                phone: call.client.clone(),
                ..page.all()
            },
        )
    };
    let moment = context.clock.moment(call.first);
    let time = match page.span {
        StatsSpan::Day => moment.format("%H:%M"),
        _ => moment.format("%d.%m %H:%M"),
    };
    let rung = call.rang.iter().take(NAMED_MAX).map(|who| people.text(who));
    let rung: Vec<String> = rung.collect();
    html! {
        li {
            a href=(row.link.clone().unwrap_or_else(of_client)) {
                time datetime=(context.clock.rfc3339(call.first)) { (time) }
                " " (people.party(&call.client))
            }
            @if !rung.is_empty() { " " span.leg { (rung.join(", ")) } }
            @if row.rang_again { " " span.uncalled { (l.of("звонил ещё", "rang again")) } }
        }
    }
}
