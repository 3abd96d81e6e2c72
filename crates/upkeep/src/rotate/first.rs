//! What the first rotation of an enterprise would remove. A person at a terminal is asked about it before it
//! begins; the question itself is asked elsewhere.

use std::io::ErrorKind;
use std::time::SystemTime;

use chrono::NaiveDate;

use super::context::RotationContext;
use super::report::RotationReport;
use super::step::StepKind;
use super::{Rotation, look};
use crate::own::LOCK;
use calltrace_store::fsx::Purpose;
use calltrace_store::tree::EnterpriseName;

/// Files that the first rotation of an enterprise would remove because they are too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstExpiry {
    /// How many files: at least one. Empty files are not counted.
    pub files: usize,
    /// Their size on the disk (bytes).
    pub bytes: u64,
    /// The day that the age of the oldest one counts from, mostly that of its last record.
    pub oldest: NaiveDate,
}

impl Rotation<'_> {
    /// What this run would remove from an enterprise that no earlier run has worked on. `None` if there was an
    /// earlier run, if nothing is too old, or if the folder can't be read: the run itself reports why.
    ///
    /// Open files are looked up once per `Rotation`. Use another one for the run: a person may take long to answer.
    pub fn first_expiry(&self, name: &EnterpriseName) -> Option<FirstExpiry> {
        let folder = self.tree.folder_to_change(name).ok()?.ok()?;
        let context = self.context(name, folder, &|_| {});
        if !is_first(&context) {
            return None;
        }
        let survey = look::look(&context, &self.holders).ok()?;
        let (plan, _) = self.plan(
            &context,
            &survey,
            None,
            &mut RotationReport::new(name, true),
        );
        let expiring = plan.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Expire(log) => Some((log, step.bytes.filter(|&bytes| bytes > 0)?)),
            _ => None,
        });
        expiring
            .filter_map(|(log, bytes)| {
                let seen = survey.files.iter().find(|seen| seen.log.name == *log)?;
                Some(FirstExpiry {
                    files: 1,
                    bytes,
                    oldest: seen.more.age_from?,
                })
            })
            .reduce(FirstExpiry::and)
    }
}

impl FirstExpiry {
    /// The sum of both.
    pub fn and(self, other: FirstExpiry) -> FirstExpiry {
        FirstExpiry {
            files: self.files + other.files,
            bytes: self.bytes + other.bytes,
            oldest: self.oldest.min(other.oldest),
        }
    }
}

/// Whether no run has worked here yet. Every run makes the lock first and sets its time at the end. Other commands
/// that take the lock (`sync`) make it without a time.
fn is_first(context: &RotationContext<'_>) -> bool {
    let own = context.own_folder();
    match own.and_then(|own| own.open_file(LOCK, Purpose::Read)) {
        Ok((_, metadata)) => metadata
            .modified()
            .is_ok_and(|at| at == SystemTime::UNIX_EPOCH),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}
