//! Sends an object that the store does not have: in one piece, or in parts of which a few are in memory.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path as Key;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use tokio::task::JoinHandle;

use calltrace_store::tree::EnterpriseName;

use crate::error::{StoreError, StoreFault};
use crate::manifest::ObjectRef;
use crate::store_client::StoreClient;

/// Length of a part (bytes); S3 takes none below 5 MiB. A shorter object is sent in one piece.
const PART_BYTES: u64 = 8 << 20;

/// Parts that are on their way at one time, without the one that is being read.
const PARTS_MAX: usize = 3;

/// S3 accepts at most this many parts.
const PARTS_OF_OBJECT_MAX: u64 = 10_000;

/// A shorter object is sent without asking first whether it is there, which would cost more (bytes).
const ASKED_BYTES_MIN: u64 = 1 << 20;

/// What became of an object that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    Sent,
    /// The store had it already, with the same length.
    WasThere,
}

/// See [`crate::Bucket::put_new`].
pub(crate) fn put_new(
    client: &Arc<StoreClient>,
    enterprise: &EnterpriseName,
    object: &ObjectRef,
    content: &mut dyn Read,
) -> Result<PutOutcome, StoreError> {
    let url = client.url_of(enterprise, &object.key);
    let at = |fault| StoreError::at(&url, fault);
    let key = client.key(enterprise, &object.key).map_err(at)?;
    let is_conditional = || client.is_conditional();
    let was_there = || match client.block(&url, is_there(client, &key, object.bytes))? {
        true => Ok(Some(PutOutcome::WasThere)),
        false => Ok::<_, StoreError>(None),
    };
    if (object.bytes >= ASKED_BYTES_MIN || !is_conditional())
        && let Some(outcome) = was_there()?
    {
        return Ok(outcome);
    }
    let mut content = AnnouncedContent::new(content, object);
    let sent = match object.bytes > PART_BYTES {
        true => in_parts(client, &key, &mut content, object)?,
        false => {
            let bytes = content.next(PART_BYTES)?;
            content.check_end()?;
            let mut sent =
                client.block(&url, in_one(client, &key, bytes.clone(), PutMode::Create))?;
            if sent.is_err() && !is_conditional() {
                // The store has just answered that it supports no conditions.
                if let Some(outcome) = was_there()? {
                    return Ok(outcome);
                }
                sent = client.block(&url, in_one(client, &key, bytes, PutMode::Overwrite))?;
            }
            sent
        }
    };
    match sent {
        Ok(()) => Ok(PutOutcome::Sent),
        // Another writer was first, or the answer to a request was lost and it was sent again: the upload is not there
        // any more because it is complete.
        Err(
            error @ (object_store::Error::AlreadyExists { .. }
            | object_store::Error::Precondition { .. }
            | object_store::Error::NotFound { .. }),
        ) => match was_there()? {
            Some(outcome) => Ok(outcome),
            None => Err(at(client.fault(&error))),
        },
        Err(error) => Err(at(client.fault(&error))),
    }
}

/// Whether the store has the object. An object of another length under its key is an error.
async fn is_there(client: &StoreClient, key: &Key, expected: u64) -> Result<bool, StoreFault> {
    match client.bytes_of(key).await {
        Ok(found) if found == expected => Ok(true),
        Ok(found) => Err(StoreFault::Length { expected, found }),
        Err(StoreFault::Missing) => Ok(false),
        Err(fault) => Err(fault),
    }
}

async fn in_one(
    client: &StoreClient,
    key: &Key,
    bytes: Bytes,
    mode: PutMode,
) -> Result<object_store::Result<()>, StoreFault> {
    let options = PutOptions {
        mode,
        ..PutOptions::default()
    };
    Ok(client
        .store
        .put_opts(key, bytes.into(), options)
        .await
        .map(drop))
}

/// Sends parts while the next ones are read. The upload exists only once it is complete, on the condition that the
/// connection adds; one that fails is aborted.
fn in_parts(
    client: &Arc<StoreClient>,
    key: &Key,
    content: &mut AnnouncedContent<'_>,
    object: &ObjectRef,
) -> Result<object_store::Result<()>, StoreError> {
    let url = client.url().join(object.key.as_str());
    let upload = client.block(&url, async { Ok(client.store.put_multipart(key).await) })?;
    let mut upload = match upload {
        Ok(upload) => upload,
        Err(error) => return Ok(Err(error)),
    };
    let done = send_parts(client, upload.as_mut(), content, object);
    match done {
        Ok(Ok(())) => {}
        _ => {
            // Parts that are left in the store are no object. `ship --tidy` and the store's own rules remove it.
            let _ = client.block(&url, async { Ok(upload.abort().await) });
            return done;
        }
    }
    let completed = client.block(&url, async { Ok(upload.complete().await.map(drop)) });
    if let Ok(Err(_)) = completed {
        let _ = client.block(&url, async { Ok(upload.abort().await) });
    }
    completed
}

fn send_parts(
    client: &Arc<StoreClient>,
    upload: &mut dyn MultipartUpload,
    content: &mut AnnouncedContent<'_>,
    object: &ObjectRef,
) -> Result<object_store::Result<()>, StoreError> {
    let part_bytes = PART_BYTES.max(object.bytes.div_ceil(PARTS_OF_OBJECT_MAX));
    let mut going: VecDeque<JoinHandle<object_store::Result<()>>> = VecDeque::new();
    let mut result = Ok(());
    loop {
        let bytes = content.next(part_bytes)?;
        let is_end = bytes.is_empty();
        if !is_end {
            going.push_back(client.runtime().spawn(upload.put_part(bytes.into())));
        }
        while going.len() > if is_end { 0 } else { PARTS_MAX } {
            let part = going.pop_front().expect("it is not empty");
            let part = client.runtime().block_on(part);
            let part = part.map_err(|error| StoreError::Local(io::Error::other(error)))?;
            result = result.and(part);
        }
        if is_end || result.is_err() {
            for part in going {
                part.abort();
            }
            break;
        }
    }
    if result.is_ok() {
        content.check_end()?;
    }
    Ok(result)
}

/// Content that must be what was announced.
struct AnnouncedContent<'c> {
    from: &'c mut dyn Read,
    object: &'c ObjectRef,
    left: u64,
    crc: crc32fast::Hasher,
}

impl<'c> AnnouncedContent<'c> {
    fn new(from: &'c mut dyn Read, object: &'c ObjectRef) -> AnnouncedContent<'c> {
        AnnouncedContent {
            from,
            object,
            left: object.bytes,
            crc: crc32fast::Hasher::new(),
        }
    }

    /// The next bytes, at most `bytes_max`; none at the end.
    fn next(&mut self, bytes_max: u64) -> Result<Bytes, StoreError> {
        let wanted = self.left.min(bytes_max);
        let mut bytes = vec![0; usize::try_from(wanted).expect("a part fits into memory")];
        self.from
            .read_exact(&mut bytes)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => self.is_another(),
                _ => StoreError::Local(error),
            })?;
        self.crc.update(&bytes);
        self.left -= wanted;
        Ok(bytes.into())
    }

    fn check_end(&mut self) -> Result<(), StoreError> {
        let mut more = [0];
        let is_longer = self.from.read(&mut more).map_err(StoreError::Local)? > 0;
        match is_longer || self.crc.clone().finalize() != self.object.crc32 {
            true => Err(self.is_another()),
            false => Ok(()),
        }
    }

    fn is_another(&self) -> StoreError {
        StoreError::Local(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{}: the file changed while it was sent", self.object.key),
        ))
    }
}
