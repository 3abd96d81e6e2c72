//! The text of a notice, in Russian and in English.

use super::notice::Notice;
use calltrace_output::Language;

/// The text of a notice: plain lines without markup. Each line about a finding is followed by its links.
pub fn text(notice: &Notice, language: Language) -> String {
    if notice.is_test() {
        return language.text(
            "calltrace: пробное сообщение, канал работает",
            "calltrace: a test message; this channel works",
        );
    }
    let mut lines = Vec::new();
    for finding in &notice.firing {
        lines.push(finding.key());
    }
    for resolved in &notice.resolved {
        lines.push(resolved.finding.key());
    }
    lines.join("\n")
}
