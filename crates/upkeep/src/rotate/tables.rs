//! Tables of calls, made once all files are where they belong.
//!
//! What is left undone (of a first night over old archives, or of one that is killed) the next run does: each
//! table is put in place whole, and one that is not there costs time only.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::{Duration, UNIX_EPOCH};

use super::publish;
use super::report::Report;
use super::site::Site;
use calltrace_engine::{Engine, TableState, log_of_table};
use calltrace_store::error::Error;
use calltrace_store::tree::{FileName, Tree};

/// Made in one run of an enterprise: a month of days, and a few minutes of one core.
const TABLES_MAX: usize = 31;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Makes the tables that are missing or hold no longer, and removes those that are too old.
pub(super) fn tables(
    site: &Site<'_>,
    tree: &Tree,
    engine: &Engine,
    report: &mut Report,
) -> Result<(), Error> {
    let mut take = |state| {
        match state {
            TableState::Fresh(_) | TableState::Open(_) => {}
            TableState::Built(table) => {
                let written = publish::small(site, &table.name, &table.bytes);
                written
                    .map_err(|error| Error::io(&site.own_path(&table.name), "write it", error))?;
                report.tables.push(table.name);
            }
            TableState::Useless(name, why) => report.without_table.push(format!("{name} {why}")),
        }
        Ok(report.tables.len() < TABLES_MAX)
    };
    engine.build_tables(tree, site.enterprise, &mut take)?;
    expire(site)
}

/// Removes tables whose logs are gone, once they were made longer ago than they are to be kept.
fn expire(site: &Site<'_>) -> Result<(), Error> {
    let fail = |error| Error::io(site.folder.path(), "list the folder", error);
    let listed = site.folder.names().map_err(fail)?;
    let logs = listed
        .iter()
        .filter_map(|name| FileName::parse(name.to_str()?));
    let stems: BTreeSet<String> = logs.map(|log| log.stem).collect();
    let fail = |name: &str, error| Error::io(&site.own_path(name), "remove it", error);
    let own = site.own_folder().map_err(|error| fail("", error))?;
    let kept = DAY * site.policy.keep_tables_days;
    for name in own.names().map_err(|error| fail("", error))? {
        let Some(name) = name.to_str() else { continue };
        if log_of_table(name).is_none_or(|log| stems.contains(&log.stem)) {
            continue;
        }
        let made = match own.stat(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            stat => stat.map_err(|error| fail(name, error))?.st_mtime,
        };
        let made = UNIX_EPOCH + Duration::from_secs(u64::try_from(made).unwrap_or_default());
        let age = site.clock.now().duration_since(made).unwrap_or_default();
        if age > kept {
            site.deeds
                .unlink(&own, name)
                .map_err(|error| fail(name, error))?;
        }
    }
    Ok(())
}
