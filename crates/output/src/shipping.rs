//! Shipping to object storage: one line per step for people, one document for programs.

use std::path::Path;

use serde_json::{Value, json};

use super::json::{VERSION, troubles};
use super::number::grouped;
use super::rotation::size;
use calltrace_upkeep::ship::{CheckedBucket, ShipReport, ShipStep, ShipStepKind};

/// `0367: shipped events.log.2025-11-29.gz, 9.8 MB, index 1.8 MB, calls 240.0 kB`
///
/// Without the newline. In a dry run "would ship".
pub fn step_line(enterprise: &str, step: &ShipStep, dry_run: bool) -> String {
    let (_, would, did) = words(step.kind);
    let verb = match dry_run {
        true => format!("would {would}"),
        false => did.to_owned(),
    };
    if step.kind == ShipStepKind::Tidy {
        let count = objects(step.objects);
        return format!(
            "{enterprise}: {verb} {count} that no manifest names, {}",
            size(step.object_bytes)
        );
    }
    let mut line = format!("{enterprise}: {verb} ");
    if step.kind == ShipStepKind::Ship && step.log_bytes.is_none() {
        line += match (step.index_bytes, step.table_bytes) {
            (Some(_), Some(_)) => "the new index and table of calls of ",
            (Some(_), None) => "the new index of ",
            (None, Some(_)) => "the new table of calls of ",
            (None, None) => "the entry of ",
        };
    }
    line += &step.file;
    let parts = [
        ("", step.log_bytes),
        ("index ", step.index_bytes),
        ("calls ", step.table_bytes),
    ];
    for (what, bytes) in parts {
        if let Some(bytes) = bytes {
            line += &format!(", {what}{}", size(bytes));
        }
    }
    if step.kind == ShipStepKind::Expire {
        line += " from the bucket";
    }
    if !step.why.is_empty() {
        line += &format!(" ({})", step.why);
    }
    line
}

/// `0367: 15 days in s3://bucket/prefix, 45 objects, 180.3 MB; 2 objects of no day, 1.2 MB`
///
/// Without the newline.
pub fn checked_line(enterprise: &str, url: &Path, checked: &CheckedBucket) -> String {
    let days = match checked.days {
        1 => "1 day".to_owned(),
        days => format!("{} days", grouped(days as u64, ',')),
    };
    let read = match checked.is_deep {
        true => ", all read",
        false => "",
    };
    let mut line = format!(
        "{enterprise}: {days} in {}, {}, {}{read}",
        url.display(),
        objects(checked.objects),
        size(checked.bytes)
    );
    if checked.orphans > 0 {
        line += &format!(
            "; {} that no manifest names, {} (--tidy removes them after two days)",
            objects(checked.orphans),
            size(checked.orphan_bytes)
        );
    }
    line
}

fn objects(count: usize) -> String {
    match count {
        1 => "1 object".to_owned(),
        count => format!("{} objects", grouped(count as u64, ',')),
    }
}

/// A step's name in JSON, what is done, and what was done.
fn words(kind: ShipStepKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        ShipStepKind::Ship => ("ship", "ship", "shipped"),
        ShipStepKind::Remove => ("remove", "remove the local", "removed the local"),
        ShipStepKind::Fetch => ("fetch", "fetch", "fetched"),
        ShipStepKind::Expire => ("expire", "remove", "removed"),
        ShipStepKind::Tidy => ("tidy", "remove", "removed"),
    }
}

/// All of a run as one document.
pub fn document(reports: &[ShipReport], url: &Path, dry_run: bool) -> Value {
    json!({
        "version": VERSION,
        "dry_run": dry_run,
        "url": url.display().to_string(),
        "enterprises": reports.iter().map(report).collect::<Vec<_>>(),
    })
}

fn report(report: &ShipReport) -> Value {
    let waiting = report.waiting.iter();
    let waiting = waiting.map(|waiting| json!({"file": waiting.file, "why": waiting.why}));
    let mut all = json!({
        "enterprise": report.enterprise.as_str(),
        "busy": report.is_busy,
        "steps": report.steps.iter().map(step).collect::<Vec<_>>(),
        "waiting": waiting.collect::<Vec<_>>(),
        "troubles": troubles(&report.troubles),
    });
    if let Some(checked) = &report.checked {
        all["checked"] = json!({
            "days": checked.days,
            "objects": checked.objects,
            "bytes": checked.bytes,
            "orphans": checked.orphans,
            "orphan_bytes": checked.orphan_bytes,
            "deep": checked.is_deep,
        });
    }
    all
}

fn step(step: &ShipStep) -> Value {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut all = json!({
        "step": words(step.kind).0,
        "file": text(&step.file),
        "bytes": step.log_bytes,
        "index_bytes": step.index_bytes,
        "table_bytes": step.table_bytes,
        "objects": step.objects,
        "object_bytes": step.object_bytes,
        "why": text(&step.why),
    });
    if let Some(fields) = all.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(kind: ShipStepKind) -> ShipStep {
        ShipStep {
            kind,
            file: "events.log.2025-11-29.gz".to_owned(),
            log_bytes: Some(9_800_000),
            index_bytes: Some(1_800_000),
            table_bytes: Some(240_000),
            objects: 3,
            object_bytes: 11_840_000,
            why: String::new(),
        }
    }

    #[test]
    fn each_step_is_one_line() {
        let line = |step: &ShipStep| step_line("0367", step, false);
        assert_eq!(
            line(&step(ShipStepKind::Ship)),
            "0367: shipped events.log.2025-11-29.gz, 9.8 MB, index 1.8 MB, calls 240.0 kB"
        );
        let renewed = ShipStep {
            log_bytes: None,
            index_bytes: None,
            ..step(ShipStepKind::Ship)
        };
        assert_eq!(
            line(&renewed),
            "0367: shipped the new table of calls of events.log.2025-11-29.gz, calls 240.0 kB"
        );
        assert_eq!(
            step_line("0367", &step(ShipStepKind::Tidy), true),
            "0367: would remove 3 objects that no manifest names, 11.8 MB"
        );
        let expired = ShipStep {
            index_bytes: None,
            table_bytes: None,
            why: "365 days are kept".to_owned(),
            ..step(ShipStepKind::Expire)
        };
        assert_eq!(
            line(&expired),
            "0367: removed events.log.2025-11-29.gz, 9.8 MB from the bucket (365 days are kept)"
        );
    }

    #[test]
    fn a_check_is_one_line() {
        let checked = CheckedBucket {
            days: 15,
            objects: 46,
            bytes: 180_300_000,
            ..CheckedBucket::default()
        };
        let line = |checked| checked_line("0367", Path::new("s3://logs/calls"), checked);
        assert_eq!(
            line(&checked),
            "0367: 15 days in s3://logs/calls, 46 objects, 180.3 MB"
        );
        let more = CheckedBucket {
            orphans: 1,
            orphan_bytes: 1_200,
            is_deep: true,
            ..checked
        };
        assert_eq!(
            line(&more),
            "0367: 15 days in s3://logs/calls, 46 objects, 180.3 MB, all read; 1 object that no manifest names, \
             1.2 kB (--tidy removes them after two days)"
        );
    }
}
