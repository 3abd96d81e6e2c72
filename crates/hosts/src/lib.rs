//! Reads what the senders of events recorded: the journals of hosts, local or over ssh, and the logs of the services
//! that send and receive events.
//!
//! All of them give [`calltrace_model::sighting::Sighting`]s, and say what they could not read. `calltrace-sync`
//! compares the sightings with the logs of an enterprise.
//!
//! [`fetch()`] asks a [`Host`] over the system's ssh for rows of its journals, and [`read_journal`] reads a local file.
//! Both run the same script and parse the same output. [`services`] reads logs of services.

pub mod askpass;
mod error;
mod fetch;
mod host;
pub mod journal;
mod process;
pub mod services;
mod ssh;

pub use error::{HostError, HostErrorKind};
pub use fetch::{FetchLimits, Fetched, fetch, read_journal};
pub use host::{Address, Host, HostName, JournalFolder, Login, SshFile, User};
