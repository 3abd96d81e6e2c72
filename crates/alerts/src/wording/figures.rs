//! Figures of a finding as words.

use crate::finding::{CheckFinding, FigureValue};
use calltrace_model::sanitise::sanitise;
use calltrace_output::{Language, phone};

/// A count; 0 if the finding has none of this name.
pub(super) fn count(finding: &CheckFinding, name: &str) -> usize {
    match finding.figure(name) {
        Some(FigureValue::Count(count)) => usize::try_from(*count).unwrap_or(usize::MAX),
        _ => 0,
    }
}

/// `42 %`, `42%`; nothing if the finding has no share of this name.
pub(super) fn percent(finding: &CheckFinding, name: &str, language: Language) -> String {
    match finding.figure(name) {
        Some(FigureValue::Share(share)) => {
            let percent = (share * 100.0).round();
            format!("{percent:.0}{}", language.of("\u{a0}%", "%"))
        }
        _ => String::new(),
    }
}

/// A length of time; nothing if the finding has none of this name.
pub(super) fn length(finding: &CheckFinding, name: &str, language: Language) -> Option<String> {
    match finding.figure(name) {
        Some(FigureValue::Millis(millis)) => Some(language.duration(*millis)),
        _ => None,
    }
}

/// `3,1`, `3.1`; `None` if the usual share is nothing.
pub(super) fn times(finding: &CheckFinding, language: Language) -> Option<String> {
    match finding.figure("times_usual") {
        Some(FigureValue::Factor(times)) => {
            let text = format!("{times:.1}");
            Some(text.replace('.', language.of(",", ".")))
        }
        _ => None,
    }
}

/// What is wrong, in English; it may come from another host.
pub(super) fn reason(finding: &CheckFinding) -> String {
    match finding.figure("reason") {
        Some(FigureValue::Text(text)) => sanitise(text.as_bytes()).into_owned(),
        _ => String::new(),
    }
}

/// The number of the client as people write it.
pub(super) fn client(finding: &CheckFinding) -> String {
    match finding.figure("client") {
        Some(FigureValue::Phone(digits)) => phone(digits),
        _ => String::new(),
    }
}

/// The part of the scope, as it is named in logs and settings.
pub(super) fn part(finding: &CheckFinding) -> String {
    let part = finding.scope.part.as_ref();
    part.map_or_else(String::new, |part| {
        sanitise(part.value().as_bytes()).into_owned()
    })
}
