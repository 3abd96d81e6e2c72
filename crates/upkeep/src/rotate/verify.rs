//! A share of the archives is compared with their indexes each night, the one whose check is oldest
//! first.
//!
//! Damage that keeps a file's length and time is missed where an index says that a block need not be
//! read, and a forged index hides calls without damage. Only making the index anew shows either: that
//! decodes all of the archive. When each archive was checked stands in `.calltrace/checked.toml`; the
//! file may be deleted, then the time at which the index was made counts.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::publish;
use super::report::Report;
use super::site::Site;
use crate::own::CHECKED;
use calltrace_store::error::Trouble;
use calltrace_store::fsx::Folder;
use calltrace_store::index;
use calltrace_store::tree::FileName;

/// It is never longer (bytes): a line per archive. What is longer is not read.
const BYTES_MAX: u64 = 1 << 20;

const HEAD: &str =
    "# When `calltrace rotate` compared archives with their indexes. May be deleted.\n";

/// An archive is checked again after this (seconds): a second run in one night checks nothing.
const AGAIN_SECONDS: i64 = 20 * 3600;

/// When archives were last compared with their indexes (seconds of Unix time), by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// By the archive's name.
    pub at: BTreeMap<String, i64>,
}

impl Checked {
    /// What stands in an enterprise's folder; nothing when it can't be read.
    pub fn of(folder: &Folder) -> Checked {
        let bytes = index::read_own(folder, CHECKED, BYTES_MAX).ok();
        let table: Table = bytes
            .and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok())
            .unwrap_or_default();
        let checked = table.get("checked").and_then(Value::as_table);
        let one = |(name, at): (&String, &Value)| {
            FileName::parse(name)?;
            Some((name.clone(), at.as_integer().filter(|at| *at >= 0)?))
        };
        Checked {
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

/// Compares archives with their indexes, as many as the policy's share allows and one at least. What is
/// wrong is named in the report, and an index that is wrong is made anew.
pub(super) fn verify(site: &Site<'_>, report: &mut Report) {
    let share = site.policy.verify_bytes;
    let before = Checked::of(&site.folder);
    let (now, mut due) = (site.clock.utc().timestamp(), Vec::new());
    let names = match calltrace_store::tree::list(&site.folder) {
        Ok(names) if share > 0 => names,
        _ => return,
    };
    let mut checked = before.clone();
    let is_there = |name: &String| names.iter().any(|there| there.full() == *name);
    checked.at.retain(|name, _| is_there(name));
    for name in names.iter().filter(|name| name.gz) {
        let Some(made) = index::made_at(&site.folder, name) else {
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
        let Ok(opened) = site.open(name) else {
            continue;
        };
        read_bytes += opened.log().bytes;
        let checked_now = site.pool.install(|| index::check(opened.log(), site.zone));
        if let Err(what) = checked_now {
            let what = format!(
                "was checked: its index {what}; calls may have been missing, and the index is \
                 made anew"
            );
            report.trouble(Trouble::new(&site.path(name), what));
            // From the archive itself; of one that can't be decoded there is none, and it is scanned.
            let _ = site.remove_index(name);
            report.note(&site.path(name), site.index(name));
        }
        checked.at.insert(name.full(), now);
        report.checked.push(name.full());
    }
    if checked != before
        && let Err(error) = publish::small(site, CHECKED, checked.text().as_bytes())
    {
        let path = site.own_path(CHECKED);
        report.trouble(Trouble::cant(&path, "write it", &error));
    }
}
