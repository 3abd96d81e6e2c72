//! What is removed after shipping: local days that the bucket holds, expired days, and objects that no manifest names.
//!
//! Nothing is removed that a reader may still look for. A reader uses a manifest for five seconds; so **a local day
//! goes only when the manifest has named its object for ten seconds, and an object only when no manifest of the last ten
//! seconds named it**.

use std::collections::BTreeSet;
use std::io::{self, sink};

use chrono::{DateTime, TimeDelta, Utc};

use super::local::{age_from, file_of};
use super::plan::{self, Part};
use super::report::{ShipReport, ShipStep, ShipStepKind, trouble_of, url_of};
use super::{NAMED_FOR, SeenManifest, ShipEvent, ShipWatcher, Shipped, Shipping};
use crate::rotate::apply;
use crate::rotate::context::{OpenLog, RotationContext};
use crate::rotate::look::kept_since;
use crate::rotate::remove::Removal;
use crate::survey::times::day_of;
use calltrace_archive::{ListedObject, Manifest, ObjectKind, ObjectRef, ShippedEntry};
use calltrace_store::error::{Error, Trouble};
use calltrace_store::fsx::modified_nanos;
use calltrace_store::tree::FileName;

impl Shipping<'_> {
    /// Removes what may go after shipping; call it once all enterprises are shipped, so that they wait together.
    pub fn remove(&self, shipped: &mut Shipped, watch: &ShipWatcher<'_>) {
        let Some(seen) = shipped.seen.take() else {
            return;
        };
        let is_due = self.policy.tidy.is_some() || self.policy.keep_local_days.is_some();
        if !is_due && seen.expired.is_empty() {
            return;
        }
        let report = &mut shipped.report;
        let name = report.enterprise.clone();
        self.under_lock(&name, report, |context, report, _| {
            self.remove_in(context, &seen, report, watch);
            Some(())
        });
    }

    fn remove_in(
        &self,
        context: &RotationContext<'_>,
        seen: &SeenManifest,
        report: &mut ShipReport,
        watch: &ShipWatcher<'_>,
    ) {
        let candidates = match self.policy.keep_local_days {
            Some(_) => candidates(context, &seen.manifest, report),
            None => Vec::new(),
        };
        if self.dry_run {
            let would = |(name, entry): &(FileName, &ShippedEntry)| removal(name, entry);
            report.steps.extend(candidates.iter().map(would));
            return;
        }
        if candidates.is_empty() && self.policy.tidy.is_none() && seen.expired.is_empty() {
            return;
        }
        let Some(objects) = self.list_objects(context, report) else {
            return;
        };
        let is_old = |object: &&ListedObject| {
            let age = self.policy.tidy;
            age.is_some_and(|age| is_old(object, age, self.bucket.time()))
        };
        let old: Vec<&ListedObject> = objects.iter().filter(is_old).collect();
        let expired: BTreeSet<&str> = keys(&seen.expired).collect();
        let named = plan::named(&seen.manifest);
        let is_orphan = |object: &&ListedObject| {
            let is_due = expired.contains(object.key.as_str()) || old.contains(object);
            is_due && !named.contains(object.key.as_str()) && is_ours(&object.key)
        };
        let orphans: Vec<&ListedObject> = objects.iter().filter(is_orphan).collect();
        if candidates.is_empty() && orphans.is_empty() {
            return;
        }
        if let Some(left) = NAMED_FOR.checked_sub(seen.at.elapsed()) {
            context.ops.wait(left);
        }
        let Some((current, listed)) = self.ask(context, report) else {
            return;
        };
        let manifest = &current.manifest;
        let missing = plan::missing(manifest, &listed);
        for (object, what) in &missing {
            let url = url_of(self.bucket, context.enterprise, &object.key);
            report.trouble(Trouble::new(&url, what.clone()));
        }
        let mut is_changed = false;
        for (name, entry) in &candidates {
            if !missing.is_empty() {
                report.wait(
                    name.full(),
                    "stays here, as the bucket lacks objects that its manifest names",
                );
            } else if manifest.days.contains(entry) {
                is_changed |= self.remove_day(context, name, entry, report, watch);
            } else {
                report.wait(
                    name.full(),
                    "stays here, as another run changed the manifest meanwhile",
                );
            }
        }
        if is_changed && let Err(error) = apply::renew_catalog(context) {
            report.fail(context.folder.path(), &error);
        }
        self.remove_objects(context, &orphans, manifest, report, watch);
    }

    fn list_objects(
        &self,
        context: &RotationContext<'_>,
        report: &mut ShipReport,
    ) -> Option<Vec<ListedObject>> {
        let listed = self.bucket.list(context.enterprise).map_err(|error| {
            let url = url_of(self.bucket, context.enterprise, "");
            report.trouble(trouble_of(&url, &error));
        });
        listed.ok()
    }

    /// Removes a local day after its objects were read once more. False if it stays.
    fn remove_day(
        &self,
        context: &RotationContext<'_>,
        name: &FileName,
        entry: &ShippedEntry,
        report: &mut ShipReport,
        watch: &ShipWatcher<'_>,
    ) -> bool {
        let path = context.path(name);
        let opened = match same_as_shipped(context, name, entry) {
            Ok(Some(opened)) => opened,
            Ok(None) => {
                report.wait(
                    name.full(),
                    "stays here, as it is not the file that was shipped",
                );
                return false;
            }
            Err(error) => {
                report.trouble(Trouble::cant(&path, "read it", &error));
                return false;
            }
        };
        let _pass = self.transfers.acquire();
        for object in Part::ALL.into_iter().filter_map(|part| part.of(entry)) {
            let read = self
                .bucket
                .read_whole(context.enterprise, object, &mut sink());
            if let Err(error) = read {
                report.trouble(trouble_of(&path, &error));
                return false;
            }
        }
        match context.remove(&opened) {
            Ok(Removal::Gone(_)) => {}
            Ok(Removal::Busy(why)) => {
                report.wait(name.full(), format!("stays here: {why}"));
                return false;
            }
            Ok(Removal::Changed) => {
                report.wait(name.full(), "stays here, as it has changed just now");
                return false;
            }
            Err(error) => {
                report.fail(&path, &error);
                return false;
            }
        }
        for part in [Part::Index, Part::Table] {
            let file = file_of(name, part);
            match context.remove_own(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    report.trouble(Trouble::cant(&context.own_path(&file), "remove it", &error));
                }
                _ => {}
            }
        }
        let step = removal(name, entry);
        watch(ShipEvent::Done(&step));
        report.steps.push(step);
        true
    }

    fn remove_objects(
        &self,
        context: &RotationContext<'_>,
        orphans: &[&ListedObject],
        manifest: &Manifest,
        report: &mut ShipReport,
        watch: &ShipWatcher<'_>,
    ) {
        let named = plan::named(manifest);
        let mut step = ShipStep::new(ShipStepKind::Tidy, "");
        for object in orphans
            .iter()
            .filter(|object| !named.contains(object.key.as_str()))
        {
            match self.bucket.delete(context.enterprise, &object.key) {
                Ok(()) => {
                    step.objects += 1;
                    step.object_bytes += object.bytes;
                }
                Err(error) => {
                    let url = url_of(self.bucket, context.enterprise, &object.key);
                    report.trouble(trouble_of(&url, &error));
                }
            }
        }
        if step.objects > 0 {
            watch(ShipEvent::Done(&step));
            report.steps.push(step);
        }
    }
}

