//! Finds out which processes write, and whether lines get lost by this. This is read from `/proc`, where only root sees
//! other users' processes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::file::{ExaminedFile, MIDNIGHT_MILLIS};
use super::renames::Renames;
use super::survey::HealthSurvey;
use super::{Circumstances, Code, Field, Finding, FindingSeverity, HOUR_MILLIS};
use calltrace_model::record::Stamp;
use calltrace_store::fsx::{DeletedFile, WriterProcess};
use calltrace_store::tree::FileName;

/// A deleted file that is only read is not a warning below this size (bytes): followers keep a file open for a while
/// after a rotation.
const READ_BYTES_MIN: u64 = 100_000_000;

const WATCHED: &str = "let them write through logging.handlers.WatchedFileHandler, which opens \
                       the file anew when it has moved, and set mode = \"rename\" under [rotate]; then \
                       {rotate} is the only one that renames";

const WATCHED_IF: &str = "if they rotate by themselves, let them write through \
                          logging.handlers.WatchedFileHandler, which opens the file anew when it \
                          has moved; where that handler writes, set mode = \"rename\" under \
                          [rotate], and {rotate} is the only one that renames";

const SECOND_RENAMES: &str = "when several processes do, the second one deletes yesterday's file \
                              (Python 3.12 and older) or goes on writing into it (3.13)";

pub(super) fn check(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let today = circumstances.today();
    let mut findings = Vec::new();
    for seen in &survey.files {
        let writers = processes(&seen.more.writers);
        if seen.is_live(today) {
            let renames = Renames::of(survey, seen, &writers, circumstances);
            findings.extend(two_writers(seen, &writers, renames));
            findings.extend(no_append(seen, &writers));
        // On a file system that can't rename without replacing, a file has both names for a moment.
        } else if !writers.is_empty() && !seen.log.is_live_too {
            findings.push(late_writer(survey, seen, writers, circumstances));
        }
    }
    findings.extend(deleted(survey, circumstances));
    findings
}

/// Each process once. It appends only if all of its descriptors do.
fn processes(writers: &[WriterProcess]) -> Vec<WriterProcess> {
    let mut by_pid: BTreeMap<u32, WriterProcess> = BTreeMap::new();
    for writer in writers {
        let known = by_pid.entry(writer.pid).or_insert_with(|| writer.clone());
        known.appends &= writer.appends;
    }
    by_pid.into_values().collect()
}

fn two_writers(
    seen: &ExaminedFile,
    writers: &[WriterProcess],
    renames: Renames,
) -> Option<Finding> {
    if writers.len() < 2 {
        return None;
    }
    let overwrites = writers.iter().any(|writer| !writer.appends);
    let (severity, text) = match renames {
        _ if overwrites => (
            FindingSeverity::Problem,
            "{writers} have it open for writing, not all of them with O_APPEND",
        ),
        Renames::Seen => (
            FindingSeverity::Problem,
            "{writers} have it open for writing",
        ),
        Renames::Before => (
            FindingSeverity::Warning,
            "{writers} have it open for writing",
        ),
        Renames::No => (
            FindingSeverity::Note,
            "{writers} have it open for writing, all with O_APPEND",
        ),
    };
    let finding = Finding::new(severity, Code::TwoWriters)
        .file(seen.log.name.full())
        .seen(text)
        .with("writers", Field::Processes(writers.to_vec()));
    Some(match renames {
        _ if overwrites => finding
            .why("without O_APPEND each process writes at its own offset, over the lines of the others")
            .remedy(WATCHED)
            .with("rotate", Field::Calltrace("rotate")),
        Renames::Seen => finding
            .seen("dated files next to it show that a writer renames it at midnight")
            .why(SECOND_RENAMES)
            .remedy(WATCHED)
            .with("rotate", Field::Calltrace("rotate")),
        Renames::Before => finding
            .seen("dated files next to it show that a writer before these renamed it at midnight")
            .why(SECOND_RENAMES)
            .remedy(WATCHED_IF)
            .with("rotate", Field::Calltrace("rotate")),
        Renames::No => finding
            .why("that loses nothing as long as none of them renames or truncates it")
            .remedy("make sure that none of them uses a handler that rotates"),
    })
}

fn no_append(seen: &ExaminedFile, writers: &[WriterProcess]) -> Option<Finding> {
    let [writer] = writers else {
        // If there are several writers, `two_writers` reports them.
        return None;
    };
    (!writer.appends).then(|| {
        Finding::warning(Code::NoAppend)
            .file(seen.log.name.full())
            .seen("{writer} has it open for writing, without O_APPEND")
            .with("writer", Field::Processes(vec![writer.clone()]))
            .why(
                "a second writer would overwrite lines, a truncation would leave a hole of NUL \
                 bytes, and lines can't be taken off its front",
            )
            .remedy(
                "let it open the file for appending: `open(path, \"a\")` in Python, `>>` in a \
                 shell",
            )
    })
}

