//! `POST /log/*`: one line in the log, answered when the kernel has it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::task;
use tokio::time::timeout;

use super::body::{Seats, Whole};
use super::failure::answer;
use super::posted::{self, Kind};
use super::{ACKNOWLEDGED, Admitted, Failure};
use crate::intake::{Intake, Refused, Unfit};
use crate::tree::EnterpriseName;
use crate::web::site::Site;

/// Lines on their way to a disk at one time: fewer than the runtime has threads for, so that pages
/// go on where a disk hangs.
const ON_THE_WAY: usize = 256;

/// Large bodies in memory at one time.
const LARGE: usize = 2;

/// What posts go through.
#[derive(Debug)]
pub(in crate::web) struct Posts {
    intake: Arc<Intake>,
    seats: Seats,
    places: Arc<Semaphore>,
}

impl Posts {
    /// Into the logs of an intake; what finds no seat waits so long for one.
    pub(in crate::web) fn new(intake: Intake, wait: Duration) -> Posts {
        Posts {
            intake: Arc::new(intake),
            seats: Seats::new(LARGE, wait),
            places: Arc::new(Semaphore::new(ON_THE_WAY)),
        }
    }

    async fn append(&self, kind: Kind, body: Whole) -> Result<Logged, Failure> {
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
struct Logged {
    enterprise: EnterpriseName,
    unique_id: String,
}

fn append(intake: &Intake, kind: Kind, body: &[u8], deadline: Instant) -> Result<Logged, Failure> {
    let (enterprise, entry) = posted::read(kind, body)?;
    let line = entry.line(intake.now()).map_err(|unfit| match unfit {
        Unfit::TooLong => Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "the line is too long"),
        Unfit::Field(..) => Failure::unprocessable(unfit.to_string()),
    })?;
    intake
        .append(&enterprise, &line, deadline)
        .map_err(|refused| {
            tracing::warn!(%refused, %enterprise, "a line was not written");
            unwritten(&refused)
        })?;
    Ok(Logged {
        enterprise,
        unique_id: entry.unique_id().to_owned(),
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

/// What an event is known by to those who keep a number: the same for the same call, below 2^48 so
/// that every reader of JSON has it whole. There is no database that could give one out.
fn trace_id(logged: &Logged) -> u64 {
    let named = format!("{}|{}", logged.enterprise, logged.unique_id);
    let digest = Sha256::digest(named);
    digest[..6]
        .iter()
        .fold(0, |id, byte| id << 8 | u64::from(*byte))
}

async fn take(
    kind: Kind,
    site: &Site,
    admitted: Result<Admitted, Failure>,
    request: Request,
) -> Result<Logged, Failure> {
    let _admitted = admitted?;
    let (head, body) = request.into_parts();
    let body = site.posts.seats.read(&head.headers, body).await?;
    let logged = site.posts.append(kind, body).await?;
    site.metrics.line_written(kind.word());
    Ok(logged)
}

fn done(message: &str) -> Response {
    answer(
        StatusCode::OK,
        &json!({ "status": "success", "message": message }),
    )
}

/// `POST /log/event`
pub(super) async fn event(
    State(site): State<Arc<Site>>,
    admitted: Result<Admitted, Failure>,
    request: Request,
) -> Result<Response, Failure> {
    let logged = take(Kind::Event, &site, admitted, request).await?;
    let said: Value = json!({
        "status": "success",
        "message": "Event logged",
        "trace_id": trace_id(&logged),
        "unique_id": logged.unique_id,
    });
    Ok(answer(StatusCode::OK, &said))
}

/// `POST /log/http`
pub(super) async fn http(
    State(site): State<Arc<Site>>,
    admitted: Result<Admitted, Failure>,
    request: Request,
) -> Result<Response, Failure> {
    take(Kind::Http, &site, admitted, request).await?;
    Ok(done("HTTP request logged"))
}

/// `POST /log/sql`
pub(super) async fn sql(
    State(site): State<Arc<Site>>,
    admitted: Result<Admitted, Failure>,
    request: Request,
) -> Result<Response, Failure> {
    take(Kind::Sql, &site, admitted, request).await?;
    Ok(done("SQL query logged"))
}

/// `POST /log/telegram`
pub(super) async fn telegram(
    State(site): State<Arc<Site>>,
    admitted: Result<Admitted, Failure>,
    request: Request,
) -> Result<Response, Failure> {
    take(Kind::Telegram, &site, admitted, request).await?;
    Ok(done("Telegram message logged"))
}

/// `POST /log/integration`
pub(super) async fn integration(
    State(site): State<Arc<Site>>,
    admitted: Result<Admitted, Failure>,
    request: Request,
) -> Result<Response, Failure> {
    take(Kind::Integration, &site, admitted, request).await?;
    Ok(done("Integration response logged"))
}
