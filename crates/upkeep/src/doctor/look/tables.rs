//! Examines tables of calls: which are valid, which are missing, how old they are and who may read them.

use std::time::{Duration, UNIX_EPOCH};

use crate::doctor::Circumstances;
use crate::survey::listing::OwnFolder;
use calltrace_engine::{Coverage, log_of_table};
use calltrace_model::record::Stamp;
use calltrace_store::tree::{EnterpriseName, FileName};

/// What the doctor knows of an enterprise's tables.
#[derive(Debug, Default)]
pub(in crate::doctor) struct TableHealth {
    pub(in crate::doctor) coverage: Coverage,
    /// Their files.
    pub(in crate::doctor) files: Vec<FolderTable>,
}

/// A table's file.
#[derive(Debug)]
pub(in crate::doctor) struct FolderTable {
    pub(in crate::doctor) name: String,
    pub(in crate::doctor) log: FileName,
    pub(in crate::doctor) made: Stamp,
    pub(in crate::doctor) mode: u32,
}

impl TableHealth {
    /// Examines the tables of an enterprise.
    pub(in crate::doctor) fn of(
        circumstances: &Circumstances<'_>,
        enterprise: &EnterpriseName,
        own: &OwnFolder,
    ) -> TableHealth {
        let doctor = circumstances.doctor;
        let file = |name: &String| {
            let log = log_of_table(name)?;
            let stat = own.folder.stat(name).ok()?;
            let made = Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or_default());
            Some(FolderTable {
                name: name.clone(),
                log,
                made: doctor.zone.stamp((UNIX_EPOCH + made).into()),
                mode: stat.st_mode & 0o7777,
            })
        };
        // An error is reported by the survey.
        let coverage = doctor.engine.coverage(doctor.tree, enterprise, doctor.deep);
        TableHealth {
            coverage: coverage.unwrap_or_default(),
            files: own.names.iter().filter_map(file).collect(),
        }
    }
}
