//! The web server: pages behind the link in a Telegram message, and the JSON API.
//!
//! ```text
//! connections   listen, accept, time limits of connections, graceful end
//! middleware    for every request: log, headers, method, length, robots, time limit, panics
//! access        token or signature; limits on wrong tries
//! caller        a program on this host, a client with a token, or a stranger: for the API and metrics
//! call, list, stats, health    the answers to the paths, made from a Site
//! recording, others    further parts of a call's page: its recording, other calls of its client
//! metrics       counters for Prometheus
//! work          runs the engine's calls off the async threads, a few at a time
//! api           JSON for programs on this host; their posts go into the logs
//! sync          starts and reports runs of synchronisation, on a second listener
//! pages         HTML from the answers of the engine and the directory; makes no queries and knows no request
//! ```
//!
//! A [`Site`] holds everything that answers are made from, and [`router`] maps requests to answers. [`serve`]
//! serves a router until it is asked to end; it binds no port and reads no settings.

mod access;
mod active_calls;
mod answer;
mod api;
mod call;
mod caller;
mod client_calls;
mod connection_slots;
mod connections;
mod days;
mod document;
mod handler_failure;
mod health;
pub mod intake;
mod limits;
mod list;
mod metrics;
mod middleware;
mod others;
pub mod pages;
mod public_url;
mod recording;
mod request;
mod routes;
mod site;
mod stats;
mod sync;
mod work;

pub use access::link::{VALID_FOR_MAX, signed_path};
pub use access::tries::TryLimits;
pub use connections::{ConnectionLimits, serve};
pub use limits::RequestLimits;
pub use metrics::{CheckCounts, CheckFigures, Metrics, ReadChecks};
pub use public_url::PublicUrl;
pub use recording::{RecordingUrl, Recordings};
pub use routes::{pages_of, router, sync_router};
pub use site::Site;
pub use sync::SyncJobs;
