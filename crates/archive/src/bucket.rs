//! A bucket, for `ship`: objects and manifests are written, read whole, listed and deleted. Every call blocks.

use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion};

use calltrace_store::tree::EnterpriseName;

use crate::config::ArchiveConfig;
use crate::error::{StoreError, StoreFault};
use crate::manifest::{MANIFEST, Manifest, ManifestTag, ObjectRef};
use crate::store_client::{FoundManifest, StoreClient};
use crate::upload::PutOutcome;
use crate::{download, upload};

/// A bucket of an S3-compatible store; blocking, over a runtime of its own. Cheap to clone.
///
/// No method may be called from an async thread.
#[derive(Clone)]
pub struct Bucket {
    client: Arc<StoreClient>,
    state: Arc<BucketState>,
}

struct BucketState {
    warnings: Vec<String>,
    /// The user was told that the store has no conditional writes.
    is_said: AtomicBool,
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Below the enterprise's prefix.
    pub key: String,
    pub bytes: u64,
    /// By the store's clock.
    pub modified: DateTime<Utc>,
}

impl Bucket {
    /// Opens the bucket. No request is sent to it yet.
    ///
    /// # Errors
    /// [`StoreError::Settings`]: no address, no keys, a key file that can't be read, no TLS.
    pub fn open(config: &ArchiveConfig) -> Result<Bucket, StoreError> {
        let mut warnings = Vec::new();
        let client = Arc::new(StoreClient::open(config, &mut warnings)?);
        let is_said = AtomicBool::new(false);
        Ok(Bucket {
            client,
            state: Arc::new(BucketState { warnings, is_said }),
        })
    }

    /// What is wrong with the files of the keys though they can be read.
    pub fn warnings(&self) -> &[String] {
        &self.state.warnings
    }

    /// `s3://bucket/prefix`
    pub fn url(&self) -> &Path {
        self.client.url()
    }

    /// The store's time at its last answer; `None` before the first, or if its answers have none.
    pub fn time(&self) -> Option<DateTime<Utc>> {
        self.client.observed.time()
    }

    /// The enterprises that have an object, by name. After a first `ship` that was killed, one of them has no manifest.
    ///
    /// # Errors
    /// When the store can't be listed.
    pub fn enterprises(&self) -> Result<Vec<EnterpriseName>, StoreError> {
        self.client.block(self.url(), self.client.enterprises())
    }

    /// The manifest of an enterprise with its tag; `None` if it has none.
    ///
    /// # Errors
    /// When it can't be read, or is not valid.
    pub fn manifest(
        &self,
        enterprise: &EnterpriseName,
    ) -> Result<Option<(Manifest, ManifestTag)>, StoreError> {
        let url = self.client.url_of(enterprise, MANIFEST);
        let found = self
            .client
            .block(&url, self.client.manifest(enterprise, None))?;
        let FoundManifest::Content(bytes, etag) = found else {
            return Ok(None);
        };
        let manifest = Manifest::parse(&bytes, enterprise)
            .map_err(|what| StoreError::at(&url, StoreFault::Invalid(what)))?;
        let revision = manifest.revision;
        Ok(Some((manifest, ManifestTag { etag, revision })))
    }

    /// Writes a manifest in place of the one with the tag `known`, or as the first one. The caller has raised its
    /// revision.
    ///
    /// Without conditional writes ([`Bucket::is_conditional`]) the manifest is compared just before it is replaced,
    /// which is safe only for a single writer.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when another writer was first. After any other error the manifest may have been written.
    pub fn put_manifest(
        &self,
        manifest: &Manifest,
        known: Option<&ManifestTag>,
    ) -> Result<ManifestTag, StoreError> {
        let name = EnterpriseName::new(&manifest.enterprise);
        let name = name.ok_or_else(|| {
            let what = "it is for no enterprise".to_owned();
            StoreError::at(self.url(), StoreFault::Invalid(what))
        })?;
        let url = self.client.url_of(&name, MANIFEST);
        let at = |fault| StoreError::at(&url, fault);
        let bytes = manifest.to_bytes();
        let key = self.client.key(&name, MANIFEST).map_err(at)?;
        let revision = manifest.revision;
        let put = |mode: PutMode| {
            let options = PutOptions {
                mode,
                ..PutOptions::default()
            };
            let (client, key, bytes) = (&self.client, &key, bytes.clone());
            async move { Ok(client.store.put_opts(key, bytes.into(), options).await) }
        };
        let has_tag = known.is_none_or(|tag| tag.etag.is_some());
        if self.is_conditional() && has_tag {
            let mode = match known {
                None => PutMode::Create,
                Some(tag) => PutMode::Update(UpdateVersion {
                    e_tag: tag.etag.clone(),
                    version: None,
                }),
            };
            use object_store::Error as Found;
            match self.client.block(&url, put(mode))? {
                Ok(done) => {
                    let etag = done.e_tag;
                    return Ok(ManifestTag { etag, revision });
                }
                Err(Found::AlreadyExists { .. } | Found::Precondition { .. }) => {
                    return self.own_after_all(&name, manifest);
                }
                // Answered with 501, just now.
                Err(_) if !self.is_conditional() => {}
                Err(error) => return Err(at(self.client.fault(&error))),
            }
        }
        let current = self.manifest(&name)?.map(|(_, tag)| tag);
        if current.as_ref() != known {
            return Err(StoreError::Changed(url));
        }
        let done = self.client.block(&url, put(PutMode::Overwrite))?;
        let etag = done.map_err(|error| at(self.client.fault(&error)))?.e_tag;
        Ok(ManifestTag { etag, revision })
    }

