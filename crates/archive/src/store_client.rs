//! The S3 client with its runtime. Operations are async here; `Bucket` and the reading side block on them.

use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt, RetryConfig,
};
use sha2::{Digest, Sha256};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::timeout;

use calltrace_store::tree::EnterpriseName;

use crate::config::ArchiveConfig;
use crate::connection::{Connector, Observed};
use crate::error::{StoreError, StoreFault, fault_of};
use crate::manifest::{MANIFEST, ManifestTag};

/// Threads of the runtime: TLS and checksums of a fast network keep more than one busy.
const THREADS: usize = 2;

/// Threads for writing to the cache on disk.
const DISK_THREADS: usize = 4;

/// Time limit of making a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A request is repeated at most this often.
const RETRIES: usize = 4;

/// The largest manifest that is read (bytes); one day takes some 500.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// An open store.
pub(crate) struct StoreClient {
    url: PathBuf,
    /// The address of the store, or the region if it is Amazon's: two stores may have buckets of the same name.
    endpoint: String,
    prefix: Key,
    pub(crate) store: AmazonS3,
    pub(crate) observed: Arc<Observed>,
    pub(crate) request_timeout: Duration,
    /// `None` while it is dropped.
    runtime: Option<Runtime>,
}

/// The answer to a request for a manifest.
pub(crate) enum FoundManifest {
    Missing,
    /// The manifest still has the tag that was given.
    Unchanged,
    Content(Bytes, Option<String>),
}