/// A file that is finished by its name and that a process has open for writing.
fn late_writer(
    survey: &HealthSurvey,
    seen: &ExaminedFile,
    writers: Vec<WriterProcess>,
    circumstances: &Circumstances<'_>,
) -> Finding {
    let named = Field::Processes(writers);
    let began = survey.live().and_then(|live| live.log.first);
    if let Some((last, began)) = seen.log.last.zip(began)
        && last.since(began) > MIDNIGHT_MILLIS
    {
        return writes_to_finished_file(seen, last, named);
    }
    let is_old = circumstances.age(seen.log.modified) > 24 * HOUR_MILLIS;
    Finding::warning_if(is_old, Code::LateWriter)
        .file(seen.log.name.full())
        .seen("it is open for writing in {writers}")
        .with("writers", named)
        .seen("it was last written to at {modified}")
        .with("modified", Field::At(seen.log.modified))
        .why("a file that a process may still write to is neither sealed nor removed")
        .remedy("restart the process; WatchedFileHandler lets go of a file with the next record")
}

/// A process writes to the finished file while another one writes to the live file.
fn writes_to_finished_file(seen: &ExaminedFile, last: Stamp, named: Field) -> Finding {
    Finding::problem(Code::LateWriter)
        .file(seen.log.name.full())
        .seen("it is open for writing in {writers}")
        .with("writers", named)
        .seen(
            "its last record is of {last}, though events.log has been written to since before that",
        )
        .with("last", Field::At(last))
        .why(
            "its lines are in the file of another day, and are lost if that file is compressed or \
             removed by hand; Python 3.13 does this when two processes rotate one file",
        )
        .remedy(
            "restart the process, and let it write through logging.handlers.WatchedFileHandler, \
             or leave rotation to one process",
        )
}

/// Log files that are deleted and still open.
fn deleted(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let root = circumstances.doctor.tree.root().canonicalize().ok();
    let in_root = root.map(|root| root.join(survey.more.enterprise.as_str()));
    let itself = survey.more.folder.canonicalize().ok();
    let folders: Vec<PathBuf> = in_root.into_iter().chain(itself).collect();
    let device = survey.more.volume.map(|volume| volume.device);
    let mut by_file: BTreeMap<(PathBuf, bool), (Vec<WriterProcess>, &DeletedFile)> =
        BTreeMap::new();
    for deleted in &circumstances.holders.deleted {
        if Some(deleted.device) == device
            && let Some(name) = log_name(deleted, &folders, survey)
        {
            let held = by_file
                .entry((name, !deleted.writes))
                .or_insert((Vec::new(), deleted));
            held.0.push(deleted.holder.clone());
        }
    }
    by_file
        .into_iter()
        .map(|((name, reads), (holders, one))| held(name, reads, &holders, one))
        .collect()
}

/// The finding about a deleted file; `one` is one of its open descriptors.
fn held(name: PathBuf, reads: bool, holders: &[WriterProcess], one: &DeletedFile) -> Finding {
    let seen_by = |finding: Finding, text| {
        finding
            .file(name)
            .seen(text)
            .with("holders", Field::Processes(processes(holders)))
            .with("bytes", Field::Bytes(one.bytes))
    };
    if !reads {
        let text = "it is deleted, and open for writing in {holders}; it takes {bytes}";
        return seen_by(Finding::problem(Code::HeldDeleted), text)
            .why(
                "all lines that are written to it are lost, and its disk space is freed only when it is closed",
            )
            .remedy(
                "copy what it holds, if that matters (`cp {descriptor} FILE`), then restart the \
                 process",
            )
            .with("descriptor", Field::Path(one.descriptor.clone()));
    }
    let finding = Finding::warning_if(one.bytes >= READ_BYTES_MIN, Code::HeldDeleted);
    let text = "it is deleted, and open in {holders}; it takes {bytes}";
    seen_by(finding, text)
        .why("that disk space is freed only when it is closed")
        .remedy("restart the process, or end it")
}

/// The name that a deleted file had in this enterprise's folder. In a container the folder has another path; then
/// its name and the device identify it.
fn log_name(deleted: &DeletedFile, folders: &[PathBuf], survey: &HealthSurvey) -> Option<PathBuf> {
    let folder = deleted.path.parent()?;
    let name = deleted.path.file_name()?.to_str()?;
    let is_here = match deleted.is_our_path {
        true => folders.iter().any(|known| known == folder),
        false => folder.file_name() == Some(survey.more.enterprise.as_str().as_ref()),
    };
    // A rotation renames a log to `.calltrace-events.log.2025-11-29.gone` before it removes it.
    let log = name.strip_prefix(".calltrace-").unwrap_or(name);
    let log = log.strip_suffix(".gone").unwrap_or(log);
    (is_here && FileName::parse(log).is_some()).then(|| Path::new(log).to_owned())
}
