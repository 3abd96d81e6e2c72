//! Compares the bucket with the manifest of an enterprise, and the manifest with the local days. Nothing is changed.

use std::io::sink;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::plan::{self, ObjectLengths, Part};
use super::publishing::CurrentManifest;
use super::report::{CheckedBucket, ShipReport, trouble_of, url_of};
use super::{ShipEvent, ShipWatcher, Shipping, TRANSFERS};
use crate::survey::shipped::ShippedMemory;
use calltrace_archive::{Manifest, ObjectRef};
use calltrace_store::error::Trouble;
use calltrace_store::tree::EnterpriseName;

/// The comparison of a manifest with the bucket.
struct BucketComparison {
    manifest: Manifest,
    listed: ObjectLengths,
    /// Objects that the bucket lacks, each with what is wrong.
    missing: Vec<(ObjectRef, String)>,
}

impl Shipping<'_> {
    /// Compares the objects of an enterprise with its manifest, `deep` by reading all of them. An enterprise without a
    /// folder or without a manifest is compared all the same.
    pub fn check(&self, name: &EnterpriseName, deep: bool, watch: &ShipWatcher<'_>) -> ShipReport {
        let mut report = ShipReport::new(name, false);
        let Some(compared) = self.compare(name, &mut report) else {
            return report;
        };
        let BucketComparison {
            manifest,
            listed,
            missing,
        } = compared;
        for (object, what) in &missing {
            let url = url_of(self.bucket, name, &object.key);
            report.trouble(Trouble::new(&url, what.clone()));
        }
        let objects: Vec<&ObjectRef> = plan::objects_of(&manifest).collect();
        let is_there = |object: &&ObjectRef| !missing.iter().any(|(missing, _)| missing == *object);
        if deep {
            let read: Vec<&ObjectRef> = objects.iter().copied().filter(is_there).collect();
            watch(ShipEvent::Planned(
                read.iter().map(|object| object.bytes).sum(),
            ));
            let wrong = self.read_all(name, &read, watch);
            wrong
                .into_iter()
                .for_each(|trouble| report.trouble(trouble));
        }
        let named = plan::named(&manifest);
        let is_orphan = |key: &str| !named.contains(key) && key != "manifest.json";
        let orphans = listed.iter().filter(|(key, _)| is_orphan(key));
        let (orphans, orphan_bytes) =
            orphans.fold((0, 0), |(count, sum), (_, bytes)| (count + 1, sum + bytes));
        report.checked = Some(CheckedBucket {
            days: manifest.days.len(),
            objects: objects.len(),
            bytes: objects.iter().map(|object| object.bytes).sum(),
            orphans,
            orphan_bytes,
            is_deep: deep,
        });
        self.unshipped(name, &manifest, &listed, &mut report);
        report
    }

    /// The manifest, the listing, and what the listing lacks. They are read twice if something is missing, as a
    /// run may meanwhile remove what the manifest no longer names.
    fn compare(&self, name: &EnterpriseName, report: &mut ShipReport) -> Option<BucketComparison> {
        let mut compared = None;
        for _ in 0..2 {
            let current = CurrentManifest::read(self.bucket, name);
            let manifest = current
                .map_err(|trouble| report.trouble(trouble))
                .ok()?
                .manifest;
            let listed = self.list(name, report)?;
            let missing = plan::missing(&manifest, &listed);
            let missing: Vec<(ObjectRef, String)> = missing
                .into_iter()
                .map(|(object, what)| (object.clone(), what))
                .collect();
            let is_whole = missing.is_empty();
            compared = Some(BucketComparison {
                manifest,
                listed,
                missing,
            });
            if is_whole {
                break;
            }
        }
        compared
    }

    fn read_all(
        &self,
        name: &EnterpriseName,
        objects: &[&ObjectRef],
        watch: &ShipWatcher<'_>,
    ) -> Vec<Trouble> {
        let next = AtomicUsize::new(0);
        let wrong = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..TRANSFERS.min(objects.len()) {
                scope.spawn(|| {
                    while let Some(object) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let _pass = self.transfers.acquire();
                        let read = self.bucket.read_whole(name, object, &mut sink());
                        watch(ShipEvent::Sent(object.bytes));
                        if let Err(error) = read {
                            let url = url_of(self.bucket, name, &object.key);
                            let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
                            wrong.push(trouble_of(&url, &error));
                        }
                    }
                });
            }
        });
        let mut wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
        wrong.sort();
        wrong
    }

    /// Notes local days that the manifest does not name.
    fn unshipped(
        &self,
        name: &EnterpriseName,
        manifest: &Manifest,
        listed: &ObjectLengths,
        report: &mut ShipReport,
    ) {
        let Ok(folder) = self.rotation.tree.folder(name) else {
            return;
        };
        let context = self.rotation.context(name, folder, &|_| {});
        let mut memory = ShippedMemory::of(&context.folder);
        let Some(local) = self.look(&context, report, manifest, &mut memory) else {
            return;
        };
        let days: Vec<_> = local.days.iter().map(|found| found.day.clone()).collect();
        for planned in plan::plan(&days, manifest, listed) {
            let parts: Vec<&str> = planned.parts.iter().map(|part| part.word()).collect();
            let why = match planned.parts.contains(&Part::Log) {
                true => "is not shipped yet".to_owned(),
                false => format!("its new {} is not shipped yet", parts.join(" and ")),
            };
            report.wait(planned.name.full(), why);
        }
        report.left_alone.extend(local.left_alone);
        local
            .troubles
            .into_iter()
            .for_each(|trouble| report.trouble(trouble));
    }
}
