//! The sealed days of all enterprises, as the store sees them.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use calltrace_store::error::Error;
use calltrace_store::tree::{EnterpriseName, MANIFEST_SECONDS_MAX, ShippedDays, ShippedTree};

use crate::boot_time::BootTime;
use crate::config::ArchiveConfig;
use crate::disk_cache::DiskCache;
use crate::error::StoreError;
use crate::fetching::Shared;
use crate::held_manifest::HeldManifest;
use crate::store_client::StoreClient;

/// Sealed days in object storage, read by ranges.
///
/// Reads block; they may be made on any thread that is not async.
#[derive(Debug)]
pub struct Archive {
    shared: Arc<Shared>,
    warnings: Vec<String>,
    /// Why there is no cache on disk though the settings name one.
    cache_problem: Option<String>,
    manifests: Mutex<HashMap<EnterpriseName, Arc<HeldManifest>>>,
    listed: Mutex<Option<ListedEnterprises>>,
}

/// The enterprises, as they were listed at `at`.
#[derive(Debug)]
struct ListedEnterprises {
    at: Instant,
    names: Vec<EnterpriseName>,
}

impl Archive {
    /// Opens the archive. No request is sent to the store yet.
    ///
    /// # Errors
    /// [`StoreError::Settings`]. A cache that can't be used is no error: see [`Archive::cache_problem`].
    pub fn open(config: &ArchiveConfig) -> Result<Archive, StoreError> {
        let mut warnings = Vec::new();
        let client = Arc::new(StoreClient::open(config, &mut warnings)?);
        let cache = config.cache.as_ref().filter(|_| config.cache_bytes > 0);
        let cache = cache.map(|path| {
            let opened = DiskCache::open(path, config.cache_bytes);
            opened.map_err(|error| Error::io(path, "use the folder as a cache", error).to_string())
        });
        let (disk, cache_problem) = match cache {
            None => (None, None),
            Some(Ok(disk)) => (Some(disk), None),
            Some(Err(problem)) => (None, Some(problem)),
        };
        Ok(Archive {
            shared: Arc::new(Shared::new(client, disk)),
            warnings,
            cache_problem,
            manifests: Mutex::default(),
            listed: Mutex::default(),
        })
    }

    /// What is wrong with the files of the keys though they can be read.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Why the cache on disk is not used though the settings name one: one line.
    pub fn cache_problem(&self) -> Option<&str> {
        self.cache_problem.as_deref()
    }

    /// The bytes of objects that are in memory.
    pub fn bytes_in_memory(&self) -> usize {
        self.shared.pool.bytes()
    }

    /// The enterprises that an earlier program listed, if that was recent.
    fn listed_on_disk(&self) -> Option<ListedEnterprises> {
        let (names, age) = self.shared.recent(&self.list_on_disk())?;
        let names = str::from_utf8(&names).ok()?.lines();
        Some(ListedEnterprises {
            at: Instant::now().checked_sub(age)?,
            names: names.map(EnterpriseName::new).collect::<Option<_>>()?,
        })
    }

    /// The name of the list of enterprises in the cache on disk.
    fn list_on_disk(&self) -> String {
        self.shared.name_on_disk("enterprises", self.url())
    }

    fn held(&self, enterprise: &EnterpriseName) -> Arc<HeldManifest> {
        let mut held = lock(&self.manifests);
        let held = held.entry(enterprise.clone());
        Arc::clone(held.or_insert_with(|| HeldManifest::new(&self.shared, enterprise)))
    }
}

impl ShippedTree for Archive {
    fn url(&self) -> &Path {
        self.shared.client.url()
    }

    fn enterprises(&self) -> Result<Vec<EnterpriseName>, Error> {
        let mut listed = lock(&self.listed);
        let is_fresh = |listed: &&ListedEnterprises| {
            listed.at.elapsed() < Duration::from_secs(MANIFEST_SECONDS_MAX)
        };
        if let Some(listed) = listed.as_ref().filter(is_fresh) {
            return Ok(listed.names.clone());
        }
        let client = &self.shared.client;
        if listed.is_none()
            && let Some(on_disk) = self.listed_on_disk()
        {
            return Ok(listed.insert(on_disk).names.clone());
        }
        let (at, asked) = (Instant::now(), BootTime::now());
        let checked = self.shared.health.check();
        let names = checked.map_err(io::Error::from).and_then(|()| {
            let names = client
                .runtime()
                .block_on(client.limited(client.enterprises()));
            self.shared.health.note(at, &names);
            Ok(names?)
        });
        let mut names =
            names.map_err(|error| Error::io(self.url(), "list the enterprises", error))?;
        let known = listed.take().map(|listed| listed.names);
        let known: BTreeSet<EnterpriseName> = known.unwrap_or_default().into_iter().collect();
        let new: Vec<EnterpriseName> = names
            .iter()
            .filter(|name| !known.contains(name))
            .cloned()
            .collect();
        // If the first `ship` of an enterprise was killed, it has objects and no manifest. A manifest that can't be read is
        // reported by the query that needs it.
        self.fetch_ahead(&new);
        names.retain(|name| {
            known.contains(name) || self.days(name).map_or(true, |days| days.revision > 0)
        });
        let all: Vec<&str> = names.iter().map(EnterpriseName::as_str).collect();
        let all = all.join("\n");
        self.shared
            .keep_recent(&self.list_on_disk(), asked.as_ref(), all.as_bytes());
        let kept = names.clone();
        *listed = Some(ListedEnterprises { at, names: kept });
        Ok(names)
    }

    fn days(&self, enterprise: &EnterpriseName) -> io::Result<Arc<ShippedDays>> {
        Ok(self.held(enterprise).days()?)
    }

    fn fetch_ahead(&self, enterprises: &[EnterpriseName]) {
        for enterprise in enterprises {
            self.held(enterprise).start();
        }
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        self.shared.settle();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
