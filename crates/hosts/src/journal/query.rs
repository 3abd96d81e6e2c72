//! The rows of journals that are requested.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::row::JournalTable;

/// Selects rows of journals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalQuery {
    /// The days of the journals.
    pub days: JournalDays,
    /// The last id of the previous fetch, by day and table. Rows up to it are left out. A table that is not in it is
    /// read from its beginning.
    pub after: BTreeMap<(NaiveDate, JournalTable), i64>,
}

/// Days in the host's own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalDays {
    /// Today and yesterday, by the host's date.
    Recent,
    /// From the first to the second day, both inclusive.
    Range(NaiveDate, NaiveDate),
}

impl JournalQuery {
    /// All rows of these days.
    pub fn all_of(days: JournalDays) -> JournalQuery {
        JournalQuery {
            days,
            after: BTreeMap::new(),
        }
    }
}