fn removal(name: &FileName, entry: &ShippedEntry) -> ShipStep {
    ShipStep {
        log_bytes: Some(entry.log.bytes),
        index_bytes: entry.index.as_ref().map(|index| index.bytes),
        table_bytes: entry.table.as_ref().map(|table| table.bytes),
        why: "the bucket holds it".to_owned(),
        ..ShipStep::new(ShipStepKind::Remove, &name.full())
    }
}

/// The local days that are too old for this disk and that the manifest names.
fn candidates<'m>(
    context: &RotationContext<'_>,
    manifest: &'m Manifest,
    report: &mut ShipReport,
) -> Vec<(FileName, &'m ShippedEntry)> {
    let kept = kept_since(day_of(context.now()), context.policy);
    let names = match calltrace_store::tree::list(&context.folder) {
        Ok(names) => names,
        Err(error) => {
            let error = Error::io(context.folder.path(), "list the folder", error);
            report.fail(context.folder.path(), &error);
            return Vec::new();
        }
    };
    let is_here = |name: &FileName| {
        let plain = FileName {
            gz: false,
            ..name.clone()
        };
        name.gz && !names.contains(&plain)
    };
    let mut found = Vec::new();
    for name in names.iter().filter(|name| is_here(name)) {
        let full = name.full();
        let mut entries = manifest.days.iter().filter(|entry| entry.name == full);
        let Ok(opened) = context.open(name) else {
            continue;
        };
        let is_same = |entry: &&ShippedEntry| {
            let now = (opened.metadata.len(), modified_nanos(&opened.metadata));
            (entry.log.bytes, entry.modified) == now
        };
        if let Some(entry) = entries.find(is_same)
            && age_from(context, &opened).is_some_and(|day| day < kept)
        {
            found.push((name.clone(), entry));
        }
    }
    found
}

