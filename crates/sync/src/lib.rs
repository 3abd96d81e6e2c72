//! Compares what hosts sent with what arrived. Missing events are recovered, and calls are copied to a database if
//! one is set.
//!
//! ```text
//! compare     the sides of a comparison (logs, a journal, a database) and its report
//! run         one host: fetch its journals, compare, write what is missing
//! hosts_work  runs over all hosts, for `serve`
//! context     what all runs share
//! marks       the rows up to which everything is settled
//! judge       which sent events are missing (pure)
//! recovered   a missing event -> its log line (pure)
//! records     copies of calls in a database
//! work        the interface of runs, for the programs that start them
//! ```
//!
//! `calltrace-hosts` fetches the journals; `output` and `web` format the answers.

pub mod compare;
mod context;
mod hosts_work;
mod judge;
mod marks;
mod outcome;
pub mod records;
mod recovered;
mod run;
pub mod work;

pub use context::SyncContext;
pub use hosts_work::{FIRST_DAY, HostsWork, LAST_DAY};
pub use judge::{CLOCK_ERROR_MAX, Cause, Judgement, SentEvents, judge};
pub use outcome::{HostFailure, HostOutcome};
pub use recovered::{NoLine, Provenance, line};
pub use run::{SyncQuery, sync_host};
