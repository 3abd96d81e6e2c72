//! What hosts sent against what arrived: events that are missing in the logs are found and recovered, calls
//! are copied to a database that asks for them.
//!
//! ```text
//! compare   sides of a comparison: the logs of an enterprise, a journal, a database; the report of two
//! run       one host: fetched, judged, what is missing is written
//! hosts_work  runs over all hosts, for `serve`
//! marks     up to where everything is settled
//! judge     which of those that were sent are missing (pure)
//! recovered a missing event -> the line that it becomes (pure)
//! records   copies of calls in a database
//! work      what a run does, for those who start runs
//! ```
//!
//! Where events come from is for `calltrace-hosts`; how the answers look is for `output` and `web`.

pub mod compare;
mod hosts_work;
mod judge;
mod marks;
mod outcome;
pub mod records;
mod recovered;
mod run;
mod site;
pub mod work;

pub use hosts_work::{FIRST_DAY, HostsWork, LAST_DAY};
pub use judge::{CLOCK_ERROR_MAX, Cause, Judgement, Sent, judge};
pub use outcome::{Failure, HostOutcome};
pub use recovered::{NoLine, Provenance, line};
pub use run::{Question, sync_host};
pub use site::Site;