/// Opens a local day if all its bytes are those that the entry names. They are read now.
fn same_as_shipped(
    context: &RotationContext<'_>,
    name: &FileName,
    entry: &ShippedEntry,
) -> io::Result<Option<OpenLog>> {
    let opened = context.open(name)?;
    let bytes = opened.metadata.len();
    let is_same = bytes == entry.log.bytes
        && opened.log().file.crc32(bytes)? == entry.log.crc32
        && opened.is_as_it_was()?;
    Ok(is_same.then_some(opened))
}

fn keys(days: &[ShippedEntry]) -> impl Iterator<Item = &str> {
    let objects = days
        .iter()
        .flat_map(|entry| Part::ALL.into_iter().filter_map(move |part| part.of(entry)));
    objects.map(|object| object.key.as_str())
}

/// Whether an object is older than `age`, by the store's clock.
fn is_old(object: &ListedObject, age: TimeDelta, now: Option<DateTime<Utc>>) -> bool {
    now.is_some_and(|now| now - object.modified > age)
}

/// Whether a key is one that `ship` gives. Anything else in the bucket is not ours to remove.
fn is_ours(key: &str) -> bool {
    let Some((folder, file)) = key.split_once('/') else {
        return false;
    };
    let crc32 = file
        .get(..8)
        .and_then(|crc32| u32::from_str_radix(crc32, 16).ok());
    let is_log = FileName::parse(folder).is_some();
    let mut kinds = Part::ALL
        .map(Part::kind)
        .into_iter()
        .filter(|_| is_log)
        .chain([ObjectKind::Catalog]);
    let is_key = |kind, crc32| ObjectRef::new(kind, folder, 0, crc32).key == key;
    crc32.is_some_and(|crc32| kinds.any(|kind| is_key(kind, crc32)))
}

#[cfg(test)]
mod tests {
    use super::super::ORPHAN_AGE;
    use super::*;

    #[test]
    fn only_keys_of_ship_are_removed() {
        for ours in [
            "events.log.2025-11-29.gz/1f2e3d4c.gz",
            "events.log.2025-11-29.gz/1f2e3d4c.idx",
            "recovered_2025-11-29.log.gz/1f2e3d4c.calls.parquet",
            "catalog/00000000.cat",
        ] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "manifest.json",
            "notes/1f2e3d4c.gz",
            "events.log.2025-11-29.gz/1f2e3d4.gz",
            "events.log.2025-11-29.gz/1F2E3D4C.gz",
            "events.log.2025-11-29.gz/1f2e3d4c.gz/more",
            "catalog/00000000.gz",
            "events.log.2025-11-29.gz",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn an_object_is_old_after_two_days_of_the_stores_clock() {
        let now = DateTime::<Utc>::from_timestamp(1_764_500_000, 0).expect("a time");
        let object = |age| ListedObject {
            key: String::new(),
            bytes: 1,
            modified: now - age,
        };
        assert!(!is_old(
            &object(TimeDelta::hours(48)),
            ORPHAN_AGE,
            Some(now)
        ));
        assert!(is_old(&object(TimeDelta::hours(49)), ORPHAN_AGE, Some(now)));
        assert!(!is_old(&object(TimeDelta::days(900)), ORPHAN_AGE, None));
        assert!(!is_old(&object(TimeDelta::days(-3)), ORPHAN_AGE, Some(now)));
    }
}
