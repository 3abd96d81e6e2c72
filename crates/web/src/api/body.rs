//! Reads the body of a request up to a limit.
//!
//! There are as many small bodies as there are connections. A large one needs a slot before the rest of it is
//! read, so that memory holds only a few of them at a time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, EXPECT, HeaderMap};
use futures_util::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::ApiFailure;

/// The longest body (bytes).
pub(super) const BODY_BYTES_MAX: usize = 10 << 20;

/// The longest body that needs no slot (bytes).
const SMALL_BYTES: usize = 64 << 10;

/// How much of a refused body is read and discarded (bytes), so that a client that reads no answer before it
/// has sent everything gets the answer.
const THROWN_AWAY_MAX: usize = 4 * BODY_BYTES_MAX;

/// A whole body in memory.
pub(super) struct WholeBody {
    pub(super) bytes: Vec<u8>,
    /// Held while the body is worked on.
    _slot: Option<OwnedSemaphorePermit>,
}

/// Slots for large bodies.
#[derive(Debug)]
pub(super) struct LargeBodySlots {
    large: Arc<Semaphore>,
    wait: Duration,
}

impl LargeBodySlots {
    /// Allows `large` large bodies at a time; others wait for at most `wait`.
    pub(super) fn new(large: usize, wait: Duration) -> LargeBodySlots {
        LargeBodySlots {
            large: Arc::new(Semaphore::new(large)),
            wait,
        }
    }

    /// Reads a JSON body.
    ///
    /// # Errors
    /// Returns an error when the body is too long, of another type or incomplete, or when no slot became
    /// free in time.
    pub(super) async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<WholeBody, ApiFailure> {
        is_json(headers)?;
        let mut stream = body.into_data_stream();
        let (mut bytes, mut slot) = (Vec::new(), None);
        while let Some(chunk) = stream.next().await {
            let chunk: Bytes = chunk
                .map_err(|_| ApiFailure::new(StatusCode::BAD_REQUEST, "the body is incomplete"))?;
            if bytes.len() + chunk.len() > BODY_BYTES_MAX {
                drop(bytes);
                if !headers.contains_key(EXPECT) {
                    throw_away(stream).await;
                }
                let message = "the body is longer than 10 MiB";
                return Err(ApiFailure::new(StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            if bytes.len() + chunk.len() > SMALL_BYTES && slot.is_none() {
                slot = Some(self.slot().await?);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(WholeBody { bytes, _slot: slot })
    }

    async fn slot(&self) -> Result<OwnedSemaphorePermit, ApiFailure> {
        let slot = timeout(self.wait, Arc::clone(&self.large).acquire_owned()).await;
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        let slot =
            slot.map_err(|_| ApiFailure::new(busy, "too many large requests at one time"))?;
        Ok(slot.expect("the semaphore is never closed"))
    }
}

async fn throw_away(mut stream: axum::body::BodyDataStream) {
    let mut thrown = 0;
    while let Some(Ok(chunk)) = stream.next().await {
        thrown += chunk.len();
        if thrown > THROWN_AWAY_MAX {
            return;
        }
    }
}

fn is_json(headers: &HeaderMap) -> Result<(), ApiFailure> {
    let text =
        |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
    let kind = headers.get(CONTENT_TYPE).map(text).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let coded = headers.get(CONTENT_ENCODING).map(text);
    if kind == "application/json" && coded.is_none_or(|coding| coding == "identity") {
        return Ok(());
    }
    let message = "the body must be uncompressed JSON with Content-Type: application/json";
    Err(ApiFailure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
}
