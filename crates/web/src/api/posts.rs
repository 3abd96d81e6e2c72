//! Takes a posted request through to a line that the kernel has accepted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::StatusCode;
use tokio::sync::Semaphore;
use tokio::task;
use tokio::time::timeout;

use super::body::{LargeBodySlots, WholeBody};
use super::failure::ApiFailure;
use super::fields::BodyFields;
use super::post_body::{self, PostKind};
use crate::intake::{AppendError, EntryError, Intake};
use calltrace_store::tree::EnterpriseName;

/// The time in which an appended line is acknowledged or refused.
const ACKNOWLEDGED: Duration = Duration::from_secs(5);

/// Lines that are being written at a time. The number is below the runtime's number of threads, so that pages
/// are still served if a disk hangs.
const ON_THE_WAY: usize = 256;

/// Large bodies in memory at a time.
const LARGE: usize = 2;

/// Receives posts.
#[derive(Debug)]
pub(crate) struct Posts {
    intake: Arc<Intake>,
    pub(super) slots: LargeBodySlots,
    places: Arc<Semaphore>,
}

impl Posts {
    /// Writes to the logs of an intake; a post waits for a slot for at most `wait`.
    pub(crate) fn new(intake: Intake, wait: Duration) -> Posts {
        Posts {
            intake: Arc::new(intake),
            slots: LargeBodySlots::new(LARGE, wait),
            places: Arc::new(Semaphore::new(ON_THE_WAY)),
        }
    }

    /// Reads the fields of a posted object.
    ///
    /// # Errors
    /// Returns an error when the body is too long, of another type, incomplete, not JSON or not an
    /// object.
    pub(crate) async fn fields(&self, request: Request) -> Result<BodyFields, ApiFailure> {
        let (head, body) = request.into_parts();
        let body = self.slots.read(&head.headers, body).await?;
        BodyFields::read_all(&body.bytes)
    }

    pub(super) async fn append(
        &self,
        kind: PostKind,
        body: WholeBody,
    ) -> Result<WrittenLine, ApiFailure> {
        let busy = || unwritten(&AppendError::Busy);
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| busy())?;
        let intake = Arc::clone(&self.intake);
        let deadline = Instant::now() + ACKNOWLEDGED;
        let written = task::spawn_blocking(move || {
            let _place = place;
            append(&intake, kind, &body.bytes, deadline)
        });
        match timeout(ACKNOWLEDGED, written).await {
            Ok(Ok(logged)) => logged,
            Ok(Err(_)) => Err(ApiFailure::broken()),
            Err(_) => Err(unwritten_yet()),
        }
    }
}

/// A line that was written.
pub(super) struct WrittenLine {
    pub(super) enterprise: EnterpriseName,
    pub(super) unique_id: String,
}

fn append(
    intake: &Intake,
    kind: PostKind,
    body: &[u8],
    deadline: Instant,
) -> Result<WrittenLine, ApiFailure> {
    let (enterprise, entry) = post_body::read(kind, body)?;
    let line = entry.line(intake.now()).map_err(|unfit| match unfit {
        EntryError::TooLong => {
            ApiFailure::new(StatusCode::PAYLOAD_TOO_LARGE, "the line is too long")
        }
        EntryError::Field(..) => ApiFailure::unprocessable(unfit.to_string()),
    })?;
    intake
        .append(&enterprise, &line, deadline)
        .map_err(|refused| {
            tracing::warn!(%refused, %enterprise, "a line was not written");
            unwritten(&refused)
        })?;
    Ok(WrittenLine {
        enterprise,
        unique_id: entry.unique_id,
    })
}

fn unwritten(refused: &AppendError) -> ApiFailure {
    let detail = format!("not logged: {refused}");
    ApiFailure::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

fn unwritten_yet() -> ApiFailure {
    let seconds = ACKNOWLEDGED.as_secs();
    let detail = format!(
        "not acknowledged: the disk did not answer in {seconds} s; the line may still be written"
    );
    ApiFailure::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}
