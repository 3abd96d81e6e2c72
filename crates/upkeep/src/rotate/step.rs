//! A step of a rotation: what it does to which files, why, and how it ended.

use chrono::NaiveDate;

use crate::survey::names::{archive_of, leaving, live, of_day, temporary};
use calltrace_store::error::Error;
use calltrace_store::index::{self, FOLDER};
use calltrace_store::tree::FileName;

/// What a step does, and to which files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Tidies up after a run that died.
    Tidy(Tidy),
    /// Takes lines off a file's front that a run that died had copied to an archive.
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
    /// Copies the live file's lines of this day, which it begins with, to the day's archive and takes them
    /// off its front.
    Collapse(NaiveDate),
    /// Makes an archive one that is read at random.
    Recompress(FileName),
    /// Makes a file's index.
    Index(FileName),
    /// Removes the index of a file that is gone.
    Forget(FileName),
    /// Makes the catalog of all indexes.
    Catalog,
}

/// What is done about a file that a run had under way when it died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tidy {
    /// Removes what was to become this archive.
    Clean(FileName),
    /// Removes an unfinished file of this name in `.calltrace`.
    CleanOwn(String),
    /// Gives this log its name back, which was about to be removed.
    Restore(FileName),
    /// Adds this log, which was about to be removed, to its archive.
    Merge(FileName),
    /// Removes this log, which its archive holds.
    Finish(FileName),
}

impl Kind {
    /// The name of the file that it is done to, as people are shown it.
    pub fn file(&self) -> String {
        match self {
            Kind::Tidy(Tidy::Clean(log)) => temporary(log),
            Kind::Tidy(Tidy::CleanOwn(name)) => format!("{FOLDER}/{name}"),
            Kind::Tidy(Tidy::Restore(log) | Tidy::Merge(log) | Tidy::Finish(log)) => leaving(log),
            Kind::Expire(log)
            | Kind::Seal(log)
            | Kind::Merge(log)
            | Kind::Finish(log)
            | Kind::Recompress(log)
            | Kind::Index(log)
            | Kind::TakeOff { log, .. } => log.full(),
            Kind::Rename(_) | Kind::Collapse(_) => live().full(),
            Kind::Forget(log) => index::file_name(log),
            Kind::Catalog => "catalog".to_owned(),
        }
    }

    /// What becomes of the file, or which file its lines are in afterwards; `None` where it goes, or
    /// stays what it is.
    pub fn to(&self) -> Option<FileName> {
        match self {
            Kind::Tidy(Tidy::Restore(log)) | Kind::Recompress(log) => Some(log.clone()),
            Kind::Tidy(Tidy::Merge(log) | Tidy::Finish(log))
            | Kind::Seal(log)
            | Kind::Merge(log)
            | Kind::Finish(log) => Some(archive_of(log)),
            Kind::TakeOff { archive, .. } => Some(archive.clone()),
            Kind::Rename(day) => Some(of_day(*day)),
            Kind::Collapse(day) => Some(archive_of(&of_day(*day))),
            Kind::Tidy(Tidy::Clean(_) | Tidy::CleanOwn(_))
            | Kind::Expire(_)
            | Kind::Index(_)
            | Kind::Forget(_)
            | Kind::Catalog => None,
        }
    }

    /// Whether this log is another file afterwards, or none.
    pub(super) fn changes(&self, log: &FileName) -> bool {
        !matches!(self, Kind::Index(_)) && self.file() == log.full()
    }
}

/// A step that is to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does.
    pub kind: Kind,
    /// Size of the file, or of the lines that it is about (bytes).
    pub bytes: Option<u64>,
    /// Why, as a clause.
    pub why: String,
}

impl Step {
    pub(super) fn new(kind: Kind, why: impl Into<String>) -> Step {
        Step {
            kind,
            bytes: None,
            why: why.into(),
        }
    }

    pub(super) fn bytes(self, bytes: u64) -> Step {
        let bytes = Some(bytes);
        Step { bytes, ..self }
    }
}

/// A step that was done, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The step, as it was taken: a file may have grown since the plan was made.
    pub step: Step,
    /// Size of the archive (bytes).
    pub archive_bytes: Option<u64>,
    /// Lines that went into the archive.
    pub lines: Option<u64>,
    /// Size of its index (bytes).
    pub index_bytes: Option<u64>,
    /// What showed that nobody can add to it any more.
    pub proof: Option<&'static str>,
}

impl Done {
    pub(super) fn of(step: &Step) -> Done {
        Done {
            step: step.clone(),
            archive_bytes: None,
            lines: None,
            index_bytes: None,
            proof: None,
        }
    }

    pub(super) fn proven(self, proof: Option<&'static str>) -> Done {
        Done { proof, ..self }
    }
}

/// A file that is left for a later run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its name.
    pub file: String,
    /// What for, as a clause: "still open in python3 (pid 123)".
    pub why: String,
}

/// How a step ended: as it was done; `None` when there was nothing to do after all, or when what went wrong is
/// in the report.
pub(super) type Outcome = Result<Option<Done>, Stop>;

/// Why a step was not taken to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// It must be left for a later run; why, as a clause.
    Waiting(String),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}