    /// The condition did not hold: either another writer was first, or this manifest was written and the answer was
    /// lost, so that it was sent again.
    fn own_after_all(
        &self,
        name: &EnterpriseName,
        manifest: &Manifest,
    ) -> Result<ManifestTag, StoreError> {
        match self.manifest(name)? {
            Some((found, tag)) if found == *manifest => Ok(tag),
            _ => Err(StoreError::Changed(self.client.url_of(name, MANIFEST))),
        }
    }

    /// Sends an object unless the store has it. `content` must have exactly the length and the CRC-32 that `object`
    /// states; both are checked before the object exists in the store. At most 32 MiB are in memory.
    ///
    /// # Errors
    /// [`StoreError::Local`] when `content` can't be read or is another; a fault with the length when the store has
    /// another object under the key.
    pub fn put_new(
        &self,
        enterprise: &EnterpriseName,
        object: &ObjectRef,
        content: &mut dyn Read,
    ) -> Result<PutOutcome, StoreError> {
        upload::put_new(&self.client, enterprise, object, content)
    }

    /// Reads an object and compares its length and its CRC-32. What was written to `into` is valid only if this
    /// succeeds.
    ///
    /// # Errors
    /// Also when `into` can't be written.
    pub fn read_whole(
        &self,
        enterprise: &EnterpriseName,
        object: &ObjectRef,
        into: &mut dyn Write,
    ) -> Result<(), StoreError> {
        download::read_whole(&self.client, enterprise, object, into)
    }

    /// All objects of an enterprise, also its manifest, by key.
    ///
    /// # Errors
    /// When they can't be listed.
    pub fn list(&self, enterprise: &EnterpriseName) -> Result<Vec<ListedObject>, StoreError> {
        let url = self.url().join(enterprise.as_str());
        let prefix = self.client.prefix().clone().join(enterprise.as_str());
        let mut listed: Vec<ListedObject> = Vec::new();
        let mut found = self.client.list(&prefix);
        // One page at a time has the time limit, not all of them together.
        while let Some(meta) = self.client.block(&url, async {
            let next = found.try_next().await;
            next.map_err(|error| self.client.fault(&error))
        })? {
            let key = meta.location.as_ref().strip_prefix(prefix.as_ref());
            let Some(key) = key.and_then(|key| key.strip_prefix('/')) else {
                continue;
            };
            listed.push(ListedObject {
                key: key.to_owned(),
                bytes: meta.size,
                modified: meta.last_modified,
            });
        }
        listed.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(listed)
    }

    /// Deletes an object; it is no error if there is none.
    ///
    /// # Errors
    /// When the store refuses.
    pub fn delete(&self, enterprise: &EnterpriseName, key: &str) -> Result<(), StoreError> {
        let url = self.client.url_of(enterprise, key);
        self.client.block(&url, async {
            let key = self.client.key(enterprise, key)?;
            match self.client.store.delete(&key).await {
                Ok(()) => Ok(()),
                Err(error) => match self.client.fault(&error) {
                    StoreFault::Missing => Ok(()),
                    fault => Err(fault),
                },
            }
        })
    }

    /// Whether the store can write on a condition. True until it answers with 501; from then on there may be only one
    /// writer, and the caller has to say so ([`Bucket::says_it_is_unconditional`]).
    pub fn is_conditional(&self) -> bool {
        self.client.is_conditional()
    }

    /// The sentence to say about a store without conditional writes: once, by the first caller after it was noticed.
    pub fn says_it_is_unconditional(&self) -> Option<String> {
        let is_due = !self.is_conditional() && !self.state.is_said.swap(true, Ordering::Relaxed);
        is_due.then(|| {
            format!(
                "{}: the store has no conditional writes; make sure that only one calltrace ships to it at a time",
                self.url().display()
            )
        })
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.url()).finish()
    }
}
