//! Findings for programs.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::DoctorView;
use super::speech::{Speech, Tone, offset};
use crate::Clock;
use crate::json::{VERSION, troubles};
use calltrace_store::fsx::WriterProcess;
use calltrace_store::tree::EnterpriseName;
use calltrace_upkeep::doctor::{DoctorReport, Field, FilePosition, Finding};

/// All of it as one document.
pub fn document(report: &DoctorReport, root: &Path, deep: bool, shown: &DoctorView<'_>) -> Value {
    json!({
        "version": VERSION,
        "root": root.to_string_lossy(),
        "deep": deep,
        "enterprises": report.enterprises,
        "files": report.files,
        "bytes": report.bytes,
        "newest": report.newest.map(|at| shown.clock.rfc3339(at)),
        "sees_all_processes": report.sees_all_processes,
        "findings": report.findings.iter().map(|found| finding(found, shown)).collect::<Vec<_>>(),
        "incomplete": troubles(&report.troubles),
    })
}

fn finding(finding: &Finding, shown: &DoctorView<'_>) -> Value {
    let speech = Speech {
        shown,
        enterprise: finding.enterprise.as_ref().map(EnterpriseName::as_str),
    };
    let (line, byte) = match finding.place {
        Some(FilePosition::Line(line)) => (Some(line), None),
        Some(FilePosition::Byte(byte)) => (None, Some(byte)),
        None => (None, None),
    };
    let mut evidence = Map::new();
    for (name, field) in finding.seen.iter().flat_map(|clause| &clause.fields) {
        let (unit, value) = value(field, shown.clock);
        let is_known = unit.strip_prefix('_') == Some(name);
        let unit = if is_known { "" } else { unit };
        evidence.insert(format!("{name}{unit}"), value);
    }
    json!({
        "code": finding.code.as_str(),
        "severity": finding.severity.as_str(),
        "enterprise": finding.enterprise.as_ref().map(EnterpriseName::as_str),
        "file": finding.file.as_deref().map(Path::to_string_lossy),
        "line": line,
        "byte": byte,
        "seen": speech.seen(finding),
        "why": finding.why,
        "do": speech.clause(&finding.remedy, Tone::Typed),
        "evidence": evidence,
    })
}

/// A field for programs, and what its name ends in, so that its unit is known.
fn value(field: &Field, clock: &Clock) -> (&'static str, Value) {
    let process = |writer: &WriterProcess| {
        let (pid, command, appends) = (writer.pid, &writer.command, writer.appends);
        json!({"pid": pid, "command": command, "appends": appends})
    };
    match field {
        Field::Bytes(n) => ("_bytes", json!(n)),
        Field::Count(n) | Field::Files(n) => ("", json!(n)),
        Field::At(at) => ("_at", json!(clock.rfc3339(*at))),
        Field::Day(day) => ("_date", json!(day.to_string())),
        Field::Millis(n) => ("_ms", json!(n)),
        Field::Days(n) => ("_days", json!(n)),
        Field::Percent(n) => ("", json!(n)),
        Field::Offset(minutes) => ("", json!(offset(*minutes))),
        Field::Mode(mode) => ("", json!(format!("{mode:04o}"))),
        Field::User(user) => ("", json!(user)),
        Field::Processes(all) => ("", all.iter().map(process).collect()),
        Field::Text(text) => ("", json!(text)),
        Field::Path(path) => ("", json!(path.to_string_lossy())),
        Field::Calltrace(command) | Field::Scheduled(command) => ("", json!(command)),
    }
}
