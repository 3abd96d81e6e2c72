//! Rules for every page, and what no text of a log may do to one.

use serde_json::{Value, json};

use super::{PageReport, Server};

/// A secret that the bodies of all events hold, and that no page may show.
pub(crate) const EVENT_TOKEN: &str = "375290000000";

/// The largest size of a page (bytes), whatever was logged.
const PAGE_BYTES_MAX: usize = 1_000_000;

/// Fails with all complaints, one per line.
pub(crate) fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Returns the faults of a page; `name` says which page it is.
pub(crate) fn complaints(name: &str, server: &Server, report: &PageReport) -> Vec<String> {
    let mut wrong = Vec::new();
    // A browser reports for each page with such a status that it could not be loaded.
    let is_status =
        |entry: &&String| report.status >= 400 && entry.contains("Failed to load resource");
    let loud = report.console.iter().filter(|entry| !is_status(entry));
    wrong.extend(loud.map(|entry| format!("the console says {entry}")));
    wrong.extend(
        report
            .errors
            .iter()
            .map(|error| format!("a script broke: {error}")),
    );
    wrong.extend(
        report
            .dialogs
            .iter()
            .map(|dialog| format!("a dialog opened: {dialog}")),
    );
    let is_own = |url: &&String| {
        url.starts_with(&format!("{}/", server.origin())) || url.starts_with("data:")
    };
    let strange = report.requests.iter().filter(|url| !is_own(url));
    wrong.extend(strange.map(|url| format!("it asks for {url}")));
    wrong.extend(
        report
            .cookies
            .iter()
            .map(|cookie| format!("it sets the cookie {cookie}")),
    );
    wrong.extend(report.stored.iter().map(|key| format!("it stores {key}")));
    if report.html.contains("<script") {
        wrong.push("it has a script".to_owned());
    }
    if report.html.len() > PAGE_BYTES_MAX {
        wrong.push(format!("it has {} bytes", report.html.len()));
    }
    if report.scroll_width > report.client_width {
        wrong.push(format!(
            "it is {} wide on a screen of {}",
            report.scroll_width, report.client_width
        ));
    }
    let hanging = report.hanging.iter().take(3);
    wrong.extend(
        hanging.map(|found| format!("it stands out sideways: {} {:?}", found.tag, found.text)),
    );
    wrong.extend(
        report
            .overlaps
            .iter()
            .take(3)
            .map(|two| format!("texts lie on one another: {two}")),
    );
    if !report.broken.is_empty() {
        let some = &report.broken[..report.broken.len().min(8)];
        wrong.push(format!("words are broken: {some:?}"));
    }
    for violation in &report.violations {
        let places: Vec<String> = violation
            .nodes
            .iter()
            .take(3)
            .map(Value::to_string)
            .collect();
        wrong.push(format!(
            "axe {}: {}\n    {}",
            violation.id,
            violation.help,
            places.join("\n    ")
        ));
    }
    wrong
        .into_iter()
        .map(|what| format!("{name}: {what}"))
        .collect()
}

/// The options that [`hostilities`] needs: axe and a screenshot.
pub(crate) fn options(shot: &str) -> Value {
    json!({
        "axe": true,
        "shot": shot,
        "find": [
            "script, img, iframe, object, embed, base, video, audio, foreignObject, input[autofocus], body *[style]",
            "a, area, use, image, form[action]",
            "meta[http-equiv]",
            "style, link",
            "form",
        ],
    })
}

/// Whether a link dials a number and does nothing else.
fn is_number(href: &str) -> bool {
    let number = href.strip_prefix("tel:");
    number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit() || b == b'+'))
}

/// Returns what came from a log and became more than text.
pub(crate) fn hostilities(name: &str, server: &Server, report: &PageReport) -> Vec<String> {
    let mut wrong = Vec::new();
    let [made, leading, metas, styles, forms] = &report.found[..] else {
        panic!("five things were asked for");
    };
    wrong.extend(made.iter().map(|found| format!("an element: {found:?}")));
    let own = format!("{}/", server.origin());
    let leads_away = report
        .links
        .iter()
        .filter(|link| !link.href.starts_with(&own) && !is_number(&link.href));
    wrong.extend(leads_away.map(|link| format!("a link to {}", link.href)));
    if leading.iter().any(|found| found.tag != "a") {
        wrong.push(format!("something that leads elsewhere: {leading:?}"));
    }
    wrong.extend(
        metas
            .iter()
            .map(|meta| format!("an order to the browser: {meta:?}")),
    );
    // One style sheet and the icon.
    if styles.len() != 2 || forms.len() > 1 {
        wrong.push(format!(
            "{} styles and links, {} forms",
            styles.len(),
            forms.len()
        ));
    }
    wrong.extend(
        report
            .handlers
            .iter()
            .map(|handler| format!("a handler: {handler}")),
    );
    if report.hit {
        wrong.push("a script of the log ran".to_owned());
    }
    let hidden: Vec<char> = report.text.chars().filter(|c| is_hidden(*c)).collect();
    if !hidden.is_empty() {
        wrong.push(format!(
            "characters that turn, hide or move text: {hidden:?}"
        ));
    }
    wrong
        .into_iter()
        .map(|what| format!("{name}: {what}"))
        .collect()
}

/// Control characters, marks that turn text around, and invisible separators.
fn is_hidden(c: char) -> bool {
    let is_layout = matches!(c, '\n' | '\t');
    c.is_control() && !is_layout
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
