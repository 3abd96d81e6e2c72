//! The parts of a log that could not be read, in plain words.

use std::path::Path;

use maud::{Markup, html};

use super::{Language, PageContext, shortened};
use calltrace_model::call::Summary;
use calltrace_model::record::Stamp;
use calltrace_store::error::Trouble;

/// The number of troubles listed; further ones are only counted.
const TROUBLES_MAX: usize = 5;

/// The engine's words for a file that ends in an incomplete line.
const HALF_LINE: &str = "middle of a line";

/// Draws a box that says which parts of calls, or of one call, may be missing; draws nothing if everything
/// could be read. A line that is still being written does not belong to a call that has ended.
pub(super) fn missing_parts(
    context: &PageContext,
    call: Option<&Summary>,
    troubles: &[Trouble],
) -> Markup {
    let l = context.language;
    let is_over = call.is_some_and(|call| call.ended);
    let is_lost = |it: &&Trouble| it.matters && !(is_over && it.what.contains(HALF_LINE));
    let troubles: Vec<&Trouble> = troubles.iter().filter(is_lost).collect();
    if troubles.is_empty() {
        return html! {};
    }
    html! {
        section.warn role="note" {
            p {
                strong { (l.of("Часть журнала не прочитана", "A part of the log could not be read")) }
                ": "
                (l.of("на этой странице может чего-то не хватать.", "something may be missing on this page."))
            }
            (listed(context, &troubles))
        }
    }
}

/// Lists damage of other times, for a page that shows nothing: another time may have been meant.
pub(super) fn other_damage(context: &PageContext, troubles: &[Trouble]) -> Markup {
    let l = context.language;
    let is_other = |it: &&Trouble| it.hides.is_some() && !it.matters;
    let troubles: Vec<&Trouble> = troubles.iter().filter(is_other).collect();
    if troubles.is_empty() {
        return html! {};
    }
    html! {
        p { (l.of("Не прочитано за другое время:", "What could not be read of other times:")) }
        (listed(context, &troubles))
    }
}

fn listed(context: &PageContext, troubles: &[&Trouble]) -> Markup {
    html! {
        ul {
            @for trouble in troubles.iter().take(TROUBLES_MAX) {
                li { (sentence(context, trouble)) }
            }
            @if troubles.len() > TROUBLES_MAX {
                li { (context.language.more(troubles.len() - TROUBLES_MAX)) }
            }
        }
    }
}

/// Draws `Файл за 27.11.2025 повреждён после 10:32:07`, with the file's name and the engine's reason for the
/// person who repairs it. The folder is not shown, because it gives information about the server.
fn sentence(context: &PageContext, trouble: &Trouble) -> Markup {
    let l = context.language;
    let name = file_name(&trouble.path);
    let after = last_time(&trouble.what);
    html! {
        (match date_in(&name) {
            Some(date) => format!("{} {date}", l.of("Файл за", "The file of")),
            None if is_shipped(&trouble.path) => {
                l.text("Хранилище архивных дней", "The storage of sealed days")
            }
            None => l.text("Файл", "The file"),
        })
        " " (kind(context, &trouble.what))
        @if let Some(after) = after {
            " " (l.of("после", "after")) " "
            time { (context.clock.time(after)) }
        }
        "; " small {
            code { (shortened(name.as_bytes(), 80)) }
            // The engine writes English, which a manager who reads Russian need not know.
            @if l == Language::English { " " (shortened(trouble.what.as_bytes(), 200)) }
        }
    }
}

fn kind(context: &PageContext, what: &str) -> &'static str {
    let l = context.language;
    let holds = |words: &[&str]| words.iter().any(|word| what.contains(word));
    if holds(&["truncated", "damaged"]) {
        l.of("повреждён", "is damaged")
    } else if holds(&["can't be read", "can't be listed", "leads nowhere"]) {
        l.of("не читается", "can't be read")
    } else if holds(&[HALF_LINE]) {
        l.of("ещё дописывается", "is still being written")
    } else if holds(&["NUL bytes"]) {
        l.of("содержит испорченную строку", "has a broken line")
    } else if holds(&["has a line of"]) {
        l.of(
            "содержит слишком длинную строку",
            "has a line that is too long",
        )
    } else {
        l.of("прочитан не весь", "could not be read whole")
    }
}

