//! Restores days from the bucket as local files.
//!
//! Each file is written under a temporary name, compared with the manifest by length and checksum, synced, and renamed;
//! **no log is ever overwritten**. The log comes last and gets its old time of modification, so that it appears together
//! with an index that fits it.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use chrono::NaiveDate;

use super::local::file_of;
use super::plan::Part;
use super::report::{ShipReport, ShipStep, ShipStepKind, trouble_of};
use super::{ShipEvent, ShipWatcher, Shipping};
use crate::own;
use crate::rotate::apply;
use crate::rotate::context::RotationContext;
use crate::survey::names::temporary;
use calltrace_archive::{ObjectRef, ShippedEntry};
use calltrace_store::error::Trouble;
use calltrace_store::fsx::{DraftFile, give};
use calltrace_store::tree::{EnterpriseName, FileName, access_of_new, list_files};

/// Days that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DaySpec {
    /// The log of this name.
    Name(FileName),
    /// The logs that are named after these days, both inclusive.
    Days(NaiveDate, NaiveDate),
}

impl DaySpec {
    /// Parses `2025-11-29`, `2025-11-20..2025-11-29` or `events.log.2025-11-29.gz`.
    ///
    /// # Errors
    /// What it must be, as a clause.
    pub fn parse(typed: &str) -> Result<DaySpec, String> {
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        if let Some((from, to)) = typed.split_once("..")
            && let Some((from, to)) = day(from).zip(day(to))
        {
            return match from <= to {
                true => Ok(DaySpec::Days(from, to)),
                false => Err(format!("{to} is before {from}")),
            };
        }
        if let Some(day) = day(typed) {
            return Ok(DaySpec::Days(day, day));
        }
        FileName::parse(typed).map(DaySpec::Name).ok_or_else(|| {
            "a day is like 2025-11-29, 2025-11-20..2025-11-29 or events.log.2025-11-29.gz"
                .to_owned()
        })
    }

    fn takes(&self, name: &FileName) -> bool {
        match self {
            DaySpec::Name(asked) => asked == name,
            DaySpec::Days(from, to) => name.day().is_some_and(|day| (*from..=*to).contains(&day)),
        }
    }
}

