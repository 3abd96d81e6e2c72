//! Copies sealed days to object storage, one enterprise at a time.
//!
//! ```text
//! lock -> look      archives that no rotation will change any more, their indexes, tables and checksums
//!      -> plan      pure: local days x manifest x listing -> what is to be sent
//!      -> send      PUT if absent; read back; compare length and checksum
//!      -> manifest  PUT if it is still the one that was read; with the catalog of its days
//!      -> later     at least ten seconds after: remove local days, expired days, orphans
//! ```
//! **A kill at any point loses and doubles nothing.** Objects never change, and one that no manifest names is no part
//! of any answer. The manifest names an object only after it was read back. A local file is removed only after the
//! manifest has named its object for twice as long as a reader uses a manifest, and after another read of the object in
//! the same run. The lock is that of rotations: no file is sealed, merged or expired meanwhile.

mod check;
mod fetch;
mod local;
mod plan;
mod publishing;
mod removal;
mod report;
mod send;

use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate, TimeDelta};

use crate::own;
use crate::rotate::context::RotationContext;
use crate::rotate::semaphore::Semaphore;
use crate::rotate::{Rotation, RotationReport, apply};
use crate::survey::shipped::ShippedMemory;
use crate::survey::times::day_of;
use calltrace_archive::{Bucket, Manifest, ShippedEntry};
use calltrace_store::error::{Error, Trouble};
use calltrace_store::fsx::{DraftFile, Lock};
use calltrace_store::tree::EnterpriseName;
use calltrace_store::tree::MANIFEST_SECONDS_MAX;

pub use fetch::DaySpec;
pub use report::{CheckedBucket, ShipReport, ShipStep, ShipStepKind};

use local::{FoundDay, LocalDays};
use plan::{ObjectLengths, PlannedDay};
use publishing::CurrentManifest;
use report::{trouble_of, url_of};
use send::{Sender, Unsent};

/// Days that go into the bucket before the manifest is written: after a kill, so many are read back again.
const DAYS_PER_MANIFEST: usize = 31;

/// Days of all enterprises that are sent at the same time. Each takes up to 32 MiB of memory.
const TRANSFERS: usize = 4;

/// The age of an orphan that may be removed: by then every run has named the objects that it sent, or has died.
pub const ORPHAN_AGE: TimeDelta = TimeDelta::days(2);

/// How long a manifest must have named a day before its local files go: twice as long as a reader uses a manifest.
const NAMED_FOR: Duration = Duration::from_secs(2 * MANIFEST_SECONDS_MAX);

/// What is to be done in addition to shipping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShipPolicy {
    /// Full days before today that local files of shipped days are kept; `None` to leave them to rotations.
    pub keep_local_days: Option<u32>,
    /// Full days that days in the bucket are kept; `None` for ever.
    pub keep_days: Option<u32>,
    /// Objects that no manifest names are removed once they are older than this by the store's clock; `None` to leave
    /// them. A run that is at work now may be about to name a new one: see [`ORPHAN_AGE`].
    pub tidy: Option<TimeDelta>,
}

/// A run over any number of enterprises.
pub struct Shipping<'s> {
    rotation: Rotation<'s>,
    bucket: &'s Bucket,
    policy: ShipPolicy,
    wait: bool,
    dry_run: bool,
    transfers: Semaphore,
}

/// The progress of a run.
#[derive(Debug)]
pub enum ShipEvent<'n> {
    /// This many bytes are to be sent for an enterprise.
    Planned(u64),
    /// This many more of them have been sent.
    Sent(u64),
    /// A step is done.
    Done(&'n ShipStep),
}

/// Receives the progress of a run, on the threads that do the work.
pub type ShipWatcher<'w> = dyn Fn(ShipEvent<'_>) + Sync + 'w;

/// An enterprise that was shipped, and what may be removed now.
#[derive(Debug)]
pub struct Shipped {
    /// What was done.
    pub report: ShipReport,
    seen: Option<SeenManifest>,
}

