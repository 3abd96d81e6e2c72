//! A step of a rotation: what it does, why, and how it ended.

use super::quiet::Proof;
use calltrace_store::tree::FileName;

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Removes an unfinished file of a run that died.
    Clean,
    /// Gives a log its name back that a run that died was about to remove.
    Restore,
    /// Takes lines off a file's front that a run that died had copied to an archive.
    TakeOff {
        /// So many bytes.
        held_bytes: u64,
    },
    /// Removes a file that has become too old.
    Expire,
    /// Makes an archive of a file.
    Seal,
    /// Adds a file to the archive of the same name.
    Merge,
    /// Removes a file that its archive holds already.
    Finish,
    /// Gives the live file the name of its day.
    Rename,
    /// Copies the live file's lines to an archive and takes them off its front.
    Collapse,
    /// Makes an archive one that is read at random.
    Recompress,
    /// Makes a file's index.
    Index,
    /// Removes an index whose file is gone.
    Forget,
    /// Makes the catalog of all indexes.
    Catalog,
}

/// A step that is to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does.
    pub kind: Kind,
    /// What to.
    pub file: String,
    /// What becomes of it, if that has a name.
    pub to: Option<String>,
    /// Size of the file (bytes).
    pub bytes: Option<u64>,
    /// Why, as a clause.
    pub why: String,
}

impl Step {
    pub(super) fn new(kind: Kind, file: String, why: impl Into<String>) -> Step {
        Step {
            kind,
            file,
            to: None,
            bytes: None,
            why: why.into(),
        }
    }

    pub(super) fn to(self, name: &FileName) -> Step {
        let to = Some(name.full());
        Step { to, ..self }
    }

    pub(super) fn bytes(self, bytes: u64) -> Step {
        let bytes = Some(bytes);
        Step { bytes, ..self }
    }
}

/// A step that was done, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What kind of step.
    pub kind: Kind,
    /// What it was done to.
    pub file: String,
    /// What became of it, if that has a name.
    pub to: Option<String>,
    /// Why, as a clause.
    pub why: String,
    /// Size of the file (bytes).
    pub bytes: Option<u64>,
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
            kind: step.kind,
            file: step.file.clone(),
            to: step.to.clone(),
            why: step.why.clone(),
            bytes: step.bytes,
            archive_bytes: None,
            lines: None,
            index_bytes: None,
            proof: None,
        }
    }

    pub(super) fn proven(self, proof: Option<Proof>) -> Done {
        let proof = proof.map(Proof::as_str);
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

/// How a step ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Done(Done),
    /// It must be left for a later run; why, as a clause.
    Waiting(String),
    /// There was nothing to do after all, or what went wrong is in the report.
    Nothing,
}
