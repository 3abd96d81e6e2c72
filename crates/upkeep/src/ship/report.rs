//! What shipping an enterprise did.

use std::path::{Path, PathBuf};

use crate::rotate::WaitingFile;
use calltrace_archive::{Bucket, StoreError};
use calltrace_store::error::{Error, Trouble};
use calltrace_store::tree::EnterpriseName;

/// What was done, what waits, what went wrong.
#[derive(Debug)]
pub struct ShipReport {
    /// The enterprise.
    pub enterprise: EnterpriseName,
    /// Nothing was done; `steps` are those that would be done.
    pub dry_run: bool,
    /// A rotation or another `ship` of it was running, so nothing was done.
    pub is_busy: bool,
    /// The steps, in order.
    pub steps: Vec<ShipStep>,
    /// What is left for a later run.
    pub waiting: Vec<WaitingFile>,
    /// Archives that are never shipped, each as a clause about it.
    pub left_alone: Vec<String>,
    /// What a check of the bucket saw.
    pub checked: Option<CheckedBucket>,
    /// What went wrong. The path is that of the file, the folder or the object.
    pub troubles: Vec<Trouble>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShipStepKind {
    /// Sends parts of a day, reads them back and enters them in the manifest.
    Ship,
    /// Removes a local day that the bucket holds.
    Remove,
    /// Restores a day as local files.
    Fetch,
    /// Takes a day that is too old out of the manifest, and then out of the bucket.
    Expire,
    /// Removes objects that no manifest names.
    Tidy,
}

/// A step that was done, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipStep {
    /// What it does.
    pub kind: ShipStepKind,
    /// The name of the log; empty where the step is about no single one.
    pub file: String,
    /// Lengths (bytes) of the parts that it is about.
    pub log_bytes: Option<u64>,
    /// Of its index.
    pub index_bytes: Option<u64>,
    /// Of its table of calls.
    pub table_bytes: Option<u64>,
    /// The objects that were sent or removed.
    pub objects: usize,
    /// Their length (bytes).
    pub object_bytes: u64,
    /// Why, as a clause; empty where the kind says it all.
    pub why: String,
}

/// The objects of an enterprise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckedBucket {
    /// Days that the manifest names.
    pub days: usize,
    /// Objects that it names.
    pub objects: usize,
    /// Their length (bytes), as the manifest states it.
    pub bytes: u64,
    /// Objects that no manifest names.
    pub orphans: usize,
    /// Their length (bytes).
    pub orphan_bytes: u64,
    /// Whether the objects were read.
    pub is_deep: bool,
}

impl ShipStep {
    pub(super) fn new(kind: ShipStepKind, file: &str) -> ShipStep {
        ShipStep {
            kind,
            file: file.to_owned(),
            log_bytes: None,
            index_bytes: None,
            table_bytes: None,
            objects: 0,
            object_bytes: 0,
            why: String::new(),
        }
    }
}

impl ShipReport {
    pub(super) fn new(enterprise: &EnterpriseName, dry_run: bool) -> ShipReport {
        ShipReport {
            enterprise: enterprise.clone(),
            dry_run,
            is_busy: false,
            steps: Vec::new(),
            waiting: Vec::new(),
            left_alone: Vec::new(),
            checked: None,
            troubles: Vec::new(),
        }
    }

    pub(super) fn trouble(&mut self, trouble: Trouble) {
        if !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }

    /// Notes an error of local files.
    pub(super) fn fail(&mut self, file: &Path, error: &Error) {
        self.trouble(match error {
            Error::Io { path, op, source } => Trouble::cant(path, op, source),
            other => Trouble::new(file, other.to_string()),
        });
    }

    pub(super) fn wait(&mut self, file: String, why: impl Into<String>) {
        let why = why.into();
        self.waiting.push(WaitingFile { file, why });
    }
}

/// The address of an enterprise's objects, for messages.
pub(super) fn url_of(bucket: &Bucket, enterprise: &EnterpriseName, key: &str) -> PathBuf {
    bucket.url().join(enterprise.as_str()).join(key)
}

/// A failure of the store as a trouble with `path`, or with the object that the failure names.
pub(super) fn trouble_of(path: &Path, error: &StoreError) -> Trouble {
    match error {
        StoreError::At { url, fault } => Trouble::new(url, fault.to_string()),
        StoreError::Local(source) => Trouble::cant(path, "be copied", source),
        other => Trouble::new(path, other.to_string()),
    }
}
