//! What the first rotation of an enterprise would remove. A person at a terminal is asked about it
//! before it begins; how the question is put is not decided here.

use std::io::ErrorKind;
use std::time::SystemTime;

use chrono::NaiveDate;

use super::report::Report;
use super::site::Site;
use super::step::Kind;
use super::{Rotation, look};
use crate::own::LOCK;
use calltrace_store::fsx::Purpose;
use calltrace_store::tree::EnterpriseName;

/// Files that the first rotation of an enterprise would remove because they are too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstExpiry {
    /// How many files: one at least. Empty files are not counted.
    pub files: usize,
    /// Their size on the disk (bytes).
    pub bytes: u64,
    /// The day that the age of the oldest one counts from, mostly that of its last record.
    pub oldest: NaiveDate,
}

impl Rotation<'_> {
    /// What this run would remove from an enterprise that no earlier run has worked on. `None` where
    /// there was an earlier run, where nothing is too old, and where the folder can't be looked at:
    /// the run itself says why.
    ///
    /// Who has a file open is looked up once for each `Rotation`. Use another one for the run: a person
    /// may take long to answer.
    pub fn first_expiry(&self, name: &EnterpriseName) -> Option<FirstExpiry> {
        let folder = self.tree.folder_to_change(name).ok()?.ok()?;
        let site = self.site(name, folder, &|_| {});
        if !is_first(&site) {
            return None;
        }
        let survey = look::look(&site, &self.holders).ok()?;
        let (plan, _) = self.plan(&site, &survey, None, &mut Report::new(name, true));
        let expiring = plan.steps.iter().filter_map(|step| match &step.kind {
            Kind::Expire(log) => Some((log, step.bytes.filter(|&bytes| bytes > 0)?)),
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
    /// The files of both.
    pub fn and(self, other: FirstExpiry) -> FirstExpiry {
        FirstExpiry {
            files: self.files + other.files,
            bytes: self.bytes + other.bytes,
            oldest: self.oldest.min(other.oldest),
        }
    }
}

/// Every run makes a lock before anything else, and at its end gives it the time. Others who take the same
/// lock (`sync`) make one that says no time.
fn is_first(site: &Site<'_>) -> bool {
    let own = site.own_folder();
    match own.and_then(|own| own.open_file(LOCK, Purpose::Read)) {
        Ok((_, metadata)) => metadata
            .modified()
            .is_ok_and(|at| at == SystemTime::UNIX_EPOCH),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}
