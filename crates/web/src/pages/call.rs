//! The page of one call.

use maud::{Markup, html};

use super::PageContext;
use super::faults::faults;
use super::frame::Frame;
use super::headline::{Headline, going_on, headline, notes};
use super::others::others;
use super::page_data::CallPage;
use super::people::{PageNames, client_in_log};
use super::picture::picture;
use super::story::{StoryWords, story};
use super::technical::technical;
use super::timeline::{ShownEntries, timeline};
use super::troubles::missing_parts;
use calltrace_model::call::{Fault, Story};

/// The page of a call in progress reloads after this many seconds.
const REFRESH_SECONDS: u32 = 5;

/// Renders the page of a call.
pub fn call_page(context: &PageContext, page: &CallPage<'_>) -> Markup {
    let l = context.language;
    let log_client = client_in_log(page.call);
    let people = PageNames {
        names: page.names,
        client: log_client.as_ref(),
    };
    let live = going_on(context, page.call);
    let other = format!("{}&lang={}", page.query, l.of("en", "ru"));
    let title = format!(
        "{} {}",
        l.of("Звонок", "Call"),
        context
            .clock
            .moment(page.call.summary.first)
            .format("%d.%m.%Y %H:%M")
    );
    let frame = Frame {
        title: &title,
        refresh: (live.is_some() && page.may_refresh).then_some(REFRESH_SECONDS),
        other_language: Some(&other),
    };
    let words = StoryWords {
        language: l,
        people: &people,
        summary: &page.call.summary,
        facts: &page.call.facts,
        is_over: live.is_none(),
    };
    let call_story = Story::of(&page.call.facts, &page.call.summary);
    let wrong = Fault::all(&page.call.facts, &page.call.summary, context.now);
    let shown = ShownEntries::of(page);
    // Open intervals are drawn up to now; for a call without a logged end, up to its last record.
    let upto = match live {
        Some(_) => context.now.max(page.call.summary.last),
        None => page.call.summary.last,
    };
    let first = Headline {
        words: &words,
        story: &call_story,
        faults: &wrong,
        live: live.as_ref(),
    };
    let content = html! {
        @if let Some(list) = page.list {
            nav { a href=(list) { "← " (l.of("Все звонки", "All calls")) } }
        }
        main {
            @if live.is_some() { (refreshing(context, page)) }
            (headline(context, page, &first))
            (missing_parts(context, Some(&page.call.summary), page.troubles))
            @if page.call.left_out > 0 {
                section.warn role="note" {
                    p {
                        strong { (l.of("Записей слишком много", "There are too many records")) }
                        (l.of(": показаны первые и последние события, не показано не меньше ", ": the first and the last events are shown, left out are at least "))
                        (page.call.left_out)
                    }
                }
            }
            (picture(context, &call_story, &words, upto))
            (story(context, &words, &call_story))
            (faults(context, page.call, &people, &wrong, |record| shown.anchor(record)))
            (notes(context, page, live.is_some()))
            (others(context, page.others, &people))
            (timeline(context, page, &people, &shown))
            (technical(context, page, &people, &call_story))
        }
        (frame.footer(context, &html! {
            p { (l.of("Звонок ", "Call ")) code { (super::shown(page.call.summary.main_uid.as_bytes())) } }
        }))
    };
    frame.around(l, &content)
}

/// Says that the page reloads itself, with a link that stops it for people who read slowly.
fn refreshing(context: &PageContext, page: &CallPage<'_>) -> Markup {
    let l = context.language;
    html! {
        p.refresh role="status" {
            @if page.may_refresh {
                (l.of("Звонок ещё идёт: страница обновляется сама.", "The call goes on: this page refreshes itself."))
                " " a href={ (page.query) "&live=off" } { (l.of("Остановить", "Stop")) }
            } @else {
                (l.of("Звонок ещё идёт, обновление остановлено.", "The call goes on; refreshing is stopped."))
                " " a href=(page.query) { (l.of("Обновить", "Refresh")) }
            }
        }
    }
}