/// A manifest, and when it was the current one.
#[derive(Debug)]
struct SeenManifest {
    manifest: Manifest,
    at: Instant,
    /// Days that this run took out of the manifest.
    expired: Vec<ShippedEntry>,
}

impl<'s> Shipping<'s> {
    /// A run into `bucket`. The policy of `rotation` gives the time for which a file must have been unchanged.
    pub fn new(rotation: Rotation<'s>, bucket: &'s Bucket, policy: ShipPolicy) -> Shipping<'s> {
        Shipping {
            rotation: match policy.keep_local_days {
                Some(days) => rotation.keeping(days),
                None => rotation,
            },
            bucket,
            policy,
            wait: false,
            dry_run: false,
            transfers: Semaphore::new(TRANSFERS),
        }
    }

    /// Waits for a rotation of the same enterprise instead of skipping it.
    pub fn waiting(mut self, wait: bool) -> Shipping<'s> {
        self.wait = wait;
        self
    }

    /// Says what would be done, and changes nothing.
    pub fn dry(mut self, dry_run: bool) -> Shipping<'s> {
        self.dry_run = dry_run;
        self
    }

    /// Ships one enterprise. Errors are in the report; they do not stop the work on other days and enterprises.
    pub fn enterprise(&self, name: &EnterpriseName, watch: &ShipWatcher<'_>) -> Shipped {
        let mut report = ShipReport::new(name, self.dry_run);
        let seen = self.under_lock(name, &mut report, |context, report, lock| {
            self.ship(context, report, lock, watch)
        });
        Shipped { report, seen }
    }

    /// Opens the folder of an enterprise, takes its lock and calls `work`; `None` if that is not possible, or if `work`
    /// gives none.
    fn under_lock<T>(
        &self,
        name: &EnterpriseName,
        report: &mut ShipReport,
        work: impl FnOnce(&RotationContext<'_>, &mut ShipReport, Option<&Lock>) -> Option<T>,
    ) -> Option<T> {
        let opened = own::folder_of_logs(self.rotation.tree, name);
        let path = self.rotation.tree.path(name);
        let note = |report: &mut ShipReport, error: Error| report.fail(&path, &error);
        let folder = opened.map_err(|error| note(report, error)).ok()?;
        let context = self.rotation.context(name, folder, &|_| {});
        if self.dry_run {
            return work(&context, report, None);
        }
        let taken = own::make(&context.folder, self.rotation.ops).and_then(|own| {
            let fail = |error| Error::io(&context.own_path(own::LOCK), "take the lock", error);
            Lock::take(&own, own::LOCK, self.wait).map_err(fail)
        });
        let Some(lock) = taken.map_err(|error| note(report, error)).ok()? else {
            report.is_busy = true;
            return None;
        };
        // Removes what a killed run of `ship` or `rotate` left.
        let mut tidied = RotationReport::new(name, false);
        let tidy = apply::tidy(&context, &mut tidied);
        tidied
            .troubles
            .drain(..)
            .for_each(|trouble| report.trouble(trouble));
        tidy.map_err(|error| note(report, error)).ok()?;
        work(&context, report, Some(&lock))
    }

    fn ship(
        &self,
        context: &RotationContext<'_>,
        report: &mut ShipReport,
        lock: Option<&Lock>,
        watch: &ShipWatcher<'_>,
    ) -> Option<SeenManifest> {
        let (mut current, listed) = self.ask(context, report)?;
        let before = ShippedMemory::of(&context.folder);
        let mut memory = before.clone();
        let local = self.look(context, report, &current.manifest, &mut memory)?;
        report.waiting.extend(local.waiting.iter().cloned());
        report.left_alone.extend(local.left_alone.iter().cloned());
        for trouble in &local.troubles {
            report.trouble(trouble.clone());
        }
        let locals: Vec<_> = local.days.iter().map(|found| found.day.clone()).collect();
        let planned = plan::plan(&locals, &current.manifest, &listed);
        let of = |planned: &PlannedDay| {
            local
                .days
                .iter()
                .find(|found| found.day.name == planned.name)
        };
        let pairs: Vec<(&FoundDay, &PlannedDay)> = planned
            .iter()
            .filter_map(|planned| Some((of(planned)?, planned)))
            .collect();
        watch(ShipEvent::Planned(planned.iter().map(bytes_of).sum()));
        let expired = self.expired(context, &current.manifest, lock, report);
        if self.dry_run {
            report.steps.extend(planned.iter().map(would));
            report
                .steps
                .extend(expired.iter().map(|entry| self.expiry(entry)));
            return Some(SeenManifest {
                manifest: current.manifest,
                at: Instant::now(),
                expired,
            });
        }
        let sender = Sender {
            context,
            bucket: self.bucket,
            listed: &listed,
            transfers: &self.transfers,
            watch,
        };
        for days in pairs.chunks(DAYS_PER_MANIFEST) {
            self.ship_some(&sender, days, &mut current, report);
        }
        // This also mends a manifest that has no catalog because a run died.
        let gone = |entry: &ShippedEntry| expired.contains(entry);
        let change = |manifest: &Manifest| {
            let days = manifest.days.iter().filter(|entry| !gone(entry));
            days.cloned().collect()
        };
        match current.publish(context, self.bucket, &change) {
            Ok(()) => report
                .steps
                .extend(expired.iter().map(|entry| self.expiry(entry))),
            Err(trouble) => report.trouble(trouble),
        }
        note_shipped(&mut memory, &local, &current.manifest);
        if memory != before {
            let path = context.own_path(own::SHIPPED);
            let write =
                |draft: &DraftFile<'_>| context.ops.write(draft.file(), memory.text().as_bytes());
            let folder = context.own_folder();
            let kept = folder.and_then(|own| {
                own::replace(context.ops, &context.folder, &own, own::SHIPPED, write)
            });
            if let Err(error) = kept {
                report.trouble(Trouble::cant(&path, "write it", &error));
            }
        }
        Some(SeenManifest {
            manifest: current.manifest,
            at: Instant::now(),
            expired,
        })
    }

    /// The manifest, and what the bucket holds.
    fn ask(
        &self,
        context: &RotationContext<'_>,
        report: &mut ShipReport,
    ) -> Option<(CurrentManifest, ObjectLengths)> {
        let current = CurrentManifest::read(self.bucket, context.enterprise);
        let current = current.map_err(|trouble| report.trouble(trouble)).ok()?;
        Some((current, self.list(context.enterprise, report)?))
    }

    fn list(&self, name: &EnterpriseName, report: &mut ShipReport) -> Option<ObjectLengths> {
        let listed = self.bucket.list(name).map_err(|error| {
            report.trouble(trouble_of(&url_of(self.bucket, name, ""), &error));
        });
        let objects = listed.ok()?.into_iter();
        Some(objects.map(|object| (object.key, object.bytes)).collect())
    }

    /// The sealed days of the folder that the bucket is to hold.
    fn look(
        &self,
        context: &RotationContext<'_>,
        report: &mut ShipReport,
        manifest: &Manifest,
        memory: &mut ShippedMemory,
    ) -> Option<LocalDays> {
        let looked = local::look(context, manifest, memory);
        let mut found = looked
            .map_err(|error| report.fail(context.folder.path(), &error))
            .ok()?;
        // A day that would expire at once is not sent.
        if let Some(first_kept) = self.first_kept(context) {
            let is_expired = |found: &FoundDay| {
                let (name, times) = (&found.day.name, found.day.times);
                plan::is_expired(Some(name), times, first_kept, context.zone)
            };
            (found.too_old, found.days) = found.days.into_iter().partition(is_expired);
        }
        Some(found)
    }

    fn ship_some(
        &self,
        sender: &Sender<'_>,
        days: &[(&FoundDay, &PlannedDay)],
        current: &mut CurrentManifest,
        report: &mut ShipReport,
    ) {
        let mut sent: Vec<PlannedDay> = Vec::new();
        let mut steps: Vec<ShipStep> = Vec::new();
        for ((_, planned), result) in days.iter().zip(sender.send_all(days)) {
            match result {
                Ok(step) => {
                    sent.push((*planned).clone());
                    steps.push(step);
                }
                Err(Unsent::Waiting(why)) => report.wait(planned.name.full(), why),
                Err(Unsent::Failed(trouble)) => report.trouble(trouble),
            }
        }
        let change = |manifest: &Manifest| plan::merged(manifest, &sent);
        match current.publish(sender.context, self.bucket, &change) {
            Ok(()) => {
                for step in &steps {
                    (sender.watch)(ShipEvent::Done(step));
                }
                report.steps.append(&mut steps);
            }
            Err(trouble) => report.trouble(trouble),
        }
    }

    /// The first day that the bucket keeps.
    fn first_kept(&self, context: &RotationContext<'_>) -> Option<NaiveDate> {
        let keep = Days::new(u64::from(self.policy.keep_days?));
        day_of(context.now()).checked_sub_days(keep)
    }

    /// The days that the bucket no longer keeps. None if something contradicts this host's clock.
    fn expired(
        &self,
        context: &RotationContext<'_>,
        manifest: &Manifest,
        lock: Option<&Lock>,
        report: &mut ShipReport,
    ) -> Vec<ShippedEntry> {
        let Some(first_kept) = self.first_kept(context) else {
            return Vec::new();
        };
        let is_expired = |entry: &&ShippedEntry| {
            let name = entry.file_name();
            plan::is_expired(name.as_ref(), entry.times, first_kept, context.zone)
        };
        let expired: Vec<_> = manifest.days.iter().filter(is_expired).cloned().collect();
        if expired.is_empty() {
            return expired;
        }
        let last_run = lock.and_then(|lock| lock.last_taken);
        match self.rotation.clock_contradiction(context, last_run) {
            Ok(None) => return expired,
            Ok(Some(why)) => {
                let what = format!(
                    "nothing expires in the bucket, as this host's clock may be wrong: {why}"
                );
                report.trouble(Trouble::new(context.folder.path(), what));
            }
            Err(error) => report.fail(context.folder.path(), &error),
        }
        Vec::new()
    }

    fn expiry(&self, entry: &ShippedEntry) -> ShipStep {
        ShipStep {
            log_bytes: Some(entry.log.bytes),
            why: format!(
                "{} days are kept",
                self.policy.keep_days.unwrap_or_default()
            ),
            ..ShipStep::new(ShipStepKind::Expire, &entry.name)
        }
    }
}

