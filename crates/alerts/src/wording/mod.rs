//! The text of a notice, in Russian and in English.
//!
//! One line tells a finding; findings of one check and enterprise that are about clients share a line. Bytes that come
//! from a log are shown through `sanitise`.

mod figures;
mod sentence;

use chrono::{DateTime, Utc};

use super::finding::{AlertSeverity, CheckFinding, RuleKind};
use super::notice::{AlertNotice, Ending, ResolvedFinding};
use calltrace_model::record::Zone;
use calltrace_output::Language;
use calltrace_store::tree::EnterpriseName;

use sentence::sentence;

/// Clients of one line.
const CLIENTS_SHOWN: usize = 5;

/// The text of a notice: plain lines without markup. The line of a finding is followed by its links, one per line.
pub fn text(notice: &AlertNotice, language: Language) -> String {
    if notice.is_test() {
        return language.text(
            "calltrace: пробное сообщение, канал работает",
            "calltrace: a test message; this channel works",
        );
    }
    let mut lines = Vec::new();
    for same in groups(&notice.firing) {
        let first = same[0];
        let mark = match first.severity {
            AlertSeverity::Critical => "🔴",
            AlertSeverity::Warning => "🟠",
        };
        lines.push(format!("{mark} {}", told(&same, notice, language)));
        lines.extend(same.iter().flat_map(|finding| &finding.links).cloned());
    }
    let findings: Vec<CheckFinding> = notice
        .resolved
        .iter()
        .map(|one| one.finding.clone())
        .collect();
    for same in groups(&findings) {
        let of_group = |one: &&ResolvedFinding| same.iter().any(|it| it.key() == one.finding.key());
        let resolved: Vec<&ResolvedFinding> = notice.resolved.iter().filter(of_group).collect();
        lines.push(format!(
            "🟢 {}",
            ended(&same, &resolved, notice.zone, language)
        ));
    }
    lines.join("\n")
}

/// What findings that are told together say: a clause without its time and place.
pub fn clause(same: &[&CheckFinding], language: Language) -> String {
    match same[0].kind {
        RuleKind::NotCalledBack => clients(same, language),
        _ => sentence(same[0], language),
    }
}

/// Findings that are told together: those about clients of one check and enterprise, each other one alone. No group is
/// empty.
pub fn groups(findings: &[CheckFinding]) -> Vec<Vec<&CheckFinding>> {
    let mut groups: Vec<Vec<&CheckFinding>> = Vec::new();
    for finding in findings {
        let is_same = |other: &CheckFinding| {
            finding.kind == RuleKind::NotCalledBack
                && (&other.rule, &other.scope.enterprise)
                    == (&finding.rule, &finding.scope.enterprise)
        };
        match groups.iter_mut().find(|group| is_same(group[0])) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

fn told(same: &[&CheckFinding], notice: &AlertNotice, language: Language) -> String {
    let first = same[0];
    let said = clause(same, language);
    let since = match first.kind {
        // Each client has a time of its own, and doctor's problems have none.
        RuleKind::NotCalledBack if same.len() > 1 => String::new(),
        RuleKind::Doctor | RuleKind::NameService => String::new(),
        _ => format!(
            ", {} {}",
            language.of("с", "since"),
            moment(first.since, notice.at, notice.zone)
        ),
    };
    format!("{}{said}{since}", place(first))
}

fn ended(
    same: &[&CheckFinding],
    resolved: &[&ResolvedFinding],
    zone: Zone,
    language: Language,
) -> String {
    let (finding, last) = (same[0], resolved[0]);
    let what = match same.len() {
        1 => sentence::topic(finding, language),
        _ => clients(same, language),
    };
    let how = match (last.ending, finding.kind) {
        (Ending::Dropped, _) => language.of("больше не проверяется", "no longer checked"),
        (Ending::Over, RuleKind::NotCalledBack) => language.of("уже связались", "in contact again"),
        (Ending::Over, _) => language.of("снова в порядке", "all right again"),
    };
    let span = match same.len() {
        1 => format!(
            " ({}–{})",
            moment(finding.since, last.ended, zone),
            moment(last.ended, last.ended, zone)
        ),
        _ => String::new(),
    };
    format!("{}{what}: {how}{span}", place(finding))
}

/// `0367: `; nothing for the tree as a whole.
fn place(finding: &CheckFinding) -> String {
    let enterprise = finding.scope.enterprise.as_ref();
    enterprise.map_or_else(String::new, |name| {
        format!("{}: ", EnterpriseName::as_str(name))
    })
}

/// `не перезвонили 3 клиентам: +375 …, +375 … и ещё 1`
fn clients(same: &[&CheckFinding], language: Language) -> String {
    let shown = same
        .iter()
        .take(CLIENTS_SHOWN)
        .map(|finding| figures::client(finding));
    let shown: Vec<String> = shown.collect();
    let more = match same.len().saturating_sub(CLIENTS_SHOWN) {
        0 => String::new(),
        n => format!(" {}", language.more(n)),
    };
    let count = language.count(
        same.len(),
        ["клиенту", "клиентам", "клиентам"],
        ["client", "clients"],
    );
    let head = match (language, same.len()) {
        // One client is a case of its own.
        (_, 1) => return sentence(same[0], language),
        (Language::Russian, _) => format!("не перезвонили {count}"),
        (Language::English, _) => format!("{count} not called back"),
    };
    format!("{head}: {}{more}", shown.join(", "))
}

/// `10:05`, with the date if it is another day.
fn moment(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> String {
    let (at, now) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let form = match at.date_naive() == now.date_naive() {
        true => "%H:%M",
        false => "%d.%m %H:%M",
    };
    at.format(form).to_string()
}

#[cfg(test)]
mod tests;
