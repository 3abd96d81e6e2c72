//! The faults of a call, by severity. Only a problem is red.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::people::PageNames;
use super::{Language, PageContext};
use calltrace_engine::TracedCall;
use calltrace_model::call::{Fault, Severity};
use calltrace_output::story;

/// The number of records that one fault names; further ones are only counted.
const RECORDS_MAX: usize = 3;

/// The number of chats that one fault names.
const CHATS_MAX: usize = 5;

/// Lists the faults, with the records that show each; draws nothing if there are none. `anchor` returns the
/// id of the entry that shows a record.
pub(super) fn faults(
    context: &PageContext,
    call: &TracedCall,
    people: &PageNames<'_>,
    faults: &[Fault],
    anchor: impl Fn(usize) -> Option<String>,
) -> Markup {
    let l = context.language;
    let is_grave = faults
        .iter()
        .any(|fault| fault.code.severity() > Severity::Note);
    html! {
        @if !faults.is_empty() {
            section.faults #faults {
                h2 {
                    @if is_grave { (l.of("Что не так", "What is wrong")) }
                    @else { (l.of("К сведению", "Good to know")) }
                }
                ul {
                    @for fault in faults {
                        @let severity = fault.code.severity();
                        li class=(severity.name()) {
                            strong { span aria-hidden="true" { (mark(severity)) " " } (level(l, severity)) "." }
                            " " (story::fault(fault.code, l.voice())) (chats(l, call, people, fault)) "."
                            span.evidence {
                                @for at in fault.records.iter().take(RECORDS_MAX) {
                                    @let time = context.clock.time(call.lines[*at].at);
                                    " "
                                    @match anchor(*at) {
                                        Some(anchor) => { a href={ "#" (anchor) } { (time) } }
                                        None => { (time) }
                                    }
                                }
                                @if fault.records.len() > RECORDS_MAX {
                                    " " (l.more(fault.records.len() - RECORDS_MAX))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the chats of a fault about messages.
fn chats(l: Language, call: &TracedCall, people: &PageNames<'_>, fault: &Fault) -> String {
    let facts = fault.records.iter().map(|at| &call.facts[*at]);
    let chats: BTreeSet<_> = facts
        .map(|fact| String::from_utf8_lossy(fact.chat()))
        .collect();
    let chats: Vec<String> = (chats.iter().filter(|chat| !chat.is_empty()).take(CHATS_MAX))
        .map(|chat| people.chat_text(l, chat))
        .collect();
    match chats.is_empty() {
        true => String::new(),
        false => format!(": {}", chats.join(", ")),
    }
}

/// Returns the sign of a level, so that the level is not shown by its colour alone.
pub(super) fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Problem => "✕",
        Severity::Warning => "!",
        Severity::Note => "·",
    }
}

fn level(l: Language, severity: Severity) -> &'static str {
    match severity {
        Severity::Problem => l.of("Проблема", "Problem"),
        Severity::Warning => l.of("Предупреждение", "Warning"),
        Severity::Note => l.of("Заметка", "Note"),
    }
}
