//! The body of a request, whole or refused.
//!
//! Small ones are as many as there are connections. A large one takes a seat before it is read on,
//! so that memory holds few of them, whoever sends what.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, EXPECT, HeaderMap};
use futures_util::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::Failure;

/// Longest body (bytes).
pub(super) const BODY_BYTES_MAX: usize = 10 << 20;

/// Up to here a body is a small one (bytes).
const SMALL_BYTES: usize = 64 << 10;

/// Of a body that is refused so much is read and thrown away (bytes), so that its sender, who may
/// not listen before all is sent, gets the answer.
const THROWN_AWAY_MAX: usize = 4 * BODY_BYTES_MAX;

/// A body in memory.
pub(super) struct Whole {
    pub(super) bytes: Vec<u8>,
    /// Held for as long as the body is worked on.
    _seat: Option<OwnedSemaphorePermit>,
}

/// Seats for large bodies.
#[derive(Debug)]
pub(super) struct Seats {
    large: Arc<Semaphore>,
    wait: Duration,
}

impl Seats {
    /// So many large bodies at one time; others wait so long for their turn.
    pub(super) fn new(large: usize, wait: Duration) -> Seats {
        Seats {
            large: Arc::new(Semaphore::new(large)),
            wait,
        }
    }

    /// Reads a body of JSON.
    ///
    /// # Errors
    /// When it is too long, of another type, broken off, or no seat came free.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Whole, Failure> {
        is_json(headers)?;
        let mut stream = body.into_data_stream();
        let (mut bytes, mut seat) = (Vec::new(), None);
        while let Some(chunk) = stream.next().await {
            let chunk: Bytes =
                chunk.map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "the body broke off"))?;
            if bytes.len() + chunk.len() > BODY_BYTES_MAX {
                drop(bytes);
                if !headers.contains_key(EXPECT) {
                    throw_away(stream).await;
                }
                let said = "the body is longer than 10 MiB";
                return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, said));
            }
            if bytes.len() + chunk.len() > SMALL_BYTES && seat.is_none() {
                seat = Some(self.seat().await?);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Whole { bytes, _seat: seat })
    }

    async fn seat(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let seat = timeout(self.wait, Arc::clone(&self.large).acquire_owned()).await;
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        let seat = seat.map_err(|_| Failure::new(busy, "too many large requests at one time"))?;
        Ok(seat.expect("the seats are never closed"))
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

fn is_json(headers: &HeaderMap) -> Result<(), Failure> {
    let text =
        |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
    let kind = headers.get(CONTENT_TYPE).map(text).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let coded = headers.get(CONTENT_ENCODING).map(text);
    if kind == "application/json" && coded.is_none_or(|coding| coding == "identity") {
        return Ok(());
    }
    let said = "the body is JSON, not packed, and says so: Content-Type: application/json";
    Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, said))
}