/// Notes which local days a rotation may remove: those that the manifest names, and those that are too old for it.
fn note_shipped(memory: &mut ShippedMemory, local: &LocalDays, manifest: &Manifest) {
    let is_named = |found: &FoundDay| {
        let (name, log) = (found.day.name.full(), found.day.log);
        let mut days = manifest.days.iter();
        days.any(|entry| {
            entry.name == name && (entry.log.bytes, entry.log.crc32) == (log.bytes, log.crc32)
        })
    };
    let days = local.days.iter().map(|found| (found, is_named(found)));
    let too_old = local.too_old.iter().map(|found| (found, true));
    for (found, is_shipped) in days.chain(too_old) {
        if let Some(known) = memory.files.get_mut(&found.day.name.full()) {
            known.is_shipped = is_shipped;
        }
    }
}

/// The bytes of the parts that are to be sent.
fn bytes_of(planned: &PlannedDay) -> u64 {
    let parts = planned
        .parts
        .iter()
        .filter_map(|part| part.of(&planned.entry));
    parts.map(|object| object.bytes).sum()
}

/// The step of a day that would be shipped.
fn would(planned: &PlannedDay) -> ShipStep {
    let bytes = |part: plan::Part| {
        let object = part
            .of(&planned.entry)
            .filter(|_| planned.parts.contains(&part));
        object.map(|object| object.bytes)
    };
    ShipStep {
        log_bytes: bytes(plan::Part::Log),
        index_bytes: bytes(plan::Part::Index),
        table_bytes: bytes(plan::Part::Table),
        objects: planned.parts.len(),
        object_bytes: bytes_of(planned),
        ..ShipStep::new(ShipStepKind::Ship, &planned.name.full())
    }
}
