//! The page of one call.

use maud::{Markup, html};

use super::frame::Frame;
use super::headline::{going_on, headline, notes};
use super::people::{People, client_in_log};
use super::picture::{near, picture};
use super::timeline::timeline;
use super::troubles::missing_parts;
use super::{Look, legs};
use crate::call::Lanes;
use crate::directory::Names;
use crate::engine::{Searched, TracedCall};
use crate::error::Trouble;
use crate::tree::EnterpriseName;

/// A call that goes on is asked about again after this many seconds.
const REFRESH_SECONDS: u32 = 5;

/// What the page of a call is made of.
#[derive(Debug)]
pub struct CallPage<'a> {
    /// Whose.
    pub enterprise: &'a EnterpriseName,
    /// What people call it.
    pub title: Option<&'a str>,
    /// The call.
    pub call: &'a TracedCall,
    /// What was read for it.
    pub searched: Searched,
    /// What could not be read.
    pub troubles: &'a [Trouble],
    /// Who is who.
    pub names: &'a Names,
    /// The page of a call that goes on may load itself again.
    pub may_refresh: bool,
    /// Entries of the timeline that are passed over (of a very long one).
    pub from: usize,
    /// Where this page is from elsewhere on it, with what opens it: `?token=...` with parameters
    /// added by `&`.
    pub query: &'a str,
    /// The list of calls, for who may see it.
    pub list: Option<&'a str>,
}

/// The page of a call.
pub fn call_page(look: &Look, page: &CallPage<'_>) -> Markup {
    let l = look.language;
    let told = client_in_log(page.call);
    let people = People {
        names: page.names,
        client: told
            .as_ref()
            .map(|(number, name)| (number.as_str(), name.as_str())),
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
    let near = near(&page.call.facts);
    let (facts, far) = match &near {
        Some((facts, far)) => (facts.as_slice(), far.as_slice()),
        None => (page.call.facts.as_slice(), &[][..]),
    };
    // A call whose clock was wrong is not drawn up to now.
    let upto = (live.is_some() && far.is_empty()).then_some(look.now);
    let lanes = Lanes::of(facts, &page.call.summary, upto);
    let content = html! {
        @if let Some(list) = page.list {
            nav { a href=(list) { "← " (l.of("Все звонки", "All calls")) } }
        }
        main {
            @if live.is_some() { (refreshing(look, page)) }
            (headline(look, page, &people, live.as_ref()))
            (missing_parts(look, page.troubles))
            @if page.call.left_out > 0 {
                section.warn role="note" {
                    p {
                        strong { (l.of("Записей слишком много", "There are too many records")) }
                        (l.of(": показаны первые и последние события, не показано не меньше ", ": the first and the last events are shown, left out are at least "))
                        (page.call.left_out)
                    }
                }
            }
            @if let Some(lanes) = &lanes {
                (picture(look, page.call, lanes, far, &people))
            }
            (notes(look, page, live.as_ref()))
            (timeline(look, page, &people, lanes.as_ref()))
            (legs::legs(look, page.call, &people))
        }
        (frame.footer(look, &html! {
            p {
                (l.of("Звонок ", "Call ")) code { (super::shown(page.call.summary.main_uid.as_bytes())) }
                " · " (l.count(page.call.lines.len(), ["запись", "записи", "записей"], ["record", "records"]))
                " · " (l.count(page.searched.files, ["файл просмотрен", "файла просмотрено", "файлов просмотрено"], ["file searched", "files searched"]))
            }
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
