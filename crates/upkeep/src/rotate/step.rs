//! A step of a rotation: what it does to which files, why, and how it ended.

use chrono::NaiveDate;

use crate::survey::names::{archive_of, leaving, live, of_day, temporary};
use calltrace_store::error::Error;
use calltrace_store::index::{self, FOLDER};
use calltrace_store::tree::FileName;

/// What a step does, and to which files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepKind {
    /// Tidies up after an interrupted run.
    Tidy(Tidy),
    /// Takes lines off a file's front that an interrupted run had copied to an archive.
    TakeOff {
        /// The file.
        log: FileName,
        /// The archive that holds the lines.
        archive: FileName,
    },
    /// Removes a file that has become too old.
    Expire(FileName),
    /// Makes an archive of a file.
    Seal(FileName),
    /// Adds a file to the archive of the same name.
    Merge(FileName),
    /// Removes a file that its archive holds already.
    Finish(FileName),
    /// Gives the live file the name of this day.
    Rename(NaiveDate),
    /// Copies the lines of this day from the live file's front to the day's archive and takes them off.
    Collapse(NaiveDate),
    /// Recompresses an archive, so that it can be read at random.
    Recompress(FileName),
    /// Makes a file's index.
    Index(FileName),
    /// Removes the index of a file that is gone.
    Forget(FileName),
    /// Makes the catalog of all indexes.
    Catalog,
}

/// What is done about a file that an interrupted run left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tidy {
    /// Removes the unfinished archive of this name.
    Clean(FileName),
    /// Removes an unfinished file of this name in `.calltrace`.
    CleanOwn(String),
    /// Gives this log, which was about to be removed, its name back.
    Restore(FileName),
    /// Adds this log, which was about to be removed, to its archive.
    Merge(FileName),
    /// Removes this log, which its archive holds.
    Finish(FileName),
}

impl StepKind {
    /// The name of the file concerned, as it is printed.
    pub fn file(&self) -> String {
        match self {
            StepKind::Tidy(Tidy::Clean(log)) => temporary(log),
            StepKind::Tidy(Tidy::CleanOwn(name)) => format!("{FOLDER}/{name}"),
            StepKind::Tidy(Tidy::Restore(log) | Tidy::Merge(log) | Tidy::Finish(log)) => {
                leaving(log)
            }
            StepKind::Expire(log)
            | StepKind::Seal(log)
            | StepKind::Merge(log)
            | StepKind::Finish(log)
            | StepKind::Recompress(log)
            | StepKind::Index(log)
            | StepKind::TakeOff { log, .. } => log.full(),
            StepKind::Rename(_) | StepKind::Collapse(_) => live().full(),
            StepKind::Forget(log) => index::file_name(log),
            StepKind::Catalog => "catalog".to_owned(),
        }
    }

    /// The file's new name, or the file that holds its lines afterwards; `None` if the file is removed or
    /// unchanged.
    pub fn to(&self) -> Option<FileName> {
        match self {
            StepKind::Tidy(Tidy::Restore(log)) | StepKind::Recompress(log) => Some(log.clone()),
            StepKind::Tidy(Tidy::Merge(log) | Tidy::Finish(log))
            | StepKind::Seal(log)
            | StepKind::Merge(log)
            | StepKind::Finish(log) => Some(archive_of(log)),
            StepKind::TakeOff { archive, .. } => Some(archive.clone()),
            StepKind::Rename(day) => Some(of_day(*day)),
            StepKind::Collapse(day) => Some(archive_of(&of_day(*day))),
            StepKind::Tidy(Tidy::Clean(_) | Tidy::CleanOwn(_))
            | StepKind::Expire(_)
            | StepKind::Index(_)
            | StepKind::Forget(_)
            | StepKind::Catalog => None,
        }
    }

    /// Whether the step replaces or removes this log.
    pub(super) fn changes(&self, log: &FileName) -> bool {
        !matches!(self, StepKind::Index(_)) && self.file() == log.full()
    }
}

/// A planned step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationStep {
    /// What it does.
    pub kind: StepKind,
    /// Size of the file, or of the lines that it is about (bytes).
    pub bytes: Option<u64>,
    /// The reason, as a clause.
    pub why: String,
}

impl RotationStep {
    pub(super) fn new(kind: StepKind, why: impl Into<String>) -> RotationStep {
        RotationStep {
            kind,
            bytes: None,
            why: why.into(),
        }
    }

    pub(super) fn bytes(self, bytes: u64) -> RotationStep {
        let bytes = Some(bytes);
        RotationStep { bytes, ..self }
    }
}

/// A step that was done, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepReport {
    /// The step, as it was taken: a file may have grown since the plan was made.
    pub step: RotationStep,
    /// Size of the archive (bytes).
    pub archive_bytes: Option<u64>,
    /// Lines that went into the archive.
    pub lines: Option<u64>,
    /// Size of its index (bytes).
    pub index_bytes: Option<u64>,
    /// The proof that the file had no writers.
    pub proof: Option<&'static str>,
}

impl StepReport {
    pub(super) fn of(step: &RotationStep) -> StepReport {
        StepReport {
            step: step.clone(),
            archive_bytes: None,
            lines: None,
            index_bytes: None,
            proof: None,
        }
    }

    pub(super) fn proven(self, proof: Option<&'static str>) -> StepReport {
        StepReport { proof, ..self }
    }
}

/// A file that is left for a later run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingFile {
    /// Its name.
    pub file: String,
    /// The reason for waiting, as a clause: "still open in python3 (pid 123)".
    pub why: String,
}

/// How a step ended. `None` if there was nothing to do after all, or if the report says what went wrong.
pub(super) type StepOutcome = Result<Option<StepReport>, Stop>;

/// Why a step was not finished.
#[derive(Debug)]
pub(super) enum Stop {
    /// It must be left for a later run, for the reason in this clause.
    Waiting(String),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}