/// The name of a log. An object is named by its checksum, in a folder with the name of the log.
fn file_name(path: &Path) -> String {
    let is_object = is_shipped(path) && path.extension().is_some();
    let named = match path.parent() {
        Some(folder) if is_object => folder,
        _ => path,
    };
    let name = named.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Whether it is the address of shipped days or of one of their objects.
fn is_shipped(path: &Path) -> bool {
    path.starts_with("s3:")
}

/// Returns the record time at the end of a trouble's text.
fn last_time(what: &str) -> Option<Stamp> {
    let (_, time) = what.rsplit_once(" after ")?;
    Stamp::parse_prefix(time.as_bytes())
}

/// `events.log.2025-11-27.gz` -> `27.11.2025`; also from `events.log-20251127`.
fn date_in(name: &str) -> Option<String> {
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    let date = digits.get(..8)?;
    let known = chrono::NaiveDate::parse_from_str(date, "%Y%m%d").ok()?;
    Some(known.format("%d.%m.%Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use calltrace_model::record::LogZone;
    use calltrace_output::Clock;

    fn rendered(language: Language, path: &str, what: &str) -> String {
        let context = PageContext {
            language,
            clock: Clock {
                log: LogZone::default(),
                shown: calltrace_model::record::Zone::named("Europe/Minsk").expect("a zone"),
            },
            now: Stamp(0),
        };
        missing_parts(&context, None, &[Trouble::new(Path::new(path), what)]).into_string()
    }

    #[test]
    fn a_shipped_day_is_named_by_its_log_and_a_store_as_what_it_is() {
        let day = "s3://calls/0367/events.log.2025-11-27.gz/1f2e3d4c.gz";
        let page = rendered(Language::English, day, "can't be read: no connection");
        assert!(
            page.contains("The file of 27.11.2025 can't be read"),
            "{page}"
        );
        assert!(
            !page.contains("1f2e3d4c") && !page.contains("s3://"),
            "{page}"
        );
        let store = "can't be listed, so its shipped days are missing: no connection";
        let page = rendered(Language::Russian, "s3://calls/0367", store);
        assert!(
            page.contains("Хранилище архивных дней не читается"),
            "{page}"
        );
    }

    #[test]
    fn damage_of_another_time_is_not_a_warning_and_is_named_on_an_empty_page() {
        let context = PageContext {
            language: Language::English,
            clock: Clock {
                log: LogZone::default(),
                shown: calltrace_model::record::Zone::UTC,
            },
            now: Stamp(0),
        };
        let elsewhere = [Trouble {
            matters: false,
            ..Trouble::new(Path::new("events.log.2025-11-27.gz"), "is a truncated gzip")
        }];
        assert_eq!(missing_parts(&context, None, &elsewhere).into_string(), "");
        let rendered = other_damage(&context, &elsewhere).into_string();
        assert!(
            rendered.contains("The file of 27.11.2025 is damaged"),
            "{rendered}"
        );
    }

    #[test]
    fn a_damaged_file_is_named_by_its_day_and_the_last_time_that_could_be_read() {
        let what = "is a truncated gzip after 2025-11-27 10:32:07,123";
        let rendered_ru = rendered(
            Language::Russian,
            "/srv/x/0367/events.log.2025-11-27.gz",
            what,
        );
        assert!(
            rendered_ru.contains("Файл за 27.11.2025 повреждён после <time>13:32:07</time>;"),
            "{rendered_ru}"
        );
        assert!(!rendered_ru.contains("/srv"), "{rendered_ru}");
        let rendered_en = rendered(
            Language::English,
            "events.log-20251127",
            "can't be read: permission denied",
        );
        assert!(
            rendered_en.contains("The file of 27.11.2025 can't be read;"),
            "{rendered_en}"
        );
    }
}
