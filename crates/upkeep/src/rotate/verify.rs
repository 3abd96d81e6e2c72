//! Compares a share of the archives with their indexes each night, those with the oldest check first.
//!
//! Damage that keeps a file's length and time is missed if an index says that a block need not be read, and a
//! forged index hides calls without damage. Only making the index again shows either: that decodes all of the
//! archive. `.calltrace/checked.toml` holds when each archive was checked. The file may be deleted; then the time
//! at which the index was made counts.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::context::RotationContext;
use super::publish;
use super::report::RotationReport;
use crate::own::CHECKED;
use calltrace_store::error::Trouble;
use calltrace_store::fsx::Folder;
use calltrace_store::index;
use calltrace_store::tree::FileName;

/// A longer file is not read (bytes). It holds one line per archive.
const BYTES_MAX: u64 = 1 << 20;

const HEAD: &str =
    "# When `calltrace rotate` compared archives with their indexes. May be deleted.\n";

/// An archive is checked again after this (seconds): a second run in one night checks nothing.
const AGAIN_SECONDS: i64 = 20 * 3600;

/// When archives were last compared with their indexes (seconds of Unix time), by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckTimes {
    /// By the archive's name.
    pub at: BTreeMap<String, i64>,
}

impl CheckTimes {
    /// Reads the times of an enterprise; empty if they can't be read.
    pub fn of(folder: &Folder) -> CheckTimes {
        let bytes = index::read_own(folder, CHECKED, BYTES_MAX).ok();
        let table: Table = bytes
            .and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok())
            .unwrap_or_default();
        let checked = table.get("checked").and_then(Value::as_table);
        let one = |(name, at): (&String, &Value)| {
            FileName::parse(name)?;
            Some((name.clone(), at.as_integer().filter(|at| *at >= 0)?))
        };
        CheckTimes {
            at: checked.into_iter().flatten().filter_map(one).collect(),
        }
    }

    fn text(&self) -> String {
        let one = |(name, at): (&String, &i64)| (name.clone(), Value::Integer(*at));
        let checked = Table::from_iter(self.at.iter().map(one));
        let table = Table::from_iter([("checked".to_owned(), Value::Table(checked))]);
        format!("{HEAD}{table}")
    }
}

/// Compares archives with their indexes, as many as the policy's share allows, but at least one. The report names
/// wrong indexes, and they are made again.
pub(super) fn verify(context: &RotationContext<'_>, report: &mut RotationReport) {
    let share = context.policy.verify_bytes;
    let before = CheckTimes::of(&context.folder);
    let (now, mut due) = (context.clock.utc().timestamp(), Vec::new());
    let names = match calltrace_store::tree::list(&context.folder) {
        Ok(names) if share > 0 => names,
        _ => return,
    };
    let mut checked = before.clone();
    let is_there = |name: &String| names.iter().any(|there| there.full() == *name);
    checked.at.retain(|name, _| is_there(name));
    for name in names.iter().filter(|name| name.gz) {
        let Some(made) = index::made_at(&context.folder, name) else {
            continue;
        };
        let last = checked.at.get(&name.full()).copied().unwrap_or(made);
        if now.saturating_sub(last) >= AGAIN_SECONDS {
            due.push((last, name));
        }
    }
    due.sort();
    let mut read_bytes = 0;
    for (_, name) in due {
        if read_bytes >= share {
            break;
        }
        let Ok(opened) = context.open(name) else {
            continue;
        };
        read_bytes += opened.log().bytes;
        let checked_now = context
            .pool
            .install(|| index::check(opened.log(), context.zone));
        if let Err(what) = checked_now {
            let what = format!(
                "was checked: its index {what}; calls may have been missing, and the index is made again"
            );
            report.trouble(Trouble::new(&context.path(name), what));
            // The index is made again from the archive. An archive that can't be decoded gets no index and is scanned.
            let _ = context.remove_index(name);
            report.note(&context.path(name), context.index(name));
        }
        checked.at.insert(name.full(), now);
        report.checked.push(name.full());
    }
    if checked != before
        && let Err(error) = publish::small(context, CHECKED, checked.text().as_bytes())
    {
        let path = context.own_path(CHECKED);
        report.trouble(Trouble::cant(&path, "write it", &error));
    }
}
