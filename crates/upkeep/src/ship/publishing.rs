//! Writes the manifest of an enterprise, with the catalog of its days.
//!
//! The manifest is replaced only if it is still the one that was read. If another writer was first, its manifest is
//! read and the change is made to that one.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use super::report::{trouble_of, url_of};
use crate::own::{draft, temporary_of};
use crate::rotate::context::RotationContext;
use calltrace_archive::{
    Bucket, Manifest, ManifestTag, ObjectKind, ObjectRef, ShippedEntry, StoreError, StoreFault,
};
use calltrace_store::error::Trouble;
use calltrace_store::fsx::{Access, modified_nanos};
use calltrace_store::index::catalog::{self, Catalog};
use calltrace_store::object::StoredFile;
use calltrace_store::source::ContentTally;
use calltrace_store::tree::{EnterpriseName, FileName, LogFile};

/// How often another writer may be first before this run gives up.
const TRIES: usize = 20;

/// The shipped catalog while it is read.
const OLD_CATALOG: &str = "shipped-catalog";

/// The manifest of an enterprise as it was last read or written.
#[derive(Debug, Clone)]
pub(super) struct CurrentManifest {
    pub(super) manifest: Manifest,
    tag: Option<ManifestTag>,
}

impl CurrentManifest {
    /// Reads it; an empty one if there is none yet.
    pub(super) fn read(
        bucket: &Bucket,
        enterprise: &EnterpriseName,
    ) -> Result<CurrentManifest, Trouble> {
        let found = bucket.manifest(enterprise);
        let found = found.map_err(|error| trouble_of(&url_of(bucket, enterprise, ""), &error))?;
        Ok(match found {
            Some((manifest, tag)) => CurrentManifest {
                manifest,
                tag: Some(tag),
            },
            None => CurrentManifest {
                manifest: Manifest::new(enterprise.as_str()),
                tag: None,
            },
        })
    }

    /// Writes a manifest with the days that `change` makes of the current ones, unless they are the same.
    pub(super) fn publish(
        &mut self,
        context: &RotationContext<'_>,
        bucket: &Bucket,
        change: &dyn Fn(&Manifest) -> Vec<ShippedEntry>,
    ) -> Result<(), Trouble> {
        let url = url_of(bucket, context.enterprise, "");
        for _ in 0..TRIES {
            let days = change(&self.manifest);
            let has_catalog = self.manifest.catalog.is_some() || days.is_empty();
            if days == self.manifest.days && has_catalog {
                return Ok(());
            }
            let catalog = make_catalog(context, bucket, &self.manifest, &days)?;
            let mut next = self.manifest.clone();
            next.days = days;
            next.catalog = Some(catalog);
            next.revision += 1;
            match bucket.put_manifest(&next, self.tag.as_ref()) {
                Ok(tag) => {
                    self.manifest = next;
                    self.tag = Some(tag);
                    return Ok(());
                }
                Err(StoreError::Changed(_)) => {
                    *self = CurrentManifest::read(bucket, context.enterprise)?;
                }
                Err(error) => return Err(trouble_of(&url, &error)),
            }
        }
        let what = format!("other writers replaced the manifest {TRIES} times meanwhile");
        Err(Trouble::new(&url, what))
    }
}

/// Sends the catalog of these days: from the indexes of those that are local, and from the old catalog. A day that is
/// in neither has no entry, and its own index is read for each question.
fn make_catalog(
    context: &RotationContext<'_>,
    bucket: &Bucket,
    old: &Manifest,
    days: &[ShippedEntry],
) -> Result<ObjectRef, Trouble> {
    let own = context.own_path("");
    let fail = |error| Trouble::cant(&own, "make the catalog", &error);
    let mut by_name: BTreeMap<&str, Vec<&ShippedEntry>> = BTreeMap::new();
    for entry in days {
        by_name.entry(&entry.name).or_default().push(entry);
    }
    // The catalog has one entry per name, so two days of one name have none.
    let single = by_name.values().filter(|days| days.len() == 1);
    let single: Vec<&ShippedEntry> = single.map(|days| days[0]).collect();
    let logs: Vec<Arc<LogFile>> = single
        .iter()
        .filter_map(|entry| local_of(context, entry))
        .collect();
    let is_of = |entry: &ShippedEntry, archive: &catalog::CatalogArchive| {
        archive.is_of(&entry.name, entry.log.bytes, entry.modified)
    };
    let is_kept =
        |archive: &catalog::CatalogArchive| single.iter().any(|entry| is_of(entry, archive));
    let folder = context.own_folder().map_err(fail)?;
    let access = Access::of_file_in(&context.folder.metadata().map_err(fail)?);
    // Removed when dropped.
    let file = draft(context.ops, &folder, temporary_of(OLD_CATALOG), access).map_err(fail)?;
    let mut before = None;
    if let Some(object) = old.catalog.as_ref().filter(|_| logs.len() < single.len()) {
        let mut out = file.writer();
        let read = bucket.read_whole(context.enterprise, object, &mut out);
        match read {
            Ok(()) => {
                out.flush().map_err(fail)?;
                drop(out);
                let written = file.file().try_clone().map_err(fail)?;
                before = Catalog::of_file(StoredFile::local_of(written));
            }
            Err(error) if is_lost(&error) => {}
            Err(error) => return Err(trouble_of(&own, &error)),
        }
    }
    let mut bytes = Vec::new();
    catalog::extend(before.as_ref(), &is_kept, &logs, &mut bytes).map_err(fail)?;
    let crc32 = ContentTally::of(&bytes).content().crc;
    let object = ObjectRef::new(ObjectKind::Catalog, "", bytes.len() as u64, crc32);
    let sent = bucket.put_new(context.enterprise, &object, &mut bytes.as_slice());
    sent.map_err(|error| trouble_of(&own, &error))?;
    Ok(object)
}

/// Whether an object can never be read again, so that there is no use in another try.
fn is_lost(error: &StoreError) -> bool {
    use StoreFault::{Checksum, Length, Missing};
    matches!(
        error.fault(),
        Some(Missing | Length { .. } | Checksum { .. })
    )
}

fn local_of(context: &RotationContext<'_>, entry: &ShippedEntry) -> Option<Arc<LogFile>> {
    let opened = context.open(&FileName::parse(&entry.name)?).ok()?;
    let now = (opened.metadata.len(), modified_nanos(&opened.metadata));
    (now == (entry.log.bytes, entry.modified)).then(|| Arc::clone(opened.log()))
}
