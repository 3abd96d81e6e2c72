//! Reads an object whole, a few ranges ahead, and compares it with the manifest.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path as Key;

use calltrace_store::tree::EnterpriseName;

use crate::error::{StoreError, StoreFault};
use crate::manifest::ObjectRef;
use crate::store_client::StoreClient;

/// Bytes of one request.
const RANGE_BYTES: u64 = 4 << 20;

/// Requests that are on their way at one time.
const RANGES_MAX: usize = 4;

/// See [`crate::Bucket::read_whole`].
pub(crate) fn read_whole(
    client: &Arc<StoreClient>,
    enterprise: &EnterpriseName,
    object: &ObjectRef,
    into: &mut dyn Write,
) -> Result<(), StoreError> {
    let url = client.url_of(enterprise, &object.key);
    let at = |fault| StoreError::at(&url, fault);
    let key = client.key(enterprise, &object.key).map_err(at)?;
    if object.bytes == 0 {
        let found = client.block(&url, client.bytes_of(&key))?;
        let expected = 0;
        return match found {
            0 => Ok(()),
            _ => Err(at(StoreFault::Length { expected, found })),
        };
    }
    let mut crc = crc32fast::Hasher::new();
    let mut going = VecDeque::new();
    let mut begin = 0;
    while begin < object.bytes || !going.is_empty() {
        while begin < object.bytes && going.len() < RANGES_MAX {
            let range = begin..object.bytes.min(begin + RANGE_BYTES);
            begin = range.end;
            let (owned, key, expected) = (Arc::clone(client), key.clone(), object.bytes);
            let range = async move { owned.limited(fetch(&owned, &key, range, expected)).await };
            going.push_back(client.runtime().spawn(range));
        }
        let next = going.pop_front().expect("it was filled");
        let pieces = client.runtime().block_on(next);
        let pieces = pieces.map_err(|error| StoreError::Local(io::Error::other(error)))?;
        for piece in pieces.map_err(at)? {
            crc.update(&piece);
            into.write_all(&piece).map_err(StoreError::Local)?;
        }
    }
    match (object.crc32, crc.finalize()) {
        (expected, found) if expected == found => Ok(()),
        (expected, found) => Err(at(StoreFault::Checksum { expected, found })),
    }
}

async fn fetch(
    client: &StoreClient,
    key: &Key,
    range: Range<u64>,
    expected: u64,
) -> Result<Vec<Bytes>, StoreFault> {
    let pieces = client.range(key, range, expected).await?;
    let pieces = pieces.try_collect().await;
    pieces.map_err(|error| client.fault(&error))
}
