//! Runs of synchronisation over HTTP, on a listener of its own: started, watched, and started by themselves. The
//! same answers as those of the field's service on port 8007.
//!
//! ```text
//! jobs      runs in the background: one per enterprise, a few at one time
//! shared    an answer that concurrent callers share
//! routes    the one table of what there is
//! asked     what a request wants
//! told      what is answered
//! document  /openapi.json and /docs, which is made of it
//! ```
//!
//! What a run does is behind the trait `calltrace_sync::work::SyncWork`. Who may ask is decided as for the API,
//! before anything is read; also `/health` and `/docs` are for those alone.

mod asked;
mod document;
mod jobs;
mod routes;
mod shared;
mod told;

pub use jobs::SyncJobs;
pub(super) use routes::{allowed, routes};
