//! Which rows of which journals are asked for.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::row::Table;

/// Which rows are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Of which days.
    pub days: Days,
    /// The last id that was read before, by day and table; rows up to it are not asked for again. What is not in
    /// it is read from its beginning.
    pub after: BTreeMap<(NaiveDate, Table), i64>,
}

/// Days in the host's own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    /// Today and yesterday, by the host's date.
    Recent,
    /// From the first to the second, both included.
    Range(NaiveDate, NaiveDate),
}

impl Wanted {
    /// All rows of these days.
    pub fn all_of(days: Days) -> Wanted {
        Wanted {
            days,
            after: BTreeMap::new(),
        }
    }
}
