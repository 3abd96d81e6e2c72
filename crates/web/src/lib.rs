//! The pages behind the link in a Telegram message, over HTTP.
//!
//! ```text
//! connections   listen, accept, time limits of the wire, graceful end
//! manners       every request: log, headers, method, length, robots, time limit, panics
//! access        token or signature; who has tried too often
//! caller        a program of this host, one with a token, or a stranger: for the API and metrics
//! call, list, stats, health    what a path answers, out of a Site
//! recording, others    what a call's page has besides: its recording, other calls of its client
//! metrics       what is counted meanwhile, for Prometheus
//! work          the engine's calls, away from the async threads, a few at a time
//! api           JSON for programs of this host; what they post goes into the logs
//! sync          runs of synchronisation, started and watched by programs on a second listener
//! pages         HTML of what the engine and the directory said; asks nothing, knows no request
//! ```
//!
//! A [`Site`] is what all answers are made from, [`router`] its answers to requests. [`serve`] hands them out
//! until it is told to end; it binds nothing and reads no setting.

mod access;
mod answer;
mod api;
mod call;
mod caller;
mod connections;
mod days;
mod document;
mod going;
mod health;
pub mod intake;
mod limits;
mod list;
mod manners;
mod metrics;
mod neighbours;
mod others;
pub mod pages;
mod public_url;
mod recording;
mod request;
mod routes;
mod seats;
mod site;
mod stats;
mod stopped;
mod sync;
mod work;

pub use access::link::{VALID_FOR_MAX, signed_path};
pub use access::tries::TryLimits;
pub use connections::{ConnectionLimits, serve};
pub use limits::Limits;
pub use metrics::Metrics;
pub use public_url::PublicUrl;
pub use recording::{RecordingUrl, Recordings};
pub use routes::{pages_of, router, sync_router};
pub use site::Site;
pub use sync::SyncJobs;
