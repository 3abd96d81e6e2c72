//! A rotation: one line per step for people, one document for programs.

use serde_json::{Value, json};

use super::json::{VERSION, troubles};
use super::number::grouped;
use calltrace_upkeep::rotate::{RotationReport, StepKind, StepReport, Tidy};

/// `0367: sealed events.log.2025-11-29 -> .gz, 94.1 MB -> 9.8 MB (10%), 412,345 lines, ...`
///
/// The line has no newline. In a dry run it says "would seal".
pub fn step_line(enterprise: &str, done: &StepReport, dry_run: bool) -> String {
    let (step, file) = (&done.step, done.step.kind.file());
    let (name, would, did) = words(&step.kind);
    let mut line = match dry_run {
        true => format!("{enterprise}: would {would} {file}"),
        false => format!("{enterprise}: {did} {file}"),
    };
    let to = step.kind.to().map(|to| to.full());
    if let Some(to) = to.filter(|to| *to != file) {
        let gz = to.strip_prefix(&file).filter(|gz| *gz == ".gz");
        line += &format!(" -> {}", gz.unwrap_or(&to));
    }
    match (step.bytes, done.archive_bytes) {
        // If lines were added to an existing archive, the sizes can't be compared.
        (Some(bytes), Some(packed))
            if matches!(step.kind, StepKind::Seal(_) | StepKind::Recompress(_)) =>
        {
            let percent = (packed * 100).checked_div(bytes).unwrap_or(100);
            line += &format!(", {} -> {} ({percent}%)", size(bytes), size(packed));
        }
        (Some(bytes), Some(packed)) => {
            line += &format!(", {}, archive {}", size(bytes), size(packed));
        }
        (Some(bytes), None) => line += &format!(", {}", size(bytes)),
        (None, _) => {}
    }
    if let Some(lines) = done.lines {
        line += &format!(", {} lines", grouped(lines, ','));
    }
    if let Some(bytes) = done.index_bytes {
        line += &format!(", index {}", size(bytes));
    }
    if let Some(proof) = done.proof {
        line += &format!(", no writers ({proof})");
    }
    if EXPLAINED.contains(&name) {
        line += &format!(" ({})", step.why);
    }
    line
}

/// A step's name in JSON, what is done, and what was done.
fn words(kind: &StepKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        StepKind::Tidy(Tidy::Clean(_) | Tidy::CleanOwn(_)) => {
            ("clean", "remove the unfinished", "removed the unfinished")
        }
        StepKind::Tidy(Tidy::Restore(_)) => ("restore", "restore", "restored"),
        StepKind::TakeOff { .. } => ("take_off", "take lines off", "took lines off"),
        StepKind::Expire(_) => ("expire", "remove", "removed"),
        StepKind::Seal(_) => ("seal", "seal", "sealed"),
        StepKind::Merge(_) | StepKind::Tidy(Tidy::Merge(_)) => ("merge", "add", "added"),
        StepKind::Finish(_) | StepKind::Tidy(Tidy::Finish(_)) => {
            ("finish", "remove the sealed", "removed the sealed")
        }
        StepKind::Rename(_) => ("rename", "rename", "renamed"),
        StepKind::Collapse(_) => ("collapse", "collapse", "collapsed"),
        StepKind::Recompress(_) => ("recompress", "recompress", "recompressed"),
        StepKind::Index(_) => ("index", "index", "indexed"),
        StepKind::Forget(_) => ("forget", "remove the index", "removed the index"),
        StepKind::Catalog => ("catalog", "write the", "wrote the"),
    }
}

/// Steps that are printed with their reason.
const EXPLAINED: [&str; 7] = [
    "clean", "restore", "take_off", "expire", "rename", "collapse", "forget",
];

/// All of a run as one document.
pub fn document(reports: &[RotationReport], dry_run: bool) -> Value {
    json!({
        "version": VERSION,
        "dry_run": dry_run,
        "enterprises": reports.iter().map(report).collect::<Vec<_>>(),
    })
}

fn report(report: &RotationReport) -> Value {
    let waiting = report.waiting.iter();
    let waiting = waiting.map(|waiting| json!({"file": waiting.file, "why": waiting.why}));
    json!({
        "enterprise": report.enterprise.as_str(),
        "busy": report.is_busy,
        "mode": report.mode.as_str(),
        "reason": report.reason,
        "steps": report.steps.iter().map(step).collect::<Vec<_>>(),
        "waiting": waiting.collect::<Vec<_>>(),
        "checked": report.checked,
        "troubles": troubles(&report.troubles),
    })
}

fn step(done: &StepReport) -> Value {
    let mut all = json!({
        "step": words(&done.step.kind).0,
        "file": done.step.kind.file(),
        "to": done.step.kind.to().map(|to| to.full()),
        "why": done.step.why,
        "bytes": done.step.bytes,
        "archive_bytes": done.archive_bytes,
        "lines": done.lines,
        "index_bytes": done.index_bytes,
        "quiet_by": done.proof,
    });
    if let Some(fields) = all.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    all
}

/// `94.1 MB`, in thousands.
pub fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)];
    for (unit, factor) in UNITS {
        if bytes >= factor {
            let tenths = (bytes * 10 + factor / 2) / factor;
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts_are_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (94_149_999, "94.1 MB"),
            (4_000_000_000, "4.0 GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (412_345, "412,345"),
        ] {
            assert_eq!(grouped(number, ','), text);
        }
    }
}
