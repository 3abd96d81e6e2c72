//! The manifest of one enterprise. One reader requests it again for all readers when it is too old. A copy on disk
//! spares the next program the request while it is young enough, and is used when the store can't be reached.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use calltrace_store::error::cant;
use calltrace_store::object::StoredObject;
use calltrace_store::tree::EnterpriseName;
use calltrace_store::tree::{MANIFEST_SECONDS_MAX, ShippedDays, ShippedFile};

use crate::boot_time::BootTime;
use crate::disk_cache::{DiskCache, entry, parts_of_entry};
use crate::error::StoreFault;
use crate::fetching::Shared;
use crate::manifest::{MANIFEST, Manifest, ManifestTag, ObjectKind, ObjectRef};
use crate::object::ArchiveObject;
use crate::store_client::FoundManifest;

/// The entries of the cache on disk that concern a manifest begin with these.
const MANIFEST_ENTRY: &str = "manifest";
const ASKED_ENTRY: &str = "asked";

/// A catalog is fetched with its manifest up to this length (bytes).
const CATALOG_BYTES_MAX: u64 = 1 << 20;

#[derive(Debug)]
pub(crate) struct HeldManifest {
    shared: Arc<Shared>,
    enterprise: EnterpriseName,
    state: Mutex<ManifestState>,
    arrival: Condvar,
}

#[derive(Debug, Default)]
struct ManifestState {
    is_coming: bool,
    /// When the request of the last answer began. The answer may be out of date from that moment on.
    asked: Option<Instant>,
    answer: Option<Result<Arc<ShippedDays>, StoreFault>>,
    /// The last valid manifest, with its tag.
    good: Option<(Arc<ShippedDays>, ManifestTag)>,
    is_disk_read: bool,
}

impl HeldManifest {
    pub(crate) fn new(shared: &Arc<Shared>, enterprise: &EnterpriseName) -> Arc<HeldManifest> {
        Arc::new(HeldManifest {
            shared: Arc::clone(shared),
            enterprise: enterprise.clone(),
            state: Mutex::default(),
            arrival: Condvar::new(),
        })
    }

    /// The days of a fresh manifest, or of an older one if the store can't be reached.
    pub(crate) fn days(self: &Arc<Self>) -> Result<Arc<ShippedDays>, StoreFault> {
        self.start();
        let state = self.state();
        let state = self.arrival.wait_while(state, |state| state.is_coming);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        state.answer.clone().expect("an answer has come")
    }

    /// Starts a request for the manifest if it is too old, and returns at once.
    pub(crate) fn start(self: &Arc<Self>) {
        let mut state = self.state();
        let age = state.asked.map(|asked| asked.elapsed());
        let is_fresh = age.is_some_and(|age| age < Duration::from_secs(MANIFEST_SECONDS_MAX));
        if state.is_coming || is_fresh && state.answer.is_some() {
            return;
        }
        state.is_coming = true;
        drop(state);
        let arriving = Arriving(Arc::clone(self));
        self.shared
            .client
            .runtime()
            .spawn(async move { arriving.0.ask().await });
    }

    async fn ask(&self) {
        let _ahead = self.shared.ahead.acquire().await;
        let _request = self.shared.requests.acquire().await;
        let (asked, asked_at) = (Instant::now(), BootTime::now());
        if let Some((days, age)) = self.read_disk() {
            let mut state = self.state();
            state.asked = asked.checked_sub(age);
            state.answer = Some(Ok(days));
            return;
        }
        let known = self.state().good.as_ref().map(|(_, tag)| tag.clone());
        let client = &self.shared.client;
        let found = match self.shared.health.check() {
            Err(fault) => Err(fault),
            Ok(()) => {
                let found = client
                    .limited(client.manifest(&self.enterprise, known.as_ref()))
                    .await;
                self.shared.health.note(asked, &found);
                found
            }
        };
        let answer = self.judge(found);
        if answer.as_ref().is_ok_and(|days| days.stale.is_none()) {
            self.note_asked(asked_at.as_ref());
        }
        let mut state = self.state();
        state.asked = Some(asked);
        state.answer = Some(answer);
    }

    /// The days of the manifest that was found, or of the last valid one.
    fn judge(
        &self,
        found: Result<FoundManifest, StoreFault>,
    ) -> Result<Arc<ShippedDays>, StoreFault> {
        let good = self.state().good.clone();
        let fault = match (found, good) {
            (Ok(FoundManifest::Unchanged), Some((days, _))) => return Ok(days),
            (Ok(FoundManifest::Missing), _) => {
                self.state().good = None;
                self.on_disk(DiskCache::remove);
                return Ok(Arc::new(
                    self.days_of(&Manifest::new(self.enterprise.as_str())),
                ));
            }
            (Ok(FoundManifest::Content(bytes, etag)), _) => {
                match Manifest::parse(&bytes, &self.enterprise) {
                    Ok(manifest) => {
                        let days = self.accept(&manifest, etag.clone());
                        let entry = entry(etag.as_deref().unwrap_or_default(), &bytes);
                        tokio::task::block_in_place(|| {
                            self.on_disk(|disk, name| disk.put(name, &entry));
                        });
                        return Ok(days);
                    }
                    Err(what) => StoreFault::Invalid(what),
                }
            }
            (Ok(FoundManifest::Unchanged), None) => StoreFault::Protocol,
            (Err(fault), _) => fault,
        };
        let good = self.state().good.clone();
        let (days, _) = good.ok_or_else(|| fault.clone())?;
        let stale = Some(cant("be read", &fault.into()));
        Ok(Arc::new(ShippedDays {
            stale,
            ..ShippedDays::clone(&days)
        }))
    }