impl Shipping<'_> {
    /// Restores the shipped days of an enterprise that one of `days` asks for.
    pub fn fetch(
        &self,
        name: &EnterpriseName,
        days: &[DaySpec],
        watch: &ShipWatcher<'_>,
    ) -> ShipReport {
        let mut report = ShipReport::new(name, self.dry_run);
        self.under_lock(name, &mut report, |context, report, _| {
            let (current, _) = self.ask(context, report)?;
            let named = current.manifest.days.iter().filter_map(|entry| {
                let log = FileName::parse(&entry.name)?;
                days.iter()
                    .any(|asked| asked.takes(&log))
                    .then_some((log, entry))
            });
            let asked: Vec<(FileName, &ShippedEntry)> = named.collect();
            watch(ShipEvent::Planned(
                asked.iter().map(|(_, entry)| entry.log.bytes).sum(),
            ));
            let mut is_changed = false;
            for (log, entry) in &asked {
                match self.fetch_day(context, log, entry, report) {
                    Ok(Some(step)) => {
                        watch(ShipEvent::Sent(entry.log.bytes));
                        watch(ShipEvent::Done(&step));
                        report.steps.push(step);
                        is_changed = !self.dry_run;
                    }
                    Ok(None) => report.wait(log.full(), "is here already"),
                    Err(trouble) => report.trouble(trouble),
                }
            }
            if is_changed && let Err(error) = apply::renew_catalog(context) {
                report.fail(context.folder.path(), &error);
            }
            Some(())
        });
        report
    }

    /// Restores a day; `None` if its log is already in the folder.
    fn fetch_day(
        &self,
        context: &RotationContext<'_>,
        name: &FileName,
        entry: &ShippedEntry,
        report: &mut ShipReport,
    ) -> Result<Option<ShipStep>, Trouble> {
        let path = context.path(name);
        let cant = |error| Trouble::cant(&path, "fetch it", &error);
        if let Some(opened) = context.open_if_there(name).map_err(cant)? {
            let bytes = opened.metadata.len();
            let is_same = bytes == entry.log.bytes
                && opened.log().file.crc32(bytes).map_err(cant)? == entry.log.crc32;
            return match is_same {
                true => Ok(None),
                false => {
                    let what = "is here with other content, which is left as it is; move it away to fetch this one";
                    Err(Trouble::new(&path, what))
                }
            };
        }
        let step = ShipStep {
            log_bytes: Some(entry.log.bytes),
            index_bytes: entry.index.as_ref().map(|index| index.bytes),
            table_bytes: entry.table.as_ref().map(|table| table.bytes),
            ..ShipStep::new(ShipStepKind::Fetch, &name.full())
        };
        if self.dry_run {
            return Ok(Some(step));
        }
        for part in [Part::Index, Part::Table] {
            // Without the index and the table, queries take longer; the next rotation makes them again.
            if let Some(object) = part.of(entry)
                && let Err(trouble) = self.fetch_own(context, &file_of(name, part), object)
            {
                report.trouble(trouble);
            }
        }
        let files = list_files(&context.folder).map_err(cant)?;
        let access = access_of_new(&context.folder, &files).map_err(cant)?;
        let hidden = temporary(name);
        let file = context.ops.create(&context.folder, &hidden).map_err(cant)?;
        let draft = DraftFile::of(context.ops, &context.folder, hidden, file);
        give(context.ops, draft.file(), access);
        self.read_into(context, &draft, &entry.log)
            .map_err(|error| match error {
                Fetching::Store(trouble) => trouble,
                Fetching::Disk(error) => cant(error),
            })?;
        let modified = time_of(entry.modified);
        context
            .ops
            .set_modified(draft.file(), modified)
            .map_err(cant)?;
        draft.sync().map_err(cant)?;
        draft.rename(&name.full()).map_err(cant)?;
        Ok(Some(step))
    }

    /// Puts a file of `.calltrace` in place. A file of the same name belongs to a log that is not here.
    fn fetch_own(
        &self,
        context: &RotationContext<'_>,
        name: &str,
        object: &ObjectRef,
    ) -> Result<(), Trouble> {
        let mut failed = None;
        let write = |draft: &DraftFile<'_>| match self.read_into(context, draft, object) {
            Ok(()) => Ok(()),
            Err(Fetching::Disk(error)) => Err(error),
            Err(Fetching::Store(trouble)) => {
                failed = Some(trouble);
                Err(std::io::Error::other("the store failed"))
            }
        };
        let own = context.own_folder();
        let placed =
            own.and_then(|own| own::replace(context.ops, &context.folder, &own, name, write));
        let path = context.own_path(name);
        placed.map_err(|error| failed.unwrap_or_else(|| Trouble::cant(&path, "fetch it", &error)))
    }

    fn read_into(
        &self,
        context: &RotationContext<'_>,
        draft: &DraftFile<'_>,
        object: &ObjectRef,
    ) -> Result<(), Fetching> {
        let mut out = draft.writer();
        let read = self.bucket.read_whole(context.enterprise, object, &mut out);
        read.map_err(|error| match error {
            calltrace_archive::StoreError::Local(error) => Fetching::Disk(error),
            other => Fetching::Store(trouble_of(self.bucket.url(), &other)),
        })?;
        out.flush().map_err(Fetching::Disk)
    }
}

/// Why content did not arrive.
enum Fetching {
    Store(Trouble),
    Disk(std::io::Error),
}

/// A time from nanoseconds of Unix time.
fn time_of(nanos: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanos.unsigned_abs());
    match nanos < 0 {
        true => SystemTime::UNIX_EPOCH - distance,
        false => SystemTime::UNIX_EPOCH + distance,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_asked_for_by_date_range_and_name() {
        let takes = |typed: &str, name: &str| {
            let name = FileName::parse(name).expect("a log");
            DaySpec::parse(typed).expect("it is right").takes(&name)
        };
        let name = "events.log.2025-11-29.gz";
        assert!(takes("2025-11-29", name));
        assert!(takes("2025-11-29", "recovered_2025-11-29.log.gz"));
        assert!(takes("2025-11-20..2025-11-29", name));
        assert!(takes("2025-11-29..2025-12-01", name));
        assert!(takes(name, name));
        assert!(!takes("2025-11-28", name));
        assert!(!takes("2025-11-20..2025-11-28", name));
        assert!(!takes(name, "recovered_2025-11-29.log.gz"));
        for wrong in [
            "",
            "yesterday",
            "2025-11-29..",
            "2025-11-31",
            "2025-11-29..2025-11-28",
            "../x",
        ] {
            assert!(DaySpec::parse(wrong).is_err(), "{wrong}");
        }
    }
}
