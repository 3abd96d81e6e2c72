//! Runs of synchronisation over HTTP, on a separate listener: started by requests or by an interval, and
//! reported. The answers are those of the older service that installations run on port 8007.
//!
//! ```text
//! jobs      runs in the background: one per enterprise, a few at a time
//! shared    an answer that concurrent callers share
//! routes    the table of routes
//! start     requests that start runs
//! status    reports of runs, hosts and the database
//! document  /openapi.json, and /docs, which is made from it
//! ```
//!
//! The trait `calltrace_sync::work::SyncWork` does the work of a run. The rule for callers is that of the
//! API, and it is applied before the body is read, also for `/health` and `/docs`.

mod document;
mod jobs;
mod routes;
mod shared;
mod start;
mod status;

pub use jobs::SyncJobs;
pub(super) use routes::{allowed, routes};
