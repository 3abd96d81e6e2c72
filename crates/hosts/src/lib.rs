//! What the senders of events say they sent: the journals of hosts, here or over ssh, and the logs of the
//! services that send and receive events.
//!
//! All of them give [`calltrace_model::sighting::Sighting`]s, and say what they could not read. What the
//! sightings mean for the logs of an enterprise is for `calltrace-sync`.
//!
//! [`fetch`] asks a [`Host`] over the system's ssh for rows of its journals, [`read_journal`] takes them from
//! a file that is here. Both run the same script and read the same output. [`services`] reads logs of services.

pub mod askpass;
mod error;
mod fetch;
mod host;
pub mod journal;
mod process;
pub mod services;
mod ssh;

pub use error::{HostError, HostErrorKind};
pub use fetch::{Fetched, Limits, fetch, read_journal};
pub use host::{Address, Host, HostName, JournalFolder, Login, SshFile, User};
