//! Examines a tree of logs: what is wrong with it, and what to do about it.
//!
//! ```text
//! enterprises -> survey   one look at a folder: files, times, samples of text, who has them open
//!             -> checks   pure: Survey x Circumstances -> findings, a file a family of them
//!             -> Report   findings, what could not be looked at
//! ```
//! **Nothing is ever changed**: files are opened for reading, no lease is taken (a writer would wait for it), no
//! file is written. The cost is bounded: of an archive only the index is read, of other files both ends, of the
//! newest one some text. `deep` reads everything.
//!
//! A healthy tree gives only notes, and **a warning always has something to do about it**. `output` prints the
//! findings.

mod access;
mod activity;
mod bodies;
mod clock;
mod code;
mod content;
mod damage;
mod days;
mod disk;
mod duplicates;
mod file;
mod finding;
mod foreign;
mod indexes;
mod look;
mod reading;
mod renames;
mod rotation;
mod services;
mod shipping;
mod survey;
mod tables;
mod writers;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use crate::rotate::Policy;
use crate::survey::times::DAY_MILLIS;
use calltrace_engine::Engine;
use calltrace_model::record::{LogZone, Stamp};
use calltrace_store::error::Trouble;
use calltrace_store::fsx::Holders;
use calltrace_store::tree::{EnterpriseName, Tree};

pub use code::Code;
pub use finding::{Clause, Field, FilePosition, Finding, FindingSeverity};
pub use services::service;
pub use shipping::{archive, archive_cache, shipped};

use survey::HealthSurvey;

/// A file of settings that holds secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFile {
    /// The path of the file.
    pub path: PathBuf,
    /// The secrets that the file holds, as a clause: "secrets of enterprises".
    pub holds: &'static str,
}

/// How a tree is examined.
#[derive(Clone, Copy)]
pub struct Doctor<'d> {
    /// The tree.
    pub tree: &'d Tree,
    /// Reads tables of calls.
    pub engine: &'d Engine,
    /// The zone of record times.
    pub zone: LogZone,
    /// What rotations are to do.
    pub policy: &'d Policy,
    /// Now.
    pub now: DateTime<Utc>,
    /// Whether everything in the root is examined, or only the given enterprises and what they share.
    pub whole: bool,
    /// Everything is read.
    pub deep: bool,
    /// Files of settings that hold secrets.
    pub settings: &'d [SettingsFile],
}

/// The result of an examination.
#[derive(Debug)]
pub struct DoctorReport {
    /// How many enterprises were examined.
    pub enterprises: usize,
    /// Their log files.
    pub files: usize,
    /// Bytes in them.
    pub bytes: u64,
    /// Time of the newest record that is not of the future.
    pub newest: Option<Stamp>,
    /// Whether every process could be looked into.
    pub sees_all_processes: bool,
    /// The findings: first those of the tree as a whole, then by enterprise, the most serious first.
    pub findings: Vec<Finding>,
    /// Troubles with files that could not be read.
    pub troubles: Vec<Trouble>,
}

/// What a check knows in addition to the survey.
pub(crate) struct Circumstances<'c> {
    doctor: &'c Doctor<'c>,
    holders: &'c Holders,
    /// Now, as the time of a record.
    now: Stamp,
}

impl Circumstances<'_> {
    /// How long ago that was (milliseconds); negative for a time in the future.
    fn age(&self, at: Stamp) -> i64 {
        self.now.since(at)
    }
}

const HOUR_MILLIS: i64 = 3_600_000;

/// By then (milliseconds after the end of a day) a daily rotation has taken what is due, even if it runs late in
/// the day and takes long.
const ROTATED_BY_MILLIS: i64 = 26 * HOUR_MILLIS;

impl Doctor<'_> {
    /// Examines these enterprises of the tree, on the threads of the current rayon pool.
    pub fn examine(&self, enterprises: &[EnterpriseName]) -> DoctorReport {
        let holders = Holders::look();
        let circumstances = Circumstances {
            doctor: self,
            holders: &holders,
            now: self.zone.stamp(self.now),
        };
        let surveys: Vec<HealthSurvey> = enterprises
            .par_iter()
            .with_max_len(1)
            .map(|name| HealthSurvey::of(&circumstances, name))
            .collect();
        let mut report = DoctorReport {
            enterprises: surveys.len(),
            files: surveys.iter().map(|survey| survey.files.len()).sum(),
            bytes: surveys.iter().map(HealthSurvey::bytes).sum(),
            newest: activity::newest(&surveys, &circumstances),
            sees_all_processes: !holders.unseen,
            findings: self.of_tree(&surveys, &circumstances),
            troubles: Vec::new(),
        };
        let is_silent = |finding: &Finding| finding.code == Code::Silent;
        let all_are_silent = report.findings.iter().any(is_silent);
        for survey in surveys {
            let findings = check(&survey, &circumstances).into_iter();
            // A finding about the whole tree is not repeated for each enterprise.
            let findings = findings.filter(|finding| !(all_are_silent && is_silent(finding)));
            report.findings.extend(findings);
            report.troubles.extend(survey.troubles);
        }
        Trouble::tidy(&mut report.troubles);
        report
    }

    fn of_tree(&self, surveys: &[HealthSurvey], circumstances: &Circumstances<'_>) -> Vec<Finding> {
        let mut findings = disk::check(surveys, circumstances);
        findings.extend(access::settings(self.settings));
        findings.extend(activity::tree(surveys, circumstances));
        if self.whole {
            findings.extend(foreign::in_root(self.tree, surveys.is_empty()));
        }
        findings.sort_by_key(|finding| (finding.severity, finding.code));
        debug_assert!(findings.iter().all(Finding::has_all_fields), "{findings:?}");
        findings
    }
}

/// All findings about one enterprise, the most serious first.
fn check(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let families = [
        writers::check,
        duplicates::check,
        days::check,
        rotation::check,
        shipping::check,
        foreign::check,
        indexes::check,
        tables::check,
        access::check,
        clock::check,
        damage::check,
        bodies::check,
        activity::check,
    ];
    let mut findings: Vec<Finding> = families
        .iter()
        .flat_map(|family| family(survey, circumstances))
        .collect();
    findings.sort_by_key(|finding| (finding.severity, finding.code));
    for finding in &mut findings {
        debug_assert!(
            finding.has_all_fields(),
            "{finding:?} lacks a field, or names none"
        );
        finding.enterprise = Some(survey.more.enterprise.clone());
    }
    findings
}
