//! The result of reading one journal.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;

use super::name::name_of_day;
use super::row::JournalTable;

/// Maximum number of troubles per journal: it has a few tables, with a few kinds of trouble each.
const TROUBLES_MAX: usize = 16;

/// The result of reading one journal. Its rows are kept in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalState {
    /// Its day.
    pub day: NaiveDate,
    /// How many of its rows were read.
    pub rows: usize,
    /// For each table the id up to which no row is missing, so that the next fetch starts after it. A table that was
    /// not read, or that may lack rows in between, is not in it.
    pub last: BTreeMap<JournalTable, i64>,
    /// Why rows may be missing; empty if none is.
    pub troubles: Vec<JournalTrouble>,
}

/// Why rows of a journal may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalTrouble {
    /// The journal of today is not there.
    Missing,
    /// The file is empty.
    Empty,
    /// The user may not read the file.
    Closed,
    /// It is not a regular file.
    NotAFile,
    /// A table is not there.
    NoTable(JournalTable),
    /// Another process held its lock for longer than the limit.
    Locked,
    /// The file is damaged.
    Torn,
    /// A writer ended in the middle of a write, which only another writer can roll back.
    Unfinished,
    /// The output ended before the table or the journal did.
    CutOff,
    /// This number of lines could not be parsed.
    Garbled(usize),
    /// There are more rows than one fetch takes.
    TooMany,
    /// The last id of a table is lower than in the last fetch, so the file was replaced.
    Replaced(JournalTable),
    /// Another error of sqlite3.
    Other(String),
}

impl JournalState {
    pub(super) fn new(day: NaiveDate) -> JournalState {
        JournalState {
            day,
            rows: 0,
            last: BTreeMap::new(),
            troubles: Vec::new(),
        }
    }

    /// The journal of a day is not there.
    pub(crate) fn missing(day: NaiveDate) -> JournalState {
        let mut state = JournalState::new(day);
        state.note(JournalTrouble::Missing);
        state
    }

    /// The name of its file.
    pub fn name(&self) -> String {
        name_of_day(self.day)
    }

    /// Whether no row is missing.
    pub fn is_complete(&self) -> bool {
        self.troubles.is_empty()
    }

    pub(super) fn note(&mut self, trouble: JournalTrouble) {
        let garbled = self.troubles.iter_mut().find_map(|known| match known {
            JournalTrouble::Garbled(lines) => Some(lines),
            _ => None,
        });
        if let (Some(lines), JournalTrouble::Garbled(more)) = (garbled, &trouble) {
            *lines += more;
        } else if !self.troubles.contains(&trouble) && self.troubles.len() < TROUBLES_MAX {
            self.troubles.push(trouble);
        }
    }

    /// Records that all rows of a table up to this id are here.
    pub(super) fn settle(&mut self, table: JournalTable, id: i64) {
        let is_other = |trouble: &JournalTrouble| {
            matches!(trouble, JournalTrouble::Garbled(_))
                || *trouble == JournalTrouble::Replaced(table)
        };
        if !self.troubles.iter().any(is_other) {
            self.last.insert(table, id);
        }
    }
}

impl JournalTrouble {
    /// The trouble that a complaint of sqlite3 about a table means.
    pub(super) fn of_complaint(table: JournalTable, complaint: &str) -> JournalTrouble {
        let says = |words: &[&str]| words.iter().any(|word| complaint.contains(word));
        if says(&["no such table"]) {
            JournalTrouble::NoTable(table)
        } else if says(&["is locked"]) {
            JournalTrouble::Locked
        } else if says(&["malformed", "not a database", "disk I/O error"]) {
            JournalTrouble::Torn
        } else if says(&["readonly database"]) {
            JournalTrouble::Unfinished
        } else if says(&["unable to open"]) {
            JournalTrouble::Closed
        } else {
            JournalTrouble::Other(complaint.to_owned())
        }
    }

    /// The word for it in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            JournalTrouble::Missing => "missing",
            JournalTrouble::Empty => "empty",
            JournalTrouble::Closed => "closed",
            JournalTrouble::NotAFile => "not_a_file",
            JournalTrouble::NoTable(_) => "no_table",
            JournalTrouble::Locked => "locked",
            JournalTrouble::Torn => "torn",
            JournalTrouble::Unfinished => "unfinished",
            JournalTrouble::CutOff => "cut_off",
            JournalTrouble::Garbled(_) => "garbled",
            JournalTrouble::TooMany => "too_many",
            JournalTrouble::Replaced(_) => "replaced",
            JournalTrouble::Other(_) => "other",
        }
    }
}

/// The rest of a sentence that begins with the name of the journal.
impl fmt::Display for JournalTrouble {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalTrouble::Missing => to.write_str("is not there; does the sender of events run?"),
            JournalTrouble::Empty => to.write_str("is empty; does the sender of events run?"),
            JournalTrouble::Closed => {
                to.write_str("can't be opened; the user that logs in must be able to read it")
            }
            JournalTrouble::NotAFile => to.write_str("is no regular file"),
            JournalTrouble::NoTable(table) => {
                write!(
                    to,
                    "has no table {}; was its writer interrupted at the change of day?",
                    table.name()
                )
            }
            JournalTrouble::Locked => to.write_str("is locked by another program; try again"),
            JournalTrouble::Torn => to.write_str(
                "is damaged; rows before the damage were read, sqlite3 .recover may find more",
            ),
            JournalTrouble::Unfinished => {
                to.write_str("was left within a write; it can be read when its writer runs again")
            }
            JournalTrouble::CutOff => {
                to.write_str("was not read to its end, as the output was cut off; try again")
            }
            JournalTrouble::Garbled(lines) => {
                write!(
                    to,
                    "came with lines that are not rows ({lines}), which were left out"
                )
            }
            JournalTrouble::TooMany => {
                to.write_str("has more rows than are taken at one time; ask again for the rest")
            }
            JournalTrouble::Replaced(table) => write!(
                to,
                "has fewer rows in {} than were read before, so it is another file; read it from its beginning",
                table.name()
            ),
            JournalTrouble::Other(complaint) => write!(to, "can't be read: {complaint}"),
        }
    }
}
