//! Journals of hosts: SQLite files, one per day, in which the sender of events records each request and its result.
//!
//! `row` parses a row, `script` makes the script that prints rows, `output` reads what the script prints.
//! [`crate::fetch()`] runs the script.

mod name;
mod output;
mod query;
mod row;
mod script;
mod state;

pub use name::{day_of_name, name_of_day};
pub(crate) use output::{OutputReader, ScriptRefusal};
pub use query::{JournalDays, JournalQuery};
pub use row::{JournalRow, JournalTable};
pub(crate) use script::script;
pub use state::{JournalState, JournalTrouble};
