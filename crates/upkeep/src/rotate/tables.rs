//! Makes tables of calls, once all files are in place.
//!
//! What is left undone, after a first night over old archives or in a killed run, the next run does: each table is
//! put in place as a whole, and a missing one only costs time.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::{Duration, UNIX_EPOCH};

use super::context::RotationContext;
use super::publish;
use super::report::RotationReport;
use calltrace_engine::{Engine, TableState, log_of_table};
use calltrace_store::error::Error;
use calltrace_store::tree::{FileName, Generation, Tree};

/// How many are made in one run of an enterprise: a month of days, and a few minutes of one core.
const TABLES_MAX: usize = 31;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Makes the tables that are missing or outdated, and removes those that are too old.
pub(super) fn tables(
    context: &RotationContext<'_>,
    tree: &Tree,
    engine: &Engine,
    report: &mut RotationReport,
) -> Result<(), Error> {
    let mut held: BTreeSet<String> = BTreeSet::new();
    let mut take = |state| {
        match state {
            TableState::Open(_) => {}
            TableState::Fresh(name) => {
                held.insert(name);
            }
            TableState::Built(table) => {
                let written = publish::small(context, &table.name, &table.bytes);
                written.map_err(|error| {
                    Error::io(&context.own_path(&table.name), "write it", error)
                })?;
                held.insert(table.name.clone());
                report.tables.push(table.name);
            }
            TableState::Useless(name, why) => report.without_table.push(format!("{name} {why}")),
        }
        Ok(report.tables.len() < TABLES_MAX)
    };
    engine.build_tables(tree, context.enterprise, &mut take)?;
    let is_all = report.tables.len() < TABLES_MAX && report.without_table.is_empty();
    expire(context, is_all.then_some(&held))
}

/// Removes tables without logs, once they are older than they are to be kept. If all valid tables are known, also
/// removes the other tables of existing logs: a file that was renamed or sealed has a new table, and a program that
/// reads all tables would count its calls twice.
fn expire(context: &RotationContext<'_>, held: Option<&BTreeSet<String>>) -> Result<(), Error> {
    let fail = |error| Error::io(context.folder.path(), "list the folder", error);
    let listed = context.folder.names().map_err(fail)?;
    let logs = listed
        .iter()
        .filter_map(|name| FileName::parse(name.to_str()?));
    let stems: BTreeSet<String> = logs.map(|log| log.stem).collect();
    let fail = |name: &str, error| Error::io(&context.own_path(name), "remove it", error);
    let own = context.own_folder().map_err(|error| fail("", error))?;
    let kept = DAY * context.policy.keep_tables_days;
    for name in own.names().map_err(|error| fail("", error))? {
        let Some(name) = name.to_str() else { continue };
        let Some(log) = log_of_table(name) else {
            continue;
        };
        let has_log = stems.contains(&log.stem) || log.generation == Generation::Live;
        if let Some(held) = held.filter(|held| has_log && !held.is_empty()) {
            if !held.contains(name) {
                context
                    .ops
                    .unlink(&own, name)
                    .map_err(|error| fail(name, error))?;
            }
            continue;
        }
        if stems.contains(&log.stem) {
            continue;
        }
        let made = match own.stat(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            stat => stat.map_err(|error| fail(name, error))?.st_mtime,
        };
        let made = UNIX_EPOCH + Duration::from_secs(u64::try_from(made).unwrap_or_default());
        let age = context.clock.now().duration_since(made).unwrap_or_default();
        if age > kept {
            context
                .ops
                .unlink(&own, name)
                .map_err(|error| fail(name, error))?;
        }
    }
    Ok(())
}