impl StoreClient {
    /// Opens the store without sending a request.
    ///
    /// # Errors
    /// [`StoreError::Settings`].
    pub(crate) fn open(
        config: &ArchiveConfig,
        warnings: &mut Vec<String>,
    ) -> Result<StoreClient, StoreError> {
        let wrong = |what: &str| StoreError::Settings(what.to_owned());
        let url = config.url.as_ref();
        let url = url.ok_or_else(|| wrong("archive.url is not set"))?;
        config.check_endpoint()?;
        let observed = Arc::new(Observed::default());
        let timeouts = ClientOptions::new()
            .with_timeout(config.request_timeout)
            .with_connect_timeout(CONNECT_TIMEOUT.min(config.request_timeout))
            .with_pool_max_idle_per_host(64)
            // The check above decided which addresses may be used without TLS.
            .with_allow_http(true);
        let retries = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(50),
                max_backoff: Duration::from_secs(1),
                base: 2.0,
            },
            max_retries: RETRIES,
            // After this the operation ends in any case; a request that took all of its time is repeated once.
            retry_timeout: config.request_timeout * 2,
        };
        let region = config.region.as_deref().unwrap_or("us-east-1");
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(url.bucket())
            .with_region(region)
            .with_client_options(timeouts)
            .with_retry(retries)
            .with_http_connector(Connector(Arc::clone(&observed)));
        if let Some(endpoint) = &config.endpoint {
            builder = builder.with_endpoint(endpoint.as_str());
        }
        if let Some((access, secret)) = config.keys(warnings)? {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            builder = builder
                .with_access_key_id(text(access.bytes()))
                .with_secret_access_key(text(secret.bytes()));
        }
        let store = builder
            .build()
            .map_err(|_| wrong("archive: the store can't be opened with these settings"))?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(DISK_THREADS)
            .thread_name("archive")
            .enable_all()
            .build()
            .map_err(StoreError::Local)?;
        Ok(StoreClient {
            url: url.path().to_owned(),
            endpoint: match &config.endpoint {
                Some(endpoint) => endpoint.as_str().to_owned(),
                None => region.to_owned(),
            },
            prefix: url.prefix().clone(),
            store,
            observed,
            request_timeout: config.request_timeout,
            runtime: Some(runtime),
        })
    }

    pub(crate) fn url(&self) -> &Path {
        &self.url
    }

    /// The identity of an address of this store, for keys of caches.
    pub(crate) fn identity(&self, address: impl fmt::Display) -> [u8; 16] {
        let digest = Sha256::digest(format!("{}\n{address}", self.endpoint).as_bytes());
        digest[..16].try_into().expect("a digest is longer")
    }

    pub(crate) fn prefix(&self) -> &Key {
        &self.prefix
    }

    pub(crate) fn runtime(&self) -> &Handle {
        let runtime = self.runtime.as_ref();
        runtime.expect("it is there until it is dropped").handle()
    }

    /// Whether the store can write on a condition, as far as it has shown.
    pub(crate) fn is_conditional(&self) -> bool {
        !self.observed.is_unconditional.load(Ordering::Relaxed)
    }

    /// The time limit of an operation with all its retries.
    pub(crate) fn limit(&self) -> Duration {
        self.request_timeout * 2
    }

    /// Runs an operation to its end or to its time limit. Blocks; never called from an async thread.
    pub(crate) fn block<T>(
        &self,
        url: &Path,
        operation: impl Future<Output = Result<T, StoreFault>>,
    ) -> Result<T, StoreError> {
        let done = self.runtime().block_on(self.limited(operation));
        done.map_err(|fault| StoreError::at(url, fault))
    }

    /// The operation, ended at the time limit.
    pub(crate) async fn limited<T>(
        &self,
        operation: impl Future<Output = Result<T, StoreFault>>,
    ) -> Result<T, StoreFault> {
        let done = timeout(self.limit(), operation).await;
        done.unwrap_or(Err(StoreFault::TimedOut(self.limit())))
    }

    pub(crate) fn fault(&self, error: &object_store::Error) -> StoreFault {
        fault_of(error, self.request_timeout)
    }

    /// The key of a name below an enterprise.
    pub(crate) fn key(&self, enterprise: &EnterpriseName, name: &str) -> Result<Key, StoreFault> {
        let below = match self.prefix.as_ref() {
            "" => format!("{enterprise}/{name}"),
            prefix => format!("{prefix}/{enterprise}/{name}"),
        };
        Key::parse(below).map_err(|_| StoreFault::Invalid("its key is not valid".to_owned()))
    }

    /// The address of a name below an enterprise, for messages.
    pub(crate) fn url_of(&self, enterprise: &EnterpriseName, name: &str) -> PathBuf {
        self.url.join(enterprise.as_str()).join(name)
    }

    /// The length of an object (bytes).
    pub(crate) async fn bytes_of(&self, key: &Key) -> Result<u64, StoreFault> {
        let meta = self.store.head(key).await;
        meta.map(|meta| meta.size)
            .map_err(|error| self.fault(&error))
    }

    /// A range of an object, which must have `expected` bytes, as its bytes come.
    pub(crate) async fn range(
        &self,
        key: &Key,
        range: Range<u64>,
        expected: u64,
    ) -> Result<BoxStream<'static, object_store::Result<Bytes>>, StoreFault> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let length = |found: u64| StoreFault::Length { expected, found };
        match self.store.get_opts(key, options).await {
            Ok(found) if found.meta.size == expected => Ok(found.into_stream()),
            Ok(found) => Err(length(found.meta.size)),
            Err(error) => match self.fault(&error) {
                // The range does not exist (416), or ends before the requested end.
                StoreFault::Answer(416, _) | StoreFault::Protocol => {
                    match self.bytes_of(key).await? {
                        found if found == expected => Err(StoreFault::Protocol),
                        found => Err(length(found)),
                    }
                }
                fault => Err(fault),
            },
        }
    }

    /// The manifest of an enterprise, unless it is still the one with this tag.
    pub(crate) async fn manifest(
        &self,
        enterprise: &EnterpriseName,
        known: Option<&ManifestTag>,
    ) -> Result<FoundManifest, StoreFault> {
        let key = self.key(enterprise, MANIFEST)?;
        let options = GetOptions {
            if_none_match: known.and_then(|tag| tag.etag.clone()),
            ..GetOptions::default()
        };
        let found = match self.store.get_opts(&key, options).await {
            Ok(found) => found,
            Err(object_store::Error::NotModified { .. }) => return Ok(FoundManifest::Unchanged),
            Err(error) => {
                return match self.fault(&error) {
                    StoreFault::Missing => Ok(FoundManifest::Missing),
                    fault => Err(fault),
                };
            }
        };
        if found.meta.size > MANIFEST_BYTES_MAX {
            return Err(StoreFault::Invalid(
                "it is too large for a manifest".to_owned(),
            ));
        }
        let etag = found.meta.e_tag.clone();
        let bytes = found.bytes().await.map_err(|error| self.fault(&error))?;
        Ok(FoundManifest::Content(bytes, etag))
    }

    /// Names of the enterprises below the prefix, sorted.
    pub(crate) async fn enterprises(&self) -> Result<Vec<EnterpriseName>, StoreFault> {
        let prefix = Some(&self.prefix).filter(|prefix| !prefix.as_ref().is_empty());
        let listed = self.store.list_with_delimiter(prefix).await;
        let listed = listed.map_err(|error| self.fault(&error))?;
        let names = listed.common_prefixes.iter();
        let names = names.filter_map(|key| EnterpriseName::new(key.filename()?));
        let mut names: Vec<EnterpriseName> = names.collect();
        names.sort();
        Ok(names)
    }

    /// All objects below a prefix as they come.
    pub(crate) fn list(
        &self,
        prefix: &Key,
    ) -> BoxStream<'static, object_store::Result<object_store::ObjectMeta>> {
        self.store.list(Some(prefix)).boxed()
    }
}

impl fmt::Debug for StoreClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Drop for StoreClient {
    /// The last owner may be a task of the runtime itself, which must not wait for its own end.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
