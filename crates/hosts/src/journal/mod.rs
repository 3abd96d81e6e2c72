//! Journals of hosts: SQLite files, one a day, in which the sender of events notes each request and what became
//! of it.
//!
//! `row` is what a row says, `script` asks for rows, `output` reads what the script prints. How the script gets
//! to a host is for [`crate::fetch`].

mod name;
mod output;
mod row;
mod script;
mod state;
mod wanted;

pub use name::{day_of_name, name_of_day};
pub(crate) use output::{Reader, Refusal};
pub use row::{Row, Table};
pub(crate) use script::script;
pub use state::{JournalState, JournalTrouble};
pub use wanted::{Days, Wanted};
