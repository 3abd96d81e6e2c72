//! The page of one call.

use maud::{Markup, html};

use super::Look;
use super::faults::faults;
use super::frame::Frame;
use super::given::CallPage;
use super::headline::{Headline, going_on, headline, notes};
use super::others::others;
use super::people::{People, client_in_log};
use super::picture::picture;
use super::story::{Words, story};
use super::technical::technical;
use super::timeline::{Shown, timeline};
use super::troubles::missing_parts;
use calltrace_model::call::{Fault, Story};

/// A call that goes on is asked about again after this many seconds.
const REFRESH_SECONDS: u32 = 5;

/// The page of a call.
pub fn call_page(look: &Look, page: &CallPage<'_>) -> Markup {
    let l = look.language;
    let told = client_in_log(page.call);
    let people = People {
        names: page.names,
        client: told.as_ref(),
    };
    let live = going_on(look, page.call);
    let other = format!("{}&lang={}", page.query, l.of("en", "ru"));
    let title = format!(
        "{} {}",
        l.of("Звонок", "Call"),
        look.clock
            .moment(page.call.summary.first)
            .format("%d.%m.%Y %H:%M")
    );
    let frame = Frame {
        title: &title,
        refresh: (live.is_some() && page.may_refresh).then_some(REFRESH_SECONDS),
        other_language: Some(&other),
    };
    let words = Words {
        language: l,
        people: &people,
        summary: &page.call.summary,
        facts: &page.call.facts,
        is_over: live.is_none(),
    };
    let told = Story::of(&page.call.facts, &page.call.summary);
    let wrong = Fault::all(&page.call.facts, &page.call.summary, look.now);
    let shown = Shown::of(page);
    // What lasts is drawn up to now; of a call whose end is missing to its last record.
    let upto = match live {
        Some(_) => look.now.max(page.call.summary.last),
        None => page.call.summary.last,
    };
    let first = Headline {
        words: &words,
        story: &told,
        faults: &wrong,
        live: live.as_ref(),
    };
    let content = html! {
        @if let Some(list) = page.list {
            nav { a href=(list) { "← " (l.of("Все звонки", "All calls")) } }
        }
        main {
            @if live.is_some() { (refreshing(look, page)) }
            (headline(look, page, &first))
            (missing_parts(look, Some(&page.call.summary), page.troubles))
            @if page.call.left_out > 0 {
                section.warn role="note" {
                    p {
                        strong { (l.of("Записей слишком много", "There are too many records")) }
                        (l.of(": показаны первые и последние события, не показано не меньше ", ": the first and the last events are shown, left out are at least "))
                        (page.call.left_out)
                    }
                }
            }
            (picture(look, &told, &words, upto))
            (story(look, &words, &told))
            (faults(look, page.call, &people, &wrong, |record| shown.anchor(record)))
            (notes(look, page, live.is_some()))
            (others(look, page.others, &people))
            (timeline(look, page, &people, &shown))
            (technical(look, page, &people, &told))
        }
        (frame.footer(look, &html! {
            p { (l.of("Звонок ", "Call ")) code { (super::shown(page.call.summary.main_uid.as_bytes())) } }
        }))
    };
    frame.around(l, &content)
}

/// Says that the page loads itself again, with a way to stop it for who reads slowly.
fn refreshing(look: &Look, page: &CallPage<'_>) -> Markup {
    let l = look.language;
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