    /// Reads the manifest that an earlier run left on disk, once. Returns its days and how long ago the store was asked
    /// for it if that is recent; otherwise the store has to say whether it is still current.
    fn read_disk(&self) -> Option<(Arc<ShippedDays>, Duration)> {
        if std::mem::replace(&mut self.state().is_disk_read, true) {
            return None;
        }
        let disk = self.shared.disk.as_ref()?;
        let (kept, asked) = tokio::task::block_in_place(|| {
            let kept = disk.get(&self.name_on_disk(MANIFEST_ENTRY));
            (kept, self.shared.recent(&self.name_on_disk(ASKED_ENTRY)))
        });
        let kept = kept?;
        let (etag, bytes) = parts_of_entry(&kept)?;
        let manifest = Manifest::parse(bytes, &self.enterprise).ok()?;
        let tag = Some(etag.to_owned()).filter(|etag| !etag.is_empty());
        let days = self.accept(&manifest, tag);
        let (confirmed, age) = asked?;
        (confirmed == etag.as_bytes()).then_some((days, age))
    }

    /// Stores when the store was asked for the last valid manifest, for the programs that follow.
    fn note_asked(&self, at: Option<&BootTime>) {
        let good = self.state().good.as_ref().map(|(_, tag)| tag.clone());
        if let Some(etag) = good.and_then(|tag| tag.etag) {
            let name = self.name_on_disk(ASKED_ENTRY);
            tokio::task::block_in_place(|| self.shared.keep_recent(&name, at, etag.as_bytes()));
        }
    }

    /// Remembers a manifest as the last valid one.
    fn accept(&self, manifest: &Manifest, etag: Option<String>) -> Arc<ShippedDays> {
        let days = Arc::new(self.days_of(manifest));
        if let Some(catalog) = &days.catalog {
            let all = 0..catalog.bytes().min(CATALOG_BYTES_MAX);
            catalog.fetch_ahead(&[all]);
        }
        let revision = manifest.revision;
        self.state().good = Some((Arc::clone(&days), ManifestTag { etag, revision }));
        days
    }

    fn days_of(&self, manifest: &Manifest) -> ShippedDays {
        let object = |object: &ObjectRef, kind| -> Arc<dyn StoredObject> {
            Arc::new(ArchiveObject::new(
                &self.shared,
                &self.enterprise,
                object,
                kind,
            ))
        };
        let files = manifest.days.iter().filter_map(|day| {
            Some(Arc::new(ShippedFile {
                name: day.file_name()?,
                log: object(&day.log, ObjectKind::Log),
                modified: day.modified,
                index: day
                    .index
                    .as_ref()
                    .map(|index| object(index, ObjectKind::Index)),
                index_head: day.index_head.as_ref().map(|head| head.0.clone()),
                table: day
                    .table
                    .as_ref()
                    .map(|table| object(table, ObjectKind::Table)),
            }))
        });
        let mut files: Vec<Arc<ShippedFile>> = files.collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let catalog = manifest.catalog.as_ref();
        ShippedDays {
            url: self.shared.client.url().join(self.enterprise.as_str()),
            files,
            catalog: catalog.map(|catalog| object(catalog, ObjectKind::Catalog)),
            revision: manifest.revision,
            stale: None,
        }
    }

    /// Acts on the manifest in the cache on disk.
    fn on_disk(&self, act: impl FnOnce(&DiskCache, &str)) {
        if let Some(disk) = &self.shared.disk {
            act(disk, &self.name_on_disk(MANIFEST_ENTRY));
        }
    }

    fn name_on_disk(&self, kind: &str) -> String {
        let url = self.shared.client.url_of(&self.enterprise, MANIFEST);
        self.shared.name_on_disk(kind, &url)
    }

    fn state(&self) -> MutexGuard<'_, ManifestState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the waiting readers, also when the task ends early.
struct Arriving(Arc<HeldManifest>);

impl Drop for Arriving {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_coming = false;
        if state.answer.is_none() {
            let ending = StoreFault::Unreachable("the program is ending".to_owned());
            state.answer = Some(Err(ending));
        }
        drop(state);
        self.0.arrival.notify_all();
    }
}
