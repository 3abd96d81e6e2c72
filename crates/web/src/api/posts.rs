//! From a request's body to a line that the kernel has.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::StatusCode;
use tokio::sync::Semaphore;
use tokio::task;
use tokio::time::timeout;

use super::body::{Seats, Whole};
use super::failure::Failure;
use super::fields::Fields;
use super::posted::{self, Kind};
use crate::intake::{EntryError, Intake, Refused};
use calltrace_store::tree::EnterpriseName;

/// In which an appended line is acknowledged or refused.
const ACKNOWLEDGED: Duration = Duration::from_secs(5);

/// Lines on their way to a disk at one time: fewer than the runtime has threads for, so that pages
/// go on where a disk hangs.
const ON_THE_WAY: usize = 256;

/// Large bodies in memory at one time.
const LARGE: usize = 2;

/// What posts go through.
#[derive(Debug)]
pub(crate) struct Posts {
    intake: Arc<Intake>,
    pub(super) seats: Seats,
    places: Arc<Semaphore>,
}

impl Posts {
    /// Into the logs of an intake; what finds no seat waits so long for one.
    pub(crate) fn new(intake: Intake, wait: Duration) -> Posts {
        Posts {
            intake: Arc::new(intake),
            seats: Seats::new(LARGE, wait),
            places: Arc::new(Semaphore::new(ON_THE_WAY)),
        }
    }

    /// The fields of a posted object.
    ///
    /// # Errors
    /// When it is too long, of another type, broken off, no JSON or no object.
    pub(crate) async fn fields(&self, request: Request) -> Result<Fields, Failure> {
        let (head, body) = request.into_parts();
        let body = self.seats.read(&head.headers, body).await?;
        Fields::read_all(&body.bytes)
    }

    pub(super) async fn append(&self, kind: Kind, body: Whole) -> Result<Logged, Failure> {
        let busy = || unwritten(&Refused::Busy);
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
            Ok(Err(_)) => Err(Failure::broken()),
            Err(_) => Err(unwritten_yet()),
        }
    }
}

/// What is told of a line that was written.
pub(super) struct Logged {
    pub(super) enterprise: EnterpriseName,
    pub(super) unique_id: String,
}

fn append(intake: &Intake, kind: Kind, body: &[u8], deadline: Instant) -> Result<Logged, Failure> {
    let (enterprise, entry) = posted::read(kind, body)?;
    let line = entry.line(intake.now()).map_err(|unfit| match unfit {
        EntryError::TooLong => Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "the line is too long"),
        EntryError::Field(..) => Failure::unprocessable(unfit.to_string()),
    })?;
    intake
        .append(&enterprise, &line, deadline)
        .map_err(|refused| {
            tracing::warn!(%refused, %enterprise, "a line was not written");
            unwritten(&refused)
        })?;
    Ok(Logged {
        enterprise,
        unique_id: entry.unique_id,
    })
}

fn unwritten(refused: &Refused) -> Failure {
    let detail = format!("not logged: {refused}");
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

fn unwritten_yet() -> Failure {
    let seconds = ACKNOWLEDGED.as_secs();
    let detail = format!(
        "not acknowledged: the disk did not answer in {seconds} s; the line may still be written"
    );
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}
