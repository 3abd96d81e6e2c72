//! The parts that every page has around its content: head, style sheet, footer.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Language, PageContext};

/// The one style sheet, which every page contains; the policy names its hash.
pub const STYLE: &str = include_str!("style.css");

/// A telephone on a blue ground; it is part of the page, so that no browser requests it.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E\
%3Crect width='32' height='32' rx='7' fill='%231a5fb4'/%3E%3Cpath d='M9 8l4-1 2 5-2 2c1 2 3 4 5 5l2-2 5 2-1 4c-8 2-17-7-15-15z' fill='%23fff'/%3E%3C/svg%3E";

/// The parts of a page around its content.
pub(super) struct Frame<'f> {
    /// The title of the browser's window. It holds no number and no name, because it is stored in
    /// histories and previews.
    pub title: &'f str,
    /// Seconds until the page reloads itself.
    pub refresh: Option<u32>,
    /// The same page in another language, if the address is known.
    pub other_language: Option<&'f str>,
}

impl Frame<'_> {
    /// Returns the whole document.
    pub(super) fn around(&self, language: Language, content: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang=(language.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex, nofollow, noarchive";
                    meta name="referrer" content="no-referrer";
                    meta name="format-detection" content="telephone=no";
                    @if let Some(seconds) = self.refresh {
                        meta http-equiv="refresh" content=(seconds);
                    }
                    title { (self.title) }
                    link rel="icon" href=(ICON);
                    style { (PreEscaped(STYLE)) }
                }
                body { (content) }
            }
        }
    }

    /// Returns the line at the foot of a page: the time at which it was made, and the link to the other
    /// language.
    pub(super) fn footer(&self, context: &PageContext, about: &Markup) -> Markup {
        let l = context.language;
        html! {
            footer {
                (about)
                p {
                    (l.of("Обновлено: ", "Updated: "))
                     (day_and_time(context, context.now)) " (" (context.clock.zone(context.now)) ")"
                    @if let Some(link) = self.other_language {
                        " · "
                        a href=(link) lang=(l.of("en", "ru")) hreflang=(l.of("en", "ru")) {
                            (l.of("In English", "По-русски"))
                        }
                    }
                }
            }
        }
    }
}

/// `2 декабря 2025, 12:15:00`
pub(super) fn day_and_time(context: &PageContext, at: calltrace_model::record::Stamp) -> String {
    let moment = context.clock.moment(at);
    let day = context.language.day(moment.date_naive());
    format!("{day}, {}", moment.format("%H:%M:%S"))
}

/// Wraps content that may be wider than the screen. The wrapper has a name and takes the focus, so that it
/// can be scrolled with the keyboard.
pub(super) fn wide(name: &str, content: &Markup) -> Markup {
    html! { div.wide tabindex="0" role="region" aria-label=(name) { (content) } }
}
